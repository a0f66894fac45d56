"""`@op`: what a declaration may say, what is kept for it, and what it takes care of: dtypes, errors, higher orders."""

from __future__ import annotations

import copy
import math
import pickle
import re
import traceback
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.formulas import formulas
from minigrad.op import Op, numpy_ops, op, registry
from tests.cases import OPERATORS

# mypy: disable-error-code="no-untyped-def"


def leaf(data: Any, dtype: Any = np.float64) -> mg.Tensor:
    return mg.tensor(data, dtype=dtype, requires_grad=True)


def kept(tensor: mg.Tensor) -> dict[str, Any]:
    """What the node of `tensor` has saved, by name; without what it left out."""
    node: Any = tensor.node
    return {name: value for name, value in zip(node.op.asked, node.saved, strict=True) if value is not None}


# -- operators as a user would declare them ---------------------------------------------------------------------------


@op(x=3)
def triple(x):
    return 3 * x


@op(x=lambda x: 3 * x**2)
def cube(x):
    return x**3


@op(x=lambda g, x: 3 * g * x * x)
def cube_by_vjp(x):
    return x**3


@op(x=lambda out: out)
def exponential(x):
    return np.exp(x)


@op(saves=("p",), x=lambda g, p: g * p)
def log_of_sum(x):
    """log Σ exp(x); the extra is the softmax."""
    e = np.exp(x - x.max())
    return np.log(e.sum()) + x.max(), e / e.sum()


@op(saves=("total",), arrays=lambda g, total, i: 2 * g * total)
def square_of_sum(*arrays):
    total = 0
    for array in arrays:
        total = total + array
    return total * total, total


@op(arrays=lambda arrays, i: np.prod([a for k, a in enumerate(arrays) if k != i], axis=0))
def product(*arrays):
    return np.prod(arrays, axis=0)


@op(x=lambda g, x_shape, axis: np.broadcast_to(np.expand_dims(g, axis), x_shape))
def total_along(x, axis=0):
    return x.sum(axis)


@op(x=lambda g, x_shape, i: mg.ops.shape.add_at(g, x_shape, i))
def pick(x, i):
    return x[i]


# -- the three forms --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "first", "second"),
    [
        (triple, lambda x: 3, None),
        (cube, lambda x: 3 * x**2, lambda x: 6 * x),
        (cube_by_vjp, lambda x: 3 * x**2, lambda x: 6 * x),
        (exponential, np.exp, np.exp),
        (log_of_sum, lambda x: np.exp(x) / np.exp(x).sum(), None),
        (total_along, lambda x: 1, None),
        (lambda x: pick(x, 2), lambda x: [0, 0, 1], None),
    ],
)
def test_a_gradient_may_be_a_number_a_derivative_or_a_vector_jacobian_product(
    operator: Any, first: Any, second: Any
) -> None:
    x = leaf([0.5, -1.0, 2.0])
    (found,) = mg.grad(operator(x).sum(), x, create_graph=True)
    np.testing.assert_allclose(found.data, np.broadcast_to(first(x.data), 3), rtol=1e-12)
    if second:
        np.testing.assert_allclose(mg.grad(found.sum(), x)[0].data, second(x.data), rtol=1e-12)
    assert gradcheck(operator, x)
    assert gradgradcheck(operator, x)


def test_an_extra_has_its_share_in_the_second_derivative() -> None:
    """The Hessian of log Σ exp(x) is diag(p) − p pᵀ; were the saved p taken as a constant, it would be 0."""
    x = leaf([0.5, -1.0, 2.0])
    (p,) = mg.grad(log_of_sum(x), x, create_graph=True)
    hessian = [mg.grad(p[i], x, retain_graph=True)[0].data for i in range(3)]
    np.testing.assert_allclose(hessian, np.diag(p.data) - np.outer(p.data, p.data), rtol=1e-12)


def test_an_extra_of_an_operator_of_many_arrays_has_its_share_too() -> None:
    a, b, c = leaf(2.0), leaf(3.0), mg.tensor(5.0, dtype=np.float64)
    by_a, by_b = mg.grad(square_of_sum(a, b, c), [a, b], create_graph=True)
    assert by_a.item() == by_b.item() == 20.0
    assert [g.item() for g in mg.grad(by_a, [a, b])] == [2.0, 2.0]


def test_with_extras_gives_the_extras_as_plain_arrays() -> None:
    x = leaf([0.5, -1.0, 2.0])
    out, p = log_of_sum.with_extras(x)
    assert out.requires_grad
    assert type(p) is np.ndarray
    np.testing.assert_allclose(p, np.exp(x.data) / np.exp(x.data).sum())


def test_an_operator_of_many_arrays_is_told_which_one_it_is_asked_about() -> None:
    a, b, c = leaf([2.0, 3.0]), leaf([5.0, 7.0]), leaf([11.0, 13.0])
    found = mg.grad(product(a, b, c).sum(), [a, b, c])
    np.testing.assert_array_equal([g.data for g in found], [[55, 91], [22, 39], [10, 21]])


def test_a_parameter_called_i_is_the_parameter() -> None:
    x = leaf([1.0, 2.0, 3.0])
    pick(x, 2).backward()
    np.testing.assert_array_equal(x.grad.data, [0, 0, 1])


def test_on_arrays_an_operator_is_its_forward_function() -> None:
    x = np.array([1.0, 2.0])
    assert type(cube(x)) is np.ndarray
    np.testing.assert_array_equal(cube(x), x**3)
    assert cube(2.0) == 8.0


def test_a_new_operator_in_five_lines_works_in_every_order_and_as_the_numpy_function() -> None:
    @op(np.cbrt, x=lambda out: 1 / (3 * out * out))
    def cbrt(x):
        return np.cbrt(x)

    try:
        x = leaf([0.5, 2.0])
        y = np.cbrt(x)
        np.testing.assert_array_equal(y.data, np.cbrt(x.data))
        (first,) = mg.grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(first.data, x.data ** (-2 / 3) / 3)
        np.testing.assert_allclose(mg.grad(first.sum(), x)[0].data, x.data ** (-5 / 3) * -2 / 9)
        assert gradcheck(cbrt, x)
        assert gradgradcheck(cbrt, x)
    finally:
        del numpy_ops[np.cbrt], registry[f"{__name__}.cbrt"]


# -- mistakes in a declaration are told at once -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: op(z=1)(named(lambda x, y: x)), r"^foo: .*'z'.*\('x', 'y'\)"),
        (lambda: op(x=lambda outt: outt)(named(lambda x, y: x)), r"^foo: .*'x'.*'outt'.*foo\(x, y\).*g, out, x"),
        (lambda: op(x=lambda x_shap: 1)(named(lambda x: x)), r"^foo: .*'x_shap'"),
        (lambda: op(x=lambda g, i: g)(named(lambda x: x)), r"^foo: .*'i'"),
        (lambda: op(x=lambda p: p)(named(lambda x: x)), r"^foo: .*'p'"),
        (lambda: op(x=lambda *rest: 1)(named(lambda x: x)), r"^foo: .*'rest'"),
        (lambda: op(x="y")(named(lambda x, y: x)), r"^foo: .*'x' is neither a number nor a function"),
        (lambda: op(x=None)(named(lambda x, y: x)), r"^foo: .*'x' is neither a number nor a function"),
        (lambda: op(x=1)(named(lambda x, *, axis=0: x)), r"^foo\(x, \*, axis=0\): .*by position"),
        (lambda: op(x=1)(named(lambda x, **rest: x)), r"^foo\(x, \*\*rest\): .*by position"),
        (lambda: op(x=1)(named(lambda x, *rest: x)), r"^foo\(x, \*rest\): .*by position"),
        (lambda: op(x=1)(named(lambda x, g: x)), r"^foo: the name 'g'"),
        (lambda: op(x=1)(named(lambda x, out: x)), r"^foo: the name 'out'"),
        (lambda: op(arrays=1)(named(lambda *arrays, i=0: arrays)), r"^foo: the name 'i'"),
        (lambda: op(x=1, saves=("x",))(named(lambda x: x)), r"^foo: the name 'x'"),
        (lambda: op(x=1, saves=("out",))(named(lambda x: x)), r"^foo: the name 'out'"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_declaration_is_a_type_error_that_names_the_operator(declare: Any, message: str) -> None:
    before = dict(registry)
    with pytest.raises(TypeError, match=message):
        declare()
    assert registry == before


def named(forward: Any) -> Any:
    forward.__name__ = "foo"
    return forward


def test_a_numpy_function_stands_for_one_operator_only() -> None:
    with pytest.raises(ValueError, match=r"my_tanh: np.tanh already is minigrad.ops.elementwise.tanh"):

        @op(np.tanh, x=1)
        def my_tanh(x):
            return x

    assert numpy_ops[np.tanh] is registry["tanh"]
    assert f"{__name__}.my_tanh" not in registry


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_nothing_is_kept_that_no_gradient_of_a_tracked_input_asks_for() -> None:
    x, y = leaf(np.ones((2, 3))), leaf(np.ones((2, 3)))
    a, b = x.detach(), y.detach()
    assert kept(x + y) == {}
    assert kept(triple(x)) == {}
    assert kept(x.sum(0)) == {"axis": 0, "keepdims": False, "x_shape": (2, 3)}
    assert kept(x * b).keys() == {"y"}
    assert kept(a * y).keys() == {"x"}
    assert kept(x * y).keys() == {"x", "y"}
    assert kept(exponential(x)).keys() == {"out"}
    assert kept(cube(x)).keys() == {"x"}
    assert kept(total_along(x, 1)) == {"x_shape": (2, 3), "axis": 1}
    assert kept(mg.concatenate([x, a])) == {"arrays_shape": ((2, 3), (2, 3)), "axis": 0}


def test_what_is_kept_is_the_array_itself_not_a_copy() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    z = x * y
    assert kept(z)["x"] is x.data
    assert kept(z)["y"] is y.data
    t = x.tanh()
    assert kept(t)["out"] is t.data


def test_without_a_tracked_input_or_under_no_grad_nothing_is_recorded() -> None:
    assert cube(mg.tensor(2.0)).node is None
    with mg.no_grad():
        assert cube(leaf(2.0)).node is None


def test_the_graph_reaches_only_to_inputs_that_require_grad() -> None:
    x, b = leaf([1.0]), mg.tensor([2.0])
    assert (x * b).node.inputs == [x.node, None]
    assert (x * 2.0).node.inputs == [x.node, None]


def test_an_input_without_gradient_that_requires_grad_raises() -> None:
    @op(x=1)
    def shifted(x, by):
        return x + by

    x, by = leaf([1.0]), leaf([2.0])
    with pytest.raises(TypeError, match=r"shifted has no gradient for 'by'.*by\.detach\(\)"):
        shifted(x, by)
    assert shifted(x, by.detach()).requires_grad


def test_an_operator_without_any_gradient_ends_the_graph() -> None:
    x = leaf([1.0, -1.0])
    assert not (x > 0).requires_grad
    assert not x.argmax().requires_grad


def test_no_gradient_flows_through_integers() -> None:
    x = leaf([1.5, 2.5])
    whole = x.astype(np.int64)
    assert not whole.requires_grad
    (x * whole).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1.0, 2.0])


# -- formulas ---------------------------------------------------------------------------------------------------------


def slope_of_ramp(x):
    """A docstring is not part of the formula."""
    return x > 0


def slope_in_two_steps(g, x):
    mask = x > 0
    return g * mask


@op(x=slope_of_ramp)
def ramp(x):
    return np.maximum(x, 0)


@op(x=slope_in_two_steps)
def ramp_in_two_steps(x):
    return np.maximum(x, 0)


@op(
    np.heaviside,
    x=lambda x, out: (
        x  # written over several lines
        / out
    ),
    y=lambda y, out: y / out,
)
def hypotenuse(x, y):
    return np.hypot(x, y)


@op(x=-1, y=0.5)
def weighted(x, y):
    return -x + 0.5 * y


del numpy_ops[np.heaviside]  # the tests of Tensor find it unsupported


@pytest.mark.parametrize(
    ("operator", "texts"),
    [
        (cube, {"x": "3 * x ** 2"}),
        (cube_by_vjp, {"x": "3 * g * x * x"}),
        (ramp, {"x": "x > 0"}),
        (ramp_in_two_steps, {"x": "slope_in_two_steps(g, x)"}),
        (hypotenuse, {"x": "x / out", "y": "y / out"}),
        (weighted, {"x": "-1", "y": "0.5"}),
        (mg.tanh, {"x": "1 - out * out"}),
        (mg.greater, {}),
    ],
    ids=lambda value: value.name if isinstance(value, Op) else "",
)
def test_the_text_of_a_formula_is_read_from_the_source(operator: Op, texts: dict[str, str]) -> None:
    assert formulas(operator) == texts


def test_an_operator_declared_where_there_is_no_source_works_and_its_formula_says_what_it_depends_on() -> None:
    space: dict[str, Any] = {"np": np, "op": op}
    exec("@op(x=lambda g, out: g * out, y=2)\ndef typed_in(x, y):\n    return np.exp(x) + 2 * y", space)
    typed_in = space["typed_in"]
    assert formulas(typed_in) == {"x": "f(g, out)", "y": "2"}
    x = leaf(0.5)
    typed_in(x, 0.0).backward()
    assert x.grad.item() == np.exp(0.5)


def test_an_operator_shows_its_signature_and_its_docstring() -> None:
    assert repr(total_along) == "<op total_along(x, axis=0)>"
    assert log_of_sum.__doc__ == "log Σ exp(x); the extra is the softmax."


# -- dtypes -----------------------------------------------------------------------------------------------------------

X32 = np.array([1.5, 2.5], np.float32)


@pytest.mark.parametrize("other", [2, 2.0, True, np.float64(2), np.float32(2), np.int64(2), np.bool_(True)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_number_of_python_or_numpy_never_changes_the_dtype(other: Any, dtype: Any) -> None:
    x = leaf(X32, dtype)
    for result in (x + other, other + x, x * other, other * x, x - other, other - x, x / other, other / x,
                   x**other, other**x, x // other, x % other, mg.maximum(x, other), mg.where(x > 2, x, other),
                   ):  # fmt: skip
        assert result.dtype == dtype
        assert type(result) is mg.Tensor
    (gradient,) = mg.grad((x * other / other + other).sum(), x)
    assert gradient.dtype == dtype


@pytest.mark.parametrize("integers", [np.int8, np.int32, np.int64, np.uint8, np.bool_])
def test_integers_beside_float32_stay_float32(integers: Any) -> None:
    x, n = leaf(X32, np.float32), mg.tensor(np.array([1, 1], integers))
    for result in (x + n, n * x, x / n, x @ n, mg.where(x > 2, x, n), mg.concatenate([x, n]), x + n.data, n.data * x):
        assert result.dtype == np.float32
    (x * n).sum().backward()
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("integers", [np.int32, np.int64])
def test_integers_beside_float16_stay_float16(integers: Any) -> None:
    assert (leaf(X32, np.float16) + mg.tensor(np.array([1, 1], integers))).dtype == np.float16


def test_float64_beside_float32_gives_float64_as_in_numpy() -> None:
    assert (leaf(X32, np.float32) * mg.tensor(X32, dtype=np.float64)).dtype == np.float64
    assert (leaf(X32, np.float64) * X32).dtype == np.float64


@pytest.mark.parametrize("function", [mg.exp, mg.sqrt, mg.tanh, mg.mean, lambda t: t / 2, lambda t: t * 0.5])
def test_integers_alone_become_the_default_dtype_where_the_result_is_not_whole(function: Any) -> None:
    n = mg.tensor([1, 4])
    expected = function(mg.tensor([1.0, 4.0], dtype=np.float64)).data
    assert function(n).dtype == np.float32
    np.testing.assert_allclose(function(n).data, expected, rtol=1e-6)
    mg.set_default_dtype(np.float64)
    try:
        assert function(n).dtype == np.float64
    finally:
        mg.set_default_dtype(np.float32)


def test_only_a_floating_dtype_can_be_the_default() -> None:
    with pytest.raises(TypeError, match="int64"):
        mg.set_default_dtype(np.int64)
    assert mg.get_default_dtype() == np.float32


def test_a_list_beside_a_tensor_counts_as_a_tensor_of_the_default_dtype() -> None:
    x = leaf([1.0, 2.0], np.float32)
    y = x / [2.0, 4.0] + [1, 2]
    assert y.dtype == np.float32
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [0.5, 0.25])


# -- errors of a call -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: x + np.ones(4), ValueError, r"^add\(x: float32 \(2, 3\), y: float64 \(4,\)\): .*broadcast"),
        (lambda x: x @ mg.ones(2, 2), ValueError, r"^matmul\(x: float32 \(2, 3\), y: float32 \(2, 2\)\): "),
        (lambda x: x + "a", TypeError, r"^add\(x: float32 \(2, 3\), y: 'a'\): "),
        (lambda x: x + None, TypeError, r"^add\(x: float32 \(2, 3\), y: None\): "),
        (lambda x: x[5], IndexError, r"^getitem\(x: float32 \(2, 3\), index: 5\): .*out of bounds"),
        (lambda x: x.sum(7), IndexError, r"^sum\(x: float32 \(2, 3\), axis: 7.*out of bounds"),
        (lambda x: x.reshape(4), ValueError, r"^reshape\(x: float32 \(2, 3\), shape: \(4,\)\): "),
        (lambda x: mg.concatenate([x, mg.ones(1, 2)]), ValueError, r"^cat\(tensors: \[float32 .*\]\): all the"),
        (lambda x: ~x, TypeError, r"^invert\(x: float32 \(2, 3\)\): "),
        (lambda x: mg.tensor([1, 2]) ** -1, ValueError, r"^power\(x: int64 \(2,\), y: -1\): "),
        (lambda x: mg.tensor(np.uint8([1])) + 300, OverflowError, r"^add\(x: uint8 \(1,\), y: 300\): "),
        (lambda x: x * 1j, TypeError, r"^multiply\(x: float32 \(2, 3\), y: 1j\): .*complex64"),
        (lambda x: x + Fraction(1, 2), TypeError, r"^add\(x: float32 \(2, 3\), y: Fraction\(1, 2\)\): .*object"),
        (lambda x: x.astype(complex), TypeError, r"^cast\(x: float32 \(2, 3\), dtype: .*complex.*\): .*complex128"),
        (lambda x: mg.sum(x, 0, axis=1), TypeError, r"^sum\(\) got 'axis' twice"),
        (lambda x: x.sum(dim=0, axis=0), TypeError, r"'dim' and 'axis'"),
        (lambda x: x.sum(axes=0), TypeError, r"^sum\(\) got an unexpected argument 'axes'; it takes \(x, axis=None"),
        (lambda x: mg.exp(x, x), TypeError, r"^exp\(\) got 2 arguments; it takes \(x\)"),
        (lambda x: mg.multiply(x), TypeError, r"^multiply\(\) needs y; it takes \(x, y\)"),
    ],
)  # fmt: skip
def test_an_error_names_operator_dtypes_and_shapes_and_is_of_the_type_a_python_user_expects(
    call: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        call(mg.ones(2, 3, requires_grad=True))


def test_a_long_argument_does_not_flood_the_message() -> None:
    with pytest.raises(IndexError) as caught:
        mg.ones(3)[list(range(1000))]
    assert len(str(caught.value)) < 400


def test_a_forward_function_that_gives_no_array_is_told_so() -> None:
    @op(x=1)
    def total(x):
        return float(x.sum())

    with pytest.raises(TypeError, match=r"^total\(x: float64 \(1,\)\): the result is a float;"):
        total(leaf([1.0]))


@pytest.mark.parametrize("result", [lambda x: x, lambda x: (x,), lambda x: (x, x, x), lambda x: [x, x]])
def test_a_forward_function_that_returns_other_extras_than_declared_is_told_so(result: Any) -> None:
    """An array of two rows must not be taken for the result and one extra."""

    @op(saves=("extra",), x=lambda extra: extra)
    def careless(x):
        return result(x)

    with pytest.raises(TypeError, match=re.escape("careless(x: float64 (2, 2)): ") + ".*tuple: the result, extra"):
        careless(leaf(np.ones((2, 2))))


@pytest.mark.parametrize("integers", [np.uint8, np.uint32, np.int64, np.bool_])
@pytest.mark.parametrize("function", [mg.sigmoid, mg.softmax, mg.log_softmax, mg.logsumexp])
def test_functions_that_subtract_refuse_integers_which_might_wrap(function: Any, integers: Any) -> None:
    with pytest.raises(TypeError, match=rf"must be floating, not {np.dtype(integers)}; write x.float\(\)"):
        function(mg.tensor(np.array([0, 1], integers)))


@pytest.mark.parametrize("integers", [np.uint8, np.int8, np.bool_])
@pytest.mark.parametrize("function", [mg.exp, mg.sqrt, mg.tanh])
def test_small_integers_are_refused_where_numpy_would_compute_in_float16(function: Any, integers: Any) -> None:
    with pytest.raises(TypeError, match=r"float16: write x.float\(\)"):
        function(mg.tensor(np.array([0, 1], integers)))
    assert (mg.tensor(np.array([0, 200], np.uint8)) / 255).dtype == np.float32


# -- compositions -----------------------------------------------------------------------------------------------------


def test_a_composition_takes_pytorchs_names_and_its_errors_name_it_and_not_the_operator_inside() -> None:
    x = mg.ones(2, 3)
    assert mg.var(x, dim=1, keepdim=True).shape == (2, 1)
    with pytest.raises(IndexError, match=r"^var\(x: float32 \(2, 3\), dim: 5\): axis 5 is out of bounds") as caught:
        mg.var(x, dim=5)
    assert str(caught.value).count("It computes") == 1
    with pytest.raises(TypeError, match="'dim' and 'axis' mean the same"):
        mg.var(x, dim=0, axis=0)
    with pytest.raises(TypeError, match=r"^stack\(tensors: \[float32 \(2, 3\), 2.0\]\): "):
        mg.stack([x, 2.0])
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'ddof'.*It computes: Σ"):
        mg.var(x, ddof=0)


def test_a_long_list_of_tensors_does_not_flood_the_message() -> None:
    with pytest.raises(ValueError, match=r"\(1,\), \.\.\.\]\)") as caught:
        mg.stack([mg.ones(1)] * 50 + [mg.ones(2)])
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("call", ["own(1)", "mg.stack([mg.ones(1), mg.ones(2)])", "mg.ones(2) + mg.ones(3)"])
def test_an_error_is_one_traceback_down_to_the_line_that_raised(call: str) -> None:
    @op(x=1)
    def own(x):
        return x + None

    with pytest.raises((TypeError, ValueError)) as caught:
        eval(call, {"mg": mg, "own": own})
    text = "".join(traceback.format_exception(caught.value))
    assert text.count("Traceback") == 1
    lowest = traceback.extract_tb(caught.value.__traceback__)[-1].line
    assert lowest in ("return x + None", "return np.concatenate(arrays, axis)", "return x + y"), text


def test_the_decorator_without_brackets_is_told_so() -> None:
    with pytest.raises(TypeError, match=r"op: write brackets, @op\(x=...\) or @op\(\), above double"):

        @op
        def double(x: Any) -> Any:
            return 2 * x


def test_a_gradient_that_leaves_the_graph_is_refused_when_it_is_to_be_differentiated() -> None:
    @op(x=lambda x: math.cos(x))
    def sine(x):
        return np.sin(x)

    x = leaf(1.0)
    assert mg.grad(sine(x), x)[0].item() == np.cos(1.0)
    with pytest.raises(RuntimeError, match=r"must stay in the graph.*use mg.cos, not math.cos"):
        mg.grad(sine(x) ** 2, x, create_graph=True)
    assert x.item() == 1


def test_an_operator_is_pickled_and_copied_by_name() -> None:
    for operator in OPERATORS.values():
        assert pickle.loads(pickle.dumps(operator)) is operator
        assert copy.deepcopy({"act": operator})["act"] is operator
