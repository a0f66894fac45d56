"""Chapter 3e: linear algebra, on matrices or stacks of matrices: leading axes broadcast.

Here are those that state a gradient; what is composed of them is in `minigrad/linalg.py`.
"""

import re
from string import ascii_letters

import numpy as np

from minigrad.op import op

# -- products --------------------------------------------------------------------------------------------------------


def mT(x):
    """A matrix, or a stack of matrices, transposed."""
    return np.swapaxes(x, -1, -2)


def matmul_x(g, x, y):
    """g yᵀ, with the axis put back that NumPy drops where x or y is a vector."""
    if y.ndim == 1:
        return g[..., None] * y
    return (g[..., None, :] if x.ndim == 1 else g) @ mT(y)


def matmul_y(g, x, y):
    """xᵀ g, with the axis put back that NumPy drops where x or y is a vector."""
    if x.ndim == 1:
        return x[:, None] * g[..., None, :] if y.ndim > 1 else x * g
    return (mT(x) @ g[..., None])[..., 0] if y.ndim == 1 else mT(x) @ g


@op(np.matmul, x=matmul_x, y=matmul_y)
def matmul(x, y):
    """x (..., n, k) @ y (..., k, m) gives (..., n, m); a vector is a row on the left, a column on the right."""
    try:
        return x @ y
    except ValueError:
        raise ValueError(mismatch(np.shape(x), np.shape(y))) from None


def mismatch(x, y):
    """Why arrays of the shapes `x` and `y` cannot be multiplied, and what to write instead."""
    if not x or not y:
        return "expected vectors or matrices; a number multiplies by x * y"
    if x[-1] == y[-2:][0]:
        return f"the leading axes {x[:-2]} and {y[:-2]} must agree: be equal, 1 or missing"
    hint = "; x @ y.mT would fit" if len(y) > 1 and x[-1] == y[-1] else ""
    which = "last but one" if len(y) > 1 else "only one"
    return f"the last axis of x ({x[-1]}) must equal the {which} of y ({y[-2:][0]}){hint}"


def einsum_arrays(g, arrays, arrays_shape, subscripts, i):
    """The einsum in which g takes the place of array i, whose labels are the result's.

    A label that none of the others has in full size was summed alone: its gradient is the same all along, times ones.
    A label that array i repeats stands for a diagonal: the identity puts the gradient there.
    """
    *terms, output = re.split(",|->", subscripts)
    own, terms[i] = terms[i], output
    factors, shapes = list(arrays), list(arrays_shape)
    factors[i], shapes[i] = g, g.shape
    known = {pair for term, shape in zip(terms, shapes, strict=True) for pair in zip(term, shape, strict=True)}
    labels = ""
    for label, size in zip(own, arrays_shape[i], strict=True):
        if label in labels:
            fresh = next(letter for letter in ascii_letters if letter not in f"{subscripts}{labels}")
            terms.append(f"{label}{fresh}")
            factors.append(np.identity(size, g.dtype, like=arrays[i]))
            label = fresh
        elif (label, size) not in known:
            terms.append(label)
            factors.append(np.ones_like(g, shape=(size,)))
        labels += label
    return einsum(*factors, subscripts=f"{','.join(terms)}->{labels}")


@op(arrays=einsum_arrays)
def einsum(*arrays, subscripts):
    """Products summed over the labels that are not in the result: "ij,jk->ik" is a matrix product."""
    if not re.fullmatch("[a-zA-Z,]*->[a-zA-Z]*", subscripts):
        expected = "a letter for each axis of each array and, after ->, of the result, as in 'ij,jk->ik'"
        raise ValueError(f"expected {expected}, not {subscripts!r}")
    return np.einsum(subscripts, *arrays, optimize=True)


# -- square matrices -------------------------------------------------------------------------------------------------


def check_square(x):
    """Raise unless x is a square matrix, or a stack of them, of a dtype that LAPACK takes."""
    if not hasattr(x, "shape") or x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"expected square matrices (..., n, n), got {getattr(x, 'shape', x)}")
    if x.dtype == np.float16:
        raise TypeError("LAPACK, which does the work, has no float16: write x.float()")


@op(np.linalg.inv, x=lambda g, out: -(mT(out) @ g @ mT(out)))
def inv(x):
    """x⁻¹, the inverse of invertible matrices x (..., n, n)."""
    check_square(x)
    return np.linalg.inv(x)


@op(A=lambda g, A, out: -(solve(mT(A), g) @ mT(out)), B=lambda g, A: solve(mT(A), g))
def solve(A, B):
    """A⁻¹ B, the X of A X = B: invertible A (..., n, n) and columns B (..., n, m) give (..., n, m)."""
    check_square(A)
    if B.ndim < 2 or A.shape[-1] != B.shape[-2]:
        raise ValueError(f"A {A.shape} takes B (..., {A.shape[-1]}, m), not {B.shape}")
    stack = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])  # which CuPy does not do by itself
    return np.linalg.solve(np.broadcast_to(A, stack + A.shape[-2:]), np.broadcast_to(B, stack + B.shape[-2:]))


@op()
def nearly_singular(A):
    """Whether computing the inverse of A (..., n, n) loses half of the digits: the condition number is over 1/√ε."""
    check_square(A)
    if not A.size:
        return np.zeros(A.shape[:-2], bool, like=A)
    condition = np.linalg.cond(A, 1)
    return condition > np.finfo(condition.dtype).eps ** -0.5


def det_x(g, x, out):
    """g times the cofactors of x: det(x) x⁻ᵀ, where the inverse can be trusted."""
    if nearly_singular(x).sum():
        return g[..., None, None] * cofactors(x)
    return (g * out)[..., None, None] * mT(inv(x))


def cofactors(x):
    """(−1)ⁱ⁺ʲ times the determinant of x without row i and column j: more work, but for singular matrices too."""
    n = x.shape[-1]
    others = np.array([[k for k in range(n) if k != i] for i in range(n)], int, like=x).reshape(n, max(n - 1, 0))
    minors = x[..., others[:, None, :, None], others[None, :, None, :]]
    from_corner = np.arange(n, like=x)
    return det(minors) * (1 - 2 * ((from_corner[:, None] + from_corner) % 2)).astype(x.dtype)


@op(np.linalg.det, x=det_x)
def det(x):
    """The determinants of matrices x (..., n, n). The gradient, and its own, are right for singular matrices too."""
    check_square(x)
    return np.linalg.det(x)


@op(saves=("sign",), A=lambda g, A: g[..., None, None] * mT(inv(A)))
def logabsdet(A):
    """log |det A| of matrices A (..., n, n), where the determinant itself would overflow; −∞ for singular ones."""
    check_square(A)
    sign, out = np.linalg.slogdet(A)
    return out, sign


def cholesky_A(g, out):
    """½ L⁻ᵀ (Φ + Φᵀ) L⁻¹, where Φ is the lower triangle of Lᵀ g with half of its diagonal."""
    n = out.shape[-1]
    phi = mT(out) @ g * (np.tri(n, dtype=out.dtype, like=out) - np.identity(n, out.dtype, like=out) / 2)
    back = inv(out)
    return mT(back) @ (phi + mT(phi)) @ back / 2


@op(A=cholesky_A)
def cholesky(A):
    """The lower triangular L with L Lᵀ = A, for symmetric and positive definite A (..., n, n). It reads A's lower half.

    Of the two elements that symmetry makes one, each gets half of the gradient, as in PyTorch.
    """
    check_square(A)
    return np.linalg.cholesky(A)


inverse = inv  # PyTorch's other name
