"""Chapter 3b: activation functions. At kinks each gradient is the value that PyTorch gives: relu'(0) = 0.

Those that are worth a gradient of their own; the others are composed of operators, in `nn/functional/`.
"""

import numpy as np

from minigrad.backend import fuse
from minigrad.op import op
from minigrad.ops.elementwise import check_floating


@op(x=lambda out: out > 0, fused=True)  # the mask multiplies upstream: several times faster than np.where
def relu(x):
    """The larger of x and 0, elementwise; its gradient at 0 is 0."""
    return np.maximum(x, 0)


@op(
    x=lambda g, x, negative_slope: g * (x > 0) + negative_slope * (g * (x <= 0)),
    negative_slope=lambda x: np.where(x > 0, 0, x),
    fused=True,
)
@fuse
def leaky_relu(x, negative_slope=0.01):
    """x where x > 0, elsewhere negative_slope · x; its gradient at 0 is the slope, which may be an array too."""
    return np.where(x > 0, x, negative_slope * x)


@op(x=lambda x, min_val, max_val: (x > min_val) & (x < max_val))
def hardtanh(x, min_val=-1.0, max_val=1.0):
    """x, but at least min_val and at most max_val, elementwise. Unlike in `clip` its gradient at the bounds is 0."""
    return np.clip(x, min_val, max_val)


@op(
    x=lambda x: np.where(np.abs(x) < 3, x / 3 + 0.5, x >= 3), fused=True
)  # finite at ±∞, which x · hardsigmoid(x) is not
@fuse
def hardswish(x):
    """x · (x + 3, but at least 0 and at most 6) / 6, elementwise; its gradient at −3 is 0 and at 3 it is 1."""
    return x * np.clip(x + 3, 0, 6) / 6


@op(x=lambda out: out * (1 - out), fused=True)
def sigmoid(x):
    """1 / (1 + e⁻ˣ), elementwise."""
    check_floating(x)
    return logistic(x)


@fuse
def logistic(x):
    """The formula of sigmoid."""
    e = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, e) / (1 + e)


@op(x=lambda x, beta: sigmoid(beta * x))
def softplus(x, beta=1.0):
    """log(1 + eᵝˣ) / β, elementwise: relu with its corner rounded. Large x do not overflow."""
    check_floating(x)
    return rounded_corner(x, beta)


@fuse
def rounded_corner(x, beta):
    """The formula of softplus."""
    z = beta * x
    return (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta
