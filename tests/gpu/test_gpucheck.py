"""`python -m minigrad.gpucheck` runs, notices what is wrong, and says so on a page.

Part 1 and 2 run on every device of this folder. All of it needs CuPy itself: MINIGRAD_GPU=hipcpu, or a GPU.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend
from minigrad.gpucheck import __main__ as gpucheck
from minigrad.gpucheck import comparisons, trainings, waits
from minigrad.op import registry
from tests.gpu import hipcpu
from tests.gpu.conftest import chosen, loaded
from tests.test_wrong_gradients import gradient_replaced

ROOT = Path(__file__).parents[2]
MACHINE = {"minigrad": "0", "GPU": "a card", "memory": 1}
# A process that runs Python with it finds hipcpu's CuPy under the name `cupy`, and so do those that it starts.
SITE = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.gpu import hipcpu\nhipcpu.load()\n"

needs_cupy = pytest.mark.skipif(chosen() == "strict", reason="MINIGRAD_GPU=strict has no kernels, events and times")


@pytest.fixture
def device() -> None:
    """There is a device "cuda"; tensors are made on the CPU."""
    loaded()


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A quick run as users start it: its process, and what it wrote for machines."""
    folder = tmp_path_factory.mktemp("gpucheck")
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    if chosen() == "hipcpu":
        (folder / "sitecustomize.py").write_text(SITE)
    command = [sys.executable, "-m", "minigrad.gpucheck", "--quick", "--json", str(folder / "all.json")]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=900)
    return done, json.loads((folder / "all.json").read_text())


# -- without a GPU -----------------------------------------------------------------------------------------------------


def test_without_cupy_it_says_what_is_missing_and_what_to_do_and_the_exit_code_is_2() -> None:
    program = "import runpy, sys; sys.modules['cupy'] = None; sys.argv = ['gpucheck', '--quick']\n"
    program += "runpy.run_module('minigrad.gpucheck', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'minigrad-edu[cuda12x]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_the_recorded_losses_are_those_of_this_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpucheck.main(["--record"]) == 0
    printed = ast.literal_eval("{" + capsys.readouterr().out + "}")
    assert printed.keys() == trainings.RECORDED.keys()
    for name, losses in printed.items():
        np.testing.assert_allclose(losses, trainings.RECORDED[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("ours", [np.array([1.1, 2]), np.array([np.nan, 2]), np.ones(1), np.ones(2, "float32")])
def test_another_number_nan_another_shape_and_another_dtype_are_failures(ours: Any) -> None:
    failures: list[str] = []
    comparisons.attempt(failures, "this", 0.01, comparisons.difference, ours, np.array([1.0, 2.0]))
    assert [failure.partition(" by ")[0] for failure in failures] == ["this: differs"]


def test_a_wait_shows_as_work_that_is_done_when_the_host_goes_on() -> None:
    done = {"busy": True}
    event = SimpleNamespace(record=lambda: None, synchronize=lambda: None)

    class Event:
        record = synchronize = lambda self: None
        done = property(lambda self: done["busy"])

    busy: Any = object.__new__(waits.Busy)
    busy.cupy = SimpleNamespace(cuda=SimpleNamespace(Event=Event, get_elapsed_time=lambda first, last: 5.0))
    busy.start = lambda: None
    assert busy.waited(event.record) == (None, None)  # the device does not run beside the host
    busy.start = lambda: done.update(busy=False)
    assert busy.waited(event.record) == (False, 0.005)
    assert busy.waited(lambda: done.update(busy=True)) == (True, None)


# -- on a device -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [comparisons, trainings])
def test_all_agrees(device: None, part: Any) -> None:
    found = part.run(False)
    assert not found["failures"]
    assert all(len(line) < 120 for line in part.lines(found))


def test_a_cpu_that_computes_something_else_is_noticed(device: None, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *rest = trainings.RECORDED["CNN Adam"]
    monkeypatch.setitem(trainings.RECORDED, "CNN Adam", (first + 1e-6, *rest))
    (failure,) = trainings.run(True)["failures"]
    assert failure.startswith("CNN Adam on the CPU, losses beside the recorded ones: differs by")


@pytest.mark.parametrize("only_on_the_gpu", [True, False])
def test_a_wrong_gradient_is_named_and_the_exit_code_is_1(
    device: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, only_on_the_gpu: bool
) -> None:
    def wrong(out: Any) -> Any:
        on_cpu = backend.on_host(out.data if isinstance(out, mg.Tensor) else out)
        return (1 if on_cpu and only_on_the_gpu else 1.01) * (1 - out * out)

    monkeypatch.setattr(gpucheck, "PARTS", {"comparisons": comparisons})
    monkeypatch.setattr(gpucheck, "environment", lambda: MACHINE)
    with gradient_replaced(registry["tanh"], "x", wrong):
        assert gpucheck.main(["--quick", "--json", str(tmp_path / "all.json")]) == 1
    failures = "\n".join(json.loads((tmp_path / "all.json").read_text())["failures"])
    assert "tanh, finite differences: GradientError" in failures
    assert ("tanh, float32: differs by 0.0" in failures) == only_on_the_gpu


def test_a_part_that_fails_is_reported_and_the_others_run(
    device: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(quick: bool) -> Any:
        raise ValueError("no such thing " * 50)

    parts = {
        "first": SimpleNamespace(run=run),
        "second": SimpleNamespace(run=lambda quick: {}, lines=lambda _: ["ran"]),
    }
    monkeypatch.setattr(gpucheck, "PARTS", parts)
    monkeypatch.setattr(gpucheck, "environment", lambda: MACHINE)
    assert gpucheck.main([]) == 1
    out = capsys.readouterr().out
    assert "it failed: it says ValueError: no such thing" in out
    assert "\nran\n" in out
    assert "FAILED: 1" in out


@needs_cupy
def test_a_quick_run_passes_and_writes_every_number(quick: Any) -> None:
    done, found = quick
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All comparisons passed." in done.stdout
    assert "Traceback" not in done.stderr
    assert found.keys() == {"environment", "quick", "failures", *gpucheck.PARTS}
    assert found["comparisons"]["difference"]["float32"].keys() == {*comparisons.OPERATORS, *comparisons.LAYERS}
    assert found["waits"]["steps"].keys() == waits.PREDICTED.keys()
    assert found["times"]["flagships"].keys() == trainings.FLAGSHIPS.keys()
    assert found["times"]["starts"].keys() == {"cold", "warm", "TF32"}


@needs_cupy
def test_the_report_is_a_page_also_if_everything_fails(quick: Any) -> None:
    done, found = quick
    failures = [f"operator {i}: differs by 0.1, and this goes on and on, {'longer and longer ' * 9}" for i in range(99)]
    for text in (done.stdout, "\n".join(gpucheck.page({**found, "failures": failures}))):
        assert len(text.splitlines()) <= 80
        assert max(map(len, text.splitlines())) <= 100
    assert "operator 0: differs by 0.1" in text


@pytest.mark.skipif(chosen() != "hipcpu", reason="kernels are counted with MINIGRAD_GPU=hipcpu only")
@pytest.mark.parametrize("name", waits.PREDICTED)
def test_kernels_and_waits_are_as_predicted(device: None, name: str) -> None:
    net, rule = name.split()
    _, step = trainings.training(waits.NETS[net], rule, "cuda")
    for _ in range(2):
        step()
    with hipcpu.counting() as counts:
        step()
    kernels = counts.launches + counts.library_calls + counts.device_copies + counts.fills
    assert (kernels, counts.waits) == waits.PREDICTED[name], (
        f'to write into PREDICTED: "{name}": {kernels, counts.waits}'
    )
