"""Properties that hold for whole families of operators, over inputs that Hypothesis makes up: shapes with sizes 0 and
1, broadcasting, axes, slices, all floating dtypes, values with ties, zeros and infinities."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.op import Op
from tests.cases import OPERATORS, SPECS, differentiated
from tests.cases.common import Case

pytestmark = [pytest.mark.filterwarnings("ignore::RuntimeWarning"), pytest.mark.no_cover]  # the same lines many times
settings.register_profile("suite", max_examples=40, deadline=None, derandomize=True)
settings.load_profile("suite")

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed: make test EXTRAS=test,oracle")

DTYPES = st.sampled_from([np.float16, np.float32, np.float64])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
SPECIAL = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -3.0, 6.0, 40.0, -40.0, 700.0, -700.0, 1e4, -1e4]  # ties are likely
MODERATE = st.floats(-3, 3).map(lambda value: round(value, 2) + 0.0)
VALUES = st.sampled_from(SPECIAL) | MODERATE


def family(*rooms: str, arrays: int) -> list[Any]:
    """The operators of these rooms whose only arguments without default are `arrays` arrays, and their gradients."""
    chosen = [
        op
        for op in OPERATORS.values()
        if op.forward.__module__.rpartition(".")[2] in rooms
        and len(op.parameters) - len(op.defaults) == arrays
        and not op.variadic
        and list(op.gradients) == list(op.parameters[:arrays])
    ]
    return [pytest.param(op, id=op.name) for op in chosen]


UNARY = family("elementwise", "activation", arrays=1)
BINARY = family("elementwise", "activation", arrays=2)


def floats(shape: Any, values: Any = VALUES, dtype: Any = np.float64) -> Any:
    return hnp.arrays(dtype, shape, elements=values.map(lambda value: float(np.clip(value, -6e4, 6e4))))


def slopes(op: Op, *arrays: Any, create_graph: bool = False) -> list[Any]:
    leaves = [mg.tensor(a, requires_grad=True) for a in arrays]
    found = mg.grad(op(*leaves).sum(), leaves, create_graph=create_graph, allow_unused=True)
    return [np.zeros(a.shape, a.dtype) if g is None else g.data for g, a in zip(found, arrays, strict=True)]


def agree(ours: Any, theirs: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


# -- elementwise ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", UNARY)
@given(data=st.data())
def test_an_elementwise_function_keeps_shape_and_dtype_and_equals_numpys(op: Op, data: Any) -> None:
    dtype = data.draw(DTYPES)
    x = data.draw(floats(data.draw(SHAPES), dtype=dtype))
    y = op(mg.tensor(x))
    assert y.shape == x.shape
    assert y.dtype == dtype
    expected = SPECS[op.name].reference(op)(x.astype(np.float64))  # type: ignore[misc]
    agree(op(mg.tensor(x.astype(np.float64))).data, expected)
    assert [g.dtype for g in slopes(op, x)] == [dtype]


@pytest.mark.parametrize("op", UNARY)
@given(data=st.data())
def test_the_gradient_of_an_elementwise_function_is_the_same_element_by_element_and_on_tensors(
    op: Op, data: Any
) -> None:
    x = data.draw(floats(data.draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=4))))
    (together,) = slopes(op, x)
    alone = [slopes(op, np.array(value))[0] for value in x.ravel()]
    np.testing.assert_allclose(
        together.ravel(), alone, rtol=1e-14, atol=1e-300
    )  # SIMD may round the last digit otherwise
    np.testing.assert_allclose(slopes(op, x, create_graph=True)[0], together, rtol=1e-14, atol=1e-300)


@needs_torch  # which has no clip without bounds, and no gradient of floor_divide
@pytest.mark.parametrize("op", [p for p in [*UNARY, *BINARY] if p.id not in ("clip", "floor_divide")])
@given(data=st.data())
def test_values_and_gradients_equal_pytorchs_everywhere_also_at_ties_zeros_and_far_out(op: Op, data: Any) -> None:
    n = len(op.parameters) - len(op.defaults)
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=n, max_dims=2, max_side=3, min_side=0))
    arrays = [data.draw(floats(shape)) for shape in shapes.input_shapes]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    out = SPECS[op.name].torch(torch, *theirs)
    agree(op(*[mg.tensor(a) for a in arrays]).data, out.detach().numpy())
    expected = torch.autograd.grad(out.sum(), theirs, allow_unused=True) if out.requires_grad else [None] * n
    assume(not out.isnan().any())  # where there is no value, there is no gradient to compare
    for ours, g, a in zip(slopes(op, *arrays), expected, arrays, strict=True):
        agree(ours, np.zeros(a.shape) if g is None else g.numpy())


@pytest.mark.parametrize("op", BINARY)
@given(data=st.data())
def test_broadcasting_is_numpys_and_each_gradient_is_summed_over_its_uses(op: Op, data: Any) -> None:
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0))
    x, y = [data.draw(floats(shape, MODERATE)) for shape in shapes.input_shapes]
    assert op(mg.tensor(x), mg.tensor(y)).shape == shapes.result_shape
    stretched = [np.broadcast_to(a, shapes.result_shape).copy() for a in (x, y)]
    for ours, full, shape in zip(slopes(op, x, y), slopes(op, *stretched), shapes.input_shapes, strict=True):
        added = full.ndim - len(shape)
        axes = (*range(added), *[added + i for i, size in enumerate(shape) if size == 1])
        agree(ours, full.sum(axes, keepdims=True).reshape(shape))


# -- reductions -------------------------------------------------------------------------------------------------------

REDUCTIONS = ["sum", "mean", "prod", "amax", "amin", "logsumexp", "var", "std", "norm", "nansum"]


@pytest.mark.parametrize("name", REDUCTIONS)
@given(data=st.data())
def test_a_reduction_over_any_axes_is_the_same_as_over_the_flattened_axes(name: str, data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=3))
    axes = data.draw(
        st.sampled_from([None, *range(-len(shape), len(shape))]) | hnp.valid_tuple_axes(len(shape), min_size=1)
    )
    keepdims = data.draw(st.booleans())
    x = data.draw(hnp.arrays(np.float64, shape, elements=MODERATE, unique=True))
    function = getattr(mg, name)
    chosen = tuple(range(x.ndim)) if axes is None else tuple(np.atleast_1d(axes) % x.ndim)
    rest = [axis for axis in range(x.ndim) if axis not in chosen]

    t = mg.tensor(x, requires_grad=True)
    y = function(t, axis=axes, keepdims=keepdims)
    kept = tuple(1 if axis in chosen else size for axis, size in enumerate(shape))
    assert y.shape == (kept if keepdims else tuple(shape[axis] for axis in rest))

    rows = mg.tensor(
        x.transpose([*rest, *chosen]).reshape(-1, int(np.prod([shape[a] for a in chosen]))), requires_grad=True
    )
    expected = [function(row) for row in rows]
    agree(y.data.ravel(), [value.item() for value in expected])
    ours = mg.grad(y.sum(), t)[0].data.transpose([*rest, *chosen]).reshape(rows.shape)
    agree(ours, mg.grad(sum(expected), rows)[0].data)


# -- indexing and shape: linear operators, whose gradient is their transpose ------------------------------------------


def holds_transposed(function: Callable[[Any], Any], x: Any, data: Any) -> None:
    """⟨g, A x⟩ = ⟨Aᵀ g, x⟩, with whole numbers exactly."""
    t = mg.tensor(x, requires_grad=True)
    y = function(t)
    g = np.arange(1.0, y.numel() + 1).reshape(y.shape)
    assert (g * y.data).sum() == (mg.grad(y, t, g)[0].data * x).sum()


WHOLE = st.integers(-8, 8).map(float)


@given(data=st.data())
def test_any_index_reads_what_numpy_reads_and_its_gradient_is_the_transpose(data: Any) -> None:
    x = data.draw(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=WHOLE))
    index = data.draw(
        hnp.basic_indices(x.shape, allow_newaxis=True)
        | hnp.integer_array_indices(x.shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3))
        | hnp.arrays(np.bool_, x.shape)
    )
    np.testing.assert_array_equal(mg.tensor(x)[index].data, x[index])
    holds_transposed(lambda t: t[index], x, data)


@given(data=st.data())
def test_operators_that_move_elements_are_numpys_and_their_gradients_the_transpose(data: Any) -> None:
    x = data.draw(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=3, max_side=3), elements=WHOLE))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    order = data.draw(st.permutations(range(x.ndim)))
    k = data.draw(st.integers(-3, 3))
    width = data.draw(st.integers(0, 2))
    pairs: list[tuple[Callable[[Any], Any], Any]] = [
        (lambda t: t.reshape(-1), x.reshape(-1)),
        (lambda t: t.permute(*order), x.transpose(order)),
        (lambda t: mg.flip(t, axis), np.flip(x, axis)),
        (lambda t: mg.roll(t, k, axis), np.roll(x, k, axis)),
        (lambda t: mg.tril(t, k), np.tril(x, k)),
        (lambda t: mg.triu(t, k), np.triu(x, k)),
        (lambda t: mg.diagonal(t, k), np.diagonal(x, k)),
        (lambda t: mg.cumsum(t, axis), np.cumsum(x, axis)),
        (lambda t: mg.unsqueeze(t, axis), np.expand_dims(x, axis)),
        (lambda t: mg.movedim(t, axis, 0), np.moveaxis(x, axis, 0)),
        (lambda t: mg.tile(t, (2, 1, 1)), np.tile(x, (2, 1, 1))),
        (lambda t: mg.nn.functional.pad(t, (width, 1)), np.pad(x, [(0, 0)] * (x.ndim - 1) + [(width, 1)])),
        (lambda t: mg.cat([t, t * 2], axis), np.concatenate([x, x * 2], axis)),
    ]
    for ours, expected in pairs:
        np.testing.assert_array_equal(ours(mg.tensor(x)).data, expected)
        holds_transposed(ours, x, data)


@given(data=st.data())
def test_gather_and_scatter_add_are_transposes_of_each_other(data: Any) -> None:
    x = data.draw(hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=2, max_side=4), elements=WHOLE))
    axis = data.draw(st.integers(0, x.ndim - 1))
    shape = list(x.shape)
    shape[axis] = data.draw(st.integers(0, 5))
    index = data.draw(hnp.arrays(np.int64, tuple(shape), elements=st.integers(0, x.shape[axis] - 1)))
    np.testing.assert_array_equal(mg.gather(mg.tensor(x), axis, index).data, np.take_along_axis(x, index, axis))
    holds_transposed(lambda t: mg.gather(t, axis, index), x, data)
    holds_transposed(lambda t: mg.scatter_add(mg.zeros(*x.shape, dtype=mg.float64), axis, index, t), index * 1.0, data)


# -- whole programs ---------------------------------------------------------------------------------------------------

STEPS: list[Callable[..., Any]] = [
    operator.add,
    operator.mul,
    operator.sub,
    mg.maximum,
    lambda a, b: a @ b.mT,
    lambda a, b: mg.tanh(a) / (2 + b * b),
    lambda a, b: mg.softmax(a + b.mean(0), axis=-1),
    lambda a, b: a[[0, 0, 1]] + b[::-1],
    lambda a, b: mg.logsumexp(a, 1, keepdims=True) * b,
    lambda a, b: mg.sigmoid(a).sum(0) - b,
    lambda a, b: mg.cat([a, b])[1:4],
    lambda a, b: mg.where(a > b, a, 2 * b),
]


@given(data=st.data())
def test_a_random_program_has_the_gradients_of_its_directional_differences(data: Any) -> None:
    """Shared inputs, reuse, broadcasting, all at once; first order, and second order by differences of the first."""
    program = data.draw(
        st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=8)
    )
    random = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    start, direction = random.normal(size=(2, 2, 3, 3))

    def value(x: Any) -> Any:
        values = [x[0], x[1]]
        for step, i, j in program:
            values.append(0.5 * step(values[i % len(values)], values[j % len(values)]))
        return functools.reduce(operator.add, [(v * v).mean() for v in values])

    def gradient(x: Any) -> Any:
        t = mg.tensor(x, requires_grad=True)
        return mg.grad(value(t), t)[0].data

    def along(function: Callable[[Any], Any]) -> Any:
        step = 1e-6
        return (function(start + step * direction) - function(start - step * direction)) / (2 * step)

    assume(np.abs(value(start)) < 1e6)
    t = mg.tensor(start, requires_grad=True)
    (g,) = mg.grad(value(t), t, create_graph=True)
    np.testing.assert_allclose(g.data, gradient(start), rtol=1e-12, atol=1e-12)
    numeric = along(lambda x: float(value(x)))
    np.testing.assert_allclose((g.data * direction).sum(), numeric, rtol=1e-5, atol=1e-5 * (1 + abs(numeric)))
    (curvature,) = mg.grad((g * direction).sum(), t)
    numeric = along(gradient)
    np.testing.assert_allclose(curvature.data, numeric, rtol=1e-4, atol=1e-4 * (1 + np.abs(numeric).max()))


def test_the_families_are_not_empty() -> None:
    assert len(UNARY) > 40
    assert len(BINARY) > 8
    assert all(differentiated(p.values[0].name, Case((np.ones(1),))) == [0] for p in UNARY)
