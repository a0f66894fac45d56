"""Elementwise operators and activation functions: what the tables of `cases/` cannot say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.nn import functional
from minigrad.op import Op, numpy_ops, registry
from minigrad.ops import activation, elementwise
from tests.cases import common

inf, nan = math.inf, math.nan


def slope(function: Callable[..., Any], x: Any, *args: Any, dtype: Any = np.float64) -> Any:
    """The gradient of the sum of the results."""
    x = mg.tensor(x, dtype=dtype, requires_grad=True)
    (gradient,) = mg.grad(function(x, *args).sum(), x)
    assert gradient.dtype == dtype
    return gradient.data


# -- first order at kinks ---------------------------------------------------------------------------------------------

# What PyTorch 2.13 gives. The tables have those kinks at which it agrees with us in second order too.
KINKS = {
    "elu": (functional.elu, [0.0, inf], (1.7,), [1.7, 1.0]),
    "celu": (functional.celu, [0.0, inf], (2.0,), [1.0, 1.0]),
    "selu": (functional.selu, [0.0, inf], (), [1.7580993408473766, 1.0507009873554805]),
    "prelu": (functional.prelu, [0.0, -1.0, inf], (np.array([0.3]),), [0.3, 0.3, 1.0]),
    "leaky_relu": (functional.leaky_relu, [0.0, -inf, inf], (0.3,), [0.3, 0.3, 1.0]),
    "hardsigmoid": (functional.hardsigmoid, [-inf, -3.0, 0.0, 3.0, inf], (), [0.0, 0.0, 1 / 6, 0.0, 0.0]),
    "hardswish": (functional.hardswish, [-3.0, 0.0, 3.0, inf], (), [0.0, 0.5, 1.0, 1.0]),
    "arcsin": (elementwise.arcsin, [-1.0, 1.0], (), [inf, inf]),
    "arccos": (elementwise.arccos, [-1.0, 1.0], (), [-inf, -inf]),
    "arccosh": (elementwise.arccosh, [1.0], (), [inf]),
    "arctanh": (elementwise.arctanh, [-1.0, 1.0], (), [inf, inf]),
}


@pytest.mark.parametrize("name", KINKS)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_the_gradient_at_kinks_is_pytorchs(name: str) -> None:
    function, x, args, expected = KINKS[name]
    np.testing.assert_allclose(slope(function, x, *args), expected, rtol=1e-15)


# -- far from 0 -------------------------------------------------------------------------------------------------------

# function -> its gradients far below and far above 0
FAR = {
    "elu": (0, 1), "celu": (0, 1), "gelu": (0, 1), "silu": (0, 1), "mish": (0, 1), "softplus": (0, 1), "relu6": (0, 0),
    "logsigmoid": (1, 0), "sigmoid": (0, 0), "tanh": (0, 0), "hardswish": (0, 1), "hardsigmoid": (0, 0),
    "tanhshrink": (1, 1), "softshrink": (1, 1), "hardshrink": (1, 1), "leaky_relu": (0.01, 1), "hardtanh": (0, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_from_zero_an_activation_function_is_finite_with_the_right_slope_and_no_warning(
    name: str, dtype: Any
) -> None:
    function = getattr(functional, name)
    for far in (100.0, 1e4):
        assert np.isfinite(function(np.array([-far, far], dtype))).all()
        np.testing.assert_allclose(slope(function, [-far, far], dtype=dtype), FAR[name], rtol=1e-6, atol=1e-30)


def test_the_tails_are_exact_where_sums_with_one_would_round() -> None:
    x = np.array([-8.0, -20.0, -37.0])
    np.testing.assert_allclose(functional.gelu(x), x * scipy.special.ndtr(x), rtol=1e-13)
    np.testing.assert_allclose(functional.logsigmoid(-x), scipy.special.log_expit(-x), rtol=1e-13)
    np.testing.assert_allclose(elementwise.erfc(-x), scipy.special.erfc(-x), rtol=1e-13)
    np.testing.assert_allclose(slope(elementwise.expm1, x), np.exp(x), rtol=1e-15)
    np.testing.assert_allclose(slope(lambda x: elementwise.logaddexp(x, 0), x), scipy.special.expit(x), rtol=1e-13)


@pytest.mark.parametrize(
    ("function", "gradient"),
    [
        (elementwise.arcsinh, lambda x: 1 / np.sqrt(x * x + 1)),
        (elementwise.arccosh, lambda x: 1 / np.sqrt(x * x - 1)),
        (lambda x: elementwise.hypot(x, 2 * x), lambda x: np.sqrt(5) + 0 * x),
        (lambda x: elementwise.arctan2(x, 3.0), lambda x: 3 / (x * x + 9)),
    ],
)
def test_gradients_are_right_where_the_square_of_x_overflows(function: Any, gradient: Any) -> None:
    for dtype, x in ((np.float16, 300.0), (np.float32, 1e20), (np.float64, 1e150)):
        np.testing.assert_allclose(slope(function, [x], dtype=dtype), gradient(np.array([x])), rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.int32, np.float16, np.float32])
def test_a_gradient_in_float64_is_exact_beside_numbers_of_fewer_digits(dtype: Any) -> None:
    few = mg.tensor(np.array([3.3, 7.0, 1.1], dtype))
    x = few.data.astype(np.float64)
    y = np.array([-1.2, 1.37, 0.77])
    exponent = mg.tensor(y, requires_grad=True)
    for create_graph in (False, True):
        (slope_of_y,) = mg.grad((few**exponent).sum(), exponent, create_graph=create_graph)
        np.testing.assert_allclose(slope_of_y.data, x**y * np.log(x), rtol=1e-14)
    base = mg.tensor(x, requires_grad=True)
    (base ** mg.tensor(y.astype(dtype))).sum().backward()
    y = y.astype(dtype).astype(np.float64)
    np.testing.assert_allclose(base.grad.data, y * x ** (y - 1), rtol=1e-14)
    for function, slope in ((mg.atan2, x / (x * x + y * y)), (mg.hypot, y / np.hypot(x, y))):
        first = mg.tensor(y, requires_grad=True)
        function(first, few).sum().backward()
        np.testing.assert_allclose(first.grad.data, slope, rtol=1e-14)


def test_hypot_does_not_overflow() -> None:
    x = mg.tensor([1e200], requires_grad=True, dtype=np.float64)
    y = elementwise.hypot(x, x)
    y.backward()
    np.testing.assert_allclose(y.data, [math.sqrt(2) * 1e200], rtol=1e-15)
    np.testing.assert_allclose(x.grad, [math.sqrt(2)], rtol=1e-15)


# -- sinc -------------------------------------------------------------------------------------------------------------


def derivative_of_sinc(x: Any, order: int) -> Any:
    """∫ (πt)ⁿ cos(πxt + nπ/2) dt from 0 to 1, since sinc x = ∫ cos(πxt) dt; by Gauss-Legendre quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    t = (nodes + 1) / 2
    return (np.pi * t) ** order * np.cos(np.pi * np.multiply.outer(x, t) + order * np.pi / 2) @ weights / 2


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-14), (np.float32, 1e-6)])
def test_sinc_has_exact_derivatives_of_every_order_at_zero_near_it_and_elsewhere(dtype: Any, tolerance: float) -> None:
    values = [0.0, 1e-30, -1e-12, 1e-8, 1e-5, -1e-3, 0.03, 0.3, 0.499, -0.5, 0.501, 0.9, 1.0, -3.7, 9.1]
    x = mg.tensor(values, dtype=dtype, requires_grad=True)
    y = elementwise.sinc(x)
    for order in range(6):
        expected = derivative_of_sinc(x.data.astype(np.float64), order)
        atol = tolerance * (10 if order < 3 else 10**order)
        np.testing.assert_allclose(y.data, expected, rtol=tolerance, atol=atol, err_msg=f"order {order}")
        assert y.dtype == dtype
        (y,) = mg.grad(y.sum(), x, create_graph=True)


# -- dtypes and shapes ------------------------------------------------------------------------------------------------

UNARY = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "sin", "cos", "tan",
    "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "sinc", "erf", "erfc",
]  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_integers_give_the_default_dtype_and_float16_stays(name: str) -> None:
    function = getattr(elementwise, name)
    exact = function(np.array([1.0, 2.0, 3.0]))
    for data, dtype in ((np.arange(1, 4), np.float32), (np.array([1, 2, 3], np.float16), np.float16)):
        result = function(mg.tensor(data))
        assert result.dtype == dtype
        np.testing.assert_allclose(result.data, exact, rtol=5e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_the_error_function_keeps_shape_and_dtype(name: str) -> None:
    function, expected = getattr(elementwise, name), getattr(scipy.special, name)
    for shape in ((), (0,), (2, 0, 3), (2, 3)):
        for dtype in (np.float16, np.float32, np.float64):
            x = np.full(shape, 0.7, dtype)
            for result in (function(x), function(mg.tensor(x)).data):
                assert (result.shape, result.dtype) == (shape, dtype)
                np.testing.assert_allclose(result, expected(x.astype(np.float64)), rtol=2e-3)
    assert np.isnan(function(np.array(nan)))
    transposed = np.array([[1.0, 2.0], [3.0, 4.0]]).T
    np.testing.assert_allclose(function(transposed), expected([[1.0, 3.0], [2.0, 4.0]]), rtol=1e-14)


ACTIVATIONS = sorted({*FAR, "relu", "selu", "softsign", "softmin", "glu", "softmax", "log_softmax"})


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_activation_function_keeps_the_dtype_of_arrays_and_tensors(name: str, dtype: Any) -> None:
    function, x = getattr(functional, name), np.array([-2.0, -0.3, 0.2, 4.0], dtype)
    assert function(x).dtype == function(mg.tensor(x)).dtype == dtype
    np.testing.assert_array_equal(function(mg.tensor(x)).data, function(x))
    slope(function, x, dtype=dtype)


@pytest.mark.parametrize("name", ["softplus", "sigmoid", "logsigmoid", "mish", "silu"])
def test_unsigned_integers_which_would_wrap_at_a_minus_sign_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=r"x must be floating, not uint8; write x\.float\(\)"):
        getattr(functional, name)(mg.tensor(np.array([1, 2], np.uint8)))


# -- names ------------------------------------------------------------------------------------------------------------


def test_pytorchs_names_are_the_same_operators() -> None:
    same = {
        "acos": "arccos", "asin": "arcsin", "atan": "arctan", "atan2": "arctan2", "acosh": "arccosh", "fix": "trunc",
        "asinh": "arcsinh", "atanh": "arctanh", "true_divide": "divide", "bitwise_not": "invert", "neg": "negative",
    }  # fmt: skip
    for torchs, numpys in same.items():
        assert getattr(elementwise, torchs) is getattr(elementwise, numpys)
        assert callable(getattr(mg.tensor(1.0), torchs))


def test_numpys_names_of_rounding_and_repairing_work_on_tensors() -> None:
    x = mg.tensor([1.25, -2.5, nan, inf], dtype=np.float64)
    for name in ("round", "around", "rint", "trunc", "floor", "ceil"):
        np.testing.assert_array_equal(getattr(np, name)(x).data, getattr(np, name)(x.data))
    np.testing.assert_array_equal(np.round(x, 1).data, np.round(x.data, 1))
    np.testing.assert_array_equal(np.nan_to_num(x, True, nan=3, posinf=4).data, [1.25, -2.5, 3, 4])
    np.testing.assert_array_equal(np.nan_to_num(x, copy=False, posinf=4).data, [1.25, -2.5, 0, 4])
    np.testing.assert_array_equal(x.data, [1.25, -2.5, nan, inf])  # never written into


def test_lerp_addcmul_addcdiv_and_masked_fill_are_methods() -> None:
    x, y, z = (mg.tensor([value]) for value in (1.0, 2.0, 4.0))
    assert x.lerp(y, 0.25).tolist() == [1.25]
    assert x.addcmul(y, z, value=0.5).tolist() == [5]
    assert x.addcdiv(y, z).tolist() == [1.5]
    assert mg.tensor([1.0, 2.0]).masked_fill(mg.tensor([True, False]), -inf).tolist() == [-inf, 2]


# -- an operator of everybody's own ------------------------------------------------------------------------------------


def test_the_operator_that_the_contributors_page_adds_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    declaration, cases = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert "np.cbrt" in declaration
    for table, key in ((registry, "page.cbrt"), (numpy_ops, np.cbrt)):
        monkeypatch.setitem(table, key, None)  # taken out again after the test
    namespace: dict[str, Any] = {"np": np, "op": mg.op, "__name__": "page"}
    exec(declaration, namespace)
    (spec,) = eval(f"{{{cases}}}", vars(common)).values()
    assert len(spec.cases) == len(common.SHAPES)
    x = mg.tensor([-2.0, 0.5, 8.0], dtype=np.float64, requires_grad=True)
    np.testing.assert_allclose(np.cbrt(x).data, np.cbrt(x.data), rtol=1e-15)
    assert gradcheck(np.cbrt, x)
    assert gradgradcheck(np.cbrt, x)


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: functional.glu(x, 0), ValueError, r"^glu\(x: float32 \(3, 4\).*even size along axis 0.*not 3"),
        (lambda x: functional.glu(x, dim=5), IndexError, "^glu"),
        (lambda x: functional.gelu(x, "exact"), ValueError, r'^gelu\(.*approximate must be "none" or "tanh"'),
        (lambda x: functional.prelu(x, mg.ones(3)), ValueError, r"^prelu\(.*weight: float32 \(3,\).*the 4 channels"),
        (
            lambda x: mg.masked_fill(x, mg.ones(3, 4), 0.0),
            TypeError,
            r"^masked_fill\(.*bools, not float32.*mask != 0",
        ),
        (lambda x: functional.softplus(x, threshold=20), TypeError, "threshold"),
        (lambda x: elementwise.bitwise_xor(x, x), TypeError, "^bitwise_xor"),
        (lambda x: elementwise.hypot(x, mg.ones(3)), ValueError, r"^hypot\(x: float32 \(3, 4\), y: float32 \(3,\)\)"),
    ],
)
def test_a_mistake_is_explained(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(mg.ones(3, 4))


def test_activation_functions_of_both_kinds_are_in_the_functional_namespace() -> None:
    declared = {name for name, value in vars(activation).items() if isinstance(value, Op)}
    assert declared <= set(functional.__all__)
