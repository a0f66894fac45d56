"""What `torch.linalg` offers, under the same names; and products under the names that they have in `torch` itself.

A room beside `functions.py`: the operators are in `ops/linalg.py`, and these are composed of them. "Matrices" may be
stacks of matrices, whose leading axes broadcast.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from operator import index
from string import ascii_letters
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad import functions, ops, rearrange
from minigrad.backend import is_array
from minigrad.errors import missing
from minigrad.op import beside_tensors, composed, numpy_ops
from minigrad.ops.elementwise import clone
from minigrad.ops.linalg import det, inv, inverse, matmul, mT
from minigrad.tensor import Tensor, add_methods, wrap

__all__ = [
    "SlogDet",
    "bmm",
    "cdist",
    "cholesky",
    "det",
    "dot",
    "einsum",
    "inner",
    "inv",
    "inverse",
    "kron",
    "logdet",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "mm",
    "mv",
    "norm",
    "outer",
    "slogdet",
    "solve",
    "solve_triangular",
    "tensordot",
    "trace",
    "vector_norm",
]
__getattr__ = missing(__name__, __all__)

# -- products --------------------------------------------------------------------------------------------------------


@composed
def dot(x: Any, y: Any) -> Any:
    """Σ xᵢ yᵢ of two vectors of the same length."""
    check_axes(x, y, 1, 1, "x @ y, or mg.inner(x, y)")
    return matmul(x, y)


@composed
def mv(x: Any, y: Any) -> Any:
    """The product of a matrix x (n, k) and a vector y (k)."""
    check_axes(x, y, 2, 1, "x @ y, which takes stacks too")
    return matmul(x, y)


@composed
def mm(x: Any, y: Any) -> Any:
    """The product of two matrices, x (n, k) and y (k, m)."""
    check_axes(x, y, 2, 2, "x @ y, which takes stacks and vectors too")
    return matmul(x, y)


@composed
def bmm(x: Any, y: Any) -> Any:
    """The products of two stacks of b matrices each, x (b, n, k) and y (b, k, m)."""
    check_axes(x, y, 3, 3, "x @ y, which broadcasts")
    if len(x) != len(y):
        raise ValueError(f"expected as many matrices in x as in y, got {len(x)} and {len(y)}; write x @ y to broadcast")
    return matmul(x, y)


@composed
def outer(x: Any, y: Any) -> Any:
    """All products xᵢ yⱼ of two vectors, as a matrix."""
    check_axes(x, y, 1, 1, "x[..., :, None] * y[..., None, :]")
    return x[:, None] * y


@composed
def inner(x: Any, y: Any) -> Any:
    """Products summed over the last axis of both; a number multiplies."""
    if not ndim(x) or not ndim(y):
        return x * y
    return tensordot(x, y, ([-1], [-1]))


@composed
def kron(x: Any, y: Any) -> Any:
    """The Kronecker product: each element of x, times all of y, as a block of the result."""
    n = max(x.ndim, y.ndim)
    x_shape = (1,) * (n - x.ndim) + x.shape
    y_shape = (1,) * (n - y.ndim) + y.shape
    blocks = x.reshape([size for rows in x_shape for size in (rows, 1)])
    within = y.reshape([size for rows in y_shape for size in (1, rows)])
    return (blocks * within).reshape([a * b for a, b in zip(x_shape, y_shape, strict=True)])


@composed
def tensordot(x: Any, y: Any, dims: Any = 2) -> Any:
    """Products summed over `dims`: the last of x and as many first ones of y; or a pair, the axes of x and those of y.

    >>> import minigrad as mg
    >>> tensordot(mg.ones(2, 3, 4), mg.ones(4, 3, 5), ([1, 2], [1, 0])).shape
    (2, 5)
    """
    if isinstance(dims, int):
        if not 0 <= dims <= min(x.ndim, y.ndim):
            raise ValueError(f"x has {x.ndim} axes and y {y.ndim}: {dims} of each cannot be summed over")
        dims = (range(x.ndim - dims, x.ndim), range(dims))
    of_x, of_y = [normalize_axis_tuple(axes, z.ndim) for axes, z in zip(dims, (x, y), strict=True)]
    sizes = [x.shape[axis] for axis in of_x], [y.shape[axis] for axis in of_y]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"the axes to sum over must have the same sizes in x and y; they have {sizes[0]} and {sizes[1]}"
        )
    x_labels, y_labels = list(ascii_letters[: x.ndim]), list(ascii_letters[x.ndim : x.ndim + y.ndim])
    for x_axis, y_axis in zip(of_x, of_y, strict=True):
        y_labels[y_axis] = x_labels[x_axis]
    kept = [label for label in x_labels + y_labels if (label in x_labels) != (label in y_labels)]
    return ops.linalg.einsum(x, y, subscripts=f"{''.join(x_labels)},{''.join(y_labels)}->{''.join(kept)}")


@composed
def einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's summation: one label for each axis, products summed over the labels that are not in the result.

    Args:
        subscripts: "ij,jk->ik" is a matrix product. Without "->" the result has the labels that occur once, in
            alphabetical order. A label that an operand repeats takes a diagonal. "..." stands for axes that broadcast.
        operands: tensors, one after the other or, as PyTorch has it too, in a list.

    Raises:
        ValueError: the subscripts do not fit the operands.

    >>> import minigrad as mg
    >>> einsum("ij,ij->i", mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([[1.0, 1.0], [0.0, 1.0]]))
    tensor([3., 4.])
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"expected subscripts first, as in einsum('ij,jk->ik', x, y), not {subscripts!r:.60}")
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        (operands,) = operands
    for i, operand in enumerate(operands):
        if isinstance(operand, int | float | np.generic):
            raise TypeError(f"operand {i} is a number, {operand!r}: multiply the result by it")
    return ops.linalg.einsum(*operands, subscripts=spelled_out(subscripts, [ndim(operand) for operand in operands]))


def spelled_out(subscripts: str, axes: Sequence[int]) -> str:
    """Subscripts with a label for each axis, in place of "...", and with those of the result, "->".

    >>> spelled_out("...ij,...j", [3, 2])
    'aij,aj->ai'
    """
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(axes):
        raise ValueError(f"{left!r} has subscripts for {len(terms)} operands, but {len(axes)} are given")
    hidden = [n - len(term.replace("...", "")) for term, n in zip(terms, axes, strict=True)]  # axes without a label
    for term, n, unnamed in zip(terms, axes, hidden, strict=True):
        if unnamed < 0 or (unnamed and "..." not in term):
            raise ValueError(f"{term!r} does not fit an operand with {n} axes: one label for each, or ... for several")
    free = "".join(letter for letter in ascii_letters if letter not in subscripts)
    leading = free[: max(hidden)]
    terms = [term.replace("...", leading[len(leading) - n :]) for term, n in zip(terms, hidden, strict=True)]
    if arrow:
        output = output.replace("...", leading)
    else:
        seen = Counter("".join(terms))
        output = leading + "".join(sorted(label for label in seen if seen[label] == 1 and label not in leading))
    return f"{','.join(terms)}->{output}"


def check_axes(x: Any, y: Any, x_axes: int, y_axes: int, cure: str) -> None:
    """Raise unless x and y have so many axes; `cure` says what takes others."""
    if (x.ndim, y.ndim) != (x_axes, y_axes):
        names = ("", "a vector", "a matrix", "a stack of matrices")
        expected = f"{names[x_axes]} x and {names[y_axes]} y"
        raise ValueError(f"expected {expected}, not {x.ndim} and {y.ndim} axes; write {cure}")


def ndim(x: Any) -> int:
    """How many axes an array, a list or a number has."""
    return x.ndim if hasattr(x, "ndim") else np.asarray(x).ndim


# -- square matrices -------------------------------------------------------------------------------------------------


@composed
def trace(x: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    if x.ndim != 2:
        raise ValueError(f"expected a matrix, got shape {x.shape}; for a stack write mg.einsum('...ii->...', x)")
    return rearrange.diagonal(x).sum()


@composed
def matrix_power(x: Any, n: int) -> Any:
    """x @ x @ ... @ x, n factors; of the inverse if n is negative, the identity if n is 0. x: square matrices."""
    ops.linalg.check_square(x)
    n = index(n)
    if n == 0:
        identity = np.broadcast_to(np.identity(x.shape[-1], x.dtype, like=x), x.shape)
        return clone(identity)
    x = inv(x) if n < 0 else x
    power, left = None, abs(n)
    while left:  # x, x², x⁴ ...: those that add up to n
        if left % 2:
            power = +x if power is None else power @ x
        left //= 2
        x = x @ x if left else x
    return power


class SlogDet(NamedTuple):
    """A determinant as sign · exp(logabsdet)."""

    sign: Any
    logabsdet: Any


@composed
def slogdet(x: Any) -> SlogDet:
    """The sign of the determinant (−1, 0 or 1, without gradient) and the logarithm of its absolute value.

    Raises, in the backward pass:
        ValueError: a matrix is singular, where the logarithm is −∞ and has no gradient.
    """
    logabsdet, sign = ops.linalg.logabsdet.with_extras(x)
    return SlogDet(wrap(sign.astype(logabsdet.dtype), None) if isinstance(x, Tensor) else sign, logabsdet)


@composed
def logdet(x: Any) -> Any:
    """The logarithm of the determinant: not a number where that is negative."""
    sign, logabsdet = slogdet(x)
    return np.where(sign < 0, math.nan, logabsdet)


@composed
def cholesky(x: Any, *, upper: bool = False) -> Any:
    """The lower triangular L with L Lᵀ = x, or the upper U with Uᵀ U = x, of symmetric, positive definite matrices.

    Only the lower, or the upper, half of x is read. Its gradient is symmetric: see the operator.
    """
    return mT(ops.linalg.cholesky(mT(x))) if upper else ops.linalg.cholesky(x)


@composed
def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """The X of A X = B, or with left=False of X A = B, for invertible matrices A (..., n, n).

    B is a vector (n), a stack of vectors, if it has the shape of A but for its last axis, or else matrices (..., n, m).
    For a stack of vectors of any other shape write `solve(A, B[..., None])[..., 0]`. Called on tensors,
    `np.linalg.solve` keeps NumPy's meaning: B is a vector if it has one axis, otherwise matrices.
    """
    vectors = B.ndim == 1 or B.shape == A.shape[:-1]
    if not left:
        if vectors:
            raise ValueError("with left=False B holds matrices (..., m, n); write B[..., None, :] for vectors")
        return mT(ops.linalg.solve(mT(A), mT(B)))
    return ops.linalg.solve(A, B[..., None])[..., 0] if vectors else ops.linalg.solve(A, B)


@composed
def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """As `solve`, with only the upper, or only the lower, triangle of A; unitriangular: with ones for its diagonal."""
    ops.linalg.check_square(A)
    triangle = ops.shape.triu(A) if upper else ops.shape.tril(A)
    if unitriangular:
        triangle = np.where(np.identity(A.shape[-1], bool, like=A), 1, triangle)
    if B.ndim < 2:
        raise ValueError(f"expected matrices B (..., n, m), got {B.shape}; write B[:, None] for one column")
    return ops.linalg.solve(triangle, B) if left else mT(ops.linalg.solve(mT(triangle), mT(B)))


# -- norms -----------------------------------------------------------------------------------------------------------


@composed
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Without `ord` the 2-norm over axis, or of all elements; with it that of vectors (one axis) or matrices (two).

    For what `ord` can be see `vector_norm` and `matrix_norm`.
    """
    if ord is None:
        return vector_norm(x, 2, axis, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if len(axes) not in (1, 2):
        raise ValueError(f"a norm with ord is of vectors or of matrices: expected 1 or 2 axes, not {len(axes)}")
    return vector_norm(x, ord, axes[0], keepdims) if len(axes) == 1 else matrix_norm(x, ord, axes, keepdims)


@composed
def cdist(x1: Any, x2: Any, p: float = 2.0) -> Any:
    """The p-norm of each difference of a row of x1 (..., n, d) and one of x2 (..., m, d), as a matrix (..., n, m).

    Its gradients are those of `norm`: for p = ∞ ties share evenly, where PyTorch's cdist gives the whole to each.
    """
    if ndim(x1) < 2 or ndim(x2) < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ValueError(f"x1 (..., n, d) and x2 (..., m, d) have one d, not x1 {x1.shape} and x2 {x2.shape}")
    return functions.norm(x1[..., :, None, :] - x2[..., None, :, :], p, -1)


@composed
def vector_norm(x: Any, ord: Any = 2, axis: Any = None, keepdims: bool = False) -> Any:
    """(Σ |xᵢ|ᵒʳᵈ)^(1/ord) over axis: None for all, a number or several. inf and −inf: the largest and smallest |xᵢ|."""
    return functions.norm(x, ord, axis, keepdims)


@composed
def matrix_norm(x: Any, ord: Any = "fro", axis: tuple[int, int] = (-2, -1), keepdims: bool = False) -> Any:
    """√Σ xᵢⱼ² for "fro"; the largest sum Σ |xᵢⱼ| of a column for 1, of a row for inf; the smallest for −1 and −inf."""
    if ord == "fro":
        return vector_norm(x, 2, tuple(axis), keepdims)
    if ord not in (1, -1, math.inf, -math.inf):
        also = "2, −2 and 'nuc' need singular values, which minigrad does not have"
        raise ValueError(f"ord must be 'fro', 1, −1, inf or −inf, not {ord!r}; {also}")
    rows, columns = axis
    summed, compared = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = np.abs(x).sum(summed, keepdims=True)
    out = np.max(sums, compared, keepdims=True) if ord > 0 else np.min(sums, compared, keepdims=True)
    return out if keepdims else out.squeeze(tuple(axis))


# -- what NumPy's functions of these names become on tensors, with NumPy's meaning ------------------------------------


def numpy_dot(x: Any, y: Any) -> Any:
    """`np.dot`: of vectors and matrices their product; of more axes, over the last of x and the last but one of y."""
    if not ndim(x) or not ndim(y):
        return ops.elementwise.multiply(x, y)
    if ndim(x) <= 2 and ndim(y) <= 2:
        return matmul(x, y)
    return tensordot(x, y, ([-1], [-min(y.ndim, 2)]))


def numpy_outer(x: Any, y: Any) -> Any:
    """`np.outer`, which flattens."""
    x, y = (v if isinstance(v, Tensor) or is_array(v) else beside_tensors(v, (x, y)) for v in (x, y))
    return ops.elementwise.multiply(ops.shape.reshape(x, (-1, 1)), ops.shape.reshape(y, (-1,)))


def numpy_tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """`np.tensordot`, where the axes to sum over have another name."""
    return tensordot(a, b, axes)


def numpy_trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """`np.trace`, which takes more axes, and other diagonals."""
    return rearrange.diagonal(x, offset, axis1, axis2).sum(-1)


def numpy_solve(A: Any, B: Any) -> Any:
    """`np.linalg.solve`, to which B is a vector if it has one axis, and otherwise matrices."""
    return ops.linalg.solve(A, B[:, None])[..., 0] if B.ndim == 1 else ops.linalg.solve(A, B)


numpy_ops |= {
    np.dot: numpy_dot,
    np.einsum: einsum,
    np.inner: inner,
    np.kron: kron,
    np.linalg.cholesky: cholesky,
    np.linalg.matrix_power: matrix_power,
    np.linalg.norm: norm,
    np.linalg.slogdet: slogdet,
    np.linalg.solve: numpy_solve,
    np.outer: numpy_outer,
    np.tensordot: numpy_tensordot,
    np.trace: numpy_trace,
}
add_methods({f.__name__: f for f in (bmm, dot, inner, kron, logdet, matrix_power, mm, mv, outer, slogdet, trace)})
