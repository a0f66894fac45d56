"""Loading the stand-in under CuPy, and what can be asked of it then."""

from __future__ import annotations

import ctypes
import functools
import importlib
import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.gpu.hipcpu import sorting
from tests.gpu.hipcpu.building import HERE, build, kernel_compiler


@dataclass(eq=False)
class Counts:
    """What a piece of work would have cost on a device. The numbers are there when `counting()` ends."""

    launches: int = 0  # of kernels that CuPy compiled
    library_calls: int = 0  # BLAS, random numbers, solvers, sorts: each at least one kernel more
    uploads: int = 0  # copies from host to device
    downloads: int = 0  # and back
    device_copies: int = 0
    fills: int = 0  # memset, by which zeros are made
    waits: int = 0  # times that the host would have waited for the device
    allocations: int = 0  # of device memory by CuPy's pool
    compilations: int = 0  # kernels that no cache had
    kernels: list[str] = field(default_factory=list)  # what was launched, and the library calls, in order
    waits_at: list[str] = field(default_factory=list)  # the Python lines that waited


_NUMBERS = [number.name for number in fields(Counts) if number.type == "int"]


class _Counters(ctypes.Structure):  # `native/common.h` has the same fields in the same order
    _fields_ = [(name, ctypes.c_long) for name in _NUMBERS]


class HostWaited(RuntimeError):
    """The host would have waited for the device inside `no_waits()`."""


_WaitHook = ctypes.CFUNCTYPE(ctypes.c_int)


@functools.cache
def _runtime() -> ctypes.CDLL:
    """The stand-in's library, with ROCm's others, in this process."""
    if "cupy" in sys.modules:
        raise RuntimeError("cupy is imported already: call hipcpu.load() before anything imports it")
    made = build()
    # Where CuPy looks for ROCm's headers. Its cache may lie elsewhere: its keys tell builds apart.
    os.environ["ROCM_HOME"] = str(made.rocm)
    os.environ["PATH"] = os.pathsep.join([str(made.rocm / "bin"), os.environ["PATH"]])
    os.environ.setdefault("CUPY_CACHE_DIR", str(made.cupy_cache))
    # Loaded once, a library answers for its name to all that ask for that name later.
    runtime, *_ = [ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL) for library in made.libraries]
    runtime.hipcpu_counters.restype = ctypes.POINTER(_Counters)
    runtime.hipcpu_recorded.restype = ctypes.c_char_p
    sources = Path(os.environ.get("MINIGRAD_HIPCPU_SOURCES", made.sources)).resolve()
    sources.mkdir(parents=True, exist_ok=True)
    texts = "\n".join(kernel_compiler(made)), made.key, str(made.kernels), str(sources)
    runtime.hipcpu_configure_compiler(*[text.encode() for text in texts])
    if seed := os.environ.get("MINIGRAD_HIPCPU_SHUFFLE"):
        runtime.hipcpu_shuffle(1, ctypes.c_ulonglong(int(seed)))
    return runtime


def load() -> Any:
    """The module `cupy`, running on the host CPU. Later calls, and later imports of cupy, give the same.

    Raises:
        RuntimeError: cupy was imported before, something that the stand-in needs is missing, or it does not compile.
    """
    runtime = _runtime()
    cupy = importlib.import_module("cupy")
    sorting.install(runtime)
    return cupy


# -- what work costs -------------------------------------------------------------------------------------------------


_counting: list[Counts] = []
_forbidding: list[list[str]] = []  # for each `no_waits()`, the lines that waited


@contextmanager
def counting() -> Iterator[Counts]:
    """Count what the work inside would cost on a device. The first time that it runs, it also compiles kernels."""
    runtime = _runtime()
    counters, counts = runtime.hipcpu_counters().contents, Counts()
    before = {name: getattr(counters, name) for name in _NUMBERS}
    outermost = not _counting
    if outermost:
        runtime.hipcpu_record(1)
    start = len(runtime.hipcpu_recorded())
    _counting.append(counts)
    _set_hook(runtime)
    try:
        yield counts
    finally:
        _counting.remove(counts)
        _set_hook(runtime)
        counts.kernels = runtime.hipcpu_recorded()[start:].decode().split("\n")[:-1]
        if outermost:
            runtime.hipcpu_record(0)
        for name in _NUMBERS:
            setattr(counts, name, getattr(counters, name) - before[name])


@contextmanager
def no_waits() -> Iterator[None]:
    """Forbid the host to wait for the device.

    Raises:
        HostWaited: it would have. The message names the innermost Python line that is neither CuPy's nor NumPy's; the
            traceback goes through it.
    """
    runtime = _runtime()
    lines: list[str] = []
    _forbidding.append(lines)
    _set_hook(runtime)
    error = None
    try:
        yield
    except Exception as caught:
        if not lines:
            raise
        error = caught
    finally:
        _forbidding.pop()
        _set_hook(runtime)
    if lines:
        raise HostWaited(f"the host waits for the device at {lines[0]}") from error


def _set_hook(runtime: ctypes.CDLL) -> None:
    runtime.hipcpu_set_wait_hook(_wait_hook if _counting or _forbidding else _WaitHook(0))


@_WaitHook
def _wait_hook() -> int:
    """Called by the runtime at each wait, in the thread that waits. True forbids it."""
    line = _line_outside_libraries()
    for counts in _counting:
        counts.waits_at.append(line)
    for lines in _forbidding:
        lines.append(line)
    return bool(_forbidding)


def _line_outside_libraries() -> str:
    frame: Any = sys._getframe(1)
    while frame.f_back and _belongs_to_a_library(frame):
        frame = frame.f_back
    name, number = frame.f_code.co_filename, frame.f_lineno
    return f"{name}:{number}: {linecache.getline(name, number, frame.f_globals).strip()}"


def _belongs_to_a_library(frame: Any) -> bool:
    top = frame.f_globals.get("__name__", "").partition(".")[0]
    return top in ("cupy", "cupyx", "cupy_backends", "numpy") or Path(frame.f_code.co_filename).parent == HERE


# -- order -----------------------------------------------------------------------------------------------------------


@contextmanager
def shuffled(seed: int) -> Iterator[None]:
    """Run the blocks of a grid and the threads of a block in random order: results that change are wrong on a device.

    For a whole run, set MINIGRAD_HIPCPU_SHUFFLE to the seed instead.
    """
    runtime = _runtime()
    runtime.hipcpu_shuffle(1, ctypes.c_ulonglong(seed))
    try:
        yield
    finally:
        always = os.environ.get("MINIGRAD_HIPCPU_SHUFFLE")
        runtime.hipcpu_shuffle(bool(always), ctypes.c_ulonglong(int(always or 0)))
