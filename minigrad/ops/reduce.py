"""Chapter 3b: reductions. `axis` is None (everything), a number or a tuple of numbers, as in NumPy."""

import math

import numpy as np

from minigrad.op import op
from minigrad.ops.elementwise import check_floating


def spread(reduced, shape, axis, keepdims):
    """The result of a reduction, repeated along the axes that were reduced: shape `shape` again."""
    return np.broadcast_to(restore(reduced, axis, keepdims), shape)


def restore(reduced, axis, keepdims):
    """The result of a reduction, with the reduced axes back as axes of size one."""
    return reduced if keepdims or axis is None else np.expand_dims(reduced, axis)


def count(shape, axis):
    """How many elements are reduced into one."""
    if axis is None:
        return math.prod(shape)
    return math.prod(shape[a] for a in (axis if isinstance(axis, tuple) else (axis,)))


@op(np.sum, x=lambda g, x_shape, axis, keepdims: spread(g, x_shape, axis, keepdims))
def sum(x, axis=None, keepdims=False):
    """Sum over axis: None for all, a number or several; keepdims keeps it as an axis of size 1."""
    return x.sum(axis, keepdims=keepdims)


@op(np.mean, x=lambda g, x_shape, axis, keepdims: spread(g / count(x_shape, axis), x_shape, axis, keepdims))
def mean(x, axis=None, keepdims=False):
    """Mean over axis: None for all, a number or several; keepdims keeps it as an axis of size 1."""
    return x.mean(axis, keepdims=keepdims)


def extreme(g, x, out, axis, keepdims):
    """Along one axis the first of the extreme values takes the whole gradient; over several, ties share it evenly."""
    tied = (x == restore(out, axis, keepdims)) | np.isnan(x)
    g = restore(g, axis, keepdims)
    if axis is None or isinstance(axis, tuple):
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


@op(x=lambda g, x, out, axis, keepdims: restore(g, axis, keepdims) * np.exp(x - restore(out, axis, keepdims)))
def logsumexp(x, axis=None, keepdims=False):
    """log Σ eˣ over axis: None for all, a number or several. Large x do not overflow."""
    check_floating(x)
    top = x.max(axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)  # −inf − −inf is not a number
    out = np.log(np.exp(x - top).sum(axis, keepdims=True)) + top
    return out if keepdims else out.squeeze(axis)
