"""The operators of convolution, and the windows that it looks through. All of it for any number of spatial axes.

They are declared here and not in `ops/`, as you would declare operators of your own: nothing else needs them.

A kernel of size 3 with stride 2 looks at x through these windows:

    x            0 1 2 3 4 5 6
    windows      0 1 2         the first number of each, 0 2 4, is a strided slice of x; so are the
                     2 3 4     second numbers, 1 3 5, and the third, 2 4 6: one slice for each
                         4 5 6 position in the kernel, and no loop over x

A convolution multiplies what lies in each window by the weights. So Σ g · convolve(x, weight) is a sum of products
g · x · weight: linear in each of the three. Its derivatives by g, x and weight are the operators `convolve`,
`convolve_x` and `convolve_weight`; the gradients of each are the other two.
"""

import math
from functools import reduce
from itertools import product

import numpy as np

from minigrad.backend import library_of, on_host
from minigrad.op import op

BLOCK = 2**18  # numbers of float32 in 1 MB, about what the fast cache of a processor core holds


def looks(kernel_size, sizes, stride, dilation):
    """For each position in the kernel: itself, and the slices of x that it meets, one number of each window."""
    for position in product(*map(range, kernel_size)):
        starts = [p * d for p, d in zip(position, dilation, strict=True)]
        ends = [start + (n - 1) * s + 1 for start, n, s in zip(starts, sizes, stride, strict=True)]
        yield position, tuple(map(slice, starts, ends, stride))


def window_counts(shape, kernel_size, stride, dilation):
    """How many windows fit along each of the spatial axes of `shape`."""
    axes = zip(shape, kernel_size, stride, dilation, strict=True)
    return tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in axes)


@op(x=lambda g, x_shape, stride, dilation: add_windows(g, x_shape, stride, dilation))
def windows(x, kernel_size, stride, dilation):
    """What lies in each window: x (N, C, *spatial) gives (N, C, *kernel_size, *number of windows)."""
    counts = window_counts(x.shape[2:], kernel_size, stride, dilation)
    out = library_of(x).empty((*x.shape[:2], *kernel_size, *counts), x.dtype)
    for position, there in looks(kernel_size, counts, stride, dilation):
        out[:, :, *position] = x[..., *there]
    return out


@op(values=lambda g, values_shape, shape, stride, dilation: windows(g, kernel(values_shape, shape), stride, dilation))
def add_windows(values, shape, stride, dilation):
    """Zeros of this shape with values (N, C, *kernel_size, *counts) added where `windows` would read them."""
    out = library_of(values).zeros(shape, values.dtype)
    kernel_size = kernel(values.shape, shape)
    counts = values.shape[len(shape) :]
    for position, there in looks(kernel_size, counts, stride, dilation):
        out[..., *there] += values[:, :, *position]
    return out


def kernel(values_shape, shape):
    """The size of the kernel that gives windows of `values_shape` from an array of `shape`."""
    return values_shape[2 : len(shape)]


def max_windows_x(g, x, out, kernel_size, stride, dilation):
    """Upstream to the first of the largest numbers in each window."""
    free, parts = True, []
    for _, there in looks(kernel_size, out.shape[2:], stride, dilation):
        wins = (x[..., *there] == out) & free
        free = free & ~wins
        parts.append(g * wins)
    values = np.stack(parts, 2).reshape((*out.shape[:2], *kernel_size, *out.shape[2:]))
    return add_windows(values, x.shape, stride, dilation)


@op(x=max_windows_x)
def max_windows(x, kernel_size, stride, dilation):
    """The largest number in each window: (N, C, *counts). The first of several that are largest takes the gradient."""
    counts = window_counts(x.shape[2:], kernel_size, stride, dilation)
    first, *others = [x[..., *there] for _, there in looks(kernel_size, counts, stride, dilation)]
    return reduce(np.maximum, others, first.copy())


# -- the product of three, and its derivative by each -----------------------------------------------------------------


@op(
    x=lambda g, weight, x_shape, stride, dilation, groups: convolve_x(g, weight, x_shape, stride, dilation, groups),
    weight=lambda g, x, weight_shape, stride, dilation, groups: convolve_weight(
        g, x, weight_shape, stride, dilation, groups
    ),
)
def convolve(x, weight, stride, dilation, groups):
    """Weights times windows: x (N, C, *spatial), weight (O, C / groups, *kernel_size) give (N, O, *counts)."""
    kernel_size = weight.shape[2:]
    counts = window_counts(x.shape[2:], kernel_size, stride, dilation)
    matrix = by_group(weight, groups)
    out = np.empty((len(x), *matrix.shape[:2], math.prod(counts)), np.result_type(x, weight), like=x)
    for some in blocks(x, matrix[:, 0].size * math.prod(counts)):
        np.matmul(matrix, columns(x[some], kernel_size, stride, dilation, groups), out=out[some])
    return out.reshape(len(x), len(weight), *counts)


@op(
    values=lambda g, weight, stride, dilation, groups: convolve(g, weight, stride, dilation, groups),
    weight=lambda g, values, weight_shape, stride, dilation, groups: convolve_weight(
        values, g, weight_shape, stride, dilation, groups
    ),
)
def convolve_x(values, weight, shape, stride, dilation, groups):
    """The transpose of `convolve` as a map of x: values (N, O, *counts) come back to x's shape (N, C, *spatial)."""
    counts = values.shape[2:]
    matrix = by_group(weight, groups).swapaxes(1, 2)
    rows = values.reshape(len(values), groups, values.shape[1] // groups, math.prod(counts))
    out = np.empty(shape, np.result_type(values, weight), like=values)
    for some in blocks(values, matrix[..., 0].size * math.prod(counts)):
        products = (matrix @ rows[some]).reshape(-1, shape[1], *weight.shape[2:], *counts)
        out[some] = add_windows(products, (len(products), *shape[1:]), stride, dilation)
    return out


@op(
    values=lambda g, x, stride, dilation, groups: convolve(x, g, stride, dilation, groups),
    x=lambda g, values, x_shape, stride, dilation, groups: convolve_x(values, g, x_shape, stride, dilation, groups),
)
def convolve_weight(values, x, shape, stride, dilation, groups):
    """The transpose of `convolve` as a map of weight: values (N, O, *counts) and x give the weight's shape."""
    rows = values.reshape(len(values), groups, shape[0] // groups, math.prod(values.shape[2:]))
    out = np.zeros((groups, shape[0] // groups, math.prod(shape[1:])), np.result_type(values, x), like=x)
    for some in blocks(x, groups * out.shape[2] * rows.shape[3]):
        found = columns(x[some], shape[2:], stride, dilation, groups)
        out += (rows[some] @ found.swapaxes(2, 3)).sum(0)
    return out.reshape(shape)


def by_group(weight, groups):
    """The weights as one matrix for each group of channels: (groups, O / groups, C / groups · K)."""
    return weight.reshape(groups, len(weight) // groups, math.prod(weight.shape[1:]))


def columns(x, kernel_size, stride, dilation, groups):
    """Windows as the columns of one matrix for each example and group: (N, groups, C / groups · K, L)."""
    found = windows(x, kernel_size, stride, dilation)
    counts = found.shape[2 + len(kernel_size) :]
    return found.reshape(len(x), groups, x.shape[1] // groups * math.prod(kernel_size), math.prod(counts))


def blocks(x, size):
    """Slices of the examples x, each as many as give about BLOCK numbers when one gives `size`: they stay in cache.

    On a GPU they are to fit in its memory, 512 MB of float32.
    """
    step = max(1, (BLOCK if on_host(x) else 2**27) // max(1, size))
    return [slice(i, i + step) for i in range(0, len(x), step)]
