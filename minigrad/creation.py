"""Chapter 6: tensors made from nothing, and the random numbers among them.

The random numbers are PyTorch's, from one stream that `manual_seed` starts anew; how they are drawn is in `random.py`.
They are drawn on the CPU, also for a tensor on a GPU: so a network starts from the same weights wherever it is trained.

Each function takes `device="cuda"` for a tensor on the GPU; None is the default device, the CPU unless
`set_default_device` has set another, and for functions of a tensor x that of x.

Next: `functions.py`, functions composed of operators.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from minigrad import random
from minigrad.backend import library, put
from minigrad.op import get_default_dtype
from minigrad.tensor import Tensor, as_array, placed, unpacked, wrap

ON_HOST = (1, 3)  # DLPack's numbers for memory that the CPU reads: its own, and what is pinned for a GPU


def _made(array: Any, dtype: Any, requires_grad: bool) -> Tensor:
    if dtype is None and array.dtype == np.float64:
        dtype = get_default_dtype()
    return wrap(as_array(array.astype(dtype or array.dtype, copy=False)), None).requires_grad_(requires_grad)


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`.

    Args:
        data: a number, a (nested) list, an array or a tensor.
        dtype: of the elements. None: an array keeps its own, Python floats become the default dtype (float32).
        device: where it is to be; None: an array or tensor on the GPU stays there, anything else goes to the default.
        requires_grad: whether gradients with respect to this tensor are wanted. Floating dtypes only.

    Raises:
        TypeError: `data` is not numeric, or `requires_grad` with a dtype that is not floating.
        ValueError: a nested list whose rows differ in length.
        RuntimeError: "cuda", where there is no GPU.

    >>> tensor([[1, 2], [3, 4]]) * 0.5
    tensor([[0.5, 1. ],
            [1.5, 2. ]])
    """
    return Tensor(data, dtype, requires_grad, device)


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array."""
    return wrap(as_array(array), None)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor as it is; anything else as a new tensor, which shares the memory of an array of that dtype there."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    return wrap(placed(data, dtype, device), None)


def from_dlpack(array: Any) -> Tensor:
    """A tensor that shares the memory of an array of another library, such as a PyTorch tensor, through DLPack."""
    kind, _ = array.__dlpack_device__()
    return wrap(as_array(library("cpu" if kind in ON_HOST else "cuda").from_dlpack(array)), None)


def zeros(*sizes: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """All 0, of the given shape: `zeros(2, 3)` or `zeros((2, 3))`. The dtype is the default dtype unless given."""
    return _made(library(device).zeros(unpacked(sizes), dtype or get_default_dtype()), dtype, requires_grad)


def ones(*sizes: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """All 1, of the given shape."""
    return _made(library(device).ones(unpacked(sizes), dtype or get_default_dtype()), dtype, requires_grad)


def full(size: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """All `fill_value`, of shape `size`."""
    return _made(library(device).full(size, fill_value), dtype, requires_grad)


def empty(*sizes: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Of the given shape, its values not set."""
    return _made(library(device).empty(unpacked(sizes), dtype or get_default_dtype()), dtype, requires_grad)


def zeros_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """All 0, in the shape and dtype of `x`."""
    return _made(library(device or x.device).zeros(x.shape, dtype or x.dtype), dtype or x.dtype, requires_grad)


def ones_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """All 1, in the shape and dtype of `x`."""
    return _made(library(device or x.device).ones(x.shape, dtype or x.dtype), dtype or x.dtype, requires_grad)


def full_like(x: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """All `fill_value`, in the shape and dtype of `x`."""
    dtype = dtype or x.dtype
    return _made(library(device or x.device).full(x.shape, fill_value, dtype), dtype, requires_grad)


def eye(n: int, m: int | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """The identity matrix, (n, n), or its first m columns."""
    return _made(library(device).eye(n, m, dtype=dtype or get_default_dtype()), dtype, requires_grad)


def arange(
    start: Any, end: Any = None, step: Any = 1, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """`start`, `start + step` ... up to but without `end`; `arange(n)` counts from 0. Integers stay integers."""
    start, end = (0, start) if end is None else (start, end)
    return _made(library(device).arange(start, end, step), dtype, requires_grad)


def linspace(
    start: float, end: float, steps: int, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """`steps` numbers, evenly spaced from `start` to `end`, both included."""
    return _made(library(device).linspace(start, end, steps), dtype, requires_grad)


def rand(
    *sizes: Any, dtype: Any = None, requires_grad: bool = False, generator: Any = None, device: Any = None
) -> Tensor:
    """Uniform on [0, 1)."""
    stream = generator or random.current()
    return _made(put(stream.uniform(_shape(sizes), dtype or get_default_dtype()), device), dtype, requires_grad)


def randn(
    *sizes: Any, dtype: Any = None, requires_grad: bool = False, generator: Any = None, device: Any = None
) -> Tensor:
    """Normal with mean 0 and variance 1."""
    stream = generator or random.current()
    return _made(put(stream.normal(_shape(sizes), dtype or get_default_dtype()), device), dtype, requires_grad)


def rand_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of `x`."""
    return rand(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device or x.device)


def randn_like(x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Normal with mean 0 and variance 1, in the shape and dtype of `x`."""
    return randn(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device or x.device)


def randint(
    low: int, high: Any = None, size: Any = None, dtype: Any = None, generator: Any = None, device: Any = None
) -> Tensor:
    """Integers, uniform on low ... high − 1; `randint(high, size)` starts at 0."""
    if size is None:
        high, size = None, high
    low, high = (0, low) if high is None else (low, high)
    return _made(put((generator or random.current()).integers(low, high, _shape((size,))), device), dtype, False)


def randperm(n: int, generator: Any = None, device: Any = None) -> Tensor:
    """The integers 0 ... n − 1 in random order."""
    return wrap(put((generator or random.current()).permutation(n), device), None)


def _shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape that `f(2, 3)`, `f((2, 3))` or `f(2)` asks for."""
    sizes = unpacked(sizes)
    if any(isinstance(n, bool) or n < 0 for n in sizes):
        raise ValueError(f"a shape has sizes of at least 0, not {sizes}")
    return tuple(map(index, sizes))
