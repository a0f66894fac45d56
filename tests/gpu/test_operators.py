"""Every operator and every composition of them, on the GPU beside the CPU: values, and gradients of both orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend
from minigrad.op import Op
from minigrad.ops.shape import reads_once
from tests.cases import CASES, SUBJECTS, Case, differentiated
from tests.oracle.ops import weights


def on(device: str, value: Any) -> Any:
    """An argument on a device: arrays, also in tuples; anything else as it is."""
    if isinstance(value, np.ndarray):
        return backend.put(value, device)
    return tuple([on(device, part) for part in value]) if isinstance(value, tuple) else value


def computed(name: str, case: Case, device: str) -> dict[str, Any]:
    """The result and its gradients on a device, brought back."""
    op, where = SUBJECTS[name], differentiated(name, case)
    first = next(i for i, a in enumerate(case.args) if isinstance(a, np.ndarray))
    args = [
        mg.tensor(a, requires_grad=i in where, device=device)
        if i == first or getattr(a, "dtype", None) == np.float64
        else on(device, a)
        for i, a in enumerate(case.args)
    ]
    kwargs = {key: on(device, value) for key, value in case.kwargs.items()}
    out = op(*args, **kwargs)
    found = {"result": out}
    if where:
        inputs = [args[i] for i in where]
        upstream = mg.tensor(weights(out.shape, 0), device=device)
        grads = mg.grad(out, inputs, upstream, create_graph=True, allow_unused=True)
        found |= {f"gradient {i}": g for i, g in zip(where, grads, strict=True)}
        total = sum((mg.tensor(weights(g.shape, 1), device=device) * g).sum() for g in grads if g is not None)
        if getattr(total, "requires_grad", False):
            seconds = mg.grad(total, inputs, allow_unused=True)
            found |= {f"second gradient {i}": g for i, g in zip(where, seconds, strict=True)}
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of a division by 0, CuPy never
@pytest.mark.parametrize("case", CASES)
def test_an_operator_gives_the_same_on_the_gpu(gpu: Any, case: str) -> None:
    name, arguments = CASES[case]
    if name == "move":
        pytest.skip("it says where it moves to: see test_devices.py")
    if name == "setitem" and not reads_once(arguments.args[2]) and arguments.name not in ("array", "empty array"):
        pytest.skip("which of several values for one place is written is left to the GPU, as in PyTorch")
    expected = computed(name, arguments, "cpu")
    found = computed(name, arguments, "cuda")
    assert found.keys() == expected.keys()
    for key, value in found.items():
        assert value.is_cuda, key
        assert value.dtype == expected[key].dtype, key
        ours, theirs = value.detach().cpu().numpy(), expected[key].detach().numpy()
        np.testing.assert_allclose(ours, theirs, 1e-9, 1e-9, err_msg=key)


def test_the_subjects_are_all_there() -> None:
    assert {name for name, _ in CASES.values()} == set(SUBJECTS)
    assert any(isinstance(subject, Op) for subject in SUBJECTS.values())
