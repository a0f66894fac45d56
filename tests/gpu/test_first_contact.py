"""What people meet first: no CuPy, CuPy without a driver, or a broken one. Each says what is missing, and the cure."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import minigrad as mg
from minigrad import backend

EXAMPLES = Path(__file__).parents[2] / "examples"


def said_by(program: str, *path: Path) -> str:
    """What a fresh Python prints."""
    start = f"import sys; sys.path[:0] = {[str(p) for p in path]}\n"
    done = subprocess.run([sys.executable, "-c", start + program], capture_output=True, text=True, check=True)
    return done.stdout


ASK = """
import minigrad as mg
print(mg.cuda.is_available(), mg.cuda.device_count(), mg.cuda.memory_allocated(), "cupy" in sys.modules)
try:
    mg.tensor([1.0], device="cuda")
except RuntimeError as error:
    print(error)
"""


# -- without CuPy -----------------------------------------------------------------------------------------------------


def test_without_cupy_the_message_says_what_to_install() -> None:
    printed = said_by("sys.modules['cupy'] = None\n" + ASK).splitlines()
    assert printed[0].startswith("False 0 0")
    install = "pip install 'minigrad-edu[cuda12x]', or [cuda13x] for a driver of CUDA 13"
    missing = "there is neither CuPy here nor NVIDIA's driver. For a GPU, first the driver, then "
    why = "CuPy is not installed: " if backend.has_driver() else missing
    assert printed[1] == f"device 'cuda' cannot be used: {why}{install}"


def test_with_a_driver_only_cupy_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(backend, "_cupy", None)
    for has, why in (
        (True, "CuPy is not installed: pip install"),
        (False, "there is neither CuPy here nor"),
    ):
        monkeypatch.setattr(backend, "has_driver", lambda has=has: has)
        assert why in mg.cuda.why_not_available()


def test_importing_minigrad_and_computing_on_the_cpu_never_imports_cupy() -> None:
    program = "import minigrad as mg\nmg.nn.Linear(2, 2)(mg.ones(1, 2)).sum().backward()\nprint('cupy' in sys.modules)"
    assert said_by(program) == "False\n"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("raise ImportError('libnvrtc is not there')", "ImportError: libnvrtc is not there"),
        ("raise RuntimeError('built for another NumPy')", "RuntimeError: built for another NumPy"),
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
    ],
)
def test_a_cupy_that_cannot_be_imported_is_told_from_one_that_is_not_there(
    line: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cupy.py").write_text(line)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(backend, "_cupy", None)
    said = f"CuPy is installed but cannot be imported, it says {what}. Reinstall it: pip install"
    assert said in mg.cuda.why_not_available()


# -- with a CuPy that finds no GPU, or one that cannot compute --------------------------------------------------------


def broken(step: str) -> Any:
    """A CuPy that goes as far as this step. No machine here has a GPU that could break so."""

    def fails(*_: Any) -> Any:
        raise RuntimeError("cudaErrorNoKernelImageForDevice:\n  no kernel image")

    runtime = SimpleNamespace(getDeviceCount=fails if step == "driver" else lambda: 0)
    arange = fails if step == "compute" else mg.arange
    available = step not in ("driver", "card")
    return SimpleNamespace(
        __version__="14.2.0",
        ndarray=backend.NoArray,
        is_available=lambda: available,
        cuda=SimpleNamespace(runtime=runtime),
        arange=(lambda n: mg.zeros(n)) if step == "sum" else arange,
    )


@pytest.mark.parametrize(
    ("step", "cause", "cure"),
    [
        ("driver", "finds no GPU, it says RuntimeError: cudaErrorNoKernelImageForDevice: no kernel image.", "driver"),
        ("card", "CuPy finds no GPU", "nvidia-smi"),
        ("compute", "finds a GPU but cannot compute on it, it says RuntimeError", "pip install"),
        ("sum", "1 \\+ 2 \\+ 3 on the GPU is not 6", "driver or the card"),
    ],
)
def test_each_of_the_steps_that_may_fail_says_so(
    step: str, cause: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", broken(step))
    monkeypatch.setattr(backend, "_cupy", None)
    with pytest.raises(RuntimeError, match=f"device 'cuda' cannot be used: .*{cause}.*{cure}"):
        mg.zeros(2, device="cuda")
    assert not mg.cuda.is_available()
    with pytest.raises(RuntimeError, match="cannot be used"):
        mg.cuda.current_device()
    mg.cuda.empty_cache()
    assert mg.cuda.memory_reserved() == 0


def test_what_cannot_be_moved_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", broken("driver"))
    monkeypatch.setattr(backend, "_cupy", None)
    model = mg.nn.Linear(2, 2)
    before = model.weight.data
    with pytest.raises(RuntimeError, match="finds no GPU"):
        model.cuda()
    assert model.weight.data is before
    with pytest.raises(RuntimeError, match="finds no GPU"):
        mg.set_default_device("cuda")
    assert mg.get_default_device() == mg.device("cpu")


# -- the real CuPy for CUDA, on a machine without a driver ------------------------------------------------------------


def wheel() -> str:
    """The version of CuPy for CUDA 12 that is installed."""
    try:
        return version("cupy-cuda12x")
    except PackageNotFoundError:
        return ""


without_driver = pytest.mark.skipif(not wheel(), reason="CuPy for CUDA is not installed here: make test-cupy does that")


@without_driver
def test_cupy_for_cuda_without_a_driver_says_so_and_what_to_do() -> None:
    if mg.cuda.is_available():
        pytest.skip("there is a driver here, and a GPU")
    printed = said_by(ASK).splitlines()
    assert printed[0] == "False 0 0 True"
    assert printed[1].startswith(
        f"device 'cuda' cannot be used: CuPy {wheel()} finds no GPU, it says CUDARuntimeError: "
    )
    assert printed[1].endswith("Install NVIDIA's driver, or a newer one, until `nvidia-smi` lists your GPU")


@without_driver
@pytest.mark.parametrize("name", ["quadratic.py", "digits.py"])
def test_examples_run_on_the_cpu_beside_cupy_for_cuda(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@without_driver
def test_gpucheck_says_why_there_is_nothing_to_check() -> None:
    assert importlib.util.find_spec("minigrad.gpucheck")
    done = subprocess.run(
        [sys.executable, "-m", "minigrad.gpucheck"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert "finds no GPU" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# -- arrays of CuPy's that come before minigrad was asked for a GPU ---------------------------------------------------


@pytest.mark.parametrize("device", ["None", "'cpu'"])
def test_an_array_of_cupy_is_known_also_before_a_gpu_was_asked_for(device: str) -> None:
    program = "from tests.gpu import conftest; a = conftest.strict.install().ones(2); import minigrad as mg\n"
    program += f"print(mg.tensor(a, device={device}), mg.as_tensor(a).is_cuda)"
    where = "" if "cpu" in device else ", device='cuda:0'"
    assert said_by(program, EXAMPLES.parent) == f"tensor([1., 1.]{where}, dtype=float64) True\n"
