"""Normalisation layers: the functions of `nn/functional/normalization.py` with parameters and running statistics."""

from __future__ import annotations

import warnings
from typing import Any

from minigrad.creation import ones, zeros
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.functional.convolution import Sizes
from minigrad.nn.functional.normalization import by_batch, moved
from minigrad.nn.module import Module, Parameter, set_sizes
from minigrad.tensor import Tensor, wrap

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "LayerNorm", "RMSNorm"]


class Normalization(Module):
    """What all normalisation layers share."""

    def _start(self, shape: Any, eps: float | None, weight: bool, bias: bool) -> None:
        """Take ε, a weight of ones and a bias of zeros, or None in place of one that is not wanted."""
        self.eps: Any = eps
        self.weight = Parameter(ones(shape)) if weight else None
        self.bias = Parameter(zeros(shape)) if bias else None

    def reset_parameters(self) -> None:
        """Make the weight 1 and the bias 0, as at first."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


# -- each channel by itself -------------------------------------------------------------------------------------------


class BatchNorm(Normalization):
    """What `BatchNorm1d` says, for any layouts.

    Attributes:
        layouts: the shapes that x may have, one letter for each axis: C is num_features.
    """

    layouts: tuple[str, ...]
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any
    _shown = "num_features eps= momentum= affine= bias= track_running_stats="

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, *, bias: bool = True,
    ) -> None:  # fmt: skip
        set_sizes(self, num_features=num_features)
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._start(num_features, eps, affine, affine and bias)
        self.register_buffer("running_mean", zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", Tensor(0) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Forget the batches: a running mean of 0 and a running variance of 1, as at first."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Make all as it was at first."""
        self.reset_running_stats()
        super().reset_parameters()

    def forward(self, x: Any) -> Any:
        if x.ndim not in map(len, self.layouts) or x.shape[1] != self.num_features:
            shapes = " or ".join([f"({', '.join(axes)})" for axes in self.layouts]).replace("C", str(self.num_features))
            raise ValueError(f"{type(self).__name__} takes x of shape {shapes}, got {x.shape}")
        if self.training or self.running_mean is None:
            try:
                y, mean, var = by_batch(x, self.weight, self.bias, self.eps)
            except ValueError as error:
                raise ValueError(f"{type(self).__name__}: {error}") from None
            if self.running_mean is not None:
                new = self._moved(self.running_mean, mean), self._moved(self.running_var, var)
                self.running_mean, self.running_var = new
                self.num_batches_tracked = self.num_batches_tracked + 1
            return y
        seen = self.num_batches_tracked
        if not seen.is_cuda and seen.item() == 0:  # a GPU is not asked: that would be waiting for it at each call
            untouched = "evaluation before any training batch; the running mean and variance are still 0 and 1"
            warnings.warn(f"{type(self).__name__}: {untouched}", stacklevel=3)
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)

    def _moved(self, running: Any, batch: Any) -> Tensor:
        """A running estimate after a batch: a new tensor, for a graph may have saved the old one."""
        share = 1 / (self.num_batches_tracked.data + 1) if self.momentum is None else self.momentum
        return wrap(moved(running.data, batch, share).astype(running.dtype, copy=False), None)


class BatchNorm1d(BatchNorm):
    """y = γ · (x − μ) / √(σ² + ε) + β, for each channel.

    In training μ and σ² (biased) are those of the batch, and the running estimates move towards them:
    running ← (1 − momentum) · running + momentum · batch, with the unbiased variance. In evaluation μ and σ² are the
    running estimates, so that an example's result does not depend on the others beside it.

    Shapes: x and y (N, C) or (N, C, L).

    Parameters: weight γ (C), at first 1, and bias β (C), at first 0.
    Buffers: running_mean (C), at first 0; running_var (C), at first 1; num_batches_tracked.

    Args:
        num_features: C.
        eps: ε.
        momentum: weight of the new batch in the running estimates; None makes them the plain average of all batches.
        affine: False leaves γ and β out.
        bias: False leaves β out.
        track_running_stats: False leaves the running estimates out, and takes μ and σ² of the batch in evaluation too.

    Raises:
        TypeError, ValueError: num_features is no integer, or negative; at the call, x has another number of channels,
            or in training only one value per channel: its variance is 0.

    Warns:
        UserWarning: evaluation before any training batch, when the running estimates still mean nothing.

    Source: Ioffe and Szegedy, "Batch normalization", ICML 2015.
    """

    layouts = ("NC", "NCL")


class BatchNorm2d(BatchNorm):
    """y = γ · (x − μ) / √(σ² + ε) + β, for each channel of pictures; all else is as for `BatchNorm1d`.

    Shapes: x and y (N, C, H, W).
    """

    layouts = ("NCHW",)


class BatchNorm3d(BatchNorm):
    """y = γ · (x − μ) / √(σ² + ε) + β, for each channel of volumes; all else is as for `BatchNorm1d`.

    Shapes: x and y (N, C, D, H, W).
    """

    layouts = ("NCDHW",)


# -- several channels, or the last axes -------------------------------------------------------------------------------


class GroupNorm(Normalization):
    """y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² of each group of channels of each example.

    Shapes: x and y (N, num_channels, ...).

    Parameters: weight γ, at first 1, and bias β, at first 0, both (num_channels).

    Args:
        num_groups: into how many groups of equal size the channels are split.
        num_channels: of x.
        eps: ε.
        affine: False leaves γ and β out.
        bias: False leaves β out.

    Raises:
        TypeError, ValueError: a number is no integer, or too small, or num_groups does not divide num_channels; at the
            call, x has another number of channels.

    Source: Wu and He, "Group normalization", ECCV 2018.
    """

    _shown = "num_groups num_channels eps= affine= bias="

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, bias: bool = True
    ) -> None:
        set_sizes(self, num_channels=num_channels)
        set_sizes(self, 1, num_groups=num_groups)
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_groups={num_groups} must divide num_channels={num_channels}")
        self.affine = affine
        self._start(num_channels, eps, affine, affine and bias)

    def forward(self, x: Any) -> Any:
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


def set_shape(layer: Module, normalized_shape: Any) -> None:
    """Make the sizes of the axes that a layer normalises over, given as one or several, its attribute."""
    shape = tuple(normalized_shape) if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    for size in shape:
        set_sizes(layer, normalized_shape=size)
    layer.normalized_shape = shape


class LayerNorm(Normalization):
    """y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² over the last axes of x, those of normalized_shape.

    Shapes: x and y (..., *normalized_shape).

    Parameters: weight γ, at first 1, and bias β, at first 0, both of shape normalized_shape.

    Args:
        normalized_shape: the sizes of these axes, or of the one axis.
        eps: ε.
        elementwise_affine: False leaves γ and β out.
        bias: False leaves β out.

    Raises:
        TypeError, ValueError: a size is no integer, or negative; at the call, the last axes of x have other sizes.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
    """

    _shown = "normalized_shape eps= elementwise_affine= bias="

    def __init__(
        self, normalized_shape: Sizes, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True
    ) -> None:
        set_shape(self, normalized_shape)
        self.elementwise_affine = elementwise_affine
        self._start(self.normalized_shape, eps, elementwise_affine, elementwise_affine and bias)

    def forward(self, x: Any) -> Any:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(Normalization):
    """y = γ · x / √(mean of x² + ε), with the mean over the last axes of x, those of normalized_shape.

    Shapes: x and y (..., *normalized_shape).

    Parameters: weight γ of shape normalized_shape, at first 1.

    Args:
        normalized_shape: the sizes of these axes, or of the one axis.
        eps: ε; None is the smallest number that makes a difference to 1 in the dtype of x.
        elementwise_affine: False leaves γ out.

    Raises:
        TypeError, ValueError: as for `LayerNorm`.

    Source: Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019.
    """

    _shown = "normalized_shape eps= elementwise_affine="

    def __init__(self, normalized_shape: Sizes, eps: float | None = None, elementwise_affine: bool = True) -> None:
        set_shape(self, normalized_shape)
        self.elementwise_affine = elementwise_affine
        self._start(self.normalized_shape, eps, elementwise_affine, bias=False)

    def forward(self, x: Any) -> Any:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)
