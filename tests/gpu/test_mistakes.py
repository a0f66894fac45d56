"""The tests are tested: mistakes that pass on NumPy's arrays and not on CuPy's are made, and the suite must notice.

Each of `mistakes.py` is written into a function of minigrad's, and the check that it names, run as the suite runs it,
must fail; before that, the same functions compiled anew from their unchanged text must pass. On the CPU the changed
text must give what the unchanged one does, unless the table says otherwise: tests on NumPy's arrays notice nothing.
"""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import import_module
from inspect import CO_OPTIMIZED, signature
from pathlib import Path
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.op import LocalGradient, Op
from tests.cases import CASES
from tests.gpu import hipcpu, strict, test_devices, test_layers, test_operators, test_training
from tests.gpu.mistakes import MISTAKES, Mistake
from tests.oracle import layers, parity
from tests.oracle.training import float64

pytestmark = pytest.mark.no_cover  # wrong lines

# -- changed text -----------------------------------------------------------------------------------------------------


@contextmanager
def compiled_anew(module: str, changes: dict[str, str]) -> Iterator[None]:
    """Inside, the functions of a module do what its text with these changes says.

    They keep their identity: whatever has imported them, or is an operator made of them, has the change too.
    """
    path = Path(str(import_module(module).__file__))
    text = changed = path.read_text("utf-8")
    for right, wrong in changes.items():
        assert text.count(right) == 1, f"{path} was to have once, so that a mistake can be made there: {right}"
        changed = changed.replace(right, wrong)
    before, after = (functions_in(compile(t, str(path), "exec", dont_inherit=True)) for t in (text, changed))
    becomes = dict(zip(before, after, strict=True))
    functions = [function for function in functions_of(module) if function.__code__ in becomes]
    kept = [function.__code__ for function in functions]
    kernels = [(cell, cell.cell_contents) for cell in kernels_of(module)]
    if changes:
        first = next(old for old, new in becomes.items() if old != new)
        assert first in kept, f"{path} has been changed since it was imported, or nobody can call {first}"
    try:
        for function, code in zip(functions, kept, strict=True):
            function.__code__ = becomes[code]
        for cell, _ in kernels:
            cell.cell_contents = None
        yield
    finally:
        for function, code in zip(functions, kept, strict=True):
            function.__code__ = code
        for cell, kernel in kernels:
            cell.cell_contents = kernel


def functions_in(code: CodeType) -> list[CodeType]:
    """The functions and methods that a module's code defines, in order; not those inside them."""
    parts = [part for part in code.co_consts if isinstance(part, CodeType)]
    return [f for part in parts for f in ([part] if part.co_flags & CO_OPTIMIZED else functions_in(part))]


@cache
def functions_of(module: str) -> list[FunctionType]:
    """All functions of a module that are alive: also the rules of gradients, which have no name."""
    return [f for f in gc.get_objects() if type(f) is FunctionType and f.__module__ == module]


def kernels_of(module: str) -> list[CellType]:
    """Where `backend.fuse` keeps what it has made of a module's functions; of gradients' rules, in `op.py`."""
    functions = [f for name in {module, "minigrad.op"} for f in functions_of(name) if f.__closure__]
    inner = [(f.__code__.co_freevars, f.__closure__) for f in functions]
    return [cells[names.index("kernel")] for names, cells in inner if "kernel" in names]


# -- the checks: what the suite runs, and the same on the CPU ---------------------------------------------------------


class OperatorCheck:
    """The comparison of an operator's cases on both devices."""

    def __init__(self, name: str) -> None:
        self.cases = [case for case, (subject, _) in CASES.items() if subject == name]
        assert self.cases, name

    def run(self, gpu: Any) -> None:
        for case in self.cases:
            test_operators.test_an_operator_gives_the_same_on_the_gpu(gpu, case)

    def on_the_cpu(self) -> dict[str, Any]:
        found = {case: test_operators.computed(*CASES[case], "cpu") for case in self.cases}
        return {f"{case} {key}": v.detach().numpy() for case, values in found.items() for key, v in values.items()}


class LayerCheck:
    """The comparison of a layer on both devices; the CPU's numbers, held against PyTorch's elsewhere, are kept."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, gpu: Any) -> None:
        test_layers.test_a_layer_starts_computes_and_learns_as_on_the_cpu(self.name, gpu)

    def on_the_cpu(self) -> dict[str, Any]:
        with float64(mg):
            return layers.run(mg, self.name)


class TrainingCheck:
    """The comparison of a whole training with PyTorch's."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, gpu: Any) -> None:
        test_layers.test_a_training_ends_where_it_does_on_the_cpu(self.name, gpu)

    def on_the_cpu(self) -> dict[str, Any]:
        with float64(mg):
            return parity.train(mg, self.name)


class WaitsCheck:
    """Training steps in which nothing may wait for the GPU."""

    def __init__(self, name: str) -> None:
        self.network, self.optimizer = name.split(", ")

    def run(self, gpu: Any) -> None:
        test_training.test_a_training_step_never_waits_for_the_gpu(self.network, self.optimizer, gpu)

    def on_the_cpu(self) -> dict[str, Any]:
        training = test_training.Training(self.network, self.optimizer)
        return {str(i): training.step().detach().numpy() for i in range(3)}


@contextmanager
def only_float32() -> Iterator[None]:
    """Inside, no forward function and no local gradient makes float64 of float32, not even in passing."""

    def narrow(method: Any) -> Any:
        def checked(self: Any, given: Any, *others: Any) -> Any:
            out = method(self, given, *others)
            result = out[0] if isinstance(out, tuple) else out
            found = {str(x.dtype) for x in (*given, *others) if hasattr(x, "dtype")}
            widens = getattr(result, "dtype", None) == np.float64 and "float32" in found and "float64" not in found
            what = self.name if isinstance(self, Op) else f"a gradient that asks for {', '.join(self.asks)}"
            assert not widens, f"{what} makes float64 of float32"
            return out

        return checked

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((Op, "_forward"), (LocalGradient, "__call__"), (LocalGradient, "times_upstream")):
            patch.setattr(owner, name, narrow(getattr(owner, name)))
        yield


class PlainCheck:
    """One of the tests that compare nothing with the CPU."""

    def __init__(self, module: Any, name: str) -> None:
        self.test = getattr(module, f"test_{name}")
        (self.fixture,) = signature(self.test).parameters

    def run(self, gpu: Any) -> None:
        mg.set_default_device("cpu" if self.fixture == "on_cpu" else "cuda")
        self.test(gpu)

    def on_the_cpu(self) -> None:
        return None


CHECKS: dict[str, Callable[[str], Any]] = {
    "operator": OperatorCheck,
    "layer": LayerCheck,
    "training": TrainingCheck,
    "waits": WaitsCheck,
    "devices": lambda name: PlainCheck(test_devices, name),
    "here": lambda name: PlainCheck(sys.modules[__name__], name),
}


@cache
def check_of(text: str) -> Any:
    kind, _, name = text.partition(" ")
    return CHECKS[kind](name)


@cache
def right_on_the_cpu(check: str) -> Any:
    return check_of(check).on_the_cpu()


def error_of(check: str, gpu: Any) -> str:
    """How the check fails; "" if it passes."""
    mg.set_default_device("cuda")
    try:
        check_of(check).run(gpu)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    except pytest.skip.Exception as reason:
        pytest.fail(f"{check} is skipped, and so notices nothing: {reason}")
    finally:
        mg.set_default_device("cuda")
    return ""


def differs_on_the_cpu(check: str) -> bool | None:
    """Whether the check gives something else on the CPU than with the text as it is; None if it needs both devices."""
    if right_on_the_cpu(check) is None:
        return None
    mg.set_default_device("cpu")
    try:
        found = check_of(check).on_the_cpu()
        for what, value in right_on_the_cpu(check).items():
            np.testing.assert_allclose(found[what], value, 1e-9, 1e-9, err_msg=what)
    except Exception:
        return True
    finally:
        mg.set_default_device("cuda")
    return False


# -- what else must hold ----------------------------------------------------------------------------------------------


def test_a_step_in_float32_copies_nothing_to_the_gpu_and_computes_nothing_in_float64(gpu: Any) -> None:
    counting = {"strict": strict.counting, "hipcpu": hipcpu.counting}.get(gpu.name, nullcontext)
    training = test_training.Training("CNN", "Adam")
    for is_first in (True, False):  # in the first step CuPy may copy kernels' constants
        with counting() as counts, only_float32():
            training.step()
        assert is_first or not counts or not counts.uploads, f"{counts.uploads} copies to the GPU"
        found = training.model.state_dict()
        for name, parameter in training.model.named_parameters():
            kept = {"gradient": parameter.grad, **training.optimizer.state[parameter]}
            found |= {f"{key} of {name}": value for key, value in kept.items() if isinstance(value, mg.Tensor)}
        for name, tensor in found.items():
            assert tensor.is_cuda, name
            assert tensor.dtype == np.float32, f"{name} is {tensor.dtype}"


def test_a_gradient_given_as_an_array_goes_to_where_the_output_is(gpu: Any) -> None:
    mg.set_default_device("cpu")
    w = mg.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    (w * w).backward(np.array([1.0, 10.0]))
    assert w.grad.is_cuda
    assert w.grad.tolist() == [2, 40]


# -- the tests of the tests -------------------------------------------------------------------------------------------

_made: dict[str, tuple[bool, bool | None]] = {}  # kind -> whether the suite noticed, and whether the CPU does


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.kind)
def test_a_mistake_is_noticed(mistake: Mistake, gpu: Any) -> None:
    if why := mistake.passes.get(gpu.name):
        pytest.skip(f"{gpu.name} does not notice: {why}")
    if gpu.no_waits is None and mistake.check.startswith(("waits", "here a_step")):
        pytest.skip("what waits, and what is copied, is seen on the stand-ins alone")
    mg.set_default_device("cpu")
    right_on_the_cpu(mistake.check)
    module = f"minigrad.{mistake.module}"
    with compiled_anew(module, {}):
        assert error_of(mistake.check, gpu) == ""
        assert not differs_on_the_cpu(mistake.check)
    with compiled_anew(module, mistake.changes):
        error = error_of(mistake.check, gpu)
        on_cpu = differs_on_the_cpu(mistake.check)
    _made[mistake.kind] = bool(error), on_cpu
    assert error, f"{mistake.check} did not notice"
    assert re.search(mistake.says, error), error
    assert None in (on_cpu, mistake.on_cpu) or on_cpu == mistake.on_cpu


def test_the_kinds_are_many_and_all_are_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    assert len({mistake.kind for mistake in MISTAKES}) == len(MISTAKES) >= 50
    noticed = [name for name, (is_noticed, _) in _made.items() if is_noticed]
    unseen = [name for name, (_, on_cpu) in _made.items() if on_cpu is False]
    with capsys.disabled():
        made = f"{len(_made)} kinds of mistakes made, {len(noticed)} caught"
        print(f"\n{made}; {len(unseen)} of them change nothing on the CPU")
    assert noticed == list(_made)
