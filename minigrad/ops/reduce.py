"""Chapter 3c: reductions. `axis` is None (everything), a number or a tuple of numbers, as in NumPy."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.op import op
from minigrad.ops.elementwise import check_floating


def spread(reduced, shape, axis, keepdims):
    """The result of a reduction, repeated along the axes that were reduced: shape `shape` again."""
    return np.broadcast_to(restore(reduced, shape, axis, keepdims), shape)


def restore(reduced, shape, axis, keepdims):
    """The result of reducing `shape`, with the reduced axes back as axes of size one."""
    return reduced if keepdims or axis is None or not shape else np.expand_dims(reduced, axis)


def count(shape, axis):
    """How many elements are reduced into one."""
    if axis is None or not shape:
        return math.prod(shape)
    return math.prod(shape[a] for a in (axis if isinstance(axis, tuple) else (axis,)))


def total(x, axis, keepdims):
    """The sum, with the digits that NumPy would lose by adding one row after the other in the dtype of `x`."""
    axes = tuple(range(x.ndim)) if axis is None or not x.ndim else normalize_axis_tuple(axis, x.ndim)
    n = math.prod(x.shape[a] for a in axes)
    if x.dtype == np.float16 or (x.dtype == np.float32 and n > 4096):
        return x.sum(axis, np.float32 if x.dtype == np.float16 else np.float64, keepdims=keepdims).astype(x.dtype)
    rows = len(axes)
    if axes != tuple(range(rows)) or not 0 < rows < x.ndim or x.dtype.kind != "f" or not x.size:
        return x.sum(axis, keepdims=keepdims)
    out = np.ones(n, x.dtype) @ x.reshape(n, -1)  # more exact than x.sum(0), and faster
    return out.reshape((1,) * rows * keepdims + x.shape[rows:])


@op(np.sum, x=lambda g, x_shape, axis, keepdims: spread(g, x_shape, axis, keepdims))
def sum(x, axis=None, keepdims=False):
    """Sum over axis: None for all, a number or several; keepdims keeps it as an axis of size 1."""
    return total(x, axis, keepdims)


@op(np.mean, x=lambda g, x_shape, axis, keepdims: spread(g / count(x_shape, axis), x_shape, axis, keepdims))
def mean(x, axis=None, keepdims=False):
    """Mean over axis: None for all, a number or several; keepdims keeps it as an axis of size 1."""
    if x.dtype.kind != "f" or x.dtype == np.float16:
        return x.mean(axis, keepdims=keepdims)
    return total(x, axis, keepdims) / count(x.shape, axis)


def extreme(g, x, out, axis, keepdims):
    """Along one axis the first of the extreme values takes the whole gradient; over several, ties share it evenly."""
    tied = (x == restore(out, x.shape, axis, keepdims)) | np.isnan(x)
    g = restore(g, x.shape, axis, keepdims)
    if axis is None or isinstance(axis, tuple) or not x.shape:
        return g / tied.sum(axis, keepdims=True) * tied
    positions = np.arange(x.shape[axis]).reshape([-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])
    return g * (positions == np.expand_dims(np.argmax(tied, axis), axis))


@op(np.max, np.amax, x=extreme)
def max(x, axis=None, keepdims=False):
    """Largest element over axis: None for all, a number or several. Along one axis the first takes the gradient."""
    return x.max(axis, keepdims=keepdims)


@op(np.min, np.amin, x=extreme)
def min(x, axis=None, keepdims=False):
    """Smallest element over axis: None for all, a number or several. Along one axis the first takes the gradient."""
    return x.min(axis, keepdims=keepdims)


@op(np.argmax)
def argmax(x, axis=None, keepdims=False):
    """Position of the first largest element along axis, or in the flattened x."""
    return x.argmax(axis, keepdims=keepdims)


@op(np.argmin)
def argmin(x, axis=None, keepdims=False):
    """Position of the first smallest element along axis, or in the flattened x."""
    return x.argmin(axis, keepdims=keepdims)


def logsumexp_x(g, x, out, axis, keepdims):
    """Upstream times softmax(x), which is exp(x − logsumexp(x))."""
    return restore(g, x.shape, axis, keepdims) * np.exp(x - restore(out, x.shape, axis, keepdims))


@op(x=logsumexp_x)
def logsumexp(x, axis=None, keepdims=False):
    """log Σ eˣ over axis: None for all, a number or several. Large x do not overflow."""
    check_floating(x)
    top = x.max(axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)  # −inf − −inf is not a number
    out = np.log(sum(np.exp(x - top), axis, keepdims=True)) + top
    return out if keepdims or not x.shape else out.squeeze(axis)


amax, amin = max, min  # both PyTorch's and NumPy's names too
