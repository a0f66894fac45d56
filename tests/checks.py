"""The checks that every operator must pass, as plain functions: `test_ops.py` runs them on the real gradients, and
`test_wrong_gradients.py` on gradients that were made wrong, to see them fail."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.op import Op
from tests.cases import CASES, Case, Composition, differentiated
from tests.oracle.ops import answers, weights
from tests.oracle.record import recorded


@cache
def recorded_answers() -> dict[str, dict[str, Any]]:
    """Name of a case -> what was recorded for it."""
    cases: dict[str, dict[str, Any]] = {}
    for key, value in recorded("ops").items():
        name, _, what = key.rpartition("]/")
        cases.setdefault(f"{name}]", {})[what] = value
    return cases


@cache
def theirs(name: str) -> dict[str, Any]:
    """PyTorch's answers for one case: computed now if PyTorch is installed, otherwise as they were recorded."""
    if importlib.util.find_spec("torch"):
        return answers(*CASES[name])
    assert name in recorded_answers(), f"nothing is recorded for {name}: run `make record`"
    return recorded_answers()[name]


def tensors(case: Case, where: list[int]) -> list[Any]:
    """The arguments, those at `where` as leaves that require grad."""
    return [mg.tensor(a, requires_grad=True) if i in where else a for i, a in enumerate(case.args)]


def gradients(op: Op | Composition, case: Case, args: list[Any], where: list[int]) -> list[Any]:
    """First-order gradients for the oracle's upstream weights, as arrays."""
    out = op(*args, **case.kwargs)
    found = mg.grad(out, [args[i] for i in where], weights(out.shape, 0), allow_unused=True)
    return [np.zeros(args[i].shape) if g is None else g.data for i, g in zip(where, found, strict=True)]


def beside_pytorch(op: Op | Composition, name: str, case: Case) -> Iterator[tuple[str, Any, Any]]:
    """What was computed ("value", "first order" or "second order"), our numbers, PyTorch's numbers."""
    expected = theirs(name)
    where = differentiated(op.name, case)
    args = tensors(case, where)
    if not where:
        args = [mg.tensor(a) if isinstance(a, np.ndarray) and not i else a for i, a in enumerate(args)]
    out = op(*args, **case.kwargs)
    yield "value", out.data, expected["out"]
    if not where:
        return
    inputs = [args[i] for i in where]
    grads = mg.grad(out, inputs, weights(out.shape, 0), create_graph=True, allow_unused=True)
    grads = tuple(mg.zeros_like(x) if g is None else g for x, g in zip(inputs, grads, strict=True))
    for i, g in zip(where, grads, strict=True):
        yield "first order", g.data, expected[f"grad/{i}"]
    total = sum((weights(g.shape, i + 1) * g).sum() for i, g in zip(where, grads, strict=True))
    seconds = mg.grad(total, inputs, allow_unused=True) if total.requires_grad else [None] * len(inputs)
    for i, g in zip(where, seconds, strict=True):
        known = expected[f"grad2/{i}"]
        ours = np.zeros(known.shape) if g is None else g.data
        # At a kink a second derivative means little, and PyTorch's is often not a number; ours may then be one.
        yield "second order", np.where(np.isnan(known), known, ours) if case.kink else ours, known


def gradients_of_sum(op: Op | Composition, case: Case) -> Any:
    """The gradient of the sum of the result in the first argument."""
    args = tensors(case, [0])
    return mg.grad(op(*args, **case.kwargs).sum(), args[0])[0].data


def check_against_pytorch(op: Op | Composition, name: str, case: Case) -> None:
    """Result, first-order and second-order gradients equal PyTorch's."""
    for _, ours, expected in beside_pytorch(op, name, case):
        close(ours, expected)


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)
    assert np.shape(ours) == np.shape(theirs)


def check_first_order(op: Op | Composition, case: Case) -> None:
    where = differentiated(op.name, case)
    assert mg.autograd.gradcheck(lambda *args: op(*args, **case.kwargs), tensors(case, where), atol=1e-6, rtol=1e-6)


def check_second_order(op: Op | Composition, case: Case) -> None:
    where = differentiated(op.name, case)
    assert mg.autograd.gradgradcheck(lambda *args: op(*args, **case.kwargs), tensors(case, where), atol=1e-6, rtol=1e-5)


def check_repeated(op: Op | Composition, case: Case) -> None:
    """One tensor in all places gets the sum of their gradients."""
    x = mg.tensor(case.args[0], requires_grad=True)
    assert mg.autograd.gradcheck(lambda x: op(*[x] * len(case.args), **case.kwargs), x, atol=1e-6, rtol=1e-6)


def check_non_contiguous(op: Op | Composition, case: Case) -> None:
    """The layout in memory changes nothing."""
    where = differentiated(op.name, case)
    expected = gradients(op, case, tensors(case, where), where)
    for layout in (fortran, strided, reversed_):
        args = [mg.from_numpy(layout(a)).requires_grad_() if i in where else a for i, a in enumerate(case.args)]
        for ours, theirs in zip(gradients(op, case, args, where), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-13)


def fortran(a: Any) -> Any:
    return np.array(a, order="F")


def strided(a: Any) -> Any:
    return np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a


def reversed_(a: Any) -> Any:
    return np.flip(a).copy()[(slice(None, None, -1),) * a.ndim]


def check_partly_tracked(op: Op | Composition, case: Case) -> None:
    """An input's gradient is the same whichever of the others require grad: all that it needs was kept."""
    where = differentiated(op.name, case)
    expected = dict(zip(where, gradients(op, case, tensors(case, where), where), strict=True))
    for size in range(1, len(where)):
        for some in itertools.combinations(where, size):
            for i, ours in zip(some, gradients(op, case, tensors(case, list(some)), list(some)), strict=True):
                np.testing.assert_array_equal(ours, expected[i])


def check_composition(op: Op, case: Case) -> bool:
    """The gradient of a fused operator is that of the composition in its own forward function, run on tensors.

    Returns whether the forward function is a composition; that of a primitive operator would call itself.
    """
    where = differentiated(op.name, case)
    args = tensors(case, where)
    complete = [*args, *[op.defaults[name] for name in op.parameters[len(args) :]]] if not op.variadic else args
    for name, value in case.kwargs.items():
        complete[op.parameters.index(name)] = value
    try:
        out = op.forward(*complete)
    except (AttributeError, TypeError):  # its forward function is NumPy's alone
        return False
    out = out[0] if op.saves else out
    if not isinstance(out, mg.Tensor) or not out.requires_grad or out.node.op in (op, None):
        return False
    composed = mg.grad(out, [args[i] for i in where], weights(out.shape, 0), allow_unused=True)
    declared = gradients(op, case, tensors(case, where), where)
    for ours, theirs in zip(declared, composed, strict=True):
        np.testing.assert_allclose(ours, 0 if theirs is None else theirs.data, rtol=1e-9, atol=1e-9)
    return True


def check_float32(op: Op | Composition, case: Case) -> None:
    """float32 in, float32 out: the forward function itself, the result and every gradient."""
    where = differentiated(op.name, case)
    single = [a.astype(np.float32) if getattr(a, "dtype", None) == np.float64 else a for a in case.args]
    if op.name == "cast":
        single[1] = np.dtype(np.float32)
    expected = op(*case.args, **case.kwargs)
    if np.asarray(expected).dtype.kind == "f":
        raw = op(*single, **case.kwargs)
        assert raw.dtype == np.float32, f"forward gave {raw.dtype}"
        np.testing.assert_allclose(raw, expected, rtol=1e-4, atol=1e-4)
    if where:
        args = [mg.tensor(a, requires_grad=True) if i in where else a for i, a in enumerate(single)]
        doubles = gradients(op, case, tensors(case, where), where)
        for g, theirs in zip(gradients(op, case, args, where), doubles, strict=True):
            assert g.dtype == np.float32 or not g.size, f"a gradient came back as {g.dtype}"
            np.testing.assert_allclose(g, theirs, rtol=1e-3, atol=1e-3)


def check_all(op: Op | Composition, names: list[tuple[str, Case]]) -> None:
    """Every check of every case; raises at the first that fails."""
    for name, case in names:
        if case.torch:
            check_against_pytorch(op, name, case)
        if not case.kink and differentiated(op.name, case):
            check_first_order(op, case)
            check_second_order(op, case)
