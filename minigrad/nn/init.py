"""How parameters start: numbers written into a tensor, under the names and with the rules of `torch.nn.init`.

Each function writes in place, records nothing and returns the tensor. Two sizes matter to the rules: `fan_in`, how many
numbers each output is a sum of, and `fan_out`, how many outputs each input takes part in.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from minigrad import random
from minigrad.autograd.grad_mode import no_grad
from minigrad.errors import missing
from minigrad.random import check_floating
from minigrad.tensor import Tensor

__all__ = ["calculate_gain", "constant_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "orthogonal_"]
__all__ += ["dirac_", "eye_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_"]

__getattr__ = missing(__name__, __all__)


def written(tensor: Tensor, values: Any) -> Tensor:
    """The tensor, with these values."""
    check_floating(tensor)
    with no_grad():
        tensor[...] = values
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on [a, b)."""
    with no_grad():
        return random.uniform_(tensor, a, b, generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with this mean and standard deviation."""
    with no_grad():
        return random.normal_(tensor, mean, std, generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normal with this mean and standard deviation, drawn again where it is outside a ... b.

    Raises:
        ValueError: so little of the normal distribution is between a and b, 30 % or less, that this would take long.
    """
    check_floating(tensor)
    normal = NormalDist(mean, std)
    if not normal.cdf(b) - normal.cdf(a) > 0.3:
        raise ValueError(f"trunc_normal_ needs a and b with more than 30 % of all numbers between, not {a} and {b}")
    stream = generator or random.current()
    values = np.full(tensor.shape, math.inf)
    while (outside := (values < a) | (values > b)).any():
        values = np.where(outside, stream.normal(tensor.shape, tensor.dtype) * float(std) + float(mean), values)
    return written(tensor, values)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """The number `val` everywhere."""
    return written(tensor, float(val))


def ones_(tensor: Tensor) -> Tensor:
    """The number 1 everywhere."""
    return written(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """The number 0 everywhere."""
    return written(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity, of a matrix (n, m): a linear layer that passes on what it gets."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_ takes a matrix, not shape {tensor.shape}")
    return written(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Tensor) -> Tensor:
    """A convolution that passes on its channels, of a weight (O, C, *K): 1 at the centre of channel i of output i."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_ takes the weight of a convolution, (O, C, *K), not shape {tensor.shape}")
    values: Any = np.zeros(tensor.shape)
    channels = np.arange(min(tensor.shape[:2]))
    values[(channels, channels, *[size // 2 for size in tensor.shape[2:]])] = 1
    return written(tensor, values)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on ±gain · √(6 / (fan_in + fan_out)): keeps the variance of outputs and of gradients.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward networks", AISTATS 2010.
    """
    bound = math.sqrt(3.0) * gain * math.sqrt(2.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain · √(2 / (fan_in + fan_out)); see `xavier_uniform_`."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform on ±gain · √(3 / fan): keeps the variance through layers with a `nonlinearity` such as relu.

    Args:
        tensor: a weight, (out, in) or (out, in, *kernel).
        a: the slope of leaky_relu left of 0.
        mode: "fan_in" keeps the variance of the outputs, "fan_out" that of the gradients.
        nonlinearity: what follows the layer; `calculate_gain` knows how much each takes away.
        generator: the stream of random numbers, if not the common one.

    Raises:
        ValueError: another mode or nonlinearity, or a tensor of less than two axes.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015.
    """
    bound = math.sqrt(3.0) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with standard deviation gain / √fan; the arguments are those of `kaiming_uniform_`."""
    return normal_(tensor, 0.0, kaiming_std(tensor, a, mode, nonlinearity), generator)


def kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """gain / √fan; 0 of a weight without elements."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'mode is "fan_in" or "fan_out", not {mode!r}')
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """gain times a random matrix whose rows or columns, whichever are fewer, are orthogonal and of length 1.

    Shapes: (n, ...), of which all axes but the first count as one.

    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning", ICLR 2014.
    """
    check_floating(tensor)
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_ takes a tensor of two axes or more, not shape {tensor.shape}")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    normal = (generator or random.current()).normal((rows, tensor.numel() // rows), tensor.dtype)
    wide = rows < normal.shape[1]
    q, r = np.linalg.qr(normal.T if wide else normal)
    q = q * np.sign(np.diag(r))  # so that every such matrix is equally likely
    return written(tensor, float(gain) * (q.T if wide else q).reshape(tensor.shape))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a weight must grow to make up for what the nonlinearity takes away from the standard deviation.

    >>> calculate_gain("tanh"), calculate_gain("leaky_relu", 0)
    (1.6666666666666667, 1.4142135623730951)
    """
    gains = {
        **dict.fromkeys(("linear", "sigmoid", "conv1d", "conv2d", "conv3d"), 1.0),
        **dict.fromkeys(("conv_transpose1d", "conv_transpose2d"), 1.0),
        "tanh": 5.0 / 3,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2)),
        "selu": 3.0 / 4,
    }
    if nonlinearity not in gains:
        raise ValueError(f"no gain is known for {nonlinearity!r}, only for {', '.join(gains)}")
    return gains[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """fan_in and fan_out of a weight (out, in, *kernel): in and out, each times the size of the kernel."""
    check_floating(tensor)
    if tensor.ndim < 2:
        raise ValueError(f"a fan needs a weight of two axes or more, not shape {tensor.shape}")
    kernel = math.prod(tensor.shape[2:])
    return tensor.shape[1] * kernel, tensor.shape[0] * kernel
