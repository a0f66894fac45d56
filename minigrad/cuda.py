"""The GPU, under the names of `torch.cuda`: whether there is one, its memory, and waiting for it.

There is one GPU: a `device` that a function takes, as in PyTorch, changes nothing.
"""

from __future__ import annotations

from typing import Any

from minigrad import backend
from minigrad.errors import missing
from minigrad.random import manual_seed

manual_seed_all = manual_seed  # the random numbers of both devices follow from one stream

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "manual_seed",
    "manual_seed_all",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_summary",
    "synchronize",
    "why_not_available",
]
__getattr__ = missing(__name__, __all__)


def is_available() -> bool:
    """Whether there is a GPU to compute on, and CuPy to do so. The first call tries it out."""
    return not why_not_available()


def why_not_available() -> str:
    """What is missing, and what to do about it; "" where nothing is."""
    try:
        backend.cupy()
    except RuntimeError as error:
        return str(error)
    return ""


def device_count() -> int:
    """How many GPUs minigrad computes on: 1, or 0 where there is none."""
    return int(is_available())


def current_device() -> int:
    """The number of the GPU that is computed on: 0.

    Raises:
        RuntimeError: there is none.
    """
    backend.cupy()
    return 0


def get_device_name(device: Any = None) -> str:
    """What the GPU is called; it raises as `current_device` does."""
    name = backend.cupy().cuda.runtime.getDeviceProperties(0)["name"]
    return name.decode() if isinstance(name, bytes) else str(name)


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done all that it was told to do: before a clock is read. It raises as `current_device`."""
    backend.cupy().cuda.Device().synchronize()


# -- memory -----------------------------------------------------------------------------------------------------------
# CuPy keeps the memory of arrays that are gone in a pool, for the next ones. CUPY_GPU_MEMORY_LIMIT sets a limit to it.


def memory_allocated(device: Any = None) -> int:
    """How many bytes the arrays on the GPU take; 0 where there is no GPU."""
    return int(backend.cupy().get_default_memory_pool().used_bytes()) if is_available() else 0


def memory_reserved(device: Any = None) -> int:
    """How many bytes of the GPU CuPy holds, for arrays that are there and that are to come; 0 where there is no GPU."""
    return int(backend.cupy().get_default_memory_pool().total_bytes()) if is_available() else 0


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """How many bytes of the GPU are free, and how many there are; it raises as `current_device` does."""
    free, total = backend.cupy().cuda.runtime.memGetInfo()
    return int(free), int(total)


def empty_cache() -> None:
    """Give back to the GPU what CuPy holds and no array uses."""
    if is_available():
        backend.cupy().get_default_memory_pool().free_all_blocks()


def memory_summary(device: Any = None) -> str:
    """The GPU's memory in a few lines, in MiB; it raises as `current_device` does."""
    free, total = mem_get_info()
    rows = [
        (get_device_name(), total),
        ("free", free),
        ("held by CuPy", memory_reserved()),
        ("in arrays", memory_allocated()),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join([f"{name:{width}} {size / 2**20:12,.1f} MiB" for name, size in rows])
