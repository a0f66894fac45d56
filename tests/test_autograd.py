"""`mg.autograd`: hooks, retained gradients, the switch, `Function`, derivatives of functions, anomaly mode."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd, engine, graph, nn
from minigrad.autograd import functional
from minigrad.graph import Node
from minigrad.op import op

# mypy: disable-error-code="no-untyped-def"


def leaf(data: Any, dtype: Any = np.float64) -> mg.Tensor:
    return mg.tensor(data, dtype=dtype, requires_grad=True)


def plain(data: Any) -> mg.Tensor:
    return mg.tensor(data, dtype=np.float64)


def line_here() -> int:
    return inspect.currentframe().f_back.f_lineno  # type: ignore[union-attr]


def live_objects() -> Counter[str]:
    return Counter(type(o).__name__ for o in gc.get_objects() if issubclass(type(o), Node | mg.Tensor))


@pytest.fixture
def nothing_stays() -> Iterator[None]:
    """Reference counting alone must free every graph."""
    gc.collect()
    gc.disable()
    before = live_objects()
    yield
    try:
        assert live_objects() == before
    finally:
        gc.enable()


# -- gradients of tensors that are no leaves --------------------------------------------------------------------------


def test_retain_grad_fills_grad_of_a_computed_tensor_and_accumulates_as_for_a_leaf() -> None:
    x = leaf([1.0, 2.0])
    square = x * x
    square.retain_grad()
    y = (3 * square).sum()
    y.backward(retain_graph=True)
    assert square.grad.tolist() == [3.0, 3.0]
    y.backward()
    assert square.grad.tolist() == [6.0, 6.0]
    assert x.grad.tolist() == [12.0, 24.0]


def test_without_retain_grad_a_computed_tensor_has_none() -> None:
    x = leaf(2.0)
    square = x * x
    assert not square.retains_grad
    square.backward()
    assert square.grad is None


def test_retains_grad_is_true_of_computed_tensors_only_and_retain_grad_changes_nothing_for_a_leaf() -> None:
    x = leaf(2.0)
    square = x * x
    x.retain_grad()
    square.retain_grad()
    square.retain_grad()
    assert (x.retains_grad, square.retains_grad, plain(1.0).retains_grad) == (False, True, False)
    square.backward()
    assert x.grad.item() == 4.0
    assert square.grad.item() == 1.0


@pytest.mark.parametrize("call", [lambda t: t.retain_grad(), lambda t: t.register_hook(print)])
def test_a_tensor_that_requires_no_grad_can_neither_retain_one_nor_have_a_hook(call: Any) -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        call(plain(1.0))


def test_retained_gradients_share_no_memory_and_take_part_in_second_order() -> None:
    x = leaf([1.0, 2.0])
    a = x + 0
    b = a + 0
    a.retain_grad()
    b.retain_grad()
    (b * b).sum().backward(create_graph=True)
    grads = [x.grad, a.grad, b.grad]
    for i, one in enumerate(grads):
        np.testing.assert_array_equal(one.data, 2 * x.data)
        assert not any(np.shares_memory(one.data, other.data) for other in grads[:i])
    assert mg.grad(b.grad.sum(), b)[0].tolist() == [2.0, 2.0]


def test_a_retained_gradient_is_given_to_nobody_if_its_tensor_is_gone() -> None:
    x = leaf(3.0)
    square = x * x
    square.retain_grad()
    y = 2 * square
    gone = weakref.ref(square)
    del square
    assert gone() is None
    y.backward()
    assert x.grad.item() == 12.0


def test_grad_touches_no_retained_grad() -> None:
    x = leaf(3.0)
    square = x * x
    square.retain_grad()
    mg.grad(2 * square, x)
    assert square.grad is None


def test_a_retained_grad_that_does_not_fit_is_refused_before_anything_changes() -> None:
    x = leaf([1.0, 2.0])
    square = x * x
    square.retain_grad()
    square.grad = mg.ones(3)
    y = square.sum()
    with pytest.raises(ValueError, match=r"tensor of shape \(2,\) has a .grad that does not fit"):
        y.backward()
    assert x.grad is None


# -- hooks ------------------------------------------------------------------------------------------------------------


def test_a_hook_sees_the_complete_gradient_once() -> None:
    x = leaf(1.5)
    square = x * x
    seen: list[float] = []
    square.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: seen.append(g.item()))
    (square * square + 5 * square).backward()
    assert seen == [2 * 1.5**2 + 5, (2 * 1.5**2 + 5) * 3.0]
    assert x.grad.item() == seen[1]


def test_what_a_hook_returns_takes_the_place_of_the_gradient() -> None:
    x = leaf([1.0, 2.0])
    square = x * x
    square.register_hook(lambda g: 10 * g)
    x.register_hook(lambda g: g + 1)
    square.sum().backward()
    assert x.grad.tolist() == [21.0, 41.0]


def test_hooks_run_in_the_order_of_their_adding_and_before_grad_is_filled() -> None:
    """As in PyTorch: `retain_grad` comes last even if it was said between two hooks."""
    x = leaf([1.0, 2.0])
    square = x * x
    square.register_hook(lambda g: g * 2)
    square.retain_grad()
    square.register_hook(lambda g: g + 1)
    (3 * square).sum().backward()
    assert square.grad.tolist() == [7.0, 7.0]
    assert x.grad.tolist() == [14.0, 28.0]


def test_a_removed_hook_is_not_called_and_removing_it_again_does_nothing() -> None:
    x = leaf(1.0)
    handle = x.register_hook(lambda g: 100 * g)
    other = x.register_hook(lambda g: 10 * g)
    handle.remove()
    handle.remove()
    (x * 3).backward()
    assert x.grad.item() == 30.0
    with other:
        pass
    x.grad = None
    (x * 3).backward()
    assert x.grad.item() == 3.0


def test_a_hook_may_remove_itself() -> None:
    x = leaf(1.0)
    calls: list[float] = []

    def once(g: Any) -> None:
        calls.append(g.item())
        handle.remove()

    handle = x.register_hook(once)
    x.register_hook(lambda g: calls.append(-1.0))
    for _ in range(2):
        (x * 3).backward()
    assert calls == [3.0, -1.0, -1.0]


def test_a_hook_may_write_into_its_gradient_or_keep_it_and_no_other_tensor_notices() -> None:
    a, b, kept = leaf([1.0, 2.0]), leaf([3.0, 4.0]), []

    def write(g: Any) -> None:
        kept.append(g)
        g *= 10

    a.register_hook(write)
    (a + b).backward(np.ones(2))
    assert a.grad.tolist() == [10.0, 10.0]
    assert b.grad.tolist() == [1.0, 1.0]
    a.grad.data[:] = 7
    assert kept[0].tolist() == [10.0, 10.0]


def test_hooks_on_the_path_run_in_grad_too_and_those_beside_it_do_not() -> None:
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    seen: list[str] = []
    h = x * w
    k = h * x
    for name, tensor in {"x": x, "w": w, "h": h, "k": k}.items():
        tensor.register_hook(lambda g, name=name: seen.append(name))
    mg.grad(k.sum(), x, retain_graph=True)
    assert seen == ["k", "h", "x"]
    seen.clear()
    mg.grad(k.sum(), h, retain_graph=True)
    assert seen == ["k", "h"]
    seen.clear()
    k.sum().backward()
    assert seen in (["k", "h", "w", "x"], ["k", "h", "x", "w"])


def test_grad_returns_what_the_hook_of_an_input_made_of_it() -> None:
    x = leaf(3.0)
    h = x * x
    x.register_hook(lambda g: g + 1)
    h.register_hook(lambda g: g * 5)
    assert [g.item() for g in mg.grad(h * 2, [x, h])] == [2 * 5 * 6 + 1, 10.0]
    assert mg.grad(x, x)[0].item() == 2.0


def test_a_hook_on_the_output_changes_the_start_value() -> None:
    x = leaf(3.0)
    y = x * x
    y.register_hook(lambda g: -g)
    y.backward()
    assert x.grad.item() == -6.0


def test_a_hook_takes_part_in_the_graph_of_the_gradient() -> None:
    """Squared by the hook, the gradient 3x² of x³ is 9x⁴, whose derivative 36x³ the hook squares again."""
    x = leaf(2.0)
    recorded: list[bool] = []

    def squared(g: Any) -> Any:
        recorded.append(g.requires_grad)
        return g * g

    x.register_hook(squared)
    (first,) = mg.grad(x**3, x, create_graph=True)
    assert first.item() == 9 * 2.0**4
    assert mg.grad(first, x)[0].item() == (36 * 2.0**3) ** 2
    assert recorded == [True, False]


@pytest.mark.parametrize(
    ("hook", "error", "message"),
    [
        (lambda g: 3.0, TypeError, "must return a tensor or None, not a float"),
        (lambda g: g[:1], RuntimeError, r"float64 \(2,\) and returned float64 \(1,\)"),
        (lambda g: g.astype(np.float32), RuntimeError, "float64 .* returned float32"),
        (lambda g: 1 // 0, ZeroDivisionError, "division"),
    ],
)
@pytest.mark.parametrize("on_leaf", [False, True])
def test_an_error_in_a_hook_leaves_every_grad_as_it_was(hook: Any, error: Any, message: str, on_leaf: bool) -> None:
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    h = x * x
    h.retain_grad()
    y = (h * w).sum()
    (x if on_leaf else h).register_hook(hook)
    with pytest.raises(error, match=message) as caught:
        y.backward()
    assert x.grad is w.grad is h.grad is None
    assert ("leaf" if on_leaf else "multiply") in caught.value.__notes__[0]


def test_a_hook_outlives_the_tensor_that_it_was_registered_on() -> None:
    x = leaf(3.0)
    h = x * x
    h.register_hook(lambda g: 10 * g)
    y = h * 1
    del h
    y.backward()
    assert x.grad.item() == 60.0


@pytest.mark.usefixtures("nothing_stays")
def test_hooks_and_retained_gradients_keep_nothing_alive() -> None:
    x = leaf([1.0, 2.0])
    seen: list[Any] = []
    h = x * x
    h.retain_grad()
    h.register_hook(seen.append)
    handle = x.register_hook(lambda g: 2 * g)
    h.sum().backward(create_graph=True)
    x.grad = h.grad = None
    seen.clear()
    handle.remove()


def test_a_hook_that_holds_its_own_tensor_is_freed_by_the_collector() -> None:
    """Tensor, node, hook, tensor: a cycle that the user made."""
    tensors = [leaf(1.0)]
    tensors[0].register_hook(lambda g, x=tensors[0]: g * x.numel())
    gone = weakref.ref(tensors.pop())
    gc.collect()
    assert gone() is None


# -- the recording switch ---------------------------------------------------------------------------------------------


def test_one_object_may_be_entered_again_also_inside_itself() -> None:
    off = mg.no_grad()
    with off:
        with off:
            assert not mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
        with mg.enable_grad(), off:
            assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()
    with off:
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


def test_one_object_serves_several_threads_at_once() -> None:
    off, inside, found = mg.no_grad(), threading.Barrier(2), []

    def enter_first_leave_last() -> None:
        with off:
            inside.wait()
            inside.wait()
        found.append(mg.is_grad_enabled())

    thread = threading.Thread(target=enter_first_leave_last)
    thread.start()
    inside.wait()
    with mg.enable_grad(), off:
        found.append(mg.is_grad_enabled())
    found.append(mg.is_grad_enabled())
    inside.wait()
    thread.join()
    assert found == [False, True, True]


def test_inference_mode_is_no_grad() -> None:
    @mg.inference_mode
    def bare() -> bool:
        return mg.is_grad_enabled()

    @mg.inference_mode()
    def called() -> bool:
        return mg.is_grad_enabled()

    assert not bare()
    assert not called()
    with mg.inference_mode():
        assert not mg.is_grad_enabled()
        with mg.inference_mode(False):
            assert mg.is_grad_enabled()
    with mg.inference_mode(mode=True):
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


@pytest.mark.parametrize("decorate", [mg.no_grad, mg.no_grad(), lambda f: autograd.set_grad_enabled(False)(f)])
def test_a_decorated_generator_runs_its_body_without_grad_and_leaves_its_caller_alone(decorate: Any) -> None:
    @decorate
    def generator(n: int) -> Any:
        """Its documentation."""
        sent = yield mg.is_grad_enabled()
        try:
            yield sent, mg.is_grad_enabled()
        except KeyError as error:
            yield error.args, mg.is_grad_enabled()
        return n, mg.is_grad_enabled()

    assert inspect.isgeneratorfunction(generator)
    assert generator.__doc__ == "Its documentation."
    g = generator(5)
    assert (next(g), mg.is_grad_enabled()) == (False, True)
    assert (g.send("hello"), mg.is_grad_enabled()) == (("hello", False), True)
    assert (g.throw(KeyError("oh")), mg.is_grad_enabled()) == ((("oh",), False), True)
    with pytest.raises(StopIteration) as stopped:
        next(g)
    assert stopped.value.value == (5, False)
    assert mg.is_grad_enabled()


def test_closing_a_decorated_generator_runs_its_cleaning_up() -> None:
    seen: list[Any] = []

    @mg.no_grad()
    def generator() -> Any:
        try:
            yield 1
        finally:
            seen.append(mg.is_grad_enabled())

    g = generator()
    next(g)
    g.close()
    assert seen == [False]
    with pytest.raises(StopIteration):
        next(g)


def test_an_error_in_a_decorated_generator_reaches_the_caller() -> None:
    @mg.no_grad
    def generator() -> Any:
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(generator())
    assert mg.is_grad_enabled()


def test_a_decorated_coroutine_runs_without_grad_while_other_tasks_record() -> None:
    @mg.no_grad()
    async def without() -> list[bool]:
        before = mg.is_grad_enabled()
        await asyncio.sleep(0.01)
        return [before, mg.is_grad_enabled()]

    async def with_() -> bool:
        await asyncio.sleep(0.005)
        return mg.is_grad_enabled()

    async def both() -> Any:
        return [*await asyncio.gather(without(), with_()), mg.is_grad_enabled()]

    assert inspect.iscoroutinefunction(without)
    assert asyncio.run(both()) == [[False, False], True, True]


def test_set_grad_enabled_holds_from_now_on_or_inside_a_region_or_a_function() -> None:
    try:
        autograd.set_grad_enabled(False)
        assert not mg.is_grad_enabled()
        with autograd.set_grad_enabled(True):
            assert mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
    finally:
        autograd.set_grad_enabled(True)
    decorated = autograd.set_grad_enabled(False)(mg.is_grad_enabled)
    assert [mg.is_grad_enabled(), decorated(), mg.is_grad_enabled()] == [True, False, True]
    region = autograd.set_grad_enabled(False)
    with region:
        assert not mg.is_grad_enabled()
    with region:
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


# -- Function: operators in PyTorch's form ----------------------------------------------------------------------------


class Cube(autograd.Function):
    """x³"""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x**2


class Exp(autograd.Function):
    """eˣ, whose gradient is written with its result."""

    @staticmethod
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, grad_output):
        (out,) = ctx.saved_tensors
        return grad_output * out


class Scale(autograd.Function):
    """k · x · y for a number k; shapes broadcast."""

    @staticmethod
    def forward(ctx, x, y, k):
        ctx.k = k
        ctx.save_for_backward(x, y)
        return k * x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * ctx.k * y, g * ctx.k * x, None


class Polar(autograd.Function):
    """The length and the angle of (x, y), and a result of integers."""

    @staticmethod
    def forward(ctx, x, y):
        r = (x * x + y * y).sqrt()
        ctx.save_for_backward(x, y, r)
        return r, mg.tensor(np.arctan2(y.data, x.data)), x > 0

    @staticmethod
    def backward(ctx, by_r, by_angle, by_sign):
        assert by_sign.dtype == bool
        x, y, r = ctx.saved_tensors
        return by_r * x / r - by_angle * y / r**2, by_r * y / r + by_angle * x / r**2


def test_a_function_gives_its_value_and_its_gradient() -> None:
    x = leaf([1.0, 2.0])
    y = Cube.apply(x)
    assert y.tolist() == [1.0, 8.0]
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]
    assert "Cube" in repr(Cube.apply(x))


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (Cube.apply, [[1.0, -2.0]]),
        (Exp.apply, [[0.5, -2.0]]),
        (lambda x, y: Scale.apply(x, y, 3), [[[1.0, 2.0]], [[0.5], [0.7]]]),
        (lambda x, y: Scale.apply(x, y, 3), [0.3, [[0.5], [0.7]]]),
        (lambda x, y: Polar.apply(x, y)[:2], [[1.0, -2.0], [0.5, 3.0]]),
        (lambda x, y: Polar.apply(x, y)[1], [[1.0, -2.0], [0.5, 3.0]]),
        (lambda x: Cube.apply(Exp.apply(x)) * Exp.apply(x), [[0.5, 0.2]]),
    ],
)
def test_first_and_second_derivatives_of_functions_equal_their_differences(function: Any, args: Any) -> None:
    assert autograd.gradcheck(function, [leaf(a) for a in args])
    assert autograd.gradgradcheck(function, [leaf(a) for a in args])


def test_third_derivatives_of_functions_are_right() -> None:
    x = leaf(2.0)
    (first,) = mg.grad(Cube.apply(x), x, create_graph=True)
    (second,) = mg.grad(first, x, create_graph=True)
    assert [first.item(), second.item(), mg.grad(second, x)[0].item()] == [12.0, 12.0, 6.0]


def test_backward_is_called_once_whatever_the_number_of_inputs_and_only_where_it_is_needed() -> None:
    calls: list[Any] = []

    class Product(autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            calls.append((ctx.needs_input_grad, mg.is_grad_enabled(), type(g)))
            x, y = ctx.saved_tensors
            return g * y, g * x

    x, y = leaf(2.0), leaf(3.0)
    Product.apply(x, y).backward()
    assert [x.grad.item(), y.grad.item()] == [3.0, 2.0]
    mg.grad(Product.apply(x, y.detach()), x, create_graph=True)
    assert calls == [((True, True), False, mg.Tensor), ((True, False), True, mg.Tensor)]
    assert not Product.apply(x.detach(), y.detach()).requires_grad
    with mg.no_grad():
        assert not Product.apply(x, y).requires_grad
    assert len(calls) == 2


def test_several_results_may_be_used_or_not_and_those_of_integers_have_no_gradient() -> None:
    x, y = leaf([3.0, 1.0]), leaf([4.0, 1.0])
    r, angle, sign = Polar.apply(x, y)
    assert r.tolist() == [5.0, np.sqrt(2.0)]
    np.testing.assert_array_equal(angle.data, np.arctan2(y.data, x.data))
    assert (r.requires_grad, angle.requires_grad, sign.requires_grad) == (True, True, False)
    r[0].backward()
    np.testing.assert_allclose(x.grad.data, [0.6, 0])
    np.testing.assert_allclose(y.grad.data, [0.8, 0])


def test_results_of_different_shapes_and_dtypes_keep_them() -> None:
    class Two(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.sum(), (2 * x).float()

        @staticmethod
        def backward(ctx, by_sum, by_double):
            assert (by_sum.shape, by_sum.dtype) == ((), np.float64)
            assert (by_double.shape, by_double.dtype) == ((2, 2), np.float32)
            return by_sum + 2 * by_double

    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    total, double = Two.apply(x)
    assert (total.item(), double.dtype) == (10.0, np.float32)
    (total * 5 + double[1].sum()).backward()
    assert x.grad.tolist() == [[5.0, 5.0], [7.0, 7.0]]
    assert x.grad.dtype == np.float64


def test_a_result_can_be_marked_as_not_differentiable() -> None:
    class Split(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            whole = mg.tensor(np.floor(x.data))
            ctx.mark_non_differentiable(whole)
            return whole, x - whole

        @staticmethod
        def backward(ctx, by_whole, by_rest):
            assert by_whole.tolist() == [0.0]
            return by_rest

    x = leaf([2.5])
    whole, rest = Split.apply(x)
    assert (whole.requires_grad, rest.requires_grad) == (False, True)
    rest.backward()
    assert x.grad.tolist() == [1.0]


def test_setup_context_may_be_apart_from_forward() -> None:
    class Square(autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0]

    assert autograd.gradcheck(Square.apply, leaf([1.0, 2.0]))
    assert autograd.gradgradcheck(Square.apply, leaf([1.0, 2.0]))


def test_what_is_saved_may_be_none_or_a_constant_also_when_differentiated_again() -> None:
    class Shift(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, None, mg.tensor([3.0, 3.0], dtype=mg.float64))
            return 3 * x * x

        @staticmethod
        def backward(ctx, g):
            x, nothing, three = ctx.saved_tensors
            assert nothing is None
            return 2 * g * x * three

    assert autograd.gradgradcheck(Shift.apply, leaf([1.0, 2.0]))


def test_a_function_without_backward_says_so() -> None:
    class Half(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x / 2

    with pytest.raises(NotImplementedError, match=r"backward\(ctx, \*grad_outputs\)"):
        Half.apply(leaf([1.0])).sum().backward()


def test_none_for_a_tensor_means_no_influence() -> None:
    class Ignore(autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + 0 * y

        @staticmethod
        def backward(ctx, g):
            return g, None

    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    Ignore.apply(x, y).sum().backward()
    assert (x.grad.tolist(), y.grad) == ([1.0, 1.0], None)


def returning(value: Any) -> Any:
    class Wrong(autograd.Function):
        @staticmethod
        def forward(ctx, x, k):
            return x * k

        @staticmethod
        def backward(ctx, g):
            return value(g)

    return Wrong


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (lambda g: g, RuntimeError, "Wrong.backward must return 2 gradients.*it returned 1"),
        (lambda g: (g, None, g), RuntimeError, "must return 2 gradients.*it returned 3"),
        (lambda g: (g, g), RuntimeError, "argument 1 is no tensor: return None"),
        (lambda g: (2.0, None), TypeError, "number 0 is a float"),
        (lambda g: (mg.ones(3), None), RuntimeError, r"Wrong.*\(3,\).*\(2,\)"),
    ],
)
def test_a_wrong_answer_of_backward_is_explained_and_changes_nothing(value: Any, error: Any, message: str) -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(error, match=message):
        returning(value).apply(x, 2.0).sum().backward()
    assert x.grad is None


def test_surplus_nones_are_allowed_and_forward_must_return_a_tensor() -> None:
    x = leaf([1.0, 2.0])
    returning(lambda g: (g, None, None)).apply(x, 2.0).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]

    class NoTensor(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.data

    with pytest.raises(TypeError, match=r"NoTensor\.forward must return a tensor.*ndarray"):
        NoTensor.apply(x)
    with pytest.raises(NotImplementedError, match="forward"):
        type("Empty", (autograd.Function,), {}).apply(x)  # type: ignore[attr-defined]

    class SavesNumber(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)

    with pytest.raises(TypeError, match=r"save_for_backward.*int.*ctx\.name"):
        SavesNumber.apply(x)


def test_a_value_that_a_function_saved_must_not_be_overwritten() -> None:
    x = leaf([1.0, 2.0])
    y = Cube.apply(x).sum()
    with mg.no_grad():
        x *= 2
    with pytest.raises(RuntimeError, match=r"^Cube: .*overwritten in place at .*test_autograd.py"):
        y.backward()
    assert x.grad is None


def test_a_function_may_write_into_the_gradient_that_it_is_given() -> None:
    class Careless(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            g *= 2
            return g

    x, y = leaf([1.0]), leaf([1.0])
    (Careless.apply(x) + y).backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([2.0], [1.0])


def test_once_differentiable_raises_at_the_second_order_rather_than_be_wrong() -> None:
    class Once(Cube):
        backward = staticmethod(autograd.once_differentiable(Cube.backward))

    x = leaf(2.0)
    y = Once.apply(x)
    y.backward()
    assert x.grad.item() == 12.0
    (first,) = mg.grad(Once.apply(x), x, create_graph=True)
    assert first.item() == 12.0
    with pytest.raises(RuntimeError, match=r"Cube\.backward is marked once_differentiable"):
        mg.grad(first + x, x)


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_function_leaves_nothing_behind(create_graph: bool) -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    r, angle, _ = Polar.apply(Exp.apply(x), Scale.apply(Cube.apply(y), y, 2))
    found = mg.grad((r * angle).sum(), [x, y], create_graph=create_graph, retain_graph=True)
    if create_graph:
        mg.grad(found[0].sum() + found[1].sum(), [x, y], create_graph=True)


def test_after_a_pass_a_function_has_dropped_what_it_saved() -> None:
    x = leaf(np.ones(1000))
    h = x * 2
    y = Cube.apply(h)
    saved = weakref.ref(h.data)
    del h
    assert saved() is not None
    y.sum().backward()
    assert saved() is None
    with pytest.raises(RuntimeError, match="used already"):
        y.sum().backward()


def test_a_function_can_be_drawn() -> None:
    viz = pytest.importorskip("minigrad.viz")
    x, y = leaf([1.0]), leaf([2.0])
    assert "Scale" in viz.graph(Scale.apply(x, y, 3), {"x": x}).source


# -- functional -------------------------------------------------------------------------------------------------------

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def linear(x: Any) -> Any:
    return mg.tensor(A) @ x


def test_the_jacobian_of_a_linear_function_is_its_matrix() -> None:
    x, v, u = plain([1.0, -1.0, 2.0]), plain([3.0, -2.0]), plain([1.0, 0.5, 2.0])
    np.testing.assert_array_equal(functional.jacobian(linear, x).data, A)
    out, found = functional.vjp(linear, x, v)
    np.testing.assert_array_equal(out.data, A @ x.data)
    np.testing.assert_array_equal(found.data, v.data @ A)
    out, found = functional.jvp(linear, x, u)
    np.testing.assert_array_equal(found.data, A @ u.data)
    assert not out.requires_grad
    assert not found.requires_grad


def two(x: Any, y: Any) -> Any:
    return x * y.sum(), (x * x).sum() * y


X, Y = np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])
BLOCKS = [
    [Y.sum() * np.eye(2), np.outer(X, np.ones(3))],
    [np.outer(Y, 2 * X), (X @ X) * np.eye(3)],
]


def test_the_jacobian_of_several_inputs_and_outputs_is_a_tuple_of_tuples() -> None:
    found = functional.jacobian(two, (plain(X), plain(Y)))
    assert isinstance(found, tuple)
    for row, expected in zip(found, BLOCKS, strict=True):
        assert isinstance(row, tuple)
        for block, theirs in zip(row, expected, strict=True):
            np.testing.assert_allclose(block.data, theirs)


def test_vector_products_with_several_inputs_and_outputs_agree_with_the_jacobian() -> None:
    v, w = np.array([1.0, -1.0]), np.array([0.5, 2.0, 1.0])
    _, found = functional.vjp(two, (plain(X), plain(Y)), (plain(v), plain(w)))
    for j in range(2):
        np.testing.assert_allclose(found[j].data, v @ BLOCKS[0][j] + w @ BLOCKS[1][j])
    (out, _), found = functional.jvp(two, (plain(X), plain(Y)), (plain(v), plain(w)))
    np.testing.assert_allclose(out.data, X * Y.sum())
    for i in range(2):
        np.testing.assert_allclose(found[i].data, BLOCKS[i][0] @ v + BLOCKS[i][1] @ w)


def cubic(x: Any, y: Any) -> Any:
    """Σ x³ · Σ y², whose second derivatives are known."""
    return (x**3).sum() * (y * y).sum()


HESSIAN = [
    [np.diag(6 * X) * (Y @ Y), np.outer(3 * X**2, 2 * Y)],
    [np.outer(2 * Y, 3 * X**2), 2 * np.eye(3) * (X**3).sum()],
]


def test_the_hessian_is_a_tuple_of_tuples_and_its_products_agree_with_it() -> None:
    inputs, v, w = (plain(X), plain(Y)), np.array([1.0, -1.0]), np.array([0.5, 2.0, 1.0])
    found = functional.hessian(cubic, inputs)
    for row, expected in zip(found, HESSIAN, strict=True):
        for block, theirs in zip(row, expected, strict=True):
            np.testing.assert_allclose(block.data, theirs)
    for product in (functional.vhp, functional.hvp):
        out, both = product(cubic, inputs, (plain(v), plain(w)))
        np.testing.assert_allclose(out.data, (X**3).sum() * (Y @ Y))
        for i in range(2):
            np.testing.assert_allclose(both[i].data, HESSIAN[i][0] @ v + HESSIAN[i][1] @ w)
    x = plain(X)
    np.testing.assert_allclose(functional.hessian(lambda x: (x**3).sum(), x).data, np.diag(6 * X))


def test_shapes_are_those_of_output_and_input_whatever_their_axes() -> None:
    x = plain(np.arange(6.0).reshape(2, 3))
    assert functional.jacobian(lambda x: x.sum(0), x).shape == (3, 2, 3)
    assert functional.jacobian(lambda x: x.sum(), x).shape == (2, 3)
    assert functional.jacobian(lambda x: x[:0], x).shape == (0, 3, 2, 3)
    assert functional.hessian(lambda x: (x**2).sum(), x).shape == (2, 3, 2, 3)
    (only,) = functional.jacobian(lambda x: x * 2, (x,))
    assert only.shape == (2, 3, 2, 3)


def test_what_does_not_depend_on_an_input_has_derivative_zero_or_raises_if_strict() -> None:
    x, y = plain([1.0, 2.0]), plain([3.0])
    by_x, by_y = functional.jacobian(lambda x, y: x * 2, (x, y))
    np.testing.assert_array_equal(by_x.data, 2 * np.eye(2))
    np.testing.assert_array_equal(by_y.data, np.zeros((2, 1)))
    assert functional.jacobian(lambda x: mg.ones(2), x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert functional.hessian(lambda x: x.sum(), x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert functional.jvp(lambda x: mg.ones(2), x, x)[1].tolist() == [0.0, 0.0]
    assert functional.hvp(lambda x: x.sum(), x, x)[1].tolist() == [0.0, 0.0]
    for call in (
        lambda: functional.jacobian(lambda x, y: x * 2, (x, y), strict=True),
        lambda: functional.jacobian(lambda x: mg.ones(2), x, strict=True),
        lambda: functional.hessian(lambda x: x.sum(), x, strict=True),
        lambda: functional.vjp(lambda x, y: x.sum(), (x, y), strict=True),
        lambda: functional.jvp(lambda x: mg.ones(2), x, x, strict=True),
    ):
        with pytest.raises(RuntimeError, match="not depend"):
            call()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: functional.vjp(lambda x: x * 2, x), RuntimeError, "output of the function has one element"),
        (lambda x: functional.jvp(lambda x: x * 2, x), RuntimeError, "only input has one element"),
        (lambda x: functional.vjp(lambda x: x * 2, x, mg.ones(3)), RuntimeError, r"v\[0\] has shape \(3,\).*\(2,\)"),
        (lambda x: functional.vjp(lambda x: x * 2, x, (x, x)), RuntimeError, "v has 2 tensors"),
        (lambda x: functional.vjp(lambda x: x * 2, x, [1.0]), TypeError, "a float, not a tensor"),
        (lambda x: functional.jacobian(lambda x: 2.0, x), TypeError, "output 0 of the function is a float"),
        (lambda x: functional.jacobian(lambda x: x, 2.0), TypeError, "input 0 is a float"),
        (lambda x: functional.hessian(lambda x: x * 2, x), RuntimeError, r"one number; it returned \(2,\)"),
        (lambda x: functional.hvp(lambda x: (x, x), x, x), RuntimeError, "2 outputs"),
    ],
)
def test_functional_explains_what_it_cannot_do(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(plain([1.0, 2.0]))


def test_with_create_graph_gradients_flow_through_a_jacobian_back_to_its_inputs() -> None:
    """The trace of the Jacobian of x³ is 3 Σ x², the trace of its Hessian 6 Σ x."""
    x = leaf([1.0, 2.0])
    eye = mg.tensor(np.eye(2))
    (functional.jacobian(lambda x: x**3, x, create_graph=True) * eye).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    x.grad = None
    (functional.hessian(lambda x: (x**3).sum(), x, create_graph=True) * eye).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]
    x.grad = None
    functional.jvp(lambda x: x**3, x, mg.ones(2, dtype=np.float64), create_graph=True)[1].sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


@pytest.mark.usefixtures("nothing_stays")
def test_functional_touches_no_grad_works_under_no_grad_and_leaves_nothing_behind() -> None:
    x = leaf([1.0, 2.0])
    w = leaf(3.0)
    with mg.no_grad():
        found = functional.hessian(lambda x: w * (x**3).sum(), x)
        functional.jvp(lambda x: w * x, x, x)
    assert found.tolist() == [[18.0, 0.0], [0.0, 36.0]]
    assert x.grad is w.grad is None


# -- anomaly mode -----------------------------------------------------------------------------------------------------


@op(x=lambda x: x * np.nan)
def no_number(x):
    return x * 1


@op(x=lambda x: 1 / 0)
def broken(x):
    return x * 1


@op(x=lambda x: -1 / (x * no_number(x)))
def log_without_second(x):
    return np.log(x)


def test_the_first_nan_of_a_backward_pass_raises_and_names_operator_input_and_line() -> None:
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    with autograd.detect_anomaly():
        h = x * w
        y = no_number(h)
        line = line_here() - 1
        loss = y.sum() * 2
        with pytest.raises(RuntimeError) as caught:
            loss.backward()
    text = str(caught.value)
    assert "no_number returned nan as the gradient of its input x (position 0, shape (2,)) at 2 of 2 elements" in text
    assert "of shape (2,), had none" in text
    assert f"test_autograd.py:{line}" in text
    assert x.grad is w.grad is None


def test_a_nan_that_came_in_is_told_apart() -> None:
    x = leaf([1.0, 2.0])
    with autograd.detect_anomaly(), pytest.raises(RuntimeError, match=r"multiply .* had nan already.* ran at"):
        (x * 2).backward(np.array([1.0, np.nan]))


@pytest.mark.parametrize("variadic", [False, True])
def test_anomaly_mode_covers_grad_and_higher_orders(variadic: bool) -> None:
    x = leaf(2.0)
    with autograd.detect_anomaly():
        y = mg.cat([log_without_second(x).reshape(1), x.reshape(1)]).sum() if variadic else log_without_second(x)
        line = line_here() - 1
        (first,) = mg.grad(y, x, create_graph=True)
        with pytest.raises(RuntimeError, match=r"no_number returned nan as the gradient of its input x") as caught:
            mg.grad(first, x)
    assert "test_autograd.py" in str(caught.value)
    assert line


def test_a_nan_in_a_variadic_operator_names_the_position() -> None:
    x = leaf([1.0])
    with autograd.detect_anomaly(), pytest.raises(RuntimeError, match=r"input \w+\[1\] \(position 1"):
        mg.cat([plain([1.0]), x]).backward(np.array([1.0, np.nan]))


def test_an_error_in_a_local_gradient_keeps_its_type_and_says_where_it_came_from() -> None:
    x = leaf([1.0, 2.0])
    with autograd.detect_anomaly():
        loss = broken(x).sum()
        line = line_here() - 1
        with pytest.raises(ZeroDivisionError) as caught:
            loss.backward()
    assert any("broken" in note and f"test_autograd.py:{line}" in note for note in caught.value.__notes__)
    with pytest.raises(ZeroDivisionError) as caught:
        broken(x).sum().backward()
    assert any("broken" in note and "detect_anomaly" in note for note in caught.value.__notes__)
    assert x.grad is None


def test_an_error_in_a_hook_says_where_its_tensor_came_from() -> None:
    x = leaf([1.0, 2.0])
    with autograd.detect_anomaly():
        h = x * 2
        line = line_here() - 1
        h.register_hook(lambda g: 1 // 0)
        with pytest.raises(ZeroDivisionError) as caught:
            h.sum().backward()
    assert any("multiply" in note and f"test_autograd.py:{line}" in note for note in caught.value.__notes__)


def test_infinities_and_a_nan_that_is_not_looked_for_pass() -> None:
    x = leaf([1.0, 2.0])
    with autograd.detect_anomaly():
        (x * np.inf).sum().backward()
    assert x.grad.tolist() == [np.inf, np.inf]
    for y in (leaf(1.0), leaf(2.0)):
        with autograd.detect_anomaly(check_nan=False):
            no_number(y).backward()
        assert np.isnan(y.grad.item())


def test_right_gradients_are_the_same_in_anomaly_mode() -> None:
    def run(a: Any) -> Any:
        b = a * a + a
        return (b * b + b).sum()

    one, other = leaf([1.5, 2.0]), leaf([1.5, 2.0])
    run(one).backward()
    with autograd.detect_anomaly():
        run(other).backward()
    np.testing.assert_array_equal(one.grad.data, other.grad.data)


def test_anomaly_mode_ends_with_its_region_also_after_an_error_and_may_be_entered_again() -> None:
    mode = autograd.detect_anomaly()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="nan"), mode, mode:
            no_number(leaf(1.0)).backward()
        assert graph.line_wanted == []
        assert engine.recorders.get() == ()
        no_number(leaf(1.0)).backward()


def test_set_detect_anomaly_holds_from_now_on_or_inside_a_region() -> None:
    try:
        autograd.set_detect_anomaly(True)
        with pytest.raises(RuntimeError, match="nan"):
            no_number(leaf(1.0)).backward()
        with autograd.set_detect_anomaly(False):
            no_number(leaf(1.0)).backward()
        with pytest.raises(RuntimeError, match="nan"):
            no_number(leaf(1.0)).backward()
    finally:
        autograd.set_detect_anomaly(False)
    no_number(leaf(1.0)).backward()
    with autograd.detect_anomaly(), autograd.set_detect_anomaly(False):
        no_number(leaf(1.0)).backward()
    assert graph.line_wanted == []


def test_a_recorder_inside_anomaly_mode_sees_the_steps_and_the_nan_is_found_all_the_same() -> None:
    steps: list[engine.Step] = []
    with autograd.detect_anomaly(), engine.record(steps.append):
        with pytest.raises(RuntimeError, match="nan"):
            no_number(leaf(1.0) * 1).backward()
        (leaf(1.0) * 2).backward()
    assert [step.node.op.name for step in steps] == ["multiply"]


def test_the_nan_check_of_one_thread_does_not_reach_another() -> None:
    errors: list[Any] = []

    def run() -> None:
        try:
            no_number(leaf(1.0)).backward()
        except RuntimeError as error:
            errors.append(error)

    with autograd.detect_anomaly():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert not errors


@pytest.mark.usefixtures("nothing_stays")
def test_anomaly_mode_leaves_nothing_behind() -> None:
    before = len(graph.lines)
    with autograd.detect_anomaly():
        x = leaf([1.0, 2.0])
        (first,) = mg.grad((x**3).sum(), x, create_graph=True)
        first.sum().backward()
        assert len(graph.lines) > before
    del x, first
    assert len(graph.lines) == before


# -- why is there no gradient? ----------------------------------------------------------------------------------------


def why(function: Any, *tensors: mg.Tensor) -> dict[str, str]:
    return autograd.why_no_grad(function, dict(zip("abc", tensors, strict=False)))


def test_a_parameter_with_a_path_is_not_mentioned() -> None:
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    found = why(lambda: (a * b.detach() + b).sum(), a, b)
    assert found == {}
    assert str(found) == "every parameter gets a gradient from this loss"


def test_a_parameter_that_was_never_used_is_told_from_one_that_is_frozen() -> None:
    a, b, c = leaf(1.0), leaf(2.0), plain(3.0)
    assert why(lambda: a * c, a, b, c) == {
        "b": "it was never used while the loss was computed",
        "c": "its requires_grad is False",
    }


def test_what_was_used_but_did_not_go_into_the_loss_is_told_with_the_line_that_used_it() -> None:
    a, b = leaf(1.0), leaf(2.0)

    def loss() -> Any:
        b * 2
        return a * 3

    line = loss.__code__.co_firstlineno + 1
    found = why(loss, a, b)["b"]
    assert found.startswith("multiply at ")
    assert f"test_autograd.py:{line} used it, but nothing computed from it went into the loss" in found


def cut_by_detach(a: Any) -> Any:
    h = a * 2
    h = h.detach()  # cut
    return (h * a.detach() + 1).sum()


def cut_by_data(a: Any) -> Any:
    h = a * 2
    h = mg.from_numpy(h.data)
    return (h + 1).sum()  # cut


def cut_by_no_grad(a: Any) -> Any:
    with mg.no_grad():
        h = a * 2  # cut
    return (h * h).sum()


def cut_by_argmax(a: Any) -> Any:
    h = (a * 2).reshape(2)
    i = mg.argmax(h)  # cut
    return mg.tensor([1.0, 5.0]) * i


def cut_by_comparison(a: Any) -> Any:
    return mg.where(a > 1, 1.0, 0.0).sum()  # cut


def cut_by_cast(a: Any) -> Any:
    return (a * 2).astype(np.int64).double().sum()  # cut


def cut_by_copying(a: Any) -> Any:
    h = mg.tensor(a * 2)  # cut
    return (h * h).sum()


def cut_by_numpy(a: Any) -> Any:
    h = np.exp(a.detach().numpy())  # cut
    return mg.tensor(h).sum()


def cut_by_item(a: Any) -> Any:
    h = 2 * a.sum().item()  # cut
    return mg.tensor([h]).sum()


def cut_by_float(a: Any) -> Any:
    h = float(a.sum())  # cut
    return mg.tensor([h]).sum()


def cut_by_assignment(a: Any) -> Any:
    h = mg.zeros(2, dtype=np.float64)
    with mg.no_grad():
        h[...] = a  # cut
    return (h * h).sum()


def cut_at_the_end(a: Any) -> Any:
    return (a * a).sum().detach()  # cut


CUTS = {
    cut_by_detach: "detach() at",
    cut_by_data: "without its graph",
    cut_by_no_grad: "multiply ran under no_grad",
    cut_by_argmax: "argmax",
    cut_by_comparison: "greater",
    cut_by_cast: "int64",
    cut_by_copying: "mg.tensor(...) at",
    cut_by_numpy: ".numpy() at",
    cut_by_item: ".item() at",
    cut_by_float: ".item() at",
    cut_by_assignment: "t[...] = value at",
    cut_at_the_end: "detach() at",
}


@pytest.mark.parametrize("function", CUTS)
def test_the_place_where_the_path_ended_is_named_with_its_line(function: Any) -> None:
    a = leaf([1.0, 2.0])
    source, first = inspect.getsourcelines(function)
    line = first + next(i for i, text in enumerate(source) if "# cut" in text)
    (reason,) = why(lambda: function(a), a).values()
    assert CUTS[function] in reason
    assert f"test_autograd.py:{line}" in reason
    (reason,) = autograd.why_no_grad(function(a), a).values()
    assert "pass a function" in reason
    assert a.grad is None


def test_a_model_is_told_by_the_names_of_its_parameters() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            self.body, self.head, self.spare = nn.Linear(3, 4), nn.Linear(4, 1), nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            with mg.no_grad():
                features = self.body(x).relu()
            return self.head(features)

    model = Model()
    found = autograd.why_no_grad(lambda: (model(mg.randn(5, 3)) ** 2).mean(), model)
    assert set(found) == {"body.weight", "body.bias", "spare.weight", "spare.bias"}
    assert "linear ran under no_grad" in found["body.weight"]
    assert str(found).splitlines()[1] == (
        "spare.weight, spare.bias get no gradient: it was never used while the loss was computed"
    )


def test_a_function_of_ones_own_is_followed_too() -> None:
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])

    def loss() -> Any:
        _, _, sign = Polar.apply(a, b)
        return Cube.apply(a).sum() + sign.double().sum()

    found = why(loss, a, b)
    assert list(found) == ["b"]
    assert "Polar" in found["b"]


def test_a_loss_that_is_no_tensor_is_refused_and_the_profiler_restored() -> None:
    a = leaf(1.0)
    with pytest.raises(TypeError, match=r"got a float.*\.item\(\)"):
        why(lambda: (a * a).item(), a)
    with pytest.raises(ZeroDivisionError):
        why(lambda: 1 / 0, a)
    with pytest.raises(TypeError, match="parameter 0 is a float"):
        autograd.why_no_grad(lambda: a, [1.0])
    assert sys.getprofile() is None


# -- gradcheck names the element of the output ------------------------------------------------------------------------


def test_gradcheck_names_the_output_and_its_element_and_both_numbers_of_that_element() -> None:
    @op(x=lambda g, x: g * np.array([2.0, 5.0]))  # the truth is 2 and 4
    def mostly_right(x):
        return x * np.array([2.0, 4.0])

    with pytest.raises(
        AssertionError, match=r"input 0, element \[1\] = 7, output 1, element \[1\]: the gradient is 5, .* 4(\.0*\d*)?$"
    ):
        autograd.gradcheck(lambda x: (x * 3, mostly_right(x)), leaf([1.0, 7.0]))


def test_an_asynchronous_generator_is_refused_by_the_decorator_which_could_not_reach_its_body() -> None:
    with pytest.raises(TypeError, match="stream is an asynchronous generator"):

        @mg.no_grad()
        async def stream() -> Any:
            yield 1


def test_a_region_may_be_left_in_another_context_than_it_was_entered_in() -> None:
    def stream() -> Any:
        with mg.no_grad():
            yield mg.is_grad_enabled()

    generator = stream()
    assert contextvars.copy_context().run(next, generator) is False
    contextvars.copy_context().run(generator.close)
    assert mg.is_grad_enabled()
