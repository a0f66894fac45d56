"""`gradcheck` and `gradgradcheck` find what is wrong, say where, and touch nothing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.check import GradientError
from minigrad.op import op

# mypy: disable-error-code="no-untyped-def"


def leaf(data: Any) -> mg.Tensor:
    return mg.tensor(data, dtype=np.float64, requires_grad=True)


@op(x=lambda x: 2 * x)  # the truth is 3 x²
def cube_with_wrong_gradient(x):
    return x**3


@op(x=lambda x: 3 * x.data**2 if isinstance(x, mg.Tensor) else 3 * x**2)  # right, but on tensors it leaves the graph
def cube_with_wrong_second_gradient(x):
    return x**3


@op(x=lambda g, y: g * y, y=lambda g, x: g * x * 1.01)
def product_one_percent_off(x, y):
    return x * y


def test_a_right_gradient_passes() -> None:
    assert gradcheck(lambda x: x**3, leaf([1.0, -2.0])) is True
    assert gradgradcheck(lambda x: x**3, leaf([1.0, -2.0])) is True


def test_a_wrong_gradient_is_reported_with_its_element_and_both_numbers() -> None:
    """At 2 the wrong gradient says 4 and the difference quotient 12; at 2/3 both say 4/3."""
    with pytest.raises(GradientError) as caught:
        gradcheck(lambda x: cube_with_wrong_gradient(x).sum(), leaf([[2 / 3, 2.0]]))
    found = re.search(
        r"input 0, element \[0, 1\] = 2: the gradient is (\S+), the difference quotient (\S+)$", str(caught.value)
    )
    ours, numeric = (float(number) for number in found.groups())  # type: ignore[union-attr]
    assert numeric / ours == pytest.approx(3, rel=1e-6)
    assert isinstance(caught.value, AssertionError)


def test_a_gradient_that_is_one_percent_off_is_caught_and_its_input_named() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    with pytest.raises(GradientError, match=r"input 1, element \[0\] = 3"):
        gradcheck(product_one_percent_off, [x, y])
    assert gradcheck(product_one_percent_off, [x, y.detach()])
    assert gradcheck(product_one_percent_off, [x, y], rtol=0.02)


def test_a_gradient_that_is_wrong_only_when_differentiated_again_is_caught_by_gradgradcheck() -> None:
    x = leaf([1.0, 2.0])
    assert gradcheck(cube_with_wrong_second_gradient, x)
    with pytest.raises(GradientError, match=r"input 0, element \[0\] = 1"):
        gradgradcheck(cube_with_wrong_second_gradient, x)


def test_false_instead_of_an_error_where_that_is_wanted() -> None:
    assert gradcheck(cube_with_wrong_gradient, leaf([2.0]), raise_exception=False) is False
    assert gradgradcheck(cube_with_wrong_second_gradient, leaf([2.0]), raise_exception=False) is False


def test_an_output_without_a_graph_is_named_if_it_depends_on_the_input_all_the_same() -> None:
    with pytest.raises(GradientError, match=r"output 1, element \[0\].*gradient is 0, the difference quotient 2"):
        gradcheck(lambda x: (x * x, 2 * x.detach()), leaf([3.0]))


def test_an_output_without_gradient_is_passed_over_by_gradgradcheck_as_by_gradcheck() -> None:
    for check in (gradcheck, gradgradcheck):
        assert check(lambda x: (x * x, mg.argmax(x), mg.tensor(2.0)), leaf([3.0, 1.0]))


def test_a_gradient_that_is_not_a_number_never_passes() -> None:
    @op(x=lambda x: x * np.nan)
    def no_number(x):
        return 2 * x

    with pytest.raises(GradientError, match="gradient is nan"):
        gradcheck(no_number, leaf([1.0]))


def test_errors_in_two_outputs_or_elements_cannot_cancel() -> None:
    @op(x=lambda g: g * np.array([1.1, 0.9]))  # the sum of the two is right
    def unbalanced(x):
        return x * np.ones(2)

    with pytest.raises(GradientError):
        gradcheck(unbalanced, leaf(1.0))
    with pytest.raises(GradientError):
        gradcheck(lambda x: (cube_with_wrong_gradient(x), -cube_with_wrong_gradient(x)), leaf(1.0))


@pytest.mark.parametrize(
    ("function", "kink", "ours", "left", "right"),
    [(mg.relu, 0.0, 0.0, 0.0, 1.0), (lambda x: mg.clip(x, -1, 1), 1.0, 1.0, 1.0, 0.0)],
)
def test_a_point_on_a_kink_is_reported_with_the_slopes_on_both_sides(
    function: Any, kink: float, ours: float, left: float, right: float
) -> None:
    x = leaf(kink)
    with pytest.raises(GradientError) as caught:
        gradcheck(function, x)
    numbers = re.search(
        r"element \[\] = \S+: the gradient is (\S+), the difference quotient (\S+)\. "
        r"The point sits on a kink: slope (\S+) to its left, (\S+) to its right$",
        str(caught.value),
    )
    found = [float(number) for number in numbers.groups()]  # type: ignore[union-attr]
    np.testing.assert_allclose(found, [ours, 0.5, left, right], atol=1e-6)


def test_a_smooth_point_is_not_called_a_kink() -> None:
    with pytest.raises(GradientError, match=r"gradient is 4, the difference quotient 12(\.0+\d*)?$"):
        gradcheck(cube_with_wrong_gradient, leaf(2.0))


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_inputs_too_coarse_for_differences_are_refused(check: Any, dtype: Any) -> None:
    x, y = leaf([1.0]), mg.tensor([1.0], dtype=dtype, requires_grad=True)
    with pytest.raises(ValueError, match=rf"input 1 is {np.dtype(dtype)}.*float64.*double"):
        check(lambda x, y: x * y, [x, y])
    assert check(lambda x, y: x * y, [x, y.detach()])


@pytest.mark.parametrize(
    ("function", "inputs", "message"),
    [
        (lambda x: x * 2, mg.tensor([1.0], dtype=np.float64), "none of the inputs requires grad"),
        (lambda x: x.detach() * 2, leaf([1.0]), "do not depend on the inputs"),
        (lambda x: OUTSIDE * 2, leaf([1.0]), "do not depend on the inputs"),
    ],
)
def test_a_check_that_would_check_nothing_is_refused(function: Any, inputs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gradcheck(function, inputs)


OUTSIDE = leaf([1.0])


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_several_inputs_of_every_kind_and_several_outputs_are_checked_together(check: Any) -> None:
    def function(x: Any, n: Any, y: Any, c: Any) -> Any:
        return (x**n * y).sum(), mg.tanh(x) * c, y.exp()

    x, y, c = leaf([[0.5, 1.5]]), leaf(0.7), mg.tensor([[2.0], [3.0]], dtype=np.float64)
    assert check(function, (x, 3, y, c))
    assert check(function, [leaf(np.zeros((0, 2))), 3, y, c[:1]])


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("wrong", [False, True])
def test_a_check_leaves_its_inputs_and_the_random_numbers_as_they_were(check: Any, wrong: bool) -> None:
    def function(x: Any, c: Any) -> Any:
        with mg.no_grad():
            c += 1  # a function that writes into its input
        return (cube_with_wrong_gradient if wrong else lambda t: t * t)(x)

    x, c = leaf([1.0, 2.0]), mg.tensor([1.0])
    x.grad = mg.tensor([5.0, 6.0])
    state = mg.get_rng_state()
    check(function, (x, c), raise_exception=False)
    np.testing.assert_array_equal(x.data, [1.0, 2.0])
    np.testing.assert_array_equal(c.data, [1.0])
    assert x.grad.tolist() == [5.0, 6.0]
    assert x.is_leaf
    assert x.requires_grad
    assert not c.requires_grad
    assert mg.get_rng_state().tolist() == state.tolist()


def test_a_gradient_checks_out_in_a_mixed_graph_of_old_and_new_operators() -> None:
    x, w = leaf(np.linspace(-1, 1, 6).reshape(2, 3)), leaf(np.linspace(0.5, 2, 12).reshape(3, 4))

    def function(x: Any, w: Any) -> Any:
        h = (x @ w).sigmoid()
        return mg.logsumexp(h * h - h.mean(0), axis=1) / (1 + h.std(1))

    assert gradcheck(function, [x, w])
    assert gradgradcheck(function, [x, w])


def test_gradgradcheck_of_a_function_without_gradient_says_so() -> None:
    with pytest.raises(ValueError, match="gradgradcheck: the outputs do not depend on the inputs"):
        gradgradcheck(lambda x: mg.argmax(x), leaf([1.0, 2.0]))
