"""Every operator of the registry, over the cases of `cases.py`: values against NumPy, gradients against differences,
PyTorch and the composition of the operator's own forward function, in first and second order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.op import Op, compositions
from tests import checks
from tests.cases import CASES, COMPOSITION_SPECS, OPERATOR_SPECS, OPERATORS, SPECS, SUBJECTS, Case, differentiated

# dropout is random, and tested with its layer; the others give Python bools, and are in test_functions.py.
APART = {"nn.dropout", "nn.dropout2d", "functions.equal", "functions.allclose"}

# Some kinks are infinitely steep, and NumPy warns of it.
pytestmark = pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning", "ignore:invalid value:RuntimeWarning")


def over(condition: Callable[[Any, Case], bool] = lambda op, case: True) -> Any:
    """Parametrise a test over the cases for which it makes sense."""
    chosen = [(name, SUBJECTS[op], case) for name, (op, case) in CASES.items() if condition(SUBJECTS[op], case)]
    return pytest.mark.parametrize(("name", "op", "case"), [pytest.param(*c, id=c[0]) for c in chosen])


def has_gradient(op: Any, case: Case) -> bool:
    return bool(differentiated(op.name, case))


def is_smooth(op: Any, case: Case) -> bool:
    return has_gradient(op, case) and not case.kink


def test_every_operator_has_cases() -> None:
    assert OPERATORS.keys() == OPERATOR_SPECS.keys()


def test_every_composition_has_cases() -> None:
    assert compositions.keys() == COMPOSITION_SPECS.keys() | APART


def test_every_gradient_is_differentiated_by_some_case() -> None:
    tested = {
        (name, OPERATORS[name].variadic or OPERATORS[name].parameters[i])
        for name, case in CASES.values()
        if name in OPERATORS
        for i in differentiated(name, case)
    }
    assert tested == {(name, slot) for name, op in OPERATORS.items() for slot in op.gradients}


def test_every_gradient_is_differentiated_again_away_from_kinks() -> None:
    """So `gradgradcheck` passes for every operator that has a gradient; cholesky's, of symmetric matrices, is in
    test_linalg.py."""
    twice = {name for name, case in CASES.values() if is_smooth(SUBJECTS[name], case)}
    assert {name for name, op in OPERATORS.items() if op.gradients} - twice == {"cholesky"}


@over(lambda op, case: SPECS[op.name].reference(op) is not None)
def test_forward_equals_numpy(name: str, op: Any, case: Case, tally: Any) -> None:
    expected = np.asarray(SPECS[op.name].reference(op)(*case.args, **case.kwargs))
    on_arrays = op(*case.args, **case.kwargs)
    on_tensors = op(*[mg.tensor(a) if isinstance(a, np.ndarray) else a for a in case.args], **case.kwargs)
    assert not isinstance(on_arrays, mg.Tensor)
    assert isinstance(on_tensors, mg.Tensor)
    for ours in (np.asarray(on_arrays), on_tensors.data):
        assert ours.dtype == expected.dtype
        assert ours.shape == expected.shape
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)
    tally(op, "forward")


@over(lambda op, case: case.torch)
def test_result_and_gradients_of_both_orders_equal_pytorch(name: str, op: Any, case: Case, tally: Any) -> None:
    checks.check_against_pytorch(op, name, case)
    tally(op, "PyTorch")


@pytest.mark.no_cover  # it runs the same lines for each element; to trace them takes four times as long
@over(is_smooth)
def test_gradient_equals_differences(name: str, op: Any, case: Case, tally: Any) -> None:
    checks.check_first_order(op, case)
    tally(op, "first order")


@pytest.mark.no_cover
@over(is_smooth)
def test_second_gradient_equals_differences(name: str, op: Any, case: Case, tally: Any) -> None:
    checks.check_second_order(op, case)
    tally(op, "second order")


@over(
    lambda op, c: (
        isinstance(op, Op)
        and has_gradient(op, c)
        and len(c.args) == 2 == len(op.gradients)
        and np.shape(c.args[0]) == np.shape(c.args[1])
        and not c.kink
        and op.name not in ("matmul", "remainder", "floor_divide")
    )
)
def test_one_tensor_in_both_places_gets_both_gradients(name: str, op: Any, case: Case) -> None:
    checks.check_repeated(op, case)


@over(has_gradient)
def test_memory_layout_changes_nothing(name: str, op: Any, case: Case) -> None:
    checks.check_non_contiguous(op, case)


@over(lambda op, case: len(differentiated(op.name, case)) > 1)
def test_a_gradient_does_not_depend_on_who_else_wants_one(name: str, op: Any, case: Case) -> None:
    checks.check_partly_tracked(op, case)


@over(lambda op, case: np.asarray(case.args[0]).dtype.kind == "f" or op.name == "where")
def test_float32_stays_float32(name: str, op: Any, case: Case) -> None:
    checks.check_float32(op, case)


@over(
    lambda op, case: (
        isinstance(op, Op)
        and has_gradient(op, case)
        and op.forward.__module__ in ("minigrad.ops.nn", "minigrad.ops.reduce")
        and not case.kink
    )
)
def test_fused_gradient_equals_that_of_the_composition(name: str, op: Any, case: Case) -> None:
    is_composition = checks.check_composition(op, case)
    assert is_composition or op.name in ("sum", "mean", "amax", "amin", "prod", "cumsum", "cumprod")


def test_recorded_answers_are_those_of_the_cases_and_of_pytorch() -> None:
    """What was recorded is complete and, where PyTorch is installed, what it answers today."""
    recorded = checks.recorded_answers()
    assert recorded.keys() == {name for name, (_, case) in CASES.items() if case.torch}, "run `make record`"
    for name, answers in recorded.items():
        assert answers.keys() == checks.theirs(name).keys()
        for what, value in checks.theirs(name).items():
            np.testing.assert_allclose(answers[what], value, rtol=1e-9, atol=1e-9, err_msg=f"{name} {what}")
