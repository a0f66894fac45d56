"""Chapter 3e: linear algebra."""

import numpy as np

from minigrad.op import op


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
    return x @ y
