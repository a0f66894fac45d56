"""Chapter 3c: reductions. `axis` is None (everything), a number or a tuple of numbers, as in NumPy."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.backend import on_host
from minigrad.op import op
from minigrad.ops.elementwise import check_floating

WIDER = {np.dtype(np.float16): np.float32, np.dtype(np.float32): np.float64}  # in which a long sum keeps its digits


def spread(reduced, shape, axis, keepdims):
    """The result of a reduction, repeated along the axes that were reduced: shape `shape` again."""
    return np.broadcast_to(restore(reduced, shape, axis, keepdims), shape)


def restore(reduced, shape, axis, keepdims):
    """The result of reducing `shape`, with the reduced axes back as axes of size one."""
    return reduced if keepdims or axis is None or not shape else np.expand_dims(reduced, axis)


def count(shape, axis):
    """How many elements are reduced into one."""
    return math.prod(shape[a] for a in axes_of(axis, len(shape)))


def axes_of(axis, ndim):
    """The axes that are reduced, as a tuple of numbers from 0. Without axes x counts as having one, which is none."""
    return tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, max(ndim, 1))[:ndim]


def along(axis, x):
    """The axis; None if x has no axes: in NumPy and PyTorch it counts as having one, which CuPy refuses."""
    return axis if x.ndim else axes_of(axis, 0) or None


def signed(x):
    """x, but unsigned integers as int64, as in PyTorch: in NumPy's uint64 a difference of sums would wrap around."""
    return x.astype(np.int64) if x.dtype.kind == "u" else x


@op(np.sum, x=lambda g, x_shape, axis, keepdims: spread(g, x_shape, axis, keepdims))
def sum(x, axis=None, keepdims=False):
    """Sum over axis: None for all, a number or several; keepdims keeps it as an axis of size 1."""
    x, axes = signed(x), axes_of(axis, x.ndim)
    n = math.prod(x.shape[a] for a in axes)
    # NumPy would lose digits by adding one row after the other in the dtype of x, and a GPU in float16.
    if x.dtype == np.float16 or (x.dtype == np.float32 and n > 4096 and on_host(x)):
        return x.sum(axes, WIDER[x.dtype], keepdims=keepdims).astype(x.dtype)
    rows = len(axes)
    if not on_host(x) or axes != tuple(range(rows)) or not 0 < rows < x.ndim or x.dtype.kind != "f" or not x.size:
        return x.sum(axes, keepdims=keepdims)
    out = np.ones(n, x.dtype) @ x.reshape(n, -1)  # more exact than x.sum(0), and faster
    return out.reshape((1,) * rows * keepdims + x.shape[rows:])


@op(np.mean, x=lambda g, x_shape, axis, keepdims: spread(g / count(x_shape, axis), x_shape, axis, keepdims))
def mean(x, axis=None, keepdims=False):
    """Mean over axis: None for all, a number or several; keepdims keeps it as an axis of size 1."""
    if x.dtype.kind != "f" or x.dtype == np.float16 or not on_host(x):
        return x.mean(along(axis, x), keepdims=keepdims)
    return sum.forward(x, axis, keepdims) / count(x.shape, axis)


def extreme(g, x, out, axis, keepdims):
    """Upstream, shared evenly by the elements that are the largest, or the smallest; nan counts as both."""
    tied = (x == restore(out, x.shape, axis, keepdims)) | np.isnan(x)
    return restore(g, x.shape, axis, keepdims) / tied.sum(along(axis, x), keepdims=True) * tied


@op(np.max, np.amax, x=extreme)
def amax(x, axis=None, keepdims=False):
    """Largest element over axis: None for all, a number or several. Ties share the gradient evenly."""
    return np.max(x, along(axis, x), keepdims=keepdims)


@op(np.min, np.amin, x=extreme)
def amin(x, axis=None, keepdims=False):
    """Smallest element over axis: None for all, a number or several. Ties share the gradient evenly."""
    return np.min(x, along(axis, x), keepdims=keepdims)


@op(np.argmax)
def argmax(x, axis=None, keepdims=False):
    """Position of the first largest element along axis, or in the flattened x."""
    return x.argmax(along(axis, x), keepdims=keepdims)


@op(np.argmin)
def argmin(x, axis=None, keepdims=False):
    """Position of the first smallest element along axis, or in the flattened x."""
    return x.argmin(along(axis, x), keepdims=keepdims)


@op(np.any)
def any(x, axis=None, keepdims=False):
    """Whether an element is not 0, over axis: None for all, a number or several."""
    return np.any(x, along(axis, x), keepdims=keepdims)


@op(np.all)
def all(x, axis=None, keepdims=False):
    """Whether no element is 0, over axis: None for all, a number or several."""
    return np.all(x, along(axis, x), keepdims=keepdims)


@op(np.count_nonzero)
def count_nonzero(x, axis=None, keepdims=False):
    """How many elements are not 0, over axis: None for all, a number or several."""
    return (x != 0).sum(along(axis, x), keepdims=keepdims)


@op()
def argsort(x, axis=-1, descending=False, stable=True):
    """The positions along axis in the order of their elements; equal ones keep theirs, and nan counts as largest."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    from_the_end = np.argsort(np.flip(x, axis), axis, kind="stable")  # so that equal ones keep their order
    return np.flip(x.shape[axis] - 1 - from_the_end, axis)


def logsumexp_x(g, x, out, axis, keepdims):
    """Upstream times softmax(x), which is exp(x − logsumexp(x))."""
    return restore(g, x.shape, axis, keepdims) * np.exp(x - restore(out, x.shape, axis, keepdims))


@op(x=logsumexp_x)
def logsumexp(x, axis=None, keepdims=False):
    """log Σ eˣ over axis: None for all, a number or several. Large x do not overflow."""
    check_floating(x)
    top = sum(x, axis, keepdims=True) if 0 in x.shape else np.max(x, along(axis, x), keepdims=True)
    top = np.where(np.isfinite(top), top, 0)  # −inf − −inf is not a number
    with np.errstate(divide="ignore"):  # of no elements, or of −inf alone, it is log 0 = −inf
        out = np.log(sum(np.exp(x - top), axis, keepdims=True)) + top
    return out if keepdims or not x.shape else out.squeeze(axis)


# -- products, and what accumulates along an axis ----------------------------------------------------------------------


@op(np.cumsum, x=lambda g, x_shape, axis: np.flip(cumsum(np.flip(g, axis), axis), axis).reshape(x_shape))
def cumsum(x, axis=None):
    """x₁ + ... + xₖ for each k along axis; None flattens x first. Its gradient accumulates from the other end."""
    out = np.cumsum(signed(x), axis, WIDER.get(x.dtype))
    return out.astype(x.dtype) if x.dtype in WIDER else out


def cumprod_x(g, x, axis):
    """(x₁ ⋯ xₖ₋₁) rₖ, where rₖ = gₖ + xₖ₊₁ rₖ₊₁ is what comes back from xₖ's place in all later products."""
    line, axis = (x.reshape(-1), 0) if axis is None or not x.ndim else (x, axis)
    from_later = returned(np.swapaxes(g, 0, axis), np.swapaxes(line, 0, axis))
    return (before(line, axis) * np.swapaxes(from_later, 0, axis)).reshape(x.shape)


def returned(r, x):
    """rₖ = gₖ + xₖ₊₁ rₖ₊₁ along axis 0, where r is g at first: each round looks twice as far ahead as the last."""
    factors = x[1:]  # before a round in which k reaches k + step: xₖ₊₁ ⋯ xₖ₊step
    while len(factors):
        step = len(r) - len(factors)
        r = np.concatenate([r[:-step] + factors * r[step:], r[-step:]])
        factors = factors[:-step] * factors[step:]
    return r


@op(np.cumprod, x=cumprod_x)
def cumprod(x, axis=None):
    """x₁ ⋯ xₖ for each k along axis; None flattens x first. The gradient does not divide: zeros are like any number."""
    return np.cumprod(signed(x), axis)


def before(x, axis):
    """x₁ ⋯ xₖ₋₁ for each k along axis: the cumulative product, one place late."""
    x = np.swapaxes(x, 0, axis)
    return np.swapaxes(np.concatenate([x[:1] ** 0, np.cumprod(x[:-1], 0)]), 0, axis)


def prod_x(g, x, axis, keepdims):
    """Upstream times all other factors: of several axes those along the first, then its products along the next."""
    g = restore(g, x.shape, axis, keepdims)
    for a in axes_of(axis, x.ndim):
        g = g * before(x, a) * np.flip(before(np.flip(x, a), a), a)
        x = np.prod(x, a, keepdims=True)
    return g


@op(np.prod, x=prod_x)
def prod(x, axis=None, keepdims=False):
    """Product over axis: None for all, a number or several. The gradient does not divide: zeros are like any number."""
    return np.prod(signed(x), along(axis, x), keepdims=keepdims)
