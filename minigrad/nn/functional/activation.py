"""Activation functions composed of operators; those with a gradient of their own are in `ops/activation.py`.

At kinks each gradient is the value that PyTorch gives. Where PyTorch's result is not a number, as that of gelu at −∞,
ours is not one either.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.op import composed
from minigrad.ops.activation import hardtanh, leaky_relu, relu, sigmoid, softplus
from minigrad.ops.elementwise import erfc, tanh
from minigrad.ops.nn import along_channels, softmax

# -- straight pieces --------------------------------------------------------------------------------------------------


@composed
def relu6(x: Any) -> Any:
    """The larger of x and 0, but at most 6, elementwise; its gradient at 0 and at 6 is 0."""
    return hardtanh(x, 0, 6)


@composed
def hardsigmoid(x: Any) -> Any:
    """x / 6 + 1/2, but at least 0 and at most 1, elementwise: sigmoid in straight pieces."""
    return relu6(x + 3) / 6


@composed
def prelu(x: Any, weight: Any) -> Any:
    """x where x > 0, elsewhere weight · x, with one weight for all or one for each channel, axis 1 of x.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015.
    """
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.shape not in ((), (1,), (channels,)):
        raise ValueError(f"weight must have one element, or one for each of the {channels} channels (axis 1 of x)")
    return leaky_relu(x, along_channels(weight, x) if x.ndim > 1 else weight.reshape(()))


@composed
def softshrink(x: Any, lambd: float = 0.5) -> Any:
    """x, but closer to 0 by lambd, and 0 where it is not farther from it than that, elementwise."""
    return x - np.clip(x, -lambd, lambd)


@composed
def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    """x, but 0 where |x| ≤ lambd, elementwise."""
    return np.where(abs(x) <= lambd, 0, x)


@composed
def threshold(x: Any, threshold: float, value: float) -> Any:
    """x where it is larger than the threshold, elsewhere value."""
    return np.where(x <= threshold, value, x)


# -- with an exponential left of 0 ------------------------------------------------------------------------------------


@composed
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, elsewhere α (eˣ − 1); its gradient at 0 is α.

    Source: Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units", ICLR 2016.
    """
    return relu(x) + alpha * np.expm1(up_to_zero(x))


@composed
def celu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, elsewhere α (exp(x/α) − 1): without elu's kink at 0."""
    return relu(x) + alpha * np.expm1(up_to_zero(x) / alpha)


@composed
def selu(x: Any) -> Any:
    """1.0507 · elu(x, 1.6733): keeps the mean at 0 and the variance at 1 from layer to layer.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017.
    """
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    return scale * elu(x, alpha)


def up_to_zero(x: Any) -> Any:
    """x where x ≤ 0, elsewhere 0: what would overflow in an exponential is gone, and at 0 the gradient is 1."""
    return np.where(x > 0, 0, x)


# -- smooth -----------------------------------------------------------------------------------------------------------


@composed
def gelu(x: Any, approximate: str = "none") -> Any:
    """x · Φ(x) with the normal distribution's Φ; approximate="tanh" takes x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Raises:
        ValueError: `approximate` is neither "none" nor "tanh".

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", arXiv:1606.08415.
    """
    if approximate == "none":
        return 0.5 * x * erfc(x * -math.sqrt(0.5))  # 1 + erf(x/√2) would cancel for negative x
    if approximate == "tanh":
        return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    raise ValueError('approximate must be "none" or "tanh"')


@composed
def silu(x: Any) -> Any:
    """x · sigmoid(x), elementwise; also called swish."""
    return x * sigmoid(x)


@composed
def mish(x: Any) -> Any:
    """x · tanh(softplus(x)), elementwise."""
    return x * tanh(softplus(x))


@composed
def logsigmoid(x: Any) -> Any:
    """log sigmoid(x), elementwise: exact where that rounds to log 0 or log 1."""
    return -softplus(-x)


@composed
def softsign(x: Any) -> Any:
    """x / (1 + |x|), elementwise."""
    return x / (1 + abs(x))


@composed
def tanhshrink(x: Any) -> Any:
    """x − tanh(x), elementwise."""
    return x - tanh(x)


# -- along an axis ----------------------------------------------------------------------------------------------------


@composed
def glu(x: Any, axis: int = -1) -> Any:
    """a · sigmoid(b), where a and b are the first and second half of x along axis.

    Raises:
        ValueError: the size of that axis is odd.
    """
    before, half = (slice(None),) * (axis % x.ndim), x.shape[axis] // 2
    if x.shape[axis] != 2 * half:
        raise ValueError(f"x must have an even size along axis {axis} to be halved, not {x.shape[axis]}")
    return x[(*before, slice(half))] * sigmoid(x[(*before, slice(half, None))])


@composed
def softmin(x: Any, axis: int = -1) -> Any:
    """softmax of −x: large where x is small."""
    return softmax(-x, axis)
