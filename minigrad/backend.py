"""Devices: NumPy's arrays on the CPU, CuPy's on a GPU. The only file that imports CuPy, once a GPU is asked for.

Everything else is written in NumPy's functions. NumPy hands them on to CuPy when it is given CuPy's arrays (its
protocols `__array_ufunc__` and `__array_function__`), so the text of an operator serves both. An array that is made
inside an operator is made like one that it was given: `np.arange(n, like=x)`, or `library_of(x).zeros(shape)`.

A room that all chapters use.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from ctypes.util import find_library
from functools import wraps
from types import FunctionType
from typing import Any

import numpy as np


class device:
    """Where a tensor's elements are: `device("cpu")`, or `device("cuda")`, the GPU.

    There is one GPU, "cuda" or "cuda:0": the first that CuPy sees. CUDA_VISIBLE_DEVICES chooses which that is.

    Raises:
        TypeError, ValueError: it names no device.

    >>> device("cuda")
    device(type='cuda', index=0)
    >>> str(device("cuda")), device("cuda") == device("cuda:0")
    ('cuda:0', True)
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any, index: int | None = None) -> None:
        name = str(type) if index is None else f"{type}:{index}"
        if not isinstance(type, str | device):
            raise TypeError(f'a device is "cpu" or "cuda", not {type!r:.60}')
        if name not in ("cpu", "cuda", "cuda:0"):
            which = "; to use another GPU, set CUDA_VISIBLE_DEVICES before Python starts" if "cuda:" in name else ""
            raise ValueError(f'minigrad computes on the devices "cpu" and "cuda", not on {name!r}{which}')
        self.type = name.partition(":")[0]
        self.index = 0 if self.type == "cuda" else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and self.type == other.type

    def __hash__(self) -> int:
        return hash(self.type)

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return (
            f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"
        )


def is_device(value: Any) -> bool:
    """Whether it names a device, or tries to: a text that names no dtype does."""
    if not isinstance(value, str):
        return isinstance(value, device)
    try:
        np.dtype(value)
    except TypeError:
        return True
    return False


# -- CuPy -------------------------------------------------------------------------------------------------------------


class NoArray:
    """The type of CuPy's arrays as long as CuPy is not loaded: nothing is of it."""


gpu_array: type = NoArray
_cupy: Any = None
INSTALL = "pip install 'minigrad-edu[cuda12x]', or [cuda13x] for a driver of CUDA 13"


def cupy() -> Any:
    """The module CuPy, loaded and tried out at the first call.

    Raises:
        RuntimeError: there is no GPU to compute on; the message says at which of three steps that showed, and what to
            do.
    """
    global _cupy, gpu_array
    if _cupy is None:
        module, problem = probe()
        if problem:
            raise RuntimeError(f"device 'cuda' cannot be used: {problem}")
        gpu_array, _cupy = module.ndarray, module  # the type first, for threads that ask meanwhile
    return _cupy


def probe() -> tuple[Any, str]:
    """CuPy, or what is the matter: can it be imported, does it find a GPU, and does one small sum come out right?"""
    try:
        import cupy
    except Exception as error:
        missing = isinstance(error, ImportError) and error.name == "cupy"
        if missing and has_driver():
            return None, f"CuPy is not installed: {INSTALL}"
        if missing:
            return None, f"there is neither CuPy here nor NVIDIA's driver. For a GPU, first the driver, then {INSTALL}"
        return None, f"CuPy is installed but cannot be imported, {said(error)}. Reinstall it: {INSTALL}"
    try:
        if not cupy.is_available():
            cupy.cuda.runtime.getDeviceCount()  # raises, and so says why
            return None, "CuPy finds no GPU. Does `nvidia-smi` list one?"
    except Exception as error:
        cure = "Install NVIDIA's driver, or a newer one, until `nvidia-smi` lists your GPU"
        return None, f"CuPy {cupy.__version__} finds no GPU, {said(error)}. {cure}"
    try:
        if (cupy.arange(3) + 1).sum().item() != 6:
            return None, "1 + 2 + 3 on the GPU is not 6. Something is wrong with the driver or the card"
    except Exception as error:
        cure = f"NVIDIA's libraries may be missing or too new for the driver: {INSTALL}"
        return None, f"CuPy {cupy.__version__} finds a GPU but cannot compute on it, {said(error)}. {cure}"
    return cupy, ""


def has_driver() -> bool:
    """Whether NVIDIA's driver is there: without it, to install CuPy would not help."""
    return find_library("nvcuda" if sys.platform == "win32" else "cuda") is not None


def said(error: Exception) -> str:
    """An error of another package, in one line."""
    return f"it says {type(error).__name__}: {' '.join(str(error).split()):.200}"


# -- arrays -----------------------------------------------------------------------------------------------------------


def is_array(value: Any) -> bool:
    """Whether it is an array, on either device."""
    return isinstance(value, (np.ndarray, gpu_array))


def of_cupy(value: Any) -> bool:
    """Whether it is an array of CuPy's; the first one, made without minigrad, loads CuPy here."""
    if gpu_array is NoArray and type(value).__module__.partition(".")[0] == "cupy":
        cupy()
    return isinstance(value, gpu_array)


def on_host(array: Any) -> bool:
    """Whether to look at a value costs nothing: a GPU would first have to finish all that it was told to do."""
    return not isinstance(array, gpu_array)


def device_of(array: Any) -> device:
    """Where an array is."""
    return CPU if on_host(array) else GPU


def to_numpy(array: Any) -> Any:
    """The array for NumPy; from a GPU it is copied, which waits until the GPU is done. The only way back."""
    return array if on_host(array) else array.get()


def library(where: Any) -> Any:
    """NumPy or CuPy, whichever makes arrays on this device; None is the default device.

    Raises:
        RuntimeError: there is no GPU to compute on.
    """
    if where is None:
        where = _default
    return np if where is CPU or device(where) == CPU else cupy()


def library_of(array: Any) -> Any:
    """NumPy or CuPy, whichever made this array: what makes others that can stand beside it."""
    return np if on_host(array) else _cupy


def put(array: Any, where: Any) -> Any:
    """The array on a device: itself if it is there already. It raises as `library` does."""
    if array.__class__ is np.ndarray and (where is CPU or (where is None and _default is CPU)):  # as almost always
        return array
    there = library(where)
    return to_numpy(array) if there is np else there.asarray(array)


APART = "all tensors must be on one device, but here are some on cpu and some on cuda:0: see t.to(...)"


def apart(values: Iterable[Any]) -> bool:
    """Whether some of these arrays and tensors are on the GPU and some are not."""
    flat = [part for value in values for part in (value if isinstance(value, tuple | list) else (value,))]
    arrays = [part.data if hasattr(part, "is_cuda") else part for part in flat]
    return len({on_host(array) for array in arrays if is_array(array)}) > 1


def checked_index(index: Any, x: Any) -> Any:
    """The index; on a GPU raise for one that NumPy refuses, too: CuPy would round it."""
    for part in () if on_host(x) else index if isinstance(index, tuple) else (index,):
        for number in (part.start, part.stop, part.step) if isinstance(part, slice) else (part,):
            if isinstance(number, float | str | np.floating):
                raise IndexError(f"an index is an integer, a slice, None, ... or an array of those, not {number!r}")
    return index


def check_beside(g: Any, gradient: Any, what: str) -> None:
    """Raise if a gradient, `what` in the error, is not on the device of the upstream gradient g, where it came from."""
    if apart([g, gradient]):
        there = device_of(gradient.data if hasattr(gradient, "is_cuda") else gradient)
        cure = "make arrays like one that is there, as in np.ones(n, like=g), and tensors with device=g.device"
        raise RuntimeError(f"{what} is on {there}, the gradient that it was made from is not: {cure}")


def is_writable(array: Any) -> bool:
    """Whether it may be written into: as in NumPy, not if an element is in several places. CuPy has no such flag."""
    if on_host(array):
        return array.flags.writeable
    return not array.size or all(stride or n < 2 for stride, n in zip(array.strides, array.shape, strict=True))


def special(function: Any) -> Any:
    """What CuPy has for a function of Python's module math that NumPy lacks, such as math.erf."""
    import cupyx.scipy.special

    return getattr(cupyx.scipy.special, function.__name__)


# -- several steps in one kernel --------------------------------------------------------------------------------------


def fuse(function: Callable[..., Any]) -> Callable[..., Any]:
    """A formula of whole arrays, which on a GPU is one kernel instead of one for each of its steps.

    It may hold operators, also in place, and NumPy's elementwise functions, of arrays and of numbers that stand beside
    an array. No branch, no axis, no other function. And no arithmetic of numbers among themselves, such as `1 - beta`:
    CuPy's fusion does it in float16, so give it the result. The first argument is an array.
    """
    kernel: Any = None

    @wraps(function)
    def fused(*args: Any) -> Any:
        nonlocal kernel
        if on_host(args[0]):
            return function(*args)
        if apart(args):
            raise ValueError(APART)
        if kernel is None:
            kernel = _cupy.fuse(fusible(function))
        return kernel(*args)

    return fused


def fusible(function: Any) -> Any:
    """The same text, but `np` in it means CuPy, whose functions fusion takes; with a name that a kernel can have."""
    name = re.sub(r"\W", "_", function.__qualname__)
    return FunctionType(
        function.__code__, {**function.__globals__, "np": _cupy}, name, function.__defaults__, function.__closure__
    )


CPU, GPU = device("cpu"), device("cuda")
_default = CPU


def get_default_device() -> device:
    """The device on which tensors are made unless another is given: the CPU, unless set otherwise."""
    return _default


def set_default_device(where: Any) -> None:
    """Make tensors on this device unless another is given.

    Raises:
        RuntimeError: it is "cuda", and there is no GPU to compute on.
    """
    global _default
    _default = CPU if library(where) is np else GPU
