"""Convolution layers: the functions of `nn/functional/convolution.py` with a weight and a bias that are learned."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minigrad.creation import empty
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.functional.convolution import Sizes, for_each
from minigrad.nn.layers import draw_uniform
from minigrad.nn.module import Module, Parameter, set_sizes

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d"]


class Convolution(Module):
    """What all convolution layers share.

    Attributes:
        function: what is computed.
        axes: how many spatial axes it has.
        transposed: whether it is the transpose of a convolution: its weight has the input channels first.
        options: with which of its attributes the function is called, besides weight and bias.
    """

    function: Callable[..., Any]
    axes: int
    transposed = False
    options: tuple[str, ...] = ("stride", "padding", "dilation", "groups")
    _shown = "in_channels out_channels kernel_size= stride= [padding=] [dilation=] [groups=] [bias=]"

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes | str = 0,
        dilation: Sizes = 1, groups: int = 1, bias: bool = True,
    ) -> None:  # fmt: skip
        set_sizes(self, in_channels=in_channels, out_channels=out_channels)
        set_sizes(self, 1, groups=groups)
        name = type(self).__name__
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{name}: groups={groups} must divide in_channels={in_channels} and {out_channels=}")
        self.kernel_size = for_each(self.axes, f"{name}: kernel_size", kernel_size, 1)
        self.stride = for_each(self.axes, f"{name}: stride", stride, 1)
        named = isinstance(padding, str) and padding in ("same", "valid") and not self.transposed
        self.padding: Any = padding if named else for_each(self.axes, f"{name}: padding", padding, 0)
        self.dilation = for_each(self.axes, f"{name}: dilation", dilation, 1)
        channels = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty(*channels, *self.kernel_size))
        self.bias = Parameter(empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, as at first."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        draw_uniform(init.fans(self.weight)[0], self.bias)

    def forward(self, x: Any) -> Any:
        options = {name: getattr(self, name) for name in self.options}
        return type(self).function(x, self.weight, self.bias, **options)


class Conv1d(Convolution):
    """y = Σ weight · window + bias, for every window of x; see `Conv2d`.

    Shapes: x (N, in_channels, L), y (N, out_channels, L′).
    """

    function = staticmethod(F.conv1d)
    axes = 1


class Conv2d(Convolution):
    """y = Σ weight · window + bias, for every window of x.

    Shapes: x (N, in_channels, H, W), y (N, out_channels, H′, W′), with
    H′ = ⌊(H + 2 · padding − dilation · (kernel_size − 1) − 1) / stride⌋ + 1. An x without N is one example.

    Parameters: weight (out_channels, in_channels / groups, *kernel_size) and bias (out_channels), both uniform on
    ±1 / √(in_channels / groups · size of the kernel) at first.

    Args:
        in_channels, out_channels: of x and y.
        kernel_size: of a window; here and below a number, or one for each spatial axis.
        stride: the step from one window to the next.
        padding: zeros before and after x; "valid" means none, "same" as many as leave H and W as they are.
        dilation: the step from one number of a window to the next.
        groups: split the channels of x and y into so many groups, each convolved on its own.
        bias: False leaves it out, as before a BatchNorm, which would subtract it again.

    Raises:
        TypeError: a number of channels or of groups is no integer.
        ValueError: a size out of range, or groups does not divide the channels; at the call, a shape that does not go
            with the weight, or a kernel larger than the padded x.
    """

    function = staticmethod(F.conv2d)
    axes = 2


class Conv3d(Convolution):
    """y = Σ weight · window + bias, for every window of x; see `Conv2d`.

    Shapes: x (N, in_channels, D, H, W), y (N, out_channels, D′, H′, W′).
    """

    function = staticmethod(F.conv3d)
    axes = 3


class TransposedConvolution(Convolution):
    """What the transposes of convolution layers share."""

    transposed = True
    options = (*Convolution.options, "output_padding")
    _shown = Convolution._shown.replace("[groups=]", "[output_padding=] [groups=]")

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0,
        output_padding: Sizes = 0, groups: int = 1, bias: bool = True, dilation: Sizes = 1,
    ) -> None:  # fmt: skip
        self.output_padding = for_each(self.axes, f"{type(self).__name__}: output_padding", output_padding, 0)
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)


class ConvTranspose1d(TransposedConvolution):
    """The transpose of `Conv1d`: what a number of x takes part in is a window of y; see `ConvTranspose2d`.

    Shapes: x (N, in_channels, L), y (N, out_channels, L′).
    """

    function = staticmethod(F.conv_transpose1d)
    axes = 1


class ConvTranspose2d(TransposedConvolution):
    """The transpose of `Conv2d`: what a number of x takes part in is a window of y. It makes pictures larger.

    Shapes: x (N, in_channels, H, W), y (N, out_channels, H′, W′), with
    H′ = (H − 1) · stride − 2 · padding + dilation · (kernel_size − 1) + output_padding + 1.

    Parameters: weight (in_channels, out_channels / groups, *kernel_size) and bias (out_channels), uniform at first.

    Args:
        in_channels, out_channels, kernel_size, stride, groups, bias, dilation: as for `Conv2d`.
        padding: how much is cut off y at each side.
        output_padding: how much is added to y at the far side of each axis: several H of a `Conv2d` give the same H′.

    Raises:
        TypeError, ValueError: as for `Conv2d`.
    """

    function = staticmethod(F.conv_transpose2d)
    axes = 2
