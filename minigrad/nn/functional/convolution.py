"""Convolution and pooling, unfolding and resizing: what looks at x (N, C, *spatial) window by window.

An x without N is one example. Where a number is asked for each spatial axis, a single one serves all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.nn.functional.windows import add_windows, convolve, convolve_x, max_windows, window_counts, windows
from minigrad.op import composed
from minigrad.ops.nn import along_channels
from minigrad.rearrange import pad

Sizes = int | Sequence[int]

# -- convolution ------------------------------------------------------------------------------------------------------


@composed
def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """Σ weight · window for every window of x: (N, C, L) and weight (O, C / groups, K) give (N, O, L′).

    The arguments are those of `conv2d`.
    """
    return convolution(1, x, weight, bias, stride, padding, dilation, groups)


@composed
def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """Σ weight · window for every window of x: (N, C, H, W) and weight (O, C / groups, KH, KW) give (N, O, H′, W′).

    Along each axis H′ = ⌊(H + 2 · padding − dilation · (KH − 1) − 1) / stride⌋ + 1.

    Args:
        x: (N, C, H, W), or (C, H, W) for one example.
        weight: one kernel for each of O outputs. It is not flipped: this is what mathematics calls cross-correlation.
        bias: (O), added to every window's result.
        stride: the step from one window to the next.
        padding: zeros before and after x; "valid" means none, "same" as many as leave H and W as they are.
        dilation: the step from one number of a window to the next.
        groups: split the channels of x and the outputs into so many groups, each convolved on its own.

    Raises:
        ValueError: shapes that do not go together, or a kernel larger than the padded x.
    """
    return convolution(2, x, weight, bias, stride, padding, dilation, groups)


@composed
def conv3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """Σ weight · window for every window of x: (N, C, D, H, W) and weight (O, C / groups, KD, KH, KW).

    The arguments are those of `conv2d`.
    """
    return convolution(3, x, weight, bias, stride, padding, dilation, groups)


def convolution(
    axes: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
) -> Any:
    """`conv2d` with any number of spatial axes."""
    if x.ndim == axes + 1:
        return convolution(axes, x[None], weight, bias, stride, padding, dilation, groups)[0]
    check_axes(axes, x, weight)
    if groups < 1 or x.shape[1] != groups * weight.shape[1] or len(weight) % groups:
        raise ValueError(
            f"with groups={groups}, weight {weight.shape} takes {groups * weight.shape[1]} channels and groups must "
            f"divide its {len(weight)} outputs; x has {x.shape[1]} channels"
        )
    check_bias(bias, len(weight))
    stride = for_each(axes, "stride", stride, 1)
    dilation = for_each(axes, "dilation", dilation, 1)
    lengths = window_lengths(weight.shape[2:], dilation)
    before, after = paddings(padding, lengths, stride)
    x = padded(x, before, after)
    check_fit(x, lengths)
    out = convolve(x, weight, stride, dilation, groups)
    return out if bias is None else out + along_channels(bias, out)


def paddings(padding: Sizes | str, lengths: tuple[int, ...], stride: tuple[int, ...]) -> tuple[Any, Any]:
    """How much to add before and after along each axis, for windows of these lengths."""
    if padding == "same":
        if any(step != 1 for step in stride):
            raise ValueError(f"padding='same' needs stride 1, not {stride}")
        return [(n - 1) // 2 for n in lengths], [n // 2 for n in lengths]
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"padding is a number, one for each axis, 'same' or 'valid', not {padding!r}")
    padding = for_each(len(lengths), "padding", 0 if isinstance(padding, str) else padding, 0)
    return padding, padding


@composed
def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Any:
    """The transpose of `conv1d`: x (N, C, L) and weight (C, O / groups, K) give (N, O, L′).

    The arguments are those of `conv_transpose2d`.
    """
    return transposed_convolution(1, x, weight, bias, stride, padding, output_padding, groups, dilation)


@composed
def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Any:
    """The transpose of `conv2d`: x (N, C, H, W) and weight (C, O / groups, KH, KW) give (N, O, H′, W′).

    It maps a gradient of a convolution's result to that of its input. Every number of x adds its multiple of the kernel
    to the result. Along each axis
    H′ = (H − 1) · stride − 2 · padding + dilation · (KH − 1) + output_padding + 1.

    Args:
        x: (N, C, H, W), or (C, H, W) for one example.
        weight: one kernel for each of C inputs, as that of the `conv2d` which it transposes.
        bias: (O), added to every number of the result.
        stride: the step in the result from one number of x to the next.
        padding: how much to leave out at each end of the result.
        output_padding: how much more to give at the end: of the sizes that a convolution makes H, which one it was.
        groups: split the channels into so many groups, each on its own.
        dilation: the step in the result from one number of the kernel to the next.

    Raises:
        ValueError: shapes that do not go together, or a result without elements.
    """
    return transposed_convolution(2, x, weight, bias, stride, padding, output_padding, groups, dilation)


def transposed_convolution(
    axes: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Any:
    """`conv_transpose2d` with any number of spatial axes."""
    if x.ndim == axes + 1:
        return transposed_convolution(axes, x[None], weight, bias, stride, padding, output_padding, groups, dilation)[0]
    check_axes(axes, x, weight)
    if groups < 1 or x.shape[1] != len(weight) or len(weight) % groups:
        raise ValueError(
            f"weight {weight.shape} takes {len(weight)} channels and groups={groups} must divide them; "
            f"x has {x.shape[1]} channels"
        )
    channels = groups * weight.shape[1]
    check_bias(bias, channels)
    stride = for_each(axes, "stride", stride, 1)
    dilation = for_each(axes, "dilation", dilation, 1)
    padding = for_each(axes, "padding", padding, 0)
    extra = for_each(axes, "output_padding", output_padding, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise ValueError(f"output_padding {extra} must be smaller than stride {stride} or dilation {dilation}")
    lengths = window_lengths(weight.shape[2:], dilation)
    full = [(n - 1) * s + length for n, s, length in zip(x.shape[2:], stride, lengths, strict=True)]
    ends = [n + e - p for n, e, p in zip(full, extra, padding, strict=True)]
    if any(end <= p for end, p in zip(ends, padding, strict=True)):
        raise ValueError(f"padding {padding} leaves nothing of a result of size {full}")
    out = convolve_x(x, weight, (len(x), channels, *full), stride, dilation, groups)
    if any(extra) or any(padding):
        out = padded(out, [0] * axes, extra)[..., *map(slice, padding, ends)]
    return out if bias is None else out + along_channels(bias, out)


# -- pooling ----------------------------------------------------------------------------------------------------------


@composed
def max_pool1d(
    x: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest number in each window: (N, C, L) gives (N, C, L′). The arguments are those of `max_pool2d`."""
    return max_pool(1, x, kernel_size, stride, padding, dilation, ceil_mode)


@composed
def max_pool2d(
    x: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest number in each window: (N, C, H, W) gives (N, C, H′, W′).

    The first of several that are largest takes the gradient, as in PyTorch.

    Args:
        x: (N, C, H, W), or (C, H, W) for one example.
        kernel_size: size of the window.
        stride: the step from one window to the next; None means windows that do not overlap, `kernel_size`.
        padding: how much of −∞ to add before and after x, at most half of the kernel.
        dilation: the step from one number of a window to the next.
        ceil_mode: also take a last window that reaches beyond the end, as long as it starts within x or before it.

    Raises:
        ValueError: a kernel larger than the padded x, or padding larger than half of the kernel.
    """
    return max_pool(2, x, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool(
    axes: int,
    x: Any,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> Any:
    """`max_pool2d` with any number of spatial axes."""
    if x.ndim == axes + 1:
        return max_pool(axes, x[None], kernel_size, stride, padding, dilation, ceil_mode)[0]
    check_axes(axes, x)
    kernel_size = for_each(axes, "kernel_size", kernel_size, 1)
    stride = kernel_size if stride is None else for_each(axes, "stride", stride, 1)
    dilation = for_each(axes, "dilation", dilation, 1)
    lengths = window_lengths(kernel_size, dilation)
    before, after = pool_paddings(x, lengths, stride, padding, ceil_mode)
    x = padded(x, before, after, -math.inf)
    check_fit(x, lengths)
    return max_windows(x, kernel_size, stride, dilation)


@composed
def avg_pool1d(
    x: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window: (N, C, L) gives (N, C, L′). The arguments are those of `avg_pool2d`."""
    return avg_pool(1, x, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@composed
def avg_pool2d(
    x: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window: (N, C, H, W) gives (N, C, H′, W′).

    Args:
        x: (N, C, H, W), or (C, H, W) for one example.
        kernel_size: size of the window.
        stride: the step from one window to the next; None means windows that do not overlap, `kernel_size`.
        padding: how many zeros to add before and after x, at most half of the kernel.
        ceil_mode: also take a last window that reaches beyond the end, as long as it starts within x or before it.
        count_include_pad: divide by the numbers of the window in the padded x; False counts only those in x itself.
        divisor_override: divide by this instead.

    Raises:
        ValueError: a kernel larger than the padded x, or padding larger than half of the kernel.
    """
    return avg_pool(2, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool(
    axes: int,
    x: Any,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    """`avg_pool2d` with any number of spatial axes."""
    if x.ndim == axes + 1:
        options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
        return avg_pool(axes, x[None], *options)[0]
    check_axes(axes, x)
    kernel_size = for_each(axes, "kernel_size", kernel_size, 1)
    stride = kernel_size if stride is None else for_each(axes, "stride", stride, 1)
    before, after = pool_paddings(x, kernel_size, stride, padding, ceil_mode)
    counted_before, counted_after = (before, before) if count_include_pad else ([0] * axes, [0] * axes)
    shape = x.shape[2:]
    x = padded(x, before, after)
    check_fit(x, kernel_size)
    in_kernel = tuple(range(2, 2 + axes))
    sums = windows(x, kernel_size, stride, (1,) * axes).sum(in_kernel)
    if divisor_override is not None:
        return sums / divisor_override
    # How many numbers of a window count: the product over the axes of how far the window and the counted part overlap.
    divisor: Any = np.ones((), x.dtype)
    for axis in range(axes):
        start = np.arange(sums.shape[2 + axis]) * stride[axis] - before[axis]
        end = np.minimum(start + kernel_size[axis], shape[axis] + counted_after[axis])
        overlap = end - np.maximum(start, -counted_before[axis])
        divisor = divisor[..., None] * overlap.astype(x.dtype)
    return sums / np.asarray(divisor, like=x)


def pool_paddings(
    x: Any, lengths: tuple[int, ...], stride: tuple[int, ...], padding: Sizes, ceil_mode: bool
) -> tuple[Any, Any]:
    """How much to add before and after along each axis; `ceil_mode` completes a last window that starts in time."""
    padding = for_each(len(lengths), "padding", padding, 0)
    if any(2 * p > n for p, n in zip(padding, lengths, strict=True)):
        raise ValueError(f"padding {padding} is more than half of the window {lengths}: some would hold padding alone")
    after = list(padding)
    for axis, (n, p, length, step) in enumerate(zip(x.shape[2:], padding, lengths, stride, strict=True)):
        beyond = -(n + 2 * p - length) % step  # what the window after the last that fits lacks
        starts_in_time = n + 2 * p - length + beyond < n + p
        if ceil_mode and starts_in_time:
            after[axis] += beyond
    return padding, after


@composed
def adaptive_avg_pool1d(x: Any, output_size: Any) -> Any:
    """Means of `output_size` parts of x along its last axis: (N, C, L) gives (N, C, output_size).

    The parts have the same size where it divides L; otherwise they overlap, as in PyTorch.
    """
    check_axes_or_one_less(1, x)
    return adaptive_avg_pool(1, x, output_size)


@composed
def adaptive_avg_pool2d(x: Any, output_size: Any) -> Any:
    """Means of parts of x: (N, C, H, W) gives (N, C, *output_size); None in `output_size` leaves an axis as it is.

    The parts have the same size where it divides H and W; otherwise they overlap, as in PyTorch.
    """
    check_axes_or_one_less(2, x)
    return adaptive_avg_pool(2, x, output_size)


def adaptive_avg_pool(axes: int, x: Any, output_size: Any) -> Any:
    """`adaptive_avg_pool2d` with any number of spatial axes."""
    sizes = output_size if isinstance(output_size, tuple | list) else (output_size,) * axes
    sizes = [n if size is None else size for n, size in zip(x.shape[-axes:], sizes, strict=True)]
    for_each(axes, "output_size", sizes, 1)

    return along_axes(x, [means(n, size) for n, size in zip(x.shape[-axes:], sizes, strict=True)])


def means(n: int, size: int) -> Any:
    """The matrix (size, n) that maps n numbers to the means of `size` parts of them."""
    parts = np.arange(size)[:, None]
    starts, ends = parts * n // size, -(-(parts + 1) * n // size)
    inside = (starts <= np.arange(n)) & (np.arange(n) < ends)
    return inside / (ends - starts)


# -- windows as columns -----------------------------------------------------------------------------------------------


@composed
def unfold(x: Any, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Any:
    """What lies in each window, as columns: (N, C, H, W) gives (N, C · KH · KW, number of windows).

    A convolution is the product of its weights with these columns.
    """
    if x.ndim == 3:
        return unfold(x[None], kernel_size, dilation, padding, stride)[0]
    check_axes(2, x)
    kernel_size, stride = for_each(2, "kernel_size", kernel_size, 1), for_each(2, "stride", stride, 1)
    dilation, padding = for_each(2, "dilation", dilation, 1), for_each(2, "padding", padding, 0)
    x = padded(x, padding, padding)
    check_fit(x, window_lengths(kernel_size, dilation))
    found = windows(x, kernel_size, stride, dilation)
    return found.reshape((len(x), math.prod(found.shape[1:4]), math.prod(found.shape[4:])))


@composed
def fold(
    x: Any, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Any:
    """The transpose of `unfold`: columns (N, C · KH · KW, number of windows) added up to (N, C, *output_size)."""
    if x.ndim == 2:
        return fold(x[None], output_size, kernel_size, dilation, padding, stride)[0]
    kernel_size, stride = for_each(2, "kernel_size", kernel_size, 1), for_each(2, "stride", stride, 1)
    dilation, padding = for_each(2, "dilation", dilation, 1), for_each(2, "padding", padding, 0)
    output_size = for_each(2, "output_size", output_size, 1)
    full = [n + 2 * p for n, p in zip(output_size, padding, strict=True)]
    counts = window_counts(full, kernel_size, stride, dilation)
    inside, outside = math.prod(kernel_size), math.prod(counts)
    if x.ndim != 3 or min(counts) < 1 or x.shape[1] % inside or x.shape[2] != outside:
        raise ValueError(
            f"with output_size {output_size}, x is (N, C · {inside}, {outside}): {inside} numbers in each of "
            f"{' · '.join(map(str, counts))} windows; got {x.shape}"
        )
    channels = x.shape[1] // inside
    values = x.reshape((len(x), channels, *kernel_size, *counts))
    out = add_windows(values, (len(x), channels, *full), stride, dilation)
    ends = [p + n for p, n in zip(padding, output_size, strict=True)]
    return out[..., *map(slice, padding, ends)] if any(padding) else out


# -- resizing ---------------------------------------------------------------------------------------------------------


@composed
def interpolate(
    x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """x (N, C, *spatial) resized along its spatial axes.

    Args:
        x: an array of three to five axes.
        size: the new sizes: a number, or one for each axis.
        scale_factor: instead of `size`, what the sizes are multiplied by.
        mode: "nearest" repeats or leaves out numbers; "linear", "bilinear" and "trilinear" weigh the two nearest along
            each of one, two or three axes.
        align_corners: in a linear mode, keep the first and the last numbers where they are; otherwise numbers stand
            for the cells around them.

    Raises:
        ValueError: both or none of `size` and `scale_factor`, a mode that does not go with the shape, or a size of 0.
    """
    axes = x.ndim - 2
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}.get(axes)
    if linear is None or mode not in ("nearest", linear):
        raise ValueError(f"x of {x.ndim} axes is resized by mode 'nearest' or {linear!r}, not {mode!r}")
    if (size is None) == (scale_factor is None):
        raise ValueError("give either size or scale_factor")
    if mode == "nearest" and align_corners is not None:
        raise ValueError("align_corners goes with the linear modes, not with 'nearest'")
    old = x.shape[2:]
    if size is not None:
        new = for_each(axes, "size", size, 1)
    else:
        factors = scale_factor if isinstance(scale_factor, tuple | list) else (scale_factor,) * axes
        new = tuple(math.floor(n * factor) for n, factor in zip(old, factors, strict=True))
    if 0 in (*old, *new):
        raise ValueError(f"each size must be at least 1, but {old} is to become {new}")
    steps = [n / m for n, m in zip(old, new, strict=True)]
    if size is None:  # then PyTorch steps by 1 / factor, but for shortcuts it takes where the size stays or doubles
        shortcuts = (1.0,) if mode != "nearest" else (1.0, 0.5) if axes == 2 else ()
        steps = [step if step in shortcuts else 1 / factor for step, factor in zip(steps, factors, strict=True)]
    each = zip(old, new, steps, strict=True)
    return along_axes(x, [nearest_two(n, size, step, mode, align_corners) for n, size, step in each])


def nearest_two(n: int, size: int, step: float, mode: str, align_corners: bool | None) -> Any:
    """The matrix (size, n) that maps n numbers to `size` between them: each row weighs the nearest, or two of them."""
    if mode == "nearest":
        at = np.floor(np.arange(size) * step)
    elif align_corners:
        at = np.arange(size) * ((n - 1) / max(size - 1, 1))
    else:
        at = np.maximum((np.arange(size) + 0.5) * step - 0.5, 0)
    distances = np.abs(np.minimum(at, n - 1)[:, None] - np.arange(n))
    return np.maximum(1 - distances, 0)


def along_axes(x: Any, matrices: Sequence[Any]) -> Any:
    """Multiply x along its last axes each by a matrix (new size, old size)."""
    for axis, matrix in enumerate(matrices, x.ndim - len(matrices)):
        x = (x.swapaxes(axis, -1) @ np.asarray(matrix.T, x.dtype, like=x)).swapaxes(axis, -1)
    return x


# -- what the arguments may be ----------------------------------------------------------------------------------------


def for_each(axes: int, name: str, value: Any, least: int) -> tuple[int, ...]:
    """`value` as one integer for each spatial axis."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    values = values * axes if len(values) == 1 else values
    if len(values) != axes or not all(isinstance(v, int | np.integer) and v >= least for v in values):
        raise ValueError(f"{name} is an integer ≥ {least}, or {axes} of them, not {value!r}")
    return tuple(map(int, values))


def check_axes(axes: int, x: Any, weight: Any = None) -> None:
    """Raise unless x, and the weight if there is one, have `axes` spatial axes."""
    spatial = ", ".join("DHW"[-axes:] if axes > 1 else "L")
    if x.ndim != axes + 2:
        raise ValueError(f"x needs shape (N, C, {spatial}), or without N, not {x.shape}")
    if weight is not None and weight.ndim != axes + 2:
        raise ValueError(f"weight needs {axes + 2} axes, the last {axes} those of the kernel, not {weight.shape}")


def check_axes_or_one_less(axes: int, x: Any) -> None:
    """Raise unless x has `axes` spatial axes, with or without N before them."""
    if x.ndim != axes + 1:
        check_axes(axes, x)


def check_bias(bias: Any, channels: int) -> None:
    """Raise unless there is no bias or one number for each channel of the result."""
    if bias is not None and bias.shape != (channels,):
        raise ValueError(f"bias needs shape ({channels},), one number for each channel of the result, not {bias.shape}")


def check_fit(x: Any, lengths: tuple[int, ...]) -> None:
    """Raise unless a window of these lengths fits into the padded x."""
    if any(n < length for n, length in zip(x.shape[2:], lengths, strict=True)):
        raise ValueError(f"a window of size {lengths} does not fit into the padded x of size {x.shape[2:]}")


def window_lengths(kernel_size: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """How far a window reaches along each axis."""
    return tuple((k - 1) * d + 1 for k, d in zip(kernel_size, dilation, strict=True))


def padded(x: Any, before: Sequence[int], after: Sequence[int], value: float = 0.0) -> Any:
    """x with `value` added along its spatial axes."""
    if not any(before) and not any(after):
        return x
    pairs = zip(reversed(before), reversed(after), strict=True)  # `pad` begins with the last axis
    return pad(x, [n for pair in pairs for n in pair], value=value)
