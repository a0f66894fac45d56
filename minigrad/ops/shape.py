"""Chapter 3d: operators that move elements about. Where NumPy gives a view of its input, so do these."""

import math

import numpy as np

from minigrad.backend import checked_index, library_of, on_host
from minigrad.op import op
from minigrad.ops.reduce import axes_of


@op(np.reshape, x=lambda g, x_shape: g.reshape(x_shape))
def reshape(x, shape):
    """The elements of x in another shape with as many; one size may be −1."""
    return x.reshape(shape)


@op(np.transpose, x=lambda g, axes: np.transpose(g, inverse(axes)))
def permute(x, axes=None):
    """The axes of x in another order; None reverses them."""
    return np.transpose(x, axes)


def inverse(axes):
    """The permutation that undoes `axes`; None, the reversal, undoes itself."""
    return axes and tuple(np.argsort([axis % len(axes) for axis in axes]))


@op(np.swapaxes, x=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
def swapaxes(x, axis1, axis2):
    """Two axes of x exchanged."""
    return np.swapaxes(x, axis1, axis2)


@op(np.squeeze, x=lambda g, x_shape: g.reshape(x_shape))
def squeeze(x, axis=None):
    """x without its axes of size 1, or without those of them that are named: as in PyTorch, a longer one stays."""
    return np.squeeze(x, tuple([a for a in axes_of(axis, x.ndim) if x.shape[a] == 1]))


@op(np.expand_dims, x=lambda g, x_shape: g.reshape(x_shape))
def unsqueeze(x, axis):
    """x with a new axis of size 1."""
    return np.expand_dims(x, axis)


@op(np.broadcast_to, x=lambda g: g)  # the engine sums over what was stretched
def broadcast_to(x, shape):
    """x repeated along new axes and axes of size 1, without a copy."""
    return np.broadcast_to(x, shape)


@op(np.moveaxis, x=lambda g, source, destination: np.moveaxis(g, destination, source))
def movedim(x, source, destination):
    """x with one axis, or several, moved from source to destination; the others keep their order."""
    return np.moveaxis(x, source, destination)


@op(np.flip, x=lambda g, axis: np.flip(g, axis))
def flip(x, axis=None):
    """The elements in reverse order along axis: None for all, a number or several."""
    return np.flip(x, axis).copy()  # as in PyTorch; x[::-1] is a view


@op(np.roll, x=lambda g, shifts, axis: np.roll(g, opposite(shifts), axis))
def roll(x, shifts, axis=None):
    """The elements moved along axis, the last to where the first were; None rolls the flattened x."""
    return np.roll(x, shifts, axis)


def opposite(shifts):
    """The shift, or shifts, that undo these."""
    return tuple([-shift for shift in shifts]) if isinstance(shifts, tuple | list) else -shifts


@op(x=lambda g, diagonal: np.tril(g, diagonal))
def tril(x, diagonal=0):
    """Matrices (..., n, m) with 0 above a diagonal: 0 is the main one, 1 the one above it, −1 the one below."""
    return np.tril(x, diagonal)


@op(x=lambda g, diagonal: np.triu(g, diagonal))
def triu(x, diagonal=0):
    """Matrices (..., n, m) with 0 below a diagonal: 0 is the main one, 1 the one above it, −1 the one below."""
    return np.triu(x, diagonal)


@op(np.argwhere)
def argwhere(x):
    """The places where x is not 0, one per row: (how many, x.ndim)."""
    return np.argwhere(x)


@op(arrays=lambda g, arrays_shape, axis, i: g[part(arrays_shape, axis, i)])
def concatenate(*arrays, axis=0):
    """Arrays joined along an axis; their other axes must agree."""
    return np.concatenate(arrays, axis)


def part(shapes, axis, i):
    """The index of array `i` among arrays of these shapes that were joined along `axis`."""
    axis %= len(shapes[i])
    start = sum(shape[axis] for shape in shapes[:i])
    return (*[slice(None)] * axis, slice(start, start + shapes[i][axis]))


# -- indexing, and its transpose: what was read from `x[index]` is added back at `index` of zeros --------------------


@op(values=lambda g, index: g[index])
def add_at(values, shape, index):
    """Zeros of this shape with values added at index; values for the same element add up."""
    small = values.dtype.kind in "biu" and values.dtype.itemsize < 4  # for which CuPy has no np.add.at
    wide = np.float32 if values.dtype == np.float16 else np.int32 if small else values.dtype
    out = library_of(values).zeros(shape, wide)
    if reads_once(index):
        out[index] = values  # tens of times faster than np.add.at
    elif isinstance(index, np.ndarray) and out.ndim > 1:
        add_rows(out, index, values)
    elif on_host(out) or not isinstance(index, tuple | list):
        np.add.at(out, index, values)
    else:
        numbers = numbers_at(out, index)  # CuPy takes no tuple
        np.add.at(out.reshape(-1), numbers, np.broadcast_to(values, numbers.shape))
    return out.astype(values.dtype, copy=False)


def add_rows(out, index, values):
    """Add values to the rows of `out` that an array of integers names: number by number, 3 to 5 times faster."""
    width = math.prod(out.shape[1:])
    numbers = index.astype(np.intp).reshape(-1, 1) * width + np.arange(width)
    values = np.broadcast_to(values, index.shape + out.shape[1:]).astype(out.dtype, copy=False)
    np.add.at(out.reshape(-1), numbers.reshape(-1), values.reshape(-1))


def numbers_at(x, index):
    """Which elements of x[index] reads, by their number when the rows of x lie one after the other."""
    return np.arange(x.size, like=x).reshape(x.shape)[index]


@op(x=lambda g, x_shape, index: add_at(g, x_shape, index))
def getitem(x, index):
    """x[index], for every index that NumPy knows."""
    out = x[checked_index(index, x)]
    if not isinstance(out, np.generic):
        return out
    return x[(*index, ...) if isinstance(index, tuple) else (index, ...)]  # a view of one number, not a copy


def of_the_last(g, index):
    """g[index], but 0 for a value that another one for the same element has overwritten."""
    if reads_once(index):
        return g[index]
    order = np.arange(math.prod(g[index].shape), like=g).reshape(g[index].shape)
    last = np.zeros_like(g, order.dtype)
    last[index] = order
    return g[index] * (last[index] == order)


@op(x=lambda g, index: setitem(g, 0, index), values=lambda g, index: of_the_last(g, index))
def setitem(x, values, index):
    """x, but with values at index: what x[index] = values makes of it. Of several for an element the last stays."""
    out = x.copy()
    out[checked_index(index, x)] = values
    return out


def reads_once(index):
    """Whether `index` cannot name an element twice: a mask, or numbers, slices, `...` and None."""
    if getattr(index, "dtype", None) == np.bool_:
        return True
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or isinstance(part, int | slice | type(...)) for part in parts)


# PyTorch's other names, and NumPy's.
view, swapdims, expand_dims, moveaxis = reshape, swapaxes, unsqueeze, movedim
