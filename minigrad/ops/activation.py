"""Chapter 3b: activation functions. At kinks each gradient is the value that PyTorch gives: relu'(0) = 0."""

import numpy as np

from minigrad.op import op
from minigrad.ops.elementwise import check_floating


@op(x=lambda out: out > 0)  # the mask multiplies upstream: several times faster than np.where
def relu(x):
    """The larger of x and 0, elementwise; its gradient at 0 is 0."""
    return np.maximum(x, 0)


@op(x=lambda out: out * (1 - out))
def sigmoid(x):
    """1 / (1 + e⁻ˣ), elementwise."""
    check_floating(x)
    e = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, e) / (1 + e)
