"""Chapter 7: functions composed of operators. They need no gradient of their own: the engine finds it.

These compute something. Those that only move elements about are in `rearrange.py`, those of linear algebra in
`linalg.py`, those of neural networks in `nn/functional/`: rooms to look things up in.

Next, and no longer part of the afternoon: `nn/`, then `optim.py`, `check.py` and `viz/`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.op import composed, compositions, numpy_ops
from minigrad.ops.elementwise import check_floating, isclose, nan_to_num
from minigrad.ops.reduce import axes_of, count
from minigrad.tensor import add_methods, underscored

# -- statistics -------------------------------------------------------------------------------------------------------


@composed
def var(x: Any, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Any:
    """Σ (x − mean)² / (n − correction), the variance. As in PyTorch `correction` is 1; NumPy's `np.var` takes 0."""
    if x.dtype == np.float16:  # whose squares overflow from 256 on
        return var(x.astype(np.float32), axis, correction, keepdims).astype(np.float16)
    deviation = x - x.mean(axis, keepdims=True)
    squares = (deviation * deviation).sum(axis, keepdims=keepdims)
    return squares / max(count(x.shape, axis) - correction, 0)


@composed
def std(x: Any, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Any:
    """√var, the standard deviation, with the arguments of `var`. Where it is 0 its gradient is 0, as in PyTorch."""
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    return flat_at_zero(var(wide, axis, correction, keepdims), 0.5).astype(x.dtype)


def flat_at_zero(x: Any, power: float) -> Any:
    """xᵖ with gradient 0 at 0, where it may be infinitely steep."""
    return np.where(x == 0, 0, np.where(x == 0, 1, x) ** power)


@composed
def var_mean(x: Any, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Any:
    """The variance and the mean, with the arguments of `var`."""
    return var(x, axis, correction, keepdims), x.mean(axis, keepdims=keepdims)


@composed
def std_mean(x: Any, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Any:
    """The standard deviation and the mean, with the arguments of `var`."""
    return std(x, axis, correction, keepdims), x.mean(axis, keepdims=keepdims)


@composed
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum of what is not nan."""
    return np.where(np.isnan(x), 0, x).sum(axis, keepdims=keepdims)


@composed
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean of what is not nan."""
    numbers = (~np.isnan(x)).sum(axis, keepdims=keepdims)
    return nansum(x, axis, keepdims) / numbers.astype(x.dtype)


@composed
def norm(x: Any, p: Any = 2, axis: Any = None, keepdims: bool = False) -> Any:
    """(Σ |x|ᵖ)¹ᐟᵖ; of p = 0 how many are not 0, of ∞ the largest |x|, of −∞ the smallest. "fro" is 2.

    Where it has a kink, its gradient is 0 at x = 0 and ties share evenly, as in PyTorch.
    """
    check_floating(x)
    if x.dtype == np.float16:
        return norm(x.astype(np.float32), p, axis, keepdims).astype(np.float16)
    p = 2 if p is None else p
    if isinstance(p, str) and p != "fro":
        raise ValueError(f'p must be a number, inf, -inf or "fro", not {p!r}')
    size, axes = np.absolute(x), axes_of(axis, x.ndim)
    if p == math.inf:
        return np.max(size, axes, keepdims=keepdims)
    if p == -math.inf:
        return np.min(size, axes, keepdims=keepdims)
    if p == 0:
        return np.sign(size).sum(axes, keepdims=keepdims)
    if p == 1:
        return size.sum(axes, keepdims=keepdims)
    if p in (2, "fro"):
        return flat_at_zero((x * x).sum(axes, keepdims=keepdims), 0.5)
    powers = flat_at_zero(size, p) if p > 0 else size**p
    return flat_at_zero(powers.sum(axes, keepdims=keepdims), 1 / p)


@composed
def equal(x: Any, y: Any) -> bool:
    """Whether x and y have the same shape and the same elements, as a Python bool; element by element see `eq`."""
    return np.shape(x) == np.shape(y) and bool((x == y).all())


@composed
def allclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether |x − y| ≤ atol + rtol · |y| for all elements, as a Python bool."""
    return bool(isclose(x, y, rtol, atol, equal_nan).all())


# -- elementwise ------------------------------------------------------------------------------------------------------


@composed
def lerp(x: Any, end: Any, weight: Any) -> Any:
    """x + weight · (end − x): on the straight line from x, at weight 0, to end, at weight 1."""
    return x + weight * (end - x)


@composed
def addcmul(x: Any, tensor1: Any, tensor2: Any, value: float = 1) -> Any:
    """x + value · tensor1 · tensor2, elementwise."""
    return x + value * tensor1 * tensor2


@composed
def addcdiv(x: Any, tensor1: Any, tensor2: Any, value: float = 1) -> Any:
    """x + value · tensor1 / tensor2, elementwise."""
    return x + value * tensor1 / tensor2


@composed
def masked_fill(x: Any, mask: Any, value: Any) -> Any:
    """value where the mask holds, elsewhere x."""
    if mask.dtype != bool:
        raise TypeError(f"mask must hold bools, not {mask.dtype}; write mask != 0")
    return np.where(mask, value, x)


# -- what NumPy's functions become on tensors, where their arguments or their meaning are not PyTorch's ---------------

numpy_ops[np.var] = lambda a, axis=None, *, ddof=0, keepdims=False: var(a, axis, ddof, keepdims)
numpy_ops[np.std] = lambda a, axis=None, *, ddof=0, keepdims=False: std(a, axis, ddof, keepdims)
numpy_ops[np.nansum] = lambda a, axis=None, *, keepdims=False: nansum(a, axis, keepdims)
numpy_ops[np.nanmean] = lambda a, axis=None, *, keepdims=False: nanmean(a, axis, keepdims)
numpy_ops.update({np.allclose: allclose, np.array_equal: equal})
numpy_ops[np.nan_to_num] = lambda x, copy=True, **numbers: nan_to_num(x, **numbers)

add_methods({f.__name__: f for f in compositions.values() if f.__module__ == __name__})
add_methods({f"{f.__name__}_": underscored(f) for f in (addcdiv, addcmul, lerp, masked_fill)})
