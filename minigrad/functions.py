"""Chapter 7: functions composed of operators. They need no gradient of their own: the engine finds it.

These compute something. Those that only move elements about are in `rearrange.py`, those of linear algebra in
`linalg.py`, those of neural networks in `nn/functional/`: rooms to look things up in.

Next, and no longer part of the afternoon: `nn/`, then `optim.py`, `check.py` and `viz/`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import generator
from minigrad.op import composed, compositions, numpy_ops
from minigrad.ops.elementwise import check_floating, nan_to_num
from minigrad.ops.reduce import axes_of, count
from minigrad.tensor import add_methods

# -- statistics -------------------------------------------------------------------------------------------------------


@composed
def var(x: Any, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Any:
    """Σ (x − mean)² / (n − correction), the variance. As in PyTorch `correction` is 1; NumPy's `np.var` takes 0."""
    deviation = x - x.mean(axis, keepdims=True)
    squares = (deviation * deviation).sum(axis, keepdims=keepdims)
    return squares / max(count(x.shape, axis) - correction, 0)


@composed
def std(x: Any, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Any:
    """√var, the standard deviation, with the arguments of `var`. Where it is 0 its gradient is 0, as in PyTorch."""
    return flat_at_zero(var(x, axis, correction, keepdims), 0.5)


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
    if isinstance(p, str) and p != "fro":
        raise ValueError(f'p must be a number, inf, -inf or "fro", not {p!r}')
    size, axes = np.absolute(x), axes_of(axis, x.ndim)  # of a tuple of axes, max lets ties share
    if p == math.inf:
        return size.max(axes, keepdims=keepdims)
    if p == -math.inf:
        return size.min(axes, keepdims=keepdims)
    if p == 0:
        return np.sign(size).sum(axes, keepdims=keepdims)
    if p == 1:
        return size.sum(axes, keepdims=keepdims)
    if p in (2, "fro"):
        return flat_at_zero((x * x).sum(axes, keepdims=keepdims), 0.5)
    powers = flat_at_zero(size, p) if p > 0 else size**p
    return flat_at_zero(powers.sum(axes, keepdims=keepdims), 1 / p)


# -- dropout ----------------------------------------------------------------------------------------------------------


@composed
def dropout(x: Any, p: float = 0.5, training: bool = True) -> Any:
    """In training, make each element 0 with probability p and multiply the others by 1 / (1 − p); else do nothing.

    Raises:
        ValueError: p is not between 0 and 1.
        TypeError: x is not floating.

    Source: Srivastava et al., "Dropout", JMLR 15 (2014), with the scaling moved from test time to training.
    """
    check_probability(p)
    if x.dtype.kind != "f":
        raise TypeError(f"x must be floating, not {x.dtype}; write x.float()")
    if not training or p == 0:
        return x
    kept = generator().random(x.shape, dtype=np.float32) >= p
    return x * (kept * np.asarray(1 / (1 - p) if p < 1 else 0, x.dtype))


def check_probability(p: float) -> None:
    """Raise if p cannot be the probability of dropping an element."""
    if not 0 <= p <= 1:
        raise ValueError(f"p is a probability, between 0 and 1, not {p}")


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
numpy_ops[np.nan_to_num] = lambda x, copy=True, **numbers: nan_to_num(x, **numbers)

# Methods of Tensor, but for what belongs to `nn.functional` alone.
add_methods({f.__name__: f for f in compositions.values() if f.__module__ == __name__ and f is not dropout})
