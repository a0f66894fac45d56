"""Functions that move elements about: arrays joined and taken apart, in other shapes, padded, picked from, sorted.

All are composed of a few operators of `ops/shape.py`, above all of `getitem` and its transpose `add_at`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.backend import APART, apart, is_array, to_numpy
from minigrad.op import composed, compositions, numpy_ops
from minigrad.ops.elementwise import clone, maximum, minimum
from minigrad.ops.reduce import amax, amin, argmax, argmin, argsort
from minigrad.ops.shape import add_at, argwhere, broadcast_to, concatenate, numbers_at, squeeze, tril, triu, unsqueeze
from minigrad.tensor import Tensor, add_methods, as_array, beside, underscored, wrap

# -- joined and taken apart -------------------------------------------------------------------------------------------


@composed
def cat(tensors: Sequence[Any], axis: int | None = 0) -> Any:
    """Arrays joined along an axis that they have; their other axes must agree. None flattens them first."""
    if hasattr(tensors, "ndim"):
        raise TypeError("it takes a list: write cat([a, b])")
    if axis is None:  # NumPy's way to ask for one flat array
        tensors, axis = [tensor.reshape(-1) for tensor in tensors], 0
    return concatenate(*tensors, axis=axis)


@composed
def stack(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape joined along a new axis."""
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor) and not is_array(tensor):
            raise TypeError(f"it takes tensors of one shape; element {i} is {tensor!r:.60}: write mg.tensor(...)")
    return cat([unsqueeze(tensor, axis) for tensor in tensors], axis)


@composed
def hstack(tensors: Sequence[Any]) -> Any:
    """Arrays joined side by side: along axis 1, or 0 where they have one axis."""
    tensors = [with_axes(tensor, 1) for tensor in tensors]
    return cat(tensors, 1 if tensors and tensors[0].ndim > 1 else 0)


@composed
def vstack(tensors: Sequence[Any]) -> Any:
    """Arrays joined one below the other, along axis 0; an array with one axis is a row."""
    return cat([with_axes(tensor, 2) for tensor in tensors], 0)


def with_axes(x: Any, ndim: int) -> Any:
    """x with at least that many axes, new ones first."""
    return x.reshape((1,) * (ndim - x.ndim) + x.shape)


@composed
def split(x: Any, split_size_or_sections: Any, axis: int = 0) -> Any:
    """The pieces of x along axis: of one size, the last perhaps of less, or of the sizes in a list."""
    n, sizes = length(x, axis), split_size_or_sections
    if not isinstance(sizes, int | np.integer):
        if sum(sizes) != n or min(sizes, default=0) < 0:
            raise ValueError(f"the sizes must add up to {n}, the size of the axis, and none be negative: {sizes}")
        return between([0, *accumulate(sizes)], x, axis)
    if sizes < 1:
        raise ValueError(f"the size of a piece must be positive, not {sizes}")
    return between([*range(0, max(n, 1), sizes), n], x, axis)


def between(bounds: Sequence[int], x: Any, axis: int) -> Any:
    """The slices of x from each bound to the next."""
    return tuple(x[at(slice(*ends), axis, x.ndim)] for ends in pairwise(bounds))


def at(index: Any, axis: int, ndim: int) -> Any:
    """The index that reads `index` along one axis and everything along the others."""
    return (*[slice(None)] * normalize_axis_index(axis, ndim), index)


def length(x: Any, axis: int) -> int:
    """The size of one axis."""
    return x.shape[normalize_axis_index(axis, x.ndim)]


@composed
def chunk(x: Any, chunks: int, axis: int = 0) -> Any:
    """At most that many pieces of x along axis, of equal size but for the last."""
    if chunks < 1:
        raise ValueError(f"the number of chunks must be positive, not {chunks}")
    return split(x, max(math.ceil(length(x, axis) / chunks), 1), axis)


@composed
def unbind(x: Any, axis: int = 0) -> Any:
    """The slices of x along axis, which they do not have any more."""
    return tuple(by_halves(np.moveaxis(x, axis, 0)))


def by_halves(x: Any) -> list[Any]:
    """x[0], x[1] ...: by halves of halves, for the gradient of an index is as large as what was indexed."""
    n = len(x)
    return by_halves(x[: n // 2]) + by_halves(x[n // 2 :]) if n > 2 else [x[i] for i in range(n)]


# -- other shapes -----------------------------------------------------------------------------------------------------


@composed
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """x with the axes from start_dim to end_dim as one."""
    first, last = normalize_axis_tuple((start_dim, end_dim), max(x.ndim, 1), allow_duplicate=True)
    if first > last:
        raise ValueError(f"start_dim must not come after end_dim: {start_dim} and {end_dim}")
    return x.reshape(*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])


@composed
def ravel(x: Any) -> Any:
    """x with all its axes as one."""
    return x.reshape(-1)


@composed
def t(x: Any) -> Any:
    """A matrix transposed; a vector or a number as it is."""
    if x.ndim > 2:
        raise ValueError("x must have at most two axes; see mT, transpose and permute")
    return x.T


@composed
def contiguous(x: Any) -> Any:
    """x with its elements in order in memory: itself if they are already."""
    array = x.data if isinstance(x, Tensor) else x
    return x if array.flags.c_contiguous else clone(x)


@composed
def expand_as(x: Any, other: Any) -> Any:
    """x repeated, without a copy, to the shape of other."""
    return broadcast_to(x, other.shape)


@composed
def view_as(x: Any, other: Any) -> Any:
    """The elements of x in the shape of other."""
    return x.reshape(other.shape)


@composed
def unflatten(x: Any, axis: int, sizes: Sequence[int]) -> Any:
    """x with several axes of these sizes in place of one; one size may be −1."""
    axis = normalize_axis_index(axis, x.ndim)
    return x.reshape(*x.shape[:axis], *sizes, *x.shape[axis + 1 :])


@composed
def expand(x: Any, shape: Sequence[int]) -> Any:
    """x repeated, without a copy, along new axes and axes of size 1; −1 leaves an axis as it is."""
    old = (-1,) * (len(shape) - x.ndim) + x.shape
    return broadcast_to(x, tuple([old[i] if size == -1 else size for i, size in enumerate(shape)]))


@composed
def tile(x: Any, repeats: Any) -> Any:
    """x side by side with itself: for each axis how often, the last number for the last axis."""
    repeats = repeats if isinstance(repeats, Sequence) else (repeats,)
    x = with_axes(x, len(repeats))
    repeats = (1,) * (x.ndim - len(repeats)) + tuple(repeats)
    if math.prod(repeats) == 1:
        return clone(x)
    rows = x.reshape([n for size in x.shape for n in (1, size)])  # a new axis before each, to be stretched
    stretched = broadcast_to(rows, tuple([n for pair in zip(repeats, x.shape, strict=True) for n in pair]))
    return stretched.reshape([n * size for n, size in zip(repeats, x.shape, strict=True)])


@composed
def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    """For vectors x, y ... one grid each: X[i, j] = x[i], Y[i, j] = y[j]. "xy" exchanges i and j."""
    if indexing not in ("ij", "xy"):
        raise ValueError(f'indexing must be "ij" or "xy", not {indexing!r}')
    shape = tuple([math.prod(x.shape) for x in tensors])
    grids = [broadcast_to(x.reshape([1] * i + [-1] + [1] * (len(shape) - 1 - i)), shape) for i, x in enumerate(tensors)]
    return tuple([grid.swapaxes(0, 1) for grid in grids] if indexing == "xy" and len(shape) > 1 else grids)


@composed
def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> Any:
    """x with more places around it: pad is how many before and after on the last axis, then on the last but one, ...

    The mode says what is there: "constant" is `value`, "reflect" mirrors x at its first and last element, "replicate"
    repeats these, "circular" starts x again from its other end. In the mode "constant" a negative number takes away.
    """
    numpys: dict[str, Any] = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode not in numpys:
        raise ValueError(f"the mode must be one of {', '.join(numpys)}, not {mode!r}")
    if len(pad) % 2 or len(pad) > 2 * x.ndim:
        raise ValueError(f"pad must be two numbers, before and after, for each axis from the last, not {tuple(pad)}")
    if mode != "constant" and min(pad, default=0) < 0:
        raise ValueError(f'places are taken away only in the mode "constant", not with {tuple(pad)} in {mode!r}')
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    if min(pad, default=0) < 0:
        x = x[tuple([slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths, strict=True)])]
        widths = [(max(a, 0), max(b, 0)) for a, b in widths]
    if mode == "constant":
        inside = tuple([slice(a, a + n) for n, (a, _) in zip(x.shape, widths, strict=True)])
        x = add_at(x, tuple([n + a + b for n, (a, b) in zip(x.shape, widths, strict=True)]), inside)
        if value != 0:
            border = np.full_like(x.data if isinstance(x, Tensor) else x, value)
            border[inside] = 0
            x = x + border
    else:
        x = clone(x)
        for axis, width in enumerate(widths):
            if width != (0, 0):
                x = x[at(beside(np.pad(np.arange(x.shape[axis]), width, numpys[mode]), x), axis, x.ndim)]
    return x


# -- diagonals: every (columns + 1)-th element of a matrix, row after row ---------------------------------------------


@composed
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the matrices in two axes of x, as a new last axis; offset 1 is above the main one, −1 below."""
    x = np.moveaxis(x, (axis1, axis2), (-2, -1))
    *batch, rows, columns = x.shape
    n = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    return x.reshape(*batch, rows * columns)[..., on_diagonal(n, columns, offset)]


@composed
def diag_embed(x: Any, offset: int = 0) -> Any:
    """Square matrices of zeros with the vectors in the last axis of x on a diagonal: the transpose of `diagonal`."""
    *batch, n = x.shape
    size = n + abs(offset)
    matrices = add_at(x, (*batch, size * size), (..., on_diagonal(n, size, offset)))
    return matrices.reshape(*batch, size, size)


def on_diagonal(n: int, columns: int, offset: int) -> slice:
    """Where the n elements of a diagonal are when the rows of a matrix lie one after the other."""
    start = max(offset, 0) + max(-offset, 0) * columns
    return slice(start, start + n * (columns + 1), columns + 1)


@composed
def diag(x: Any, diagonal: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with a vector on its diagonal; 1 is above the main one, −1 below."""
    if x.ndim not in (1, 2):
        raise ValueError("x must be a vector or a matrix; for stacks of them see diag_embed and diagonal")
    return diag_embed(x, diagonal) if x.ndim == 1 else clone(x.diagonal(diagonal))


# -- chosen by integers: `gather` reads what `scatter_add` writes, each is the other's gradient -----------------------


@composed
def gather(x: Any, axis: int, index: Any) -> Any:
    """out[i, j, k] = x[index[i, j, k], j, k] for axis 0, and so on: index has as many axes as x."""
    return x[places(x, axis, index)]


@composed
def scatter_add(x: Any, axis: int, index: Any, src: Any) -> Any:
    """x with each src[i, j, k] added at [index[i, j, k], j, k] for axis 0, and so on."""
    index = places(x, axis, index)
    return x + add_at(src[tuple(map(slice, index[axis].shape))], x.shape, index)


@composed
def scatter(x: Any, axis: int, index: Any, src: Any) -> Any:
    """x with src, numbers or one number, at the places of scatter_add; of several for one place the last stays."""
    index = places(x, axis, index)
    order = beside(np.arange(index[axis].size), x).reshape(index[axis].shape)
    last = np.full_like(order, -1, shape=x.shape)
    np.maximum.at(last.reshape(-1), numbers_at(last, index).reshape(-1), order.reshape(-1))
    is_number = isinstance(src, int | float | np.generic)
    src = beside(np.asarray(src, x.dtype), x) if is_number else src[tuple(map(slice, order.shape))]
    stays = np.where(last[index] == order, src, False)  # a 0 of any dtype
    return np.where(last < 0, x, add_at(stays, x.shape, index))


def places(x: Any, axis: int, index: Any) -> Any:
    """The index of x that reads `index` along axis, and along the others the places where `index` stands itself."""
    index = positions(index, length(x, axis))
    if apart([x, index]):
        raise ValueError(APART)
    if index.ndim != x.ndim:
        raise ValueError(f"index must have as many axes as x, {x.ndim}, not {index.ndim}")
    grid: list[Any] = [beside(along, x) for along in np.indices(index.shape, sparse=True)]
    grid[axis] = index
    return tuple(grid)


def positions(index: Any, size: int) -> Any:
    """An index as an array, if it holds positions along an axis of that size."""
    index = as_array(index)
    if index.dtype.kind not in "iu":
        raise TypeError(f"index must hold integers, not {index.dtype}")
    if index.size and ((index < 0) | (index >= size)).any():
        wrong = index[(index < 0) | (index >= size)][0]
        raise IndexError(f"index {wrong} is out of range: an axis of size {size} takes 0 ... {size - 1}")
    return index


@composed
def take_along_dim(x: Any, indices: Any, axis: int | None = None) -> Any:
    """out[i, j, k] = x[indices[i, j, k], j, k] for axis 0, and so on; x and indices broadcast. None flattens both."""
    if axis is None:
        return x.reshape(-1)[as_array(indices).reshape(-1)]
    grid: list[Any] = [beside(along, x) for along in np.indices(x.shape, sparse=True)]
    grid[axis] = as_array(indices)
    return x[tuple(grid)]


@composed
def index_select(x: Any, axis: int, index: Any) -> Any:
    """The slices of x along axis that a vector of positions names, in its order."""
    return x[at(positions(index, length(x, axis)), axis, x.ndim)]


@composed
def index_add(x: Any, axis: int, index: Any, source: Any) -> Any:
    """x with the slices of source along axis added to those of x that a vector of positions names."""
    return x + add_at(source, x.shape, at(positions(index, length(x, axis)), axis, x.ndim))


@composed
def repeat_interleave(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each slice of x along axis several times in a row: `repeats` times, or each its own number; None flattens x."""
    if axis is None:
        x, axis = x.reshape(-1), 0
    repeats = as_array(repeats) if hasattr(repeats, "dtype") else repeats
    if apart([x, repeats]):
        raise ValueError(APART)
    rows = np.repeat(np.arange(length(x, axis)), to_numpy(repeats))  # how many there will be, only the CPU can know
    return x[at(beside(rows, x), axis, x.ndim)]


@composed
def masked_select(x: Any, mask: Any) -> Any:
    """The elements of x where the mask holds, as a vector; shapes broadcast."""
    shape = np.broadcast_shapes(x.shape, mask.shape)
    return broadcast_to(x, shape)[broadcast_to(mask, shape) != 0]


@composed
def nonzero(x: Any, as_tuple: bool = False) -> Any:
    """The places where x is not 0, one per row: (how many, x.ndim); or as_tuple, an index: a vector for each axis."""
    places = argwhere(x)
    return tuple([places[:, a] for a in range(x.ndim)]) if as_tuple else places


@composed
def one_hot(labels: Any, num_classes: int = -1) -> Any:
    """Integers, 1 at the place of each label along a new last axis and 0 elsewhere; −1 takes the classes that occur."""
    if num_classes == -1:
        num_classes = int(labels.max()) + 1
    positions(labels, num_classes)
    return (labels[..., None] == np.arange(num_classes, like=labels)).astype(np.int64)


@composed
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each of 0, 1, 2 ... occurs in a vector of integers; or, for each, the sum of the weights beside it."""
    if x.ndim != 1 or x.dtype.kind not in "iu" or (math.prod(x.shape) and x.min() < 0):
        raise ValueError("it counts integers from 0 on, in a vector")
    if weights is not None and weights.shape != x.shape:
        raise ValueError(f"weights need the shape of x, {x.shape}, not {weights.shape}")
    bins = max(int(x.max()) + 1 if math.prod(x.shape) else 0, minlength)
    return add_at(np.ones_like(x) if weights is None else weights, (bins,), x)


@composed
def unique(
    x: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None
) -> Any:
    """The different elements of x, or slices along axis, in ascending order, whatever `sorted` says.

    With return_inverse also where among them each element (slice) is; with return_counts how often each occurs.
    """
    _, first, inverse, counts = np.unique(as_array(x), True, True, True, axis, equal_nan=False)
    values = x.reshape(-1)[first] if axis is None else x[at(first, axis, x.ndim)]
    kept = [(inverse.reshape(x.shape if axis is None else -1), return_inverse), (counts, return_counts)]
    others = [wrap(array, None) if isinstance(x, Tensor) else array for array, wanted in kept if wanted]
    return (values, *others) if others else values


# -- in order ---------------------------------------------------------------------------------------------------------


class Found(NamedTuple):
    """Elements of a tensor along an axis, and the positions at which they were found."""

    values: Any
    indices: Any

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("these are values and indices: write .values")


@composed
def sort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The elements in order along axis, and where they were. Equal ones always keep theirs; nan counts as largest."""
    indices = argsort(x, axis, descending)
    return Found(take_along_dim(x, indices, axis), indices)


@composed
def topk(x: Any, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The k largest elements along axis, or the smallest, and where they were; sorted or not, they come in order."""
    if not 0 <= k <= length(x, axis):
        raise ValueError(f"k must be from 0 to {length(x, axis)}, the size of the axis, not {k}")
    indices = argsort(x, axis, largest)[at(slice(k), axis, x.ndim)]
    return Found(take_along_dim(x, indices, axis), indices)


@composed
def max_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element; along axis, and where it was: the first of several. With a tensor for axis, `maximum`."""
    return best(x, axis, keepdims, amax, argmax, maximum)


@composed
def min_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element; along axis, and where it was: the first of several. With a tensor for axis, `minimum`."""
    return best(x, axis, keepdims, amin, argmin, minimum)


def best(x: Any, axis: Any, keepdims: bool, of_all: Any, position: Any, of_two: Any) -> Any:
    """What PyTorch's max and min give: of all elements a number; along one axis, with positions; of two tensors."""
    if axis is None:
        return of_all(x, None, keepdims)
    if isinstance(axis, Tensor) or is_array(axis):
        return of_two(x, axis)
    if isinstance(axis, tuple | list):
        raise TypeError("of several axes there is no one position: write amax or amin")
    indices = position(x, axis, True)
    values = take_along_dim(x, indices, axis) if x.ndim else +x
    return Found(values, indices) if keepdims or not x.ndim else Found(values.squeeze(axis), indices.squeeze(axis))


@composed
def median(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The middle element, of an even number the lower of the two: of all; or along axis, with where it was.

    Of all, ties share the gradient evenly. A nan is the median of any numbers with a nan among them.
    """
    if axis is None:
        middle = median(x.reshape(-1), 0).values
        tied = (x == middle) | (np.isnan(x) & np.isnan(middle))
        return x[tied].max().reshape((1,) * x.ndim * keepdims)
    last = length(x, axis) - 1
    middle = np.where(np.isnan(x).any(axis, keepdims=True), last, last // 2)
    indices = take_along_dim(argsort(x, axis), middle, axis)
    values = take_along_dim(x, indices, axis)
    return Found(values, indices) if keepdims else Found(values.squeeze(axis), indices.squeeze(axis))


@composed
def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    """x₂ − x₁, x₃ − x₂, ... along axis; n times over."""
    for _ in range(n):
        x = x[at(slice(1, None), axis, x.ndim)] - x[at(slice(-1), axis, x.ndim)]
    return x


# -- what NumPy's functions become on tensors, where their arguments or their meaning are not PyTorch's ---------------


def numpy_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """`np.split`: that many equal pieces, or pieces between the positions in a list."""
    n, given = length(x, axis), indices_or_sections
    if not isinstance(given, int):
        return list(between([0, *given, n], x, axis))
    if given < 1 or n % given:
        raise ValueError(f"np.split: {n} along axis {axis} do not make {given} equal pieces; see np.array_split")
    return list(between(range(0, n + 1, n // given), x, axis))


def numpy_squeeze(x: Any, axis: Any = None) -> Any:
    """`np.squeeze`: unlike PyTorch's, it refuses an axis that is longer than 1."""
    np.squeeze(np.broadcast_to(True, x.shape), axis)  # raises as NumPy does
    return squeeze(x, axis)


def numpy_median(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """`np.median`: of an even number of elements the mean of the two in the middle."""
    if axis is None:
        return (median(x, None, keepdims) - median(-x, None, keepdims)) / 2
    return (median(x, axis, keepdims).values - median(-x, axis, keepdims).values) / 2


def numpy_pad(x: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0) -> Any:
    """`np.pad` with a constant; pad_width is a number, (before, after), or such a pair for each axis from the first."""
    if mode != "constant":
        raise TypeError(f'np.pad on tensors takes the mode "constant", not {mode!r}; see nn.functional.pad')
    widths = np.broadcast_to(pad_width, (x.ndim, 2))
    return pad(x, widths[::-1].reshape(-1).tolist(), "constant", float(constant_values))


numpy_ops |= {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.numel() if axis is None else a.shape[axis],
    np.concatenate: cat,
    np.stack: stack,
    np.hstack: lambda tup: hstack(tup),
    np.vstack: lambda tup: vstack(tup),
    np.split: numpy_split,
    np.squeeze: numpy_squeeze,
    np.ravel: lambda a: ravel(a),
    np.tile: lambda A, reps: tile(A, reps),
    np.repeat: lambda a, repeats, axis=None: repeat_interleave(a, repeats, axis),
    np.meshgrid: lambda *xi, indexing="xy": meshgrid(*xi, indexing=indexing),
    np.pad: numpy_pad,
    np.diag: lambda v, k=0: diag(v, k),
    np.diagonal: lambda a, offset=0, axis1=0, axis2=1: diagonal(a, offset, axis1, axis2),
    np.tril: lambda m, k=0: tril(m, k),
    np.triu: lambda m, k=0: triu(m, k),
    np.take_along_axis: lambda arr, indices, axis=-1: take_along_dim(arr, indices, axis),
    np.bincount: lambda x, weights=None, minlength=0: bincount(x, weights, minlength),
    np.unique: lambda ar, *, axis=None: unique(ar, axis=axis),
    np.sort: lambda a, axis=-1: sort(a, axis).values,
    np.argsort: lambda a, axis=-1: argsort(a, axis),
    np.median: numpy_median,
    np.diff: lambda a, n=1, axis=-1: diff(a, n, axis),
}

# Methods of Tensor, but for what belongs to `nn.functional` alone.
add_methods({f.__name__: f for f in compositions.values() if f.__module__ == __name__ and f not in (pad, one_hot)})
add_methods({f"{f.__name__}_": underscored(f) for f in (index_add, scatter, scatter_add)})
add_methods({"repeat": tile})  # PyTorch's name of the method; NumPy's repeat is repeat_interleave
