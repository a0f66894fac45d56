"""Dropout: elements left out at random."""

from __future__ import annotations

from typing import Any

from minigrad import random
from minigrad.op import composed
from minigrad.tensor import as_array


@composed
def dropout(x: Any, p: float = 0.5, training: bool = True) -> Any:
    """In training, make each element 0 with probability p and multiply the others by 1 / (1 − p); else do nothing.

    Raises:
        ValueError: p is not between 0 and 1.
        TypeError: x is not floating.

    Source: Srivastava et al., "Dropout", JMLR 15 (2014), with the scaling moved from test time to training.
    """
    return dropped(x, p, training, x.shape)


@composed
def dropout2d(x: Any, p: float = 0.5, training: bool = True) -> Any:
    """`dropout` of whole channels, each of every example by itself: x (N, C, H, W).

    Source: Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.
    """
    if x.ndim != 4:
        raise ValueError(f"x needs shape (N, C, H, W), not {x.shape}")
    return dropped(x, p, training, (*x.shape[:2], 1, 1))


def dropped(x: Any, p: float, training: bool, shape: tuple[int, ...]) -> Any:
    """x with a mask of this shape, which broadcasts."""
    check_probability(p)
    if x.dtype.kind != "f":
        raise TypeError(f"x must be floating, not {x.dtype}; write x.float()")
    if not training or 1 - p == 1:
        return x
    if p == 1:
        return x * 0
    kept = random.mask(shape, 1 - p, as_array(x))
    return x * (kept * x.dtype.type(1 / (1 - p)))


def check_probability(p: float) -> None:
    """Raise if p cannot be the probability of dropping an element."""
    if not 0 <= p <= 1:
        raise ValueError(f"p is a probability, between 0 and 1, not {p}")
