"""The engine: order, accumulation, memory, one use of a graph, higher orders, the recording switch and stale values."""

from __future__ import annotations

import asyncio
import gc
import inspect
import itertools
import threading
import tracemalloc
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import minigrad as mg
from minigrad import engine, graph, nn
from minigrad.graph import Node
from minigrad.op import op


def leaf(data: Any, dtype: Any = np.float64) -> mg.Tensor:
    return mg.tensor(data, dtype=dtype, requires_grad=True)


def steps_of(run: Any) -> list[engine.Step]:
    steps: list[engine.Step] = []
    with engine.record(steps.append):
        run()
    return steps


def nodes_below(tensor: mg.Tensor) -> list[Node]:
    return engine.newest_first([tensor.node])  # type: ignore[list-item]


@pytest.fixture
def no_collector() -> Any:
    """Reference counting alone must free every graph."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def live_objects() -> Counter[str]:
    return Counter(type(o).__name__ for o in gc.get_objects() if issubclass(type(o), Node | mg.Tensor))


def array_bytes() -> int:
    """The memory of all arrays; tracemalloc must be running."""
    only_arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    traces = tracemalloc.take_snapshot().filter_traces([only_arrays]).traces
    return sum(trace.size for trace in traces)


# -- order ------------------------------------------------------------------------------------------------------------


def doubled_twice(a: Any) -> Any:
    b = a + a
    return b + b


def diamond(a: Any) -> Any:
    b, c = 2 * a, 3 * a
    return b * c


def shortcut(a: Any) -> Any:
    b = a * a
    c = b * a
    return c + b


def shortcut_first(a: Any) -> Any:
    b = a * a
    c = b * a
    return b + c


def used_again_late(a: Any) -> Any:
    power = a
    for _ in range(5):
        power = power * a
    return power


def two_diamonds(a: Any) -> Any:
    return shortcut(diamond(a)) + diamond(shortcut(a))


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (doubled_twice, lambda a: 4),
        (diamond, lambda a: 12 * a),
        (shortcut, lambda a: 3 * a**2 + 2 * a),
        (shortcut_first, lambda a: 3 * a**2 + 2 * a),
        (used_again_late, lambda a: 6 * a**5),
        # 216 a⁶ + 36 a⁴ and 6 (a³ + a²)²
        (two_diamonds, lambda a: 1296 * a**5 + 144 * a**3 + 12 * (a**3 + a**2) * (3 * a**2 + 2 * a)),
    ],
)
def test_a_node_that_several_others_read_gets_the_sum_of_all_their_gradients(function: Any, slope: Any) -> None:
    a = leaf(1.5)
    function(a).backward()
    assert a.grad.item() == pytest.approx(slope(1.5), rel=1e-12)


def test_the_well_known_example_of_micrograd_gives_the_numbers_of_its_readme() -> None:
    a, b = leaf(-4.0), leaf(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert [round(t.item(), 4) for t in (g, a.grad, b.grad)] == [24.7041, 138.8338, 645.5773]


def test_nodes_are_visited_newest_first_and_each_in_one_go() -> None:
    a = leaf(2.0)
    steps = steps_of(two_diamonds(a).backward)
    tickets = [step.node.ticket for step in steps]
    assert tickets == sorted(tickets, reverse=True)
    assert [(s.node.ticket, s.slot) for s in steps] == sorted(
        {(s.node.ticket, s.slot) for s in steps}, key=lambda t: (-t[0], t[1])
    )


def test_sixty_doublings_take_one_visit_each_though_they_have_2_to_the_60_paths() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    steps = steps_of(y.backward)
    assert len(nodes_below(y)) == 61
    assert len(steps) == 120
    assert x.grad.item() == 2.0**60


@pytest.mark.no_cover  # a million times the same lines
def test_a_chain_of_a_million_operators_goes_backward_and_is_freed_without_the_garbage_collector(
    no_collector: Any,
) -> None:
    before = live_objects()
    x = leaf(3.0)
    y = x
    for _ in range(1_000_000):
        y = -y
    assert live_objects()["Node"] - before["Node"] == 1_000_001
    y.backward()
    assert x.grad.item() == 1.0
    del x, y
    assert live_objects() == before


@pytest.mark.no_cover
def test_a_graph_that_is_never_used_is_freed_without_the_garbage_collector(no_collector: Any) -> None:
    before = live_objects()
    y = leaf(np.ones(3))
    for _ in range(100_000):
        y = y * y
    del y
    assert live_objects() == before


# -- training does not grow -------------------------------------------------------------------------------------------


def plain_step(model: Any, x: Any, target: Any) -> None:
    nn.CrossEntropyLoss()(model(x), target).backward()


def penalised_step(model: Any, x: Any, target: Any) -> None:
    """Backpropagation through gradients, those that `grad` returns."""
    loss = nn.CrossEntropyLoss()(model(x), target)
    gradients = mg.grad(loss, list(model.parameters()), create_graph=True)
    (loss + sum((g * g).sum() for g in gradients)).backward()


def penalised_step_by_backward(model: Any, x: Any, target: Any) -> None:
    """Backpropagation through gradients, those in `.grad`: each then holds a graph that leads to its own leaf."""
    loss = nn.CrossEntropyLoss()(model(x), target)
    loss.backward(create_graph=True)
    sum((p.grad * p.grad).sum() for p in model.parameters()).backward()


@pytest.mark.no_cover
@pytest.mark.parametrize("step", [plain_step, penalised_step, penalised_step_by_backward])
def test_200_training_steps_leave_no_growth(step: Any, no_collector: Any) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))
    optimizer = mg.optim.Adam(model.parameters())
    x, target = mg.randn(16, 4), mg.randint(0, 3, (16,))

    def train(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            step(model, x, target)
            optimizer.step()
        optimizer.zero_grad()

    tracemalloc.start()
    try:
        train(10)
        objects, memory = live_objects(), array_bytes()
        train(200)
        assert live_objects() == objects
        assert array_bytes() == memory
    finally:
        tracemalloc.stop()


# -- accumulation, and memory of their own ----------------------------------------------------------------------------


def test_grad_accumulates_until_it_is_cleared() -> None:
    w = leaf([1.0, 2.0])
    for passes in (1, 2, 3):
        (w * w).sum().backward()
        np.testing.assert_array_equal(w.grad.data, passes * 2 * w.data)
    w.grad = None
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad.data, 2 * w.data)


PASS_THE_GRADIENT_ON: dict[str, Any] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "twice a + b": lambda a, b: (a + b) * 2,
    "a + a + b": lambda a, b: a + a + b,
    "clones": lambda a, b: +a + +b,
    "reshaped": lambda a, b: a.reshape(9) + b.reshape(9),
    "transposed": lambda a, b: a.T + b,
    "broadcast": lambda a, b: a.broadcast_to(2, 3, 3) + b,
    "sliced": lambda a, b: a[:2] + b[1:],
    "concatenated": lambda a, b: mg.concatenate([a, b]),
    "cast": lambda a, b: a.astype(np.float64) + b.astype(np.float64),
    "averaged": lambda a, b: a.mean() + b.sum(0),
    "a leaf itself": lambda a, b: a,
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("front_door", ["backward", "grad"])
@pytest.mark.parametrize("name", PASS_THE_GRADIENT_ON)
def test_no_two_gradients_share_memory_nor_do_they_with_data_or_with_the_given_gradient(
    name: str, front_door: str, create_graph: bool
) -> None:
    a, b = leaf(np.ones((3, 3))), leaf(np.ones((3, 3)))
    out = PASS_THE_GRADIENT_ON[name](a, b)
    given = mg.tensor(np.ones(out.shape))
    if front_door == "backward":
        out.backward(given, create_graph=create_graph)
        found = [a.grad, b.grad]
    else:
        found = list(mg.grad(out, [a, b, out], given, create_graph=create_graph, allow_unused=True))
    arrays = [t.data for t in [a, b, given, *found] if t is not None]
    if out is not a:
        arrays.append(out.data) if not np.shares_memory(out.data, a.data) else None
    for one, other in itertools.combinations(arrays, 2):
        if one is not other:
            assert not np.shares_memory(one, other)
    assert len({id(array) for array in arrays}) == len(arrays)


def test_an_array_that_the_user_gives_as_gradient_is_neither_kept_nor_changed() -> None:
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    given = np.array([10.0, 20.0])
    (a + b).backward(given)
    given[:] = 0
    np.testing.assert_array_equal(a.grad.data, [10.0, 20.0])
    a.grad.data[:] = 7
    np.testing.assert_array_equal(b.grad.data, [10.0, 20.0])
    np.testing.assert_array_equal(given, 0)


def test_a_gradient_that_was_kept_from_an_earlier_pass_does_not_change_in_a_later_one() -> None:
    w = leaf([1.0, 2.0])
    y = (w * w * w).sum()
    y.backward(retain_graph=True)
    first = w.grad
    y.backward()
    np.testing.assert_array_equal(first.data, [3.0, 12.0])
    np.testing.assert_array_equal(w.grad.data, [6.0, 24.0])


# -- a graph is used once ---------------------------------------------------------------------------------------------


def test_a_second_backward_raises_says_what_to_do_and_changes_nothing() -> None:
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"used already.*retain_graph=True"):
        y.backward()
    np.testing.assert_array_equal(w.grad.data, [2.0, 4.0])


def test_retain_graph_allows_another_pass_and_a_pass_without_it_is_the_last() -> None:
    w = leaf(3.0)
    y = w * w
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert w.grad.item() == 18.0
    with pytest.raises(RuntimeError, match="used already"):
        y.backward()
    assert w.grad.item() == 18.0


def test_a_graph_whose_older_part_was_used_raises_and_no_leaf_has_changed() -> None:
    w, v = leaf(3.0), leaf(5.0)
    h = w * w
    (h * 2).backward()
    with pytest.raises(RuntimeError, match="used already"):
        (h * v).backward()
    assert w.grad.item() == 12.0
    assert v.grad is None


def test_two_graphs_over_the_same_leaves_are_independent() -> None:
    w = leaf(3.0)
    y, z = w * w, w * 5
    y.backward()
    z.backward()
    assert w.grad.item() == 6.0 + 5.0


def test_a_graph_can_be_used_piece_by_piece() -> None:
    """A pass that ends at `h` has not used what made `h`."""
    x = leaf([1.0, 2.0])
    h = x * x
    y = (h * h).sum()
    (upstream,) = mg.grad(y, h)
    h.backward(upstream)
    np.testing.assert_array_equal(x.grad.data, 4 * x.data**3)


def test_values_are_freed_one_after_the_other_during_the_backward_pass() -> None:
    x = leaf(np.ones(1000))
    y = x
    for _ in range(10):
        y = y.tanh()
    arrays = [weakref.ref(node.saved[0]) for node in nodes_below(y) if node.op]
    y = y.sum()
    alive: list[int] = []
    with engine.record(lambda step: alive.append(sum(ref() is not None for ref in arrays))):
        y.backward()
    assert alive == [10, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]


# -- starting points that make no sense -------------------------------------------------------------------------------


def test_a_backward_pass_needs_a_start_value_unless_the_output_is_one_number() -> None:
    w = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"shape \(2,\).*output\.sum\(\)"):
        (w * w).backward()
    assert w.grad is None


def test_a_result_of_one_element_needs_no_start_value_whatever_its_axes() -> None:
    w = leaf([[3.0]])
    (w * w).backward()
    np.testing.assert_array_equal(w.grad.data, [[6.0]])


@pytest.mark.parametrize("output", [lambda w: mg.tensor(1.0), lambda w: w.detach().sum(), lambda w: (w > 0).sum()])
def test_a_backward_pass_from_a_tensor_without_graph_says_so(output: Any) -> None:
    w = leaf([1.0])
    with pytest.raises(RuntimeError, match="does not require grad"):
        output(w).backward()
    with mg.no_grad():
        y = (w * w).sum()
    with pytest.raises(RuntimeError, match="no_grad"):
        y.backward()


@pytest.mark.parametrize("wrong", [np.ones(2), np.ones((3, 1)), np.ones(()), 1.0, mg.ones(1)])
def test_a_gradient_of_the_wrong_shape_raises_with_both_shapes_and_changes_nothing(wrong: Any) -> None:
    w = leaf(np.ones(3))
    y = w * w
    with pytest.raises(
        ValueError,
        match=r"\(3,\).*"
        + str(np.shape(wrong) if not hasattr(wrong, "shape") else wrong.shape).replace("(", r"\(").replace(")", r"\)"),
    ):
        y.backward(wrong)
    assert w.grad is None
    y.backward(np.ones(3))
    np.testing.assert_array_equal(w.grad.data, 2 * np.ones(3))


# -- shapes and dtypes of gradients -----------------------------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("dtypes", list(itertools.permutations([np.float16, np.float32, np.float64], 2)), ids=str)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum", "matmul", "power"])
def test_each_gradient_comes_back_in_the_dtype_of_its_own_input(name: str, dtypes: Any, create_graph: bool) -> None:
    x, y = np.array([[2.0, 3.0], [4.0, 5.0]]), np.array([[1.0, 2.0], [2.0, 4.0]])
    mixed = leaf(x, dtypes[0]), leaf(y, dtypes[1])
    exact = leaf(x), leaf(y)
    found = mg.grad(getattr(mg, name)(*mixed).sum(), mixed, create_graph=create_graph)
    for gradient, expected, dtype in zip(found, mg.grad(getattr(mg, name)(*exact).sum(), exact), dtypes, strict=True):
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient.data, expected.data, rtol=4e-3)


def test_the_given_gradient_is_taken_in_the_dtype_of_the_output() -> None:
    for given in (np.array([1.0, 1.0]), [1, 1], mg.tensor([1.0, 1.0], dtype=np.float16)):
        for output in (lambda w: w * w, lambda w: w):
            w = leaf([1.0, 2.0], np.float32)
            output(w).backward(given)
            assert w.grad.dtype == np.float32


@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [((), (3,)), ((1,), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((2, 1, 3), (4, 1)), ((1, 1), (2, 3)), ((2, 3), ()),
     ((1, 3), (0, 3)), ((1,), (1, 1, 1)), ((2, 1, 1), (2, 3, 4))],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("create_graph", [False, True])
def test_an_input_that_was_broadcast_gets_the_sum_over_all_its_uses(
    a_shape: Any, b_shape: Any, create_graph: bool
) -> None:
    random = np.random.default_rng(0)
    a, b = leaf(random.normal(size=a_shape)), leaf(random.normal(size=b_shape))
    found = mg.grad((a * b).sum(), [a, b], create_graph=create_graph)
    shape = np.broadcast_shapes(a_shape, b_shape)
    for mine, other, gradient in ((a, b, found[0]), (b, a, found[1])):
        which = np.broadcast_to(np.arange(mine.numel()).reshape(mine.shape), shape)  # the element used at each place
        factor = np.broadcast_to(other.data, shape)
        expected = np.bincount(which.ravel(), weights=factor.ravel(), minlength=mine.numel()).reshape(mine.shape)
        np.testing.assert_allclose(gradient.data, expected, rtol=1e-12)


def test_a_local_gradient_of_an_impossible_shape_raises_and_names_its_operator() -> None:
    @op(x=lambda g: g[:1])
    def careless(x):  # type: ignore[no-untyped-def]
        return x + 0

    x = leaf(np.ones(3))
    with pytest.raises(RuntimeError, match=r"careless.*\(1,\).*\(3,\)"):
        careless(x).sum().backward()
    assert x.grad is None


@op(x=lambda x: 1 / 0)
def without_slope(x):  # type: ignore[no-untyped-def]
    return x + 0


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_error_in_a_gradient_names_its_node_and_leaves_every_grad_as_it_was(create_graph: bool) -> None:
    x, w = leaf(3.0), leaf(2.0)
    y = without_slope(x) * w
    with pytest.raises(ZeroDivisionError) as caught:
        y.backward(create_graph=create_graph)
    assert "at <Node" in caught.value.__notes__[0]
    assert "without_slope" in caught.value.__notes__[0]
    assert x.grad is w.grad is None


def test_after_an_error_in_a_gradient_a_retained_graph_is_as_before_and_any_other_is_used_up() -> None:
    x, w = leaf(3.0), leaf(2.0)
    y = without_slope(x) * w
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            y.backward(retain_graph=True)
    assert mg.grad(y, w, retain_graph=True)[0].item() == 3.0
    with pytest.raises(ZeroDivisionError):
        y.backward()
    with pytest.raises(RuntimeError, match="used already"):
        y.backward()


# -- no work and no memory for what nobody asked ----------------------------------------------------------------------


def test_gradients_of_inputs_that_need_none_are_not_computed() -> None:
    x, w = mg.tensor([[1.0, 2.0]]), leaf([[3.0], [4.0]], np.float32)
    steps = steps_of((x @ w).sum().backward)
    assert [(s.node.op.name, s.slot) for s in steps] == [("sum", 0), ("matmul", 1)]


def test_grad_takes_only_the_steps_that_lead_to_its_inputs() -> None:
    w1, w2, w3 = leaf(2.0), leaf(3.0), leaf(5.0)
    h = w1.exp()
    y = (h * w2).tanh() * w3
    steps = steps_of(lambda: mg.grad(y, w2))
    assert [(s.node.op.name, s.slot) for s in steps] == [("multiply", 0), ("tanh", 0), ("multiply", 1)]


def arrays_in(saved: Any) -> list[np.ndarray]:
    return [value for value in saved if isinstance(value, np.ndarray)]


def test_a_network_of_six_layers_keeps_only_what_its_gradients_ask_for() -> None:
    batch, width, classes = 32, 64, 10
    layers = [m for _ in range(5) for m in (nn.Linear(width, width), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(width, classes))
    x, target = mg.randn(batch, width), mg.randint(0, classes, (batch,))
    loss = nn.CrossEntropyLoss()(model(x), target)

    nodes = [node for node in nodes_below(loss) if node.op]
    kept = {node: dict(zip(node.op.asked, node.saved, strict=True)) for node in nodes}
    by_name: dict[str, list[dict[str, Any]]] = {}
    for node in reversed(nodes):
        by_name.setdefault(node.op.name, []).append(kept[node])
    first, *others = by_name["linear"]
    assert first["weight"] is None, "the input needs no gradient, so the first weight is not needed"
    assert all(saved["weight"] is not None for saved in others)
    assert all(saved.keys() == {"out"} for saved in by_name["relu"])

    own = {id(p.data) for p in model.parameters()} | {id(x.data), id(target.data)}
    owners = {id(a): a for saved in kept.values() for a in arrays_in(saved.values()) if id(a) not in own}
    hidden = 5 * batch * width * 4  # the result of each ReLU: its own mask, and the next layer's input
    softmax = 2 * batch * classes * 4  # the probabilities, and the logits to find their history in second order
    assert sum(array.nbytes for array in owners.values()) == hidden + softmax


def test_an_intermediate_result_that_no_gradient_asks_for_is_freed_at_once() -> None:
    w = leaf(np.ones(1000))
    before_relu = w * 3
    ref = weakref.ref(before_relu.data)
    y = before_relu.relu().sum()
    del before_relu
    assert ref() is None
    y.backward()
    np.testing.assert_array_equal(w.grad.data, 3.0)


def test_a_graph_does_not_keep_its_leaves_alive_and_works_without_them() -> None:
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    ref = weakref.ref(a)
    y = (a * b).sum()
    del a
    assert ref() is None
    y.backward()
    np.testing.assert_array_equal(b.grad.data, [1.0, 2.0])


# -- grad() -----------------------------------------------------------------------------------------------------------


def test_grad_returns_a_tuple_and_touches_no_grad() -> None:
    x, y = leaf(3.0), leaf(5.0)
    assert [g.item() for g in mg.grad(x * y, [x, y])] == [5.0, 3.0]
    (only,) = mg.grad(x * y, x)
    assert only.item() == 5.0
    assert x.grad is None
    assert y.grad is None
    assert not only.requires_grad


def test_grad_takes_the_parameters_of_a_model_as_they_come() -> None:
    model = nn.Linear(2, 1)
    x = mg.tensor([[3.0, 4.0]])
    weight, bias = mg.grad(model(x).sum(), model.parameters())
    np.testing.assert_array_equal(weight.data, [[3.0, 4.0]])
    np.testing.assert_array_equal(bias.data, [1.0])


def test_grad_by_computed_tensors_gives_the_gradient_at_that_place() -> None:
    x = leaf(2.0)
    h = x * x
    k = h * 3
    y = k * h  # 3 h²
    by_x, by_h, by_k, by_y = mg.grad(y, [x, h, k, y])
    assert [g.item() for g in (by_x, by_h, by_k, by_y)] == [12 * 2.0**3, 6 * 4.0, 4.0, 1.0]


def test_the_gradient_of_a_tensor_by_itself_is_one() -> None:
    x = leaf([[3.0]])
    np.testing.assert_array_equal(mg.grad(x, x)[0].data, [[1.0]])


def test_grad_of_several_outputs_is_that_of_their_weighted_sum() -> None:
    x = leaf([1.0, 2.0])
    y, z = x * x, x * 3
    (found,) = mg.grad([y, z], x, [np.array([1.0, 10.0]), mg.tensor([5.0, 7.0])])
    np.testing.assert_array_equal(found.data, [2 * 1 + 15, 2 * 2 * 10 + 21])


def test_an_output_that_another_output_was_computed_from_gets_both_gradients() -> None:
    x = leaf(2.0)
    y = x * x
    z = y * y
    assert mg.grad([y, z], x)[0].item() == 2 * 2 + 4 * 2**3
    w = leaf(2.0)
    assert mg.grad([w * 5, w, w], w)[0].item() == 7.0


def test_one_start_value_is_not_spread_over_several_outputs() -> None:
    x = leaf(2.0)
    with pytest.raises(ValueError, match="2 outputs but 1 grad_outputs"):
        mg.grad([x * 2, x * 3], x, mg.tensor(1.0))


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_input_that_is_given_twice_gets_two_gradients_that_share_no_memory(create_graph: bool) -> None:
    x = leaf([3.0, 4.0])
    one, other = mg.grad((x * x).sum(), [x, x], create_graph=create_graph)
    assert not np.shares_memory(one.data, other.data)
    assert one.tolist() == other.tolist() == [6.0, 8.0]
    if create_graph:
        assert mg.grad(one.sum() + 10 * other.sum(), x)[0].tolist() == [22.0, 22.0]


def test_an_unused_input_raises_by_its_number_and_the_graph_stays_usable() -> None:
    x, unused = leaf(3.0), leaf(1.0)
    y = x * x
    with pytest.raises(RuntimeError, match=r"input 1.*allow_unused=True"):
        mg.grad(y, [x, unused])
    found, nothing = mg.grad(y, [x, unused], allow_unused=True)
    assert found.item() == 6.0
    assert nothing is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: mg.grad(x * 2, mg.tensor(1.0)), RuntimeError, "input 0 does not require grad"),
        (lambda x: mg.grad(mg.tensor(1.0), x), RuntimeError, "output does not require grad"),
        (lambda x: mg.grad(x * 2, [x, np.ones(2)]), TypeError, "input 1 is a ndarray"),
        (lambda x: mg.grad(2.0, x), TypeError, "output 0 is a float"),
        (lambda x: mg.grad(x * 2, x, [1.0, 2.0]), ValueError, "1 outputs but 2 grad_outputs"),
        (lambda x: mg.grad(x * 2, x, np.ones(3)), ValueError, r"shape \(\).*\(3,\)"),
    ],
)
def test_grad_explains_what_it_cannot_do(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(leaf(3.0))


T = np.tanh(0.7)
CLOSED_FORMS: dict[str, tuple[Any, list[float]]] = {
    "exp": (lambda x: x.exp(), [np.exp(0.7)] * 5),
    "x**4": (lambda x: x**4, [0.7**4, 4 * 0.7**3, 12 * 0.7**2, 24 * 0.7, 24.0]),
    "1/x": (lambda x: 1 / x, [1 / 0.7, -1 / 0.7**2, 2 / 0.7**3, -6 / 0.7**4, 24 / 0.7**5]),
    "log": (lambda x: x.log(), [np.log(0.7), 1 / 0.7, -1 / 0.7**2, 2 / 0.7**3, -6 / 0.7**4]),
    "tanh": (
        lambda x: x.tanh(),
        [T, 1 - T**2, -2 * T * (1 - T**2), (1 - T**2) * (6 * T**2 - 2), (1 - T**2) * (16 * T - 24 * T**3)],
    ),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_derivatives_up_to_the_fourth_equal_their_closed_form(name: str) -> None:
    function, expected = CLOSED_FORMS[name]
    x = leaf(0.7)
    derivative = function(x)
    for value in expected:
        assert derivative.item() == pytest.approx(value, rel=1e-12)
        if value is not expected[-1]:
            (derivative,) = mg.grad(derivative, x, create_graph=True)


def test_mixed_second_derivatives_agree_in_both_orders() -> None:
    x, y = leaf(2.0), leaf(3.0)
    by_x, by_y = mg.grad(x**2 * y**3, [x, y], create_graph=True)
    assert mg.grad(by_x, y)[0].item() == mg.grad(by_y, x)[0].item() == 6 * 2.0 * 3.0**2


def test_grad_filled_by_backward_with_create_graph_can_be_differentiated() -> None:
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    assert x.grad.requires_grad
    (second,) = mg.grad(x.grad, x, create_graph=True)
    assert second.item() == 12.0
    assert mg.grad(second, x)[0].item() == 6.0


def test_accumulated_gradients_of_gradients_add_up() -> None:
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    (x**2).backward(create_graph=True)
    assert x.grad.item() == 12.0 + 4.0
    assert mg.grad(x.grad, x)[0].item() == 12.0 + 2.0


def test_an_ordinary_pass_leaves_no_graph_on_grad() -> None:
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    (x**2).backward()
    assert not x.grad.requires_grad
    assert x.grad.item() == 16.0


def test_the_given_gradient_takes_part_in_the_graph() -> None:
    """Two backward passes make a forward one: the derivative by v of Jᵀ v, in direction u, is J u."""
    x, v, u = leaf([2.0, 3.0]), leaf([1.0, 1.0]), np.array([5.0, 7.0])
    (pulled_back,) = mg.grad(x**3, x, v, create_graph=True)
    (pushed_forward,) = mg.grad(pulled_back, v, u)
    np.testing.assert_allclose(pushed_forward.data, 3 * x.data**2 * u)


def test_create_graph_keeps_the_graph_unless_it_is_told_not_to() -> None:
    x = leaf(2.0)
    y = x.exp()
    mg.grad(y, x, create_graph=True)
    (first,) = mg.grad(y, x, create_graph=True, retain_graph=False)  # eˣ again: its graph goes on through that of y
    with pytest.raises(RuntimeError, match="used already"):
        mg.grad(first, x)


# -- the recorder -----------------------------------------------------------------------------------------------------


def test_the_recorder_sees_every_step_with_the_sums_before_and_after() -> None:
    x = leaf(3.0)
    square = x * x
    y = square + x
    seen = [
        (s.node.op.name, s.slot, float(s.upstream), float(s.contribution), s.before and float(s.before), float(s.after))
        for s in steps_of(y.backward)
    ]
    assert seen == [
        ("add", 0, 1.0, 1.0, None, 1.0),
        ("add", 1, 1.0, 1.0, None, 1.0),
        ("multiply", 0, 1.0, 3.0, 1.0, 4.0),
        ("multiply", 1, 1.0, 3.0, 4.0, 7.0),
    ]
    assert x.grad.item() == 7.0


def test_recorded_steps_do_not_change_afterwards() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    out = x + x + x + y
    steps = steps_of(lambda: out.backward(np.ones(2)))
    x.grad.data[:] = y.grad.data[:] = 100
    into_x = [s.after.tolist() for s in steps if s.node.inputs[s.slot] is x.node]
    assert into_x == [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    assert [s.after.tolist() for s in steps if s.node.inputs[s.slot] is y.node] == [[1.0, 1.0]]


def test_a_recorder_inside_another_leaves_both_to_see_everything() -> None:
    outer: list[engine.Step] = []
    with engine.record(outer.append):
        inner = steps_of((leaf(3.0) * 2).backward)
        (leaf(3.0) + 2).backward()
    assert [step.node.op.name for step in inner] == ["multiply"]
    assert [step.node.op.name for step in outer] == ["multiply", "add"]


def test_nothing_is_recorded_outside_the_with_block_or_in_another_thread() -> None:
    def run() -> None:
        x = leaf(3.0)
        (x * x).backward()

    steps: list[engine.Step] = []
    with engine.record(steps.append):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    run()
    assert steps == []


# -- the recording switch ---------------------------------------------------------------------------------------------


def records() -> bool:
    return (leaf(1.0) * 2).requires_grad


def test_no_grad_and_enable_grad_nest_as_context_managers() -> None:
    assert records()
    with mg.no_grad():
        assert not records()
        assert not mg.is_grad_enabled()
        with mg.enable_grad():
            assert records()
        assert not records()
    assert records()


def test_no_grad_and_enable_grad_work_as_decorators() -> None:
    off, on = mg.no_grad()(records), mg.enable_grad()(records)
    assert [off(), off(), records()] == [False, False, True]
    with mg.no_grad():
        assert [on(), on(), records()] == [True, True, False]


def test_the_switch_is_restored_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        raise ZeroDivisionError
    assert records()


def test_the_switch_of_one_thread_does_not_reach_another() -> None:
    with mg.no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(records).result()
        assert not records()


def test_the_switch_of_one_async_task_does_not_reach_another() -> None:
    async def without() -> bool:
        with mg.no_grad():
            await asyncio.sleep(0.01)
            return records()

    async def with_() -> bool:
        await asyncio.sleep(0.005)  # while the other is inside its region
        return records()

    async def both() -> list[bool]:
        return await asyncio.gather(without(), with_())

    assert asyncio.run(both()) == [False, True]


def test_create_graph_records_under_no_grad_and_an_ordinary_pass_never_records() -> None:
    x = leaf(2.0)
    y, z = x**3, x**3
    with mg.no_grad():
        (first,) = mg.grad(y, x, create_graph=True)
    assert mg.grad(first, x)[0].item() == 12.0
    z.backward(mg.tensor(1.0, dtype=np.float64, requires_grad=True))
    assert not x.grad.requires_grad


def trained(seed: int) -> np.ndarray:
    """The weights of a small network after 30 steps; random numbers from a generator of its own."""
    random = np.random.default_rng(seed)
    w1, w2 = leaf(random.normal(size=(5, 8))), leaf(random.normal(size=(8, 1)))
    x, target = mg.tensor(random.normal(size=(20, 5))), mg.tensor(random.normal(size=(20, 1)))
    optimizer = mg.optim.SGD([w1, w2], lr=0.01, momentum=0.9)
    for _ in range(30):
        optimizer.zero_grad()
        error = (x @ w1).tanh() @ w2 - target
        (error * error).mean().backward()
        optimizer.step()
        with mg.no_grad():
            (x @ w1).tanh()
    return np.concatenate([w1.data.ravel(), w2.data.ravel()])


def test_models_trained_in_parallel_threads_equal_those_trained_one_after_the_other() -> None:
    alone = [trained(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(trained, range(8)))
    np.testing.assert_array_equal(together, alone)


# -- stale values: a write that would make a gradient silently wrong -------------------------------------------------
# Each entry: the operator that saved the value, the forward pass, and the write, given (w, c, i, result of forward).


def forward_square(w: Any, c: Any, i: Any) -> Any:
    return w * w


def write_item(w: Any, c: Any, i: Any, out: Any) -> None:
    with mg.no_grad():
        w[0] = 9


@mg.no_grad()
def add_one(tensor: Any) -> None:
    tensor += 1


STALE: dict[str, tuple[str, Any, Any]] = {
    "leaf, item": ("multiply", forward_square, write_item),
    "leaf, +=": ("multiply", forward_square, lambda w, c, i, out: add_one(w)),
    "leaf, through a view w[1:]": (
        "multiply",
        forward_square,
        lambda w, c, i, out: w.detach()[1:].__setitem__(0, 9.0),
    ),
    "leaf, through reshape": ("multiply", forward_square, lambda w, c, i, out: w.detach().reshape(4, 1).__imul__(2)),
    "leaf, through detach": ("multiply", forward_square, lambda w, c, i, out: w.detach().__setitem__(0, 9.0)),
    "leaf, through T": ("multiply", forward_square, lambda w, c, i, out: w.detach().T.__isub__(1)),
    "leaf, read as a view": ("multiply", lambda w, c, i: w[1:] * w[1:], write_item),
    "leaf, by an optimizer": ("multiply", forward_square, lambda w, c, i, out: step_of_sgd(w)),
    "plain input, read through a sliding window": (
        "multiply",
        lambda w, c, i: w[1:] * mg.from_numpy(sliding_window_view(c.data, 2))[:, 0],
        lambda w, c, i, out: c.__imul__(2),
    ),
    "plain input": ("multiply", lambda w, c, i: w * c, lambda w, c, i, out: c.__imul__(2)),
    "plain input, item": ("matmul", lambda w, c, i: w @ c, lambda w, c, i, out: c.__setitem__(..., 0.0)),
    "plain condition": (
        "where",
        lambda w, c, i: mg.where(c, w, 0),
        lambda w, c, i, out: c.__setitem__(slice(None), 0.0),
    ),
    "saved output": ("tanh", lambda w, c, i: w.tanh(), lambda w, c, i, out: out.detach().__setitem__(0, 0.0)),
    "saved output, +=": ("exp", lambda w, c, i: w.exp(), lambda w, c, i, out: add_one(out)),
    "index": ("getitem", lambda w, c, i: w[i], lambda w, c, i, out: i.__setitem__(0, 3)),
    "index in a tuple": ("getitem", lambda w, c, i: w[None][0, i], lambda w, c, i, out: i.__iadd__(1)),
    "one of many inputs": (
        "product",
        lambda w, c, i: product(w, c, w),
        lambda w, c, i, out: c.__setitem__(0, 0.0),
    ),
}


def step_of_sgd(w: Any) -> None:
    w.grad = mg.ones(4, dtype=np.float64)
    mg.optim.SGD([w], lr=0.1).step()
    w.grad = None


@op(arrays=lambda g, arrays, i: g * product(*arrays[:i], *arrays[i + 1 :]))
def product(*arrays):  # type: ignore[no-untyped-def]
    out = 1
    for array in arrays:
        out = out * array
    return out


def stale_inputs() -> tuple[mg.Tensor, mg.Tensor, mg.Tensor]:
    return leaf([1.0, 2.0, 3.0, 4.0]), mg.tensor([1.0, 0.5, 2.0, 4.0], dtype=np.float64), mg.tensor([0, 1])


@pytest.mark.parametrize("name", STALE)
def test_a_write_after_the_forward_pass_raises_names_operator_and_line_and_changes_nothing(name: str) -> None:
    operator, forward, write = STALE[name]
    w, c, i = stale_inputs()
    bystander = leaf(1.0)
    out = forward(w, c, i)
    loss = out.sum() * bystander
    write(w, c, i, out)
    with pytest.raises(RuntimeError, match=f"^{operator}: .*overwritten.*test_engine.py:[0-9]+.*clone"):
        loss.backward()
    assert w.grad is None
    assert bystander.grad is None
    assert all(node.saved is not None for node in nodes_below(loss))


def test_the_error_of_a_stale_value_names_the_very_line_of_the_write() -> None:
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    with mg.no_grad():
        w[0] = 5.0
        line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    with pytest.raises(RuntimeError, match=f"test_engine.py:{line},"):
        y.backward()


@pytest.mark.parametrize("name", [name for name in STALE if "output" not in name])
def test_a_write_before_the_forward_pass_is_no_problem(name: str) -> None:
    _, forward, write = STALE[name]
    w, c, i = stale_inputs()
    write(w, c, i, None)
    out = forward(w, c, i).sum()
    elsewhere = mg.zeros(1)
    elsewhere += 1  # a later write, into memory that nobody needs
    out.backward()
    fresh = leaf(w.data)
    forward(fresh, mg.tensor(c.data), mg.tensor(i.data)).sum().backward()
    np.testing.assert_array_equal(w.grad.data, fresh.grad.data)


@pytest.mark.parametrize("name", STALE)
def test_a_write_after_the_backward_pass_is_no_problem(name: str) -> None:
    _, forward, write = STALE[name]
    w, c, i = stale_inputs()
    out = forward(w, c, i)
    out.sum().backward()
    gradient = w.grad.data.copy()
    kept, w.grad = w.grad, None
    write(w, c, i, out)
    np.testing.assert_array_equal(kept.data, gradient)


def test_a_write_into_memory_that_no_gradient_needs_is_no_problem() -> None:
    w, c = leaf([1.0, 2.0]), mg.tensor([3.0, 4.0], dtype=np.float64)
    y = (w + c).sum() + (w * 5).sum()
    c[0] = 0.0
    with mg.no_grad():
        w[0] = 0.0
    y.backward()
    np.testing.assert_array_equal(w.grad.data, [6.0, 6.0])


def test_a_write_is_forgotten_when_its_memory_is_freed(no_collector: Any) -> None:
    before = len(graph._writes)
    kept = mg.zeros(3)
    for _ in range(10):
        t = mg.zeros(3)
        t += 1
        t[0] = 2.0
        kept[0] = 3.0
    del t
    assert len(graph._writes) == before + 1
    del kept
    assert len(graph._writes) == before


def test_a_write_between_two_passes_over_a_retained_graph_raises_at_the_second() -> None:
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    y.backward(retain_graph=True)
    with mg.no_grad():
        w *= 2
    with pytest.raises(RuntimeError, match="overwritten"):
        y.backward()
    np.testing.assert_array_equal(w.grad.data, [2.0, 4.0])


def test_a_write_before_the_second_order_pass_raises() -> None:
    w = leaf([1.0, 2.0])
    (first,) = mg.grad((w**3).sum(), w, create_graph=True)
    with mg.no_grad():
        w[0] = 7.0
    with pytest.raises(RuntimeError, match="overwritten"):
        first.sum().backward()
    assert w.grad is None


def test_the_bounds_of_a_slice_are_numbers_at_the_time_of_reading() -> None:
    x, start = leaf(np.arange(5.0)), mg.tensor(0)
    parts = []
    while start < 4:
        parts.append(x[start : start + 2] * (start.item() + 1))
        start += 2
    mg.concatenate(parts).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1, 1, 3, 3, 0])


def test_a_list_as_an_index_or_operand_may_change_afterwards() -> None:
    x, index, weights = leaf([1.0, 2.0, 3.0]), [mg.tensor([0, 1])], [10.0, 20.0]
    y = (x[index] * weights).sum()
    index[0] += 1
    index[0], weights[0] = mg.tensor([2, 2]), 99.0
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [10.0, 20.0, 0.0])


def test_a_counter_that_was_an_index_may_count_on() -> None:
    x, i = leaf([1.0, 2.0, 3.0]), mg.tensor(0)
    y = x[i]
    i += 1
    y = y + 10 * x[i]
    i += 1
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [1.0, 10.0, 0.0])


def test_a_gradient_that_does_not_fit_its_leaf_is_refused_before_anything_changes() -> None:
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    b.grad = mg.ones(5)
    product = (a * b).sum()
    with pytest.raises(ValueError, match=r"tensor of shape \(2,\) has a .grad that does not fit"):
        product.backward()
    assert a.grad is None
    b.grad = None
    product.backward()
    assert a.grad.tolist() == [3.0, 4.0]
