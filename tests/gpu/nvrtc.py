"""Compile kernels that CuPy has written with NVIDIA's own compiler, to machine code for real GPUs, without a GPU.

    pip install nvidia-cuda-nvrtc-cu12 nvidia-cuda-runtime-cu12
    MINIGRAD_HIPCPU_SOURCES=kernels python -m pytest tests/gpu      (or any run on `tests.gpu.hipcpu`)
    python -m tests.gpu.nvrtc kernels

CuPy writes the same source for AMD's compiler and NVIDIA's; the few places that differ ask the preprocessor which of
the two it is. So the sources that a run on the CPU has saved, each with its options in comments on top, are what NVRTC
would get from the same run on a GPU, but for the size of blocks. This shows that they compile, and nothing of what
they compute. The exit code is 1 if one does not.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

TARGETS = ("sm_75", "sm_90", "sm_120")  # Turing, which CUDA 13 still knows; Hopper; the Blackwell of desktop cards
PROCESSES = 2
WHEELS = {"nvidia.cuda_nvrtc": "nvidia-cuda-nvrtc-cu12", "nvidia.cuda_runtime": "nvidia-cuda-runtime-cu12"}
FIRST_WITH_SM_120 = (12, 8)


@dataclass(frozen=True)
class Failure:
    """A kernel that one target's compiler refuses."""

    kernel: str
    target: str
    message: str


def missing() -> str | None:
    """What keeps NVRTC from compiling CuPy's kernels here, in a sentence; None if nothing does."""
    for module, wheel in WHEELS.items():
        if _folder(module) is None:
            return f"NVIDIA's compiler needs the wheel {wheel}, which is not installed (pip install {wheel})"
    if _folder("cupy") is None:
        return "CuPy's kernels need CuPy's headers: no CuPy wheel is installed"
    if _version() < FIRST_WITH_SM_120:
        return f"{WHEELS['nvidia.cuda_nvrtc']} {_version()} does not know sm_120: 12.8 or later is needed"
    return None


def _folder(module: str) -> Path | None:
    """Where a package lies. It is not imported: CuPy may not import here."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # not even `nvidia`
        return None
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


@cache
def _nvrtc() -> ctypes.CDLL:
    folder = _folder("nvidia.cuda_nvrtc")
    assert folder is not None
    library = ctypes.CDLL(str(next((folder / "lib").glob("libnvrtc.so.*"))))
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
    return library


def _version() -> tuple[int, int]:
    major, minor = ctypes.c_int(), ctypes.c_int()
    _nvrtc().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return major.value, minor.value


@cache
def _cuda_options() -> tuple[str, ...]:
    """What CuPy tells NVRTC, apart from the kernel's own definitions."""
    cupy, runtime = _folder("cupy"), _folder("nvidia.cuda_runtime")
    assert cupy is not None
    assert runtime is not None
    headers = cupy / "_core" / "include"
    folders = [headers, *(headers / "cupy" / "_cccl" / part for part in ("libcudacxx", "thrust", "cub"))]
    return "-std=c++17", "-ftz=true", *(f"-I{folder}" for folder in [*folders, runtime / "include"])


def _comments(source: str, kind: str) -> Iterator[str]:
    """The options or template instances in the comments on top."""
    for line in source.splitlines():
        if not line.startswith(("// option: ", "// instance: ")):
            return
        if line.startswith(f"// {kind}: "):
            yield line.removeprefix(f"// {kind}: ")


def refusal(source: str, target: str) -> str | None:
    """None if NVRTC makes machine code of a kernel for a target such as "sm_90", otherwise what it says."""
    nvrtc, program, size = _nvrtc(), ctypes.c_void_p(), ctypes.c_size_t()
    definitions = [option for option in _comments(source, "option") if option.startswith("-D")]
    options = [option.encode() for option in (*_cuda_options(), *definitions, f"--gpu-architecture={target}")]
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    try:
        for instance in _comments(source, "instance"):
            nvrtc.nvrtcAddNameExpression(program, instance.encode())
        error = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
        if error:
            nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
            log = ctypes.create_string_buffer(size.value)
            nvrtc.nvrtcGetProgramLog(program, log)
            return log.value.decode(errors="replace").strip() or nvrtc.nvrtcGetErrorString(error).decode()
        nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
        return None if size.value > 1 else "no machine code"
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _failures_of(path: Path, targets: Sequence[str]) -> list[Failure]:
    source = path.read_text()
    messages = {target: refusal(source, target) for target in targets}
    return [Failure(path.name, target, message) for target, message in messages.items() if message is not None]


def check(kernels: Sequence[Path], targets: Sequence[str] = TARGETS) -> list[Failure]:
    """Compile each kernel for each target, and return those that fail."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        found = list(pool.map(_failures_of, kernels, repeat(targets), chunksize=4))
    return [failure for failures in found for failure in failures]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: prints a table and the messages; 1 if a kernel fails, 2 if there is nothing to compile with."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.nvrtc", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="with the .cu files that a run on tests.gpu.hipcpu has saved")
    parser.add_argument("targets", nargs="*", default=TARGETS, help=f"(default: {' '.join(TARGETS)})")
    chosen = parser.parse_args(arguments)
    kernels = sorted(chosen.folder.glob("*.cu"))
    if why := missing() or (None if kernels else f"no .cu file in {chosen.folder}"):
        print(why, file=sys.stderr)
        return 2
    failures = check(kernels, chosen.targets)
    for failure in failures:
        print(f"{failure.kernel}, {failure.target}:\n{failure.message}\n")
    print("NVRTC {}.{}".format(*_version()))
    print(f"{'target':8} {'kernels':>8} {'failures':>8}")
    for target in chosen.targets:
        print(f"{target:8} {len(kernels):8} {sum(failure.target == target for failure in failures):8}")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
