"""Chapter 6: tensors made from nothing, and the random numbers among them.

The random numbers are PyTorch's, from one stream that `manual_seed` starts anew; how they are drawn is in `random.py`.

Next: `functions.py`, functions composed of operators.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from minigrad import random
from minigrad.op import get_default_dtype
from minigrad.tensor import Tensor, as_array, unpacked, wrap


def _made(array: Any, dtype: Any, requires_grad: bool) -> Tensor:
    if dtype is None and array.dtype == np.float64:
        dtype = get_default_dtype()
    return wrap(as_array(array.astype(dtype or array.dtype, copy=False)), None).requires_grad_(requires_grad)


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`.

    Args:
        data: a number, a (nested) list, an array or a tensor.
        dtype: of the elements. None: an array keeps its own, Python floats become the default dtype (float32).
        requires_grad: whether gradients with respect to this tensor are wanted. Floating dtypes only.

    Raises:
        TypeError: `data` is not numeric, or `requires_grad` with a dtype that is not floating.
        ValueError: a nested list whose rows differ in length.

    >>> tensor([[1, 2], [3, 4]]) * 0.5
    tensor([[0.5, 1. ],
            [1.5, 2. ]])
    """
    return Tensor(data, dtype, requires_grad)


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array."""
    return wrap(as_array(array), None)


def as_tensor(data: Any, dtype: Any = None) -> Tensor:
    """A tensor as it is; anything else as a new tensor, which shares the memory of a NumPy array of that dtype."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return wrap(as_array(data, dtype), None)


def from_dlpack(array: Any) -> Tensor:
    """A tensor that shares the memory of an array of another library, such as a PyTorch tensor, through DLPack."""
    return wrap(as_array(np.from_dlpack(array)), None)


def zeros(*sizes: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """All 0, of the given shape: `zeros(2, 3)` or `zeros((2, 3))`. The dtype is the default dtype unless given."""
    return _made(np.zeros(unpacked(sizes)), dtype, requires_grad)


def ones(*sizes: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """All 1, of the given shape."""
    return _made(np.ones(unpacked(sizes)), dtype, requires_grad)


def full(size: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """All `fill_value`, of shape `size`."""
    return _made(np.full(size, fill_value), dtype, requires_grad)


def empty(*sizes: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Of the given shape, its values not set."""
    return _made(np.empty(unpacked(sizes), dtype or get_default_dtype()), dtype, requires_grad)


def zeros_like(x: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """All 0, in the shape and dtype of `x`."""
    return _made(np.zeros(x.shape), dtype or x.dtype, requires_grad)


def ones_like(x: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """All 1, in the shape and dtype of `x`."""
    return _made(np.ones(x.shape), dtype or x.dtype, requires_grad)


def full_like(x: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """All `fill_value`, in the shape and dtype of `x`."""
    return _made(np.full(x.shape, fill_value), dtype or x.dtype, requires_grad)


def eye(n: int, m: int | None = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix, (n, n), or its first m columns."""
    return _made(np.eye(n, m), dtype, requires_grad)


def arange(start: Any, end: Any = None, step: Any = 1, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """`start`, `start + step` ... up to but without `end`; `arange(n)` counts from 0. Integers stay integers."""
    return _made(np.arange(0, start, step) if end is None else np.arange(start, end, step), dtype, requires_grad)


def linspace(start: float, end: float, steps: int, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """`steps` numbers, evenly spaced from `start` to `end`, both included."""
    return _made(np.linspace(start, end, steps), dtype, requires_grad)


def rand(*sizes: Any, dtype: Any = None, requires_grad: bool = False, generator: Any = None) -> Tensor:
    """Uniform on [0, 1)."""
    stream = generator or random.current()
    return _made(stream.uniform(_shape(sizes), dtype or get_default_dtype()), dtype, requires_grad)


def randn(*sizes: Any, dtype: Any = None, requires_grad: bool = False, generator: Any = None) -> Tensor:
    """Normal with mean 0 and variance 1."""
    stream = generator or random.current()
    return _made(stream.normal(_shape(sizes), dtype or get_default_dtype()), dtype, requires_grad)


def rand_like(x: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of `x`."""
    return rand(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad)


def randn_like(x: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal with mean 0 and variance 1, in the shape and dtype of `x`."""
    return randn(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad)


def randint(low: int, high: Any = None, size: Any = None, dtype: Any = None, generator: Any = None) -> Tensor:
    """Integers, uniform on low ... high − 1; `randint(high, size)` starts at 0."""
    if size is None:
        high, size = None, high
    low, high = (0, low) if high is None else (low, high)
    return _made((generator or random.current()).integers(low, high, _shape((size,))), dtype, False)


def randperm(n: int, generator: Any = None) -> Tensor:
    """The integers 0 ... n − 1 in random order."""
    return wrap((generator or random.current()).permutation(n), None)


def _shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape that `f(2, 3)`, `f((2, 3))` or `f(2)` asks for."""
    sizes = unpacked(sizes)
    if any(isinstance(n, bool) or n < 0 for n in sizes):
        raise ValueError(f"a shape has sizes of at least 0, not {sizes}")
    return tuple(map(index, sizes))
