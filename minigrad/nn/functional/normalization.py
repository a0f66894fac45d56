"""Normalisation: numbers moved and scaled so that the mean of a group is 0 and its variance, or its norm, is 1.

The kinds differ in which numbers of x (N, C, ...) belong to one group: batch_norm takes those of a channel in the whole
batch, instance_norm those of a channel in one example, group_norm some channels of one example, layer_norm the last
axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.functions import norm
from minigrad.op import composed
from minigrad.ops.elementwise import rsqrt
from minigrad.ops.nn import along_channels
from minigrad.tensor import Tensor


@composed
def batch_norm(
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """weight · (x − μ) / √(σ² + ε) + bias, for each channel.

    In training μ and σ² (biased) are those of the batch, and the running estimates, unless they are None, are written
    over: running ← (1 − momentum) · running + momentum · batch, with the unbiased variance. Otherwise they are the
    running estimates.

    Shapes: x (N, C, ...), the others (C).

    Raises:
        ValueError: no running estimates although not in training, or in training one value per channel: its variance
            is 0.

    Source: Ioffe and Szegedy, "Batch normalization", ICML 2015.
    """
    channels = x.shape[1] if x.ndim > 1 else 0
    check_vectors(channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError(
                "outside training it needs running_mean and running_var; for training=True they may be None"
            )
        scale = along_channels(weight, x) / np.sqrt(along_channels(running_var, x) + eps)
        return by_channel((x - along_channels(running_mean, x)) * scale, None, bias)
    y, mean, var = by_batch(x, weight, bias, eps)
    follow((running_mean, running_var), (mean, var), momentum)
    return y


def by_batch(x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    """batch_norm in training, with the mean and the unbiased variance of each channel as arrays."""
    n = math.prod(x.shape) // max(x.shape[1], 1) if x.ndim > 1 else 0
    if n < 2:
        raise ValueError(f"in training, x needs shape (N, C, ...) with more than one value per channel, got {x.shape}")
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    y, mean, var = ops.nn.batch_norm.with_extras(wide, weight, bias, eps)
    return y if wide is x else y.astype(x.dtype), mean.reshape(-1), var.reshape(-1) * (n / (n - 1))


@composed
def instance_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """weight · (x − μ) / √(σ² + ε) + bias, with μ and σ² of each channel of each example.

    Running estimates that are given move towards the mean over the examples; `use_input_stats=False` uses them instead.

    Shapes: x (N, C, ...) with at least one spatial axis, the others (C).

    Raises:
        ValueError: only one value for each channel of an example: its variance is 0.
    """
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    n = math.prod(x.shape[2:])
    if x.ndim < 3 or n < 2:
        raise ValueError(f"x needs shape (N, C, ...) with more than one value per channel and example, got {x.shape}")
    check_vectors(x.shape[1], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    y, mean, var = standardised(x, tuple(range(2, x.ndim)), eps)
    if len(x):
        mean, var = mean.reshape(x.shape[:2]).mean(0), var.reshape(x.shape[:2]).mean(0) * (n / (n - 1))
        follow((running_mean, running_var), (mean, var), momentum)
    return by_channel(y, weight, bias)


@composed
def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """weight · (x − μ) / √(σ² + ε) + bias, with μ and σ² of each group of channels of each example.

    Shapes: x (N, C, ...), where num_groups divides C; weight and bias (C).

    Raises:
        ValueError: num_groups does not divide C.

    Source: Wu and He, "Group normalization", ECCV 2018.
    """
    if x.ndim < 2 or num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(f"x needs shape (N, C, ...) with C a multiple of num_groups = {num_groups}, got {x.shape}")
    check_vectors(x.shape[1], weight=weight, bias=bias)
    groups = x.reshape((len(x), num_groups, math.prod(x.shape[1:]) // num_groups))
    y, _, _ = standardised(groups, -1, eps)
    return by_channel(y.reshape(x.shape), weight, bias)


@composed
def layer_norm(x: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """weight · (x − μ) / √(σ² + ε) + bias, with μ and σ² over the last axes of x, those of normalized_shape.

    Shapes: x (..., *normalized_shape), weight and bias normalized_shape.

    Raises:
        ValueError: the last axes of x are not normalized_shape.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
    """
    y, _, _ = standardised(x, last_axes(x, normalized_shape, weight, bias), eps)
    return scaled(y, weight, bias)


@composed
def rms_norm(x: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """weight · x / √(mean of x² + ε), with the mean over the last axes of x, those of normalized_shape.

    An eps of None is the smallest number that makes a difference to 1 in the dtype of x.

    Source: Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019.
    """
    axes = last_axes(x, normalized_shape, weight)
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    eps = float(np.finfo(wide.dtype).eps) if eps is None else eps
    return scaled((wide * rsqrt((wide * wide).mean(axes, keepdims=True) + eps)).astype(x.dtype), weight, None)


@composed
def normalize(x: Any, p: float = 2.0, axis: Any = 1, eps: float = 1e-12) -> Any:
    """x / max(‖x‖, ε), with the p-norm along axis: vectors of length 1."""
    return x / np.maximum(norm(x, p, axis, keepdims=True), eps)


# -- common to several ------------------------------------------------------------------------------------------------


def standardised(x: Any, axes: Any, eps: float) -> tuple[Any, Any, Any]:
    """(x − μ) / √(σ² + ε), with mean μ and variance σ² over the axes, and these two."""
    if x.dtype == np.float16:  # in which 1 / σ³, a factor of the gradient, overflows where a group is constant
        y, mean, var = standardised(x.astype(np.float32), axes, eps)
        return y.astype(np.float16), mean, var
    mean = x.mean(axes, keepdims=True)
    centred = x - mean
    var = (centred * centred).mean(axes, keepdims=True)
    return centred * rsqrt(var + eps), mean, var


def scaled(x: Any, weight: Any, bias: Any) -> Any:
    """weight · x + bias, where there are any."""
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def by_channel(x: Any, weight: Any, bias: Any) -> Any:
    """weight · x + bias, where there are any, with one number of each for each channel of x (N, C, ...)."""
    return scaled(x, *[None if vector is None else along_channels(vector, x) for vector in (weight, bias)])


def follow(estimates: Sequence[Any], of_batch: Sequence[Any], momentum: float) -> None:
    """Move running estimates, where there are any, towards those of a batch, in place: all of them, or none."""
    pairs = [(running, batch) for running, batch in zip(estimates, of_batch, strict=True) if running is not None]
    new = [moved(running, b.detach() if isinstance(b, Tensor) else b, momentum) for running, b in pairs]
    for (running, _), values in zip(pairs, new, strict=True):
        running[...] = values


def moved(running: Any, batch: Any, momentum: float) -> Any:
    """A running estimate, one step towards that of a batch."""
    return (1 - momentum) * running + momentum * batch


def check_vectors(channels: int, **vectors: Any) -> None:
    """Raise unless each vector that is given has one number for each channel."""
    for name, vector in vectors.items():
        if vector is not None and vector.shape != (channels,):
            raise ValueError(f"{name} needs shape ({channels},), one number for each channel, not {vector.shape}")


def last_axes(x: Any, normalized_shape: Sequence[int], *parameters: Any) -> tuple[int, ...]:
    """The axes of x that are `normalized_shape`; raise if they or a parameter have another shape."""
    shape = tuple(normalized_shape)
    at = x.ndim - len(shape)
    given = [p.shape for p in parameters if p is not None]
    if not 0 <= at < x.ndim or x.shape[at:] != shape or any(other != shape for other in given):
        raise ValueError(f"the last axes of x, and weight and bias, need shape {shape}, got {[x.shape, *given]}")
    return tuple(range(at, x.ndim))
