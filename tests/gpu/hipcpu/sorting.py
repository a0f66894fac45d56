"""CuPy's sorts, on the host.

Thrust, which sorts for CuPy, is a library of GPU code inside the wheel. `cupy.sort`, `argsort`, `lexsort`, and what is
made of them (`unique`, `median`, `searchsorted` ...), call three functions of the module `cupy.cuda.thrust` with
addresses of device memory. Those three are replaced here; the Python and Cython code above them is CuPy's.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np


def on_host(address: int, dtype: Any, shape: Any) -> np.ndarray:
    """Device memory, which is the host's, as an array."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape)


def install(runtime: ctypes.CDLL) -> None:
    """Replace the three functions. `runtime` counts their calls."""
    from cupy.cuda import thrust

    def sort(dtype: Any, data: int, keys: int, shape: Any) -> None:
        runtime.hipcpu_library_call(b"thrust::sort")
        on_host(data, dtype, shape).sort(axis=-1, kind="stable")

    def argsort(dtype: Any, indices: int, data: int, keys: int, shape: Any) -> None:
        runtime.hipcpu_library_call(b"thrust::stable_sort_by_key")
        array = on_host(data, dtype, shape)
        order = np.argsort(array, axis=-1, kind="stable")
        on_host(indices, np.intp, shape)[...] = order
        array[...] = np.take_along_axis(array, order, -1)

    def lexsort(dtype: Any, indices: int, keys: int, count: int, length: int) -> None:
        runtime.hipcpu_library_call(b"thrust::lexsort")
        on_host(indices, np.intp, (length,))[...] = np.lexsort(on_host(keys, dtype, (count, length)))

    thrust.sort, thrust.argsort, thrust.lexsort = sort, argsort, lexsort
