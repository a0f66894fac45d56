"""Chapter 7: functions composed of operators. They need no gradient of their own: the engine finds it.

Next, and no longer part of the afternoon: `nn/`, then `optim.py`, `check.py` and `viz/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.backend import generator
from minigrad.op import composed, numpy_ops
from minigrad.ops.reduce import count
from minigrad.tensor import Tensor, add_methods


@composed
def cat(tensors: Sequence[Any], axis: int | None = 0) -> Any:
    """Arrays joined along an axis that they have; their other axes must agree. None flattens them first."""
    if axis is None:  # NumPy's way to ask for one flat array
        tensors, axis = [tensor.reshape(-1) for tensor in tensors], 0
    return ops.shape.concatenate(*tensors, axis=axis)


@composed
def stack(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape joined along a new axis."""
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor | np.ndarray):
            raise TypeError(f"it takes tensors of one shape; element {i} is {tensor!r:.60}: write mg.tensor(...)")
    return cat([ops.shape.unsqueeze(tensor, axis) for tensor in tensors], axis)


@composed
def var(x: Any, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Any:
    """Σ (x − mean)² / (n − correction), the variance. As in PyTorch `correction` is 1; NumPy's `np.var` takes 0."""
    deviation = x - x.mean(axis, keepdims=True)
    squares = (deviation * deviation).sum(axis, keepdims=keepdims)
    return squares / max(count(x.shape, axis) - correction, 0)


@composed
def std(x: Any, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Any:
    """√var, the standard deviation, with the arguments of `var`. Where it is 0 its gradient is 0, as in PyTorch."""
    variance = var(x, axis, correction, keepdims)
    constant = variance == 0  # √ has an infinite slope there: take it of 1 instead, and then 0 for the result
    return np.where(constant, 0, np.sqrt(np.where(constant, 1, variance)))


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


# What NumPy's functions of these names become on tensors, and the methods of Tensor that are compositions.
numpy_ops[np.concatenate] = cat
numpy_ops[np.stack] = stack
numpy_ops[np.var] = lambda x, axis=None, ddof=0, keepdims=False: var(x, axis, ddof, keepdims)
numpy_ops[np.std] = lambda x, axis=None, ddof=0, keepdims=False: std(x, axis, ddof, keepdims)
add_methods({"var": var, "std": std})
