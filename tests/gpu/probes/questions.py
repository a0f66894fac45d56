"""The questions: each is the text of an expression, perhaps with statements before it, and its own name.

They are asked in a world of its own for each, so that no answer depends on another; see `world`.
"""

import copy
import io
import math
import operator
import pickle

import numpy as np


def world(cp):
    """What the questions speak of: the module, and small arrays.

    a b d h j u k: (2, 3) of float32, the same but positive, float64, float16, int32, uint8, bool; v: (3,); s: (3, 3)
    positive definite; x: (2, 3, 8, 8); z: zeros like a; i: [0, 1]; r: [0, 0]; n: like b, but NumPy's.
    """

    def up(values, dtype):
        return cp.asarray(np.array(values, dtype))

    def t(dtype):
        return up([1, 0, 2], dtype)

    def fuse(text, **options):
        scope = {"cp": cp, "np": np}
        exec(f"def fused(x):\n  return {text}", scope)
        return cp.fuse(**options)(scope["fused"])

    class Other:  # an array type that goes before CuPy's
        __array_ufunc__ = None
        __radd__ = __rmul__ = __rmatmul__ = lambda self, x: "other"

    class Tensor:  # one with the protocols of its own
        __array_priority__ = 10

        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return f"tensor's {ufunc.__name__}"

        def __array_function__(self, function, types, args, kwargs):
            return f"tensor's {function.__name__}"

    numbers = [[0, 1, 2], [3, 4, 5]]
    n = np.array([[0.5, 1, 1.5], [2, 2.5, 3]], "f4")
    return {
        **{"np": np, "cp": cp, "math": math, "operator": operator, "copy": copy, "pickle": pickle, "io": io},
        **{"t": t, "up": up, "fuse": fuse, "Other": Other, "Tensor": Tensor, "n": n},
        **{name: up(numbers, dtype) for name, dtype in {"a": "f4", "d": "f8", "h": "f2", "j": "i4", "u": "u1"}.items()},
        **{"b": up(n, "f4"), "k": up(np.array(numbers) > 2, bool), "z": up(np.zeros((2, 3)), "f4")},
        **{"v": up([1, 2, 3], "f4"), "i": up([0, 1], "i8"), "r": up([0, 0], "i8")},
        **{"s": up([[2, 1, 0], [1, 3, 1], [0, 1, 4]], "f4"), "x": up(np.arange(384).reshape(2, 3, 8, 8) % 7, "f4")},
    }


def words(text):
    return text.split()


def lines(text):
    return [line.strip() for line in text.strip().splitlines() if line.strip()]


DTYPES = ["?", "u1", "i4", "i8", "f2", "f4", "f8"]
UNARY = words(
    """abs absolute arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil copy cos cosh exp exp2 expm1 floor
invert isfinite isinf isnan log log10 log1p log2 logical_not negative positive reciprocal rint round sign signbit
sin sinc sinh sqrt square tan tanh trunc"""
)
BINARY = words(
    """add arctan2 bitwise_and bitwise_or bitwise_xor copysign divide divmod equal floor_divide fmod greater
greater_equal hypot isclose less less_equal logaddexp logical_and logical_or logical_xor maximum minimum multiply
not_equal power remainder subtract"""
)
PAIRS = ["f4 f8", "f2 f4", "f4 i8", "f4 i4", "f2 u1", "? f4", "u1 i4", "i4 i8", "? i8", "u1 f2", "i8 u1"]
NUMBERS = ["True", "2", "2.5", "np.float32(2)", "np.float64(2)", "np.int64(2)", "np.bool_(True)", "1j"]
REDUCE = words(
    "sum prod mean var std max min argmax argmin any all count_nonzero cumsum cumprod amax amin nansum nanmean"
)
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "@"]

TABLES = [
    *[f"np.{f}(t('{dtype}'))" for f in UNARY for dtype in DTYPES],
    *[f"np.{f}(t('{dtype}'), t('{dtype}'))" for f in BINARY for dtype in DTYPES],
    *[
        f"np.{f}(t('{p[:2].strip()}'), t('{p[-2:].strip()}'))"
        for f in ("add", "divide", "maximum", "power")
        for p in PAIRS
    ],
    *[f"np.where(t('?'), t('{p[:2].strip()}'), t('{p[-2:].strip()}'))" for p in PAIRS],
    *[f"t('{dtype}') {o} {x}" for o in ("+", "/", "<", "**") for dtype in DTYPES for x in NUMBERS],
    *[f"{x} {o} t('{dtype}')" for o in ("-", "//") for dtype in ("i4", "f2", "f4") for x in NUMBERS],
    *[f"np.{f}(t('{dtype}'))" for f in REDUCE for dtype in DTYPES],
    *[f"np.{f}(a, axis=1, keepdims=True)" for f in REDUCE],
    *[f"np.{f}(a, 0)" for f in REDUCE],
    *[f"a.{f}(0)" for f in REDUCE],
    *[f"a.{f}(1, keepdims=True)" for f in REDUCE],
    *[f"a.{f}((0, 1))" for f in REDUCE],
    *[f"np.{f}(a, axis=None)" for f in REDUCE],
    *[f"np.{f}(a, axis=2)" for f in REDUCE],
    *[f"np.{f}(a, axis=())" for f in REDUCE],
    *[f"np.{f}(cp.zeros(0))" for f in REDUCE],
    *[f"np.{f}(cp.zeros((0, 3)), axis=1)" for f in REDUCE],
    *[f"np.{f}(a, where=k)" for f in REDUCE],
    *[f"np.{f}(a, out=cp.zeros((), 'f4'))" for f in REDUCE],
    *[f"np.{f}(n, axis=0)" for f in ("sum", "exp")],
    *[f"np.{f}(a, 0, initial=0)" for f in ("sum", "max", "prod")],
    *[f"np.{f}(a, dtype='f8')" for f in REDUCE],
    *[f"j {o} j" for o in OPERATORS],
    *[f"a {o} n" for o in OPERATORS],
    *[f"n {o} a" for o in OPERATORS],
    *[f"a {o} np.array(2.0)" for o in OPERATORS],
    *[f"np.ones((2, 3), 'i4') {o} j" for o in OPERATORS],
    *[f"a {o} [1, 2, 3]" for o in OPERATORS],
    *[f"[1, 2, 3] {o} a" for o in OPERATORS],
    *[f"a {o} None" for o in OPERATORS],
    *[f"a {o} 'text'" for o in OPERATORS],
    *[f"a {o} Other()" for o in OPERATORS],
    *[f"a {o} Tensor()" for o in OPERATORS],
    *[f"Tensor() {o} a" for o in ("+", "==", "@")],
    *[f"operator.{o}(z, n)" for o in ("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow")],
    *[f"operator.{o}(z, a)" for o in ("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "imatmul")],
    *[f"operator.{o}(n, z)" for o in ("iadd", "imul")],
    *[f"operator.{o}(j, 2.5)" for o in ("iadd", "imul", "itruediv")],
    *[f"operator.{o}(z, d)" for o in ("iadd", "imul", "itruediv")],
    *[f"t('{dtype}').astype('{into}')" for dtype in DTYPES for into in ("?", "u1", "i4", "f2", "f8")],
    *[f"np.add.at(t('{dtype}'), r, t('{dtype}')[:2])" for dtype in ["?", "u1", "i2", "u4", "u8", *DTYPES[2:], "c8"]],
    *[f"np.{f}.at(t('{dtype}'), r, t('{dtype}')[:2])" for f in ("subtract", "maximum", "multiply") for dtype in DTYPES],
    *[f"np.{f}.{m}(a)" for f in ("add", "multiply", "maximum", "logical_and") for m in ("reduce", "accumulate")],
]

DISPATCH = lines("""
np.add(a, n)
np.add(n, a)
np.add(a, b, z)
np.add(a, b, out=z); z
np.add(a, b, out=(z,)); z
np.add(a, b, out=n)
np.add(n, 1, out=z)
np.add(a, d, out=z)
np.add(a, d, out=z, casting='unsafe')
np.add(a, b, out=cp.zeros((2, 2)))
np.add(a, b, out=cp.zeros((2, 2, 3), 'f4'))
np.add(a, b, dtype='f8')
np.add(a, b, dtype=np.float64)
np.add(a, b, where=k)
np.add(a, b, where=True)
np.add(a, b, order='C')
np.add(a, b, subok=True)
np.add(a)
np.add(a, b, a, b)
np.exp(a, out=z); z
np.exp([1.0, 2.0])
np.exp(1.0)
cp.exp([1.0, 2.0])
cp.exp(1.0)
cp.exp(n)
cp.maximum(a, 0)
np.maximum(a, 0)
np.maximum(0, a)
np.maximum(a, np.float32(2))
np.maximum(a, -math.inf)
np.modf(b)
np.frexp(b)
np.divmod(a, 2)
np.modf(b, out=(z, z))
np.ldexp(b, 2)
np.equal(a, None)
np.less(a, np.array(2.0))
np.greater(np.array(2.0), a)
np.vecdot(a, a)
np.spacing(a)
np.matvec(a, v)
np.heaviside(a, 1)
np.float_power(a, 2)
np.fabs(a)
np.deg2rad(a)
np.gcd(j, 2)
np.conjugate(a)
np.add.at(z, r, 1.0); z
np.add.at(z, r, a); z
np.add.at(z, i, n)
np.add.at(z, (i, i), v[:2]); z
cp.add.at(z, (i, i), v[:2]); z
np.add.at(z, [0, 0], 1.0); z
cp.add.at(z, [0, 0], 1.0); z
np.add.at(z, 0, 1.0); z
np.add.at(z, slice(0, 1), 1.0)
cp.add.at(z, slice(0, 1), 1.0); z
np.add.at(z, k, 1.0); z
np.add.at(z, np.array([0]), 1.0)
np.add.at(z, (slice(None), i), 1.0)
np.add.at(z, ..., 1.0)
np.add.at(z.reshape(-1), up([0, 0, 5], 'i8'), up([1, 2, 3], 'f4')); z
np.add.at(n, r, 1.0)
np.add.at(z, r, np.float32(1)); z
np.add.at(z, r, d[:2]); z
np.add.at(z, up([5], 'i8'), 1.0)
np.add.at(z, r)
np.negative.at(z, r)
np.add.outer(v, v)
np.add.outer(v, 2.0)
np.add.outer([1.0], v)
np.add.outer(range(2), range(2))
np.add.reduce(a, axis=1, keepdims=True)
np.add.reduceat(v, r[:1])
np.sum(a)
np.sum(a, axis=[0, 1])
np.sum(a, axis=(0, 1), keepdims=True)
np.sum(a, -1)
np.sum(a, np.int64(1))
np.sum(a, i[0])
np.sum(a, 0, 'f8')
a.sum(0, 'f8')
a.sum((1,), np.float64, keepdims=True)
a.sum(axis=0, dtype=np.float32)
h.sum()
h.sum((0,), np.float32, keepdims=True).astype(h.dtype)
np.sum([a, a])
np.sum(a, out=n)
cp.sum(n)
cp.sum([1, 2])
np.sum(a[0, 0], 0)
a[0, 0].max(axis=-1)
np.argmax(a[0, 0], 0)
np.all(k[0, 0], axis=0, keepdims=True)
np.mean(a[0, 0], -1)
np.prod(a[0, 0], ())
np.cumsum(a[0, 0], 0)
np.nanmean(a[0, 0], 0)
np.max(a, 1, keepdims=True)
np.max(up([1, np.nan, 2], 'f4'))
np.argmax(up([1, np.nan, 2], 'f4'))
np.argmax(a, 0, keepdims=True)
a.argmax(None, keepdims=True)
a.argmax(1, keepdims=False)
np.any(a, None, keepdims=True)
np.any(a)
np.all(a, 0)
a.any()
a.all()
np.count_nonzero(a, axis=0, keepdims=True)
np.mean(a, axis=1, dtype='f8')
j.mean()
k.mean(0, keepdims=True)
np.var(a, ddof=1)
np.var(a, correction=1)
a.var(0, ddof=1)
np.std(a, axis=0, keepdims=True)
np.median(a)
np.median(a, axis=1)
np.quantile(a, 0.5)
np.ptp(a)
np.average(a, weights=b)
np.cumsum(a, 0)
np.cumsum(a, None, np.float64)
np.cumsum(a, 0, np.dtype(np.float64))
np.cumsum(h, 0, np.float32)
np.cumsum(a, axis=None)
np.cumprod(a, 1)
np.cumsum(a[0, 0])
np.trace(s)
np.shape(a)
np.ndim(a)
np.size(a)
np.size(a, 0)
np.result_type(a, np.float64)
np.result_type(a, d)
np.result_type(a, h)
np.result_type(a.dtype, 'f8')
np.can_cast(a, 'f8')
np.can_cast(a.dtype, 'f2')
np.promote_types(a.dtype, 'f8')
np.min_scalar_type(a)
np.isscalar(a[0, 0])
np.iscomplexobj(a)
np.asarray(a)
np.array(a)
np.asanyarray(a)
np.ascontiguousarray(a)
np.array([a[0, 0], a[0, 1]])
np.asarray(2.0, a.dtype) * a
np.float32(a[0, 0])
np.int64(a[0, 0])
np.fromiter(a[0], float)
np.copy(a)
np.copyto(z, a); z
np.copyto(z, 2.0); z
np.copyto(z, d, casting='same_kind'); z
np.copyto(j, a, casting='same_kind')
np.copyto(z, a, where=k); z
np.copyto(z, n)
np.copyto(n, a)
np.copyto(z, v); z
np.copyto(z, j, casting='same_kind'); z
np.zeros_like(a)
np.zeros_like(a, dtype='f8')
np.zeros_like(a, shape=(2,))
np.zeros_like(n)
np.ones_like(a)
np.full_like(a, 2.0)
np.full_like(a, v[0])
np.empty_like(a).shape
np.empty_like(a, dtype=np.float64).dtype
np.zeros(2)
np.zeros(2, like=a)
np.zeros((2, 3), np.float32, like=a)
np.ones(2, like=a)
np.full(2, 1.0, like=a)
np.empty(2, like=a).shape
np.eye(2, like=a)
np.tri(2, like=a)
np.tri(2, 3, dtype=bool, like=a)
np.arange(3, like=a)
np.identity(2, like=a)
np.array([1.0], like=a)
np.asarray([1.0], like=a)
np.asarray(n, like=a)
np.array(n, dtype='f8', like=a)
np.linspace(0, 1, 3)
np.indices((2, 2))
np.where(k, a, b)
np.where(k, a, 0)
np.where(k, 0, a)
np.where(k, 1.0, 0.0)
np.where(k, 1, 0)
np.where(k, 1, b)
np.where(k, a, d)
np.where(k, a, -math.inf)
np.where(k, np.float64(1), a)
np.where(k, True, a)
np.where(k, a, False)
np.where(a, a, 1)
np.where(k, j, 0)
np.where(k, j, 2.5)
np.where(k, h, 1e3)
np.where(k, v, 0)
np.where(k[0], a, 0)
np.where(True, a, 0)
np.where(np.True_, a, 0)
np.where(n > 0, a, 0)
np.where(k, n, 0)
np.where(k, a, n)
np.where(k, a, [1, 2, 3])
np.where(k, a)
np.where(k)
np.clip(a, 1, 3)
np.clip(a, None, 3)
np.clip(a, 1, None)
np.clip(a, None, None)
np.clip(a, -math.inf, 3)
np.clip(a, 1)
np.clip(a, min=1, max=3)
np.clip(a, a_min=1, a_max=3)
np.clip(a, b, 3)
np.clip(a, v, 3)
np.clip(a, n, 3)
np.clip(a, 1, 3, out=z); z
np.clip(a, 1, 3, dtype='f8')
np.clip(a, np.float64(1), 3)
np.clip(j, 1, 3)
np.clip(j, 0.5, 2.5)
np.clip(u, 1, 300)
np.clip(h, -100, 3)
a.clip(1, 3)
a.clip(1)
a.clip(min=1)
a.clip(max=2)
a.clip(a_min=1)
np.nan_to_num(up([np.nan, np.inf, -np.inf, 1], 'f4'))
np.nan_to_num(up([np.nan, np.inf, -np.inf, 1], 'f4'), nan=0.0, posinf=None, neginf=None)
np.nan_to_num(up([np.nan, np.inf, -np.inf, 1], 'f4'), nan=1.0, posinf=3.0, neginf=2.0)
np.nan_to_num(a, copy=False)
np.round(b, 0)
np.round(b, 1)
np.round(b, decimals=1)
np.around(b, 1)
b.round()
b.round(1)
np.round(j, -1)
np.fix(b)
np.isclose(a, b, 1e-5, 1e-8, True)
np.isclose(a, b, rtol=1e-5)
np.isclose(a, 1.0)
np.isclose(a, n)
np.allclose(a, a)
np.allclose(a, n)
np.array_equal(a, a)
np.array_equal(a, a, equal_nan=True)
np.array_equiv(a, a)
np.real(a)
np.isreal(a)
np.matmul(a, b.T)
np.matmul(a, b.T, out=cp.zeros((2, 2), 'f4'))
np.matmul(x, cp.ones((8, 3), 'f4'), out=cp.zeros((2, 3, 8, 3), 'f4'))
np.matmul(x[:, :1], x[:1])
np.matmul(a, b)
a @ v
v @ a.T
v @ v
a @ 2
2 @ a
a @ v[0]
a @ n.T
n.T @ a
d @ a.T
h @ h.T
j @ j.T
k @ k.T
cp.zeros((2, 0)) @ cp.zeros((0, 3))
x @ x
x @ x[0, 0]
np.dot(a, b.T)
np.dot(a, 2.0)
np.dot(v, v)
np.vdot(v, v)
np.inner(a, b)
np.outer(v, v)
np.tensordot(a, b, 2)
np.tensordot(a, b, ([1], [1]))
np.kron(a, b)
np.cross(v, v)
np.einsum('ij,kj->ik', a, b)
np.einsum('ij,kj->ik', a, b, optimize=True)
np.einsum('ij,jk,kl->il', a, s, s, optimize=True)
np.einsum('ij->ji', a)
np.einsum('ij->', a, optimize=True)
np.einsum('ii->i', s)
np.einsum('ii', s)
np.einsum('ij,j->i', a, v, optimize=True)
np.einsum('ij,ij->ij', a, n)
np.einsum('ij,kj->ik', a, b, out=cp.zeros((2, 2), 'f4'))
np.einsum('ij,ij->ij', a, d, optimize=True)
np.einsum('ij,kl->ijkl', a, b, optimize=True)
np.einsum('i,i->', v, v, optimize=True)
np.einsum(',i->i', v[0], v, optimize=True)
np.linalg.inv(s)
np.linalg.solve(s, s)
np.linalg.solve(s, v)
np.linalg.solve(cp.stack([s, s]), s)
np.linalg.solve(cp.stack([s, s]), cp.stack([s, s]))
np.linalg.det(s)
np.linalg.slogdet(s)
np.linalg.cholesky(s)
np.linalg.qr(s)
np.linalg.cond(s, 1)
np.linalg.eigh(s)
np.linalg.svd(s)
np.linalg.norm(a)
np.linalg.norm(a, axis=1)
np.linalg.norm(a, ord=1, axis=1, keepdims=True)
np.linalg.norm(a, 'fro')
np.linalg.matrix_power(s, 2)
np.linalg.matrix_power(s, 0)
np.linalg.multi_dot([a, s])
np.linalg.vector_norm(a)
np.linalg.matmul(a, b.T)
np.linalg.pinv(s)
np.reshape(a, (3, 2))
np.reshape(a, -1)
np.reshape(a, (3, -1))
np.reshape(a, (4, 2))
np.reshape(a, (i[1], -1))
np.reshape(a, shape=(3, 2))
np.reshape(a, newshape=(3, 2))
np.ravel(a)
np.transpose(a)
np.transpose(x, (0, 2, 3, 1))
np.transpose(x, None)
np.transpose(a, axes=(1, 0))
np.permute_dims(a, (1, 0))
np.matrix_transpose(a)
np.swapaxes(x, -1, -2)
np.swapaxes(a, 0, 2)
np.moveaxis(x, 0, -1)
np.moveaxis(x, (0, 1), (-2, -1))
np.rollaxis(x, 1)
np.expand_dims(a, 0)
np.expand_dims(a, (0, -1))
np.expand_dims(a, 5)
np.squeeze(a)
np.squeeze(a[None], 0)
np.squeeze(a[None], axis=(0,))
np.squeeze(a, 0)
np.broadcast_to(v, (2, 3))
np.broadcast_to(v, 3)
np.broadcast_to(a, (3,))
np.broadcast_to(2.0, (3,))
np.broadcast_to(v[0], (2,))
np.broadcast_to(a, shape=(2, 2, 3))
np.broadcast_arrays(a, v)
np.broadcast_shapes(a.shape, (3,))
np.atleast_2d(v)
np.flip(a)
np.flip(a, 0)
np.flip(a, (0, 1))
np.flip(a, None)
np.flip(a, 0).copy()
np.flip(v[0])
np.roll(a, 1)
np.roll(a, 1, 1)
np.roll(a, (1, 1), (0, 1))
np.roll(a, np.negative((1, 1)), (0, 1))
np.roll(a, np.negative(1), 1)
np.roll(a, up(1, 'i8'), 1)
np.rot90(a)
np.tril(s, 1)
np.triu(s, -1)
np.tril(x)
np.tril(s, k=0)
np.concatenate([a, b])
np.concatenate((a, b), 1)
np.concatenate((a, b), axis=-1)
np.concatenate([a, b], axis=None)
np.concatenate([a, d])
np.concatenate([a, n])
np.concatenate([a, [[1, 2, 3]]])
np.concatenate([a, 2])
np.concatenate([a, v])
np.concatenate([])
np.concatenate([a, b], dtype='f8')
np.concatenate([a, b], out=cp.zeros((4, 3), 'f4'))
np.concat([a, b])
np.stack([a, b])
np.stack([a, b], axis=-1)
np.stack([a, n])
np.stack([v[0], v[1]])
np.vstack([a, v])
np.hstack([a, b])
np.hstack([v, v])
np.dstack([a, b])
np.block([a, b])
np.unstack(a)
np.append(a, b)
np.insert(a, 0, 1)
np.delete(a, 0)
np.split(a, 2)
np.split(a, [1], axis=1)
np.split(a, i)
np.array_split(a, 2, axis=1)
np.pad(a, 1)
np.pad(a, ((1, 0), (0, 2)))
np.pad(a, 1, 'edge')
np.pad(a, 1, 'wrap')
np.pad(a, 1, 'reflect')
np.pad(a, 1, 'constant', constant_values=2)
np.pad(np.arange(3), 1, 'edge')
np.tile(a, (2, 1))
np.repeat(a, 2, 0)
np.repeat(a, 2)
np.repeat(a, [1, 2], 0)
np.repeat(a, i, 0)
np.repeat(a, np.array([1, 2]), 0)
np.repeat(np.arange(2), i)
np.take(a, i, 0)
np.take(a, i[::-1], axis=1)
np.take(a, 0, 0)
np.take(a, [0], 0)
np.take(a, np.array([0]), 0)
np.take_along_axis(a, up([[0], [2]], 'i8'), 1)
np.take_along_axis(a, up([[0], [2]], 'i8'), axis=-1)
np.take_along_axis(a, up([0], 'i8'), None)
np.take_along_axis(a, up([[0], [2]], 'f4'), 1)
np.put_along_axis(z, up([[0], [2]], 'i8'), 2.0, 1); z
np.put_along_axis(z, up([[0], [2]], 'i8'), v[:2, None], 1); z
np.diag(v)
np.diag(s, 1)
np.diagonal(s)
np.diagonal(x, 0, 2, 3)
np.meshgrid(v, v)
np.meshgrid(v, v, indexing='ij')
np.diff(a)
np.diff(a, axis=0)
np.sort(a)
np.sort(a, axis=0)
np.sort(a, None)
np.sort(a, kind='stable')
np.sort(a, stable=True)
np.argsort(a)
np.argsort(up([2, 1, 2, 1], 'f4'), kind='stable')
np.argsort(up([2, 1, 2, 1], 'f4'), 0, kind='stable')
np.argsort(up([2, np.nan, 1], 'f4'), -1, kind='stable')
np.argsort(a, axis=None, kind='stable')
np.argsort(a, kind='quicksort')
np.argsort(a, stable=True)
np.argsort(k, kind='stable')
np.argsort(v[0])
np.partition(a, 1)
np.unique(a)
np.searchsorted(v, v)
np.nonzero(a)
np.nonzero(v[0])
np.flatnonzero(a)
np.argwhere(a)
np.argwhere(v[0])
np.isin(a, v)
np.bincount(r)
np.bincount(r, minlength=3)
np.histogram(v, 2)
np.unravel_index(i, (2, 3))
np.ravel_multi_index((i, i), (2, 3))
np.select([k], [a], 0)
np.indices((2, 2), sparse=True)
cp.indices((2, 2))
cp.indices((2, 2), sparse=True)
np.lib.stride_tricks.sliding_window_view(v, 2)
np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3)).shape
np.lib.stride_tricks.as_strided(v, (2, 2), (4, 4))
np.lib.stride_tricks.broadcast_to(v, (2, 3))
np.array2string(a, separator=', ', precision=4, prefix='tensor(')
np.array_repr(a)
np.array_str(a)
np.save(io.BytesIO(), a)
np.savez(io.BytesIO(), a=a)
np.testing.assert_allclose(a, a)
np.from_dlpack(a)
np.frombuffer(a)
np.vectorize(lambda e: e)(a)
np.apply_along_axis(lambda e: e.sum(), 0, a)
np.piecewise(a, [k], [1, 2])
np.gradient(v)
np.interp(v, v, v)
np.linspace(a[0, 0], 1, 3)
np.arange(v[1])
np.full((2,), v[0])
np.finfo(a.dtype).eps
np.may_share_memory(a, a.T)
np.shares_memory(a, a.T)
np.astype(a, 'f8')
np.trapezoid(v)
np.cov(a)
np.errstate
np.zeros_like(a, shape=(2, 2))
np.zeros_like(a, 'f8', shape=(2, 2))
np.zeros_like(a, np.float32, shape=())
np.ones_like(a, shape=(2,))
np.ones_like(a, shape=())
np.full_like(a, 2, shape=())
np.full(2, v[0])
np.full_like(v[0], 2)
np.zeros((), np.float32, like=a)
np.zeros(shape=(), dtype='f4', like=a)
np.empty((), np.float32, like=a).shape
np.full_like(a, 2.5, shape=(2,))
np.full_like(j, -1, shape=(2, 2))
np.full_like(a, np.float32(2))
np.full_like(k, True)
np.empty_like(a, shape=(2, 2)).shape
np.empty((2, 2), np.float32, like=a).shape
np.empty((2, 2), np.result_type(a, d), like=a).dtype
np.zeros((2, 2), bool, like=a)
np.identity(2, np.float32, like=a)
np.identity(2, bool, like=a)
np.identity(2, a.dtype, like=a) / 2
np.tri(2, dtype=np.float32, like=a)
np.tri(2, 3, 1, dtype=bool, like=a)
np.tri(3, k=-1, like=a)
np.arange(3, dtype=np.uint32, like=a)
np.arange(1, 7, 2, like=a)
np.arange(0, 1, 0.5, 'f4', like=a)
np.array([[0, 1], [1, 2]], int, like=a)
np.array([], int, like=a).reshape(0, 0)
np.array(a, like=a) is a
np.asarray(a, like=a) is a
np.asarray(2.0, a.dtype, like=a)
np.asarray(2.0, like=a)
np.asarray(n, np.float64, like=a)
np.asarray(a, np.float64, like=a)
np.asarray(a, like=n)
np.array([a[0, 0]], like=a)
np.asanyarray(n, like=a)
np.ascontiguousarray(a, like=a) is a
np.ascontiguousarray(n, like=a)
np.fromiter([1.0, 2.0], float, like=a)
np.frombuffer(n.tobytes(), 'f4', like=a)
np.fromfunction(lambda p: p, (2,), like=a)
np.linspace(0, 1, 3, like=a)
np.maximum.at(j.reshape(-1), r, i); j
w = up([0, 0, 0], 'i8'); np.maximum.at(w, r, up([5, 3], 'i8')); w
w = up([0, 0, 0], 'i8'); np.maximum.at(w, up([0, 2], 'i8'), 7); w
w = up([0, 0], 'f4'); np.maximum.at(w, r, up([2, np.nan], 'f4')); w
np.minimum.at(z, r, -1.0); z
np.maximum.at(h, r, h)
np.add.at(z.reshape(-1), up([[0, 1], [1, 5]], 'i8'), up([[1, 2], [3, 4]], 'f4')); z
np.add.at(z.T, up([0, 0], 'i8'), 1.0); z
np.add.at(z[0], up([0, 0, 2], 'i8'), 1.0); z
np.add.at(z, i[0], 1.0); z
np.add.at(z, up(0, 'i8'), v); z
np.add.at(z, u[0, :2], 1.0); z
np.add.at(z, j[0, :2], 1.0); z
np.add.at(z, k, up([1, 2, 3], 'f4')); z
np.add.at(z, i, v); z
np.add.at(z, i, h[:2]); z
np.add.at(z, i, j[:2]); z
np.add.at(z, i, 1); z
np.add.at(z, v, 1.0)
np.add.at(z, np.int64(1), 1.0); z
np.add.at(h, i, h)
np.add.at(h, i, 1.0); h
np.outer(v, 2.0)
np.inner(v, 2.0)
np.kron(v, 2.0)
np.vdot(v, 2.0)
np.cross(v, [1, 2, 3])
np.inner(v, n[0])
np.average(a)
np.average(a, axis=0)
np.delete(a, 0, 0)
np.delete(a, i)
np.array_equal(a, n)
np.array_equal(a, 2)
np.linspace(v[0], v[1], 2)
np.reshape(a, [i[1], 6])
np.transpose(a, (i[1], 0))
np.tile(a, (i[1], 1))
np.expand_dims(a, i[0])
np.squeeze(a, i[0])
np.cumsum(a, i[0])
np.argsort(a, i[0])
np.tril(s, i[0])
np.pad(a, ((i[0], 1), (0, 0)))
np.moveaxis(a, i[0], 1)
np.swapaxes(a, i[0], 1)
np.flip(a, i[0])
np.take(a, i, i[0])
np.concatenate([a, b], i[0])
np.stack([a, b], i[0])
np.max(a, i[0])
np.clip(j, 1, 2**40)
np.clip(j, np.int64(1), 3)
np.maximum(u, 300)
np.where(k, u, 300)
u == 300
u < 300
u & 300
np.add(u, -1)
j + 2**40
cp.full((2,), 300, 'u1')
u[0] = 300
np.full_like(u, 300)
np.isclose(a, a, 1e-5, 1e-8, False)
np.logaddexp(0, a)
np.hypot(a, 1)
np.copysign(1, -a)
np.arctan2(1, a)
np.logical_and(a, True)
np.equal(a, 2)
np.power(a, 2)
np.power(2, j)
np.float32(2) ** a
np.negative(u)
np.negative(k)
np.absolute(k)
np.sqrt(-b)
np.sum(a > 1)
np.sum(a > 1, axis=0)
(a > 1).sum(1, keepdims=True)
(a != 0).sum(0, keepdims=True)
np.max(a, (0, 1), keepdims=True)
np.min(a, 0, keepdims=True)
np.prod(a, 0, keepdims=True)
np.any(a, (0, 1), keepdims=True)
np.all(a, axis=(0, 1))
np.abs(a).sum(0, keepdims=True)
np.max(k, 1)
np.max(cp.zeros((2, 0)), 0)
np.max(cp.zeros((2, 0)), 1)
np.sum(cp.zeros((2, 0)), 1)
np.argmax(cp.zeros((2, 0)), 1)
np.any(cp.zeros((0,)))
np.prod(cp.zeros((0, 2)), 0)
np.argsort(cp.zeros((0, 2)), 0, kind='stable')
np.cumsum(cp.zeros((0, 2)), 0)
np.concatenate([cp.zeros((0, 3)), d])
np.matmul(cp.zeros((2, 3, 0), 'f4'), cp.zeros((2, 0, 4), 'f4'))
np.matmul(cp.zeros((0, 2, 3), 'f4'), cp.zeros((3, 4), 'f4'))
np.einsum('ij,kj->ik', cp.zeros((2, 0)), cp.zeros((3, 0)))
np.linalg.inv(cp.zeros((0, 2, 2)))
np.where(cp.zeros((0,), bool), cp.zeros(0), 1)
np.flip(cp.zeros((0, 2)), 0)
np.pad(cp.zeros((0, 2)), 1)
cp.zeros((0, 3)).reshape(3, -1)
cp.zeros((0, 3)).reshape(-1)
cp.zeros((0, 3))[i]
cp.zeros((0, 3))[:, i]
cp.zeros((2, 3))[up([], 'i8')]
cp.zeros((0,)).min()
np.sum(Tensor(), a)
np.concatenate([a, Tensor()])
np.ones(3) * cp.ones(3).sum()
""")

ARRAY = lines("""
type(a).__name__, type(a).__module__
isinstance(a, np.ndarray)
isinstance(a, cp.ndarray)
isinstance(a[0, 0], np.generic)
isinstance(a.dtype, np.dtype)
a.shape, a.ndim, a.size, a.itemsize, a.nbytes, a.strides
len(a)
len(v[0])
iter(v[0])
[e.shape for e in a]
3.0 in a
a.base is None
a.copy().base is None
a.reshape(6).base is a
a.reshape(6)[1:].base is a
a.reshape(6).T.base is a
a.T.base is a
a.T.T.base is a
a.T.reshape(-1).base is None
a.T.reshape(6).base is a
a[0].base is a
a[0, 0].base is a
a[()].base is a
a[...] is a
a[...].base is a
a[i].base is None
a[k].base is None
a.ravel().base is a
a.flatten().base is None
a.view().base is a
a.astype('f4', copy=False) is a
a.astype('f4') is a
a.astype('f8').base is None
a.squeeze() is a
np.squeeze(a) is a
a[None].squeeze().base is a
a.real is a
np.real(a) is a
a.T is a
v.T is v
np.transpose(v) is v
np.broadcast_to(a, (2, 2, 3)).base is a
np.broadcast_to(a, (2, 3)) is a
np.reshape(a, (2, 3)) is a
np.reshape(a, (2, 3)).base is a
np.expand_dims(a, 0).base is a
np.swapaxes(a, 0, 1).base is a
a.swapaxes(0, 1).base is a
np.moveaxis(a, 0, 1).base is a
np.flip(a, 0).base is a
np.diagonal(s).base is s
a.transpose(1, 0).base is a
(+a) is a
abs(a) is a
np.sum(a, ()) is a
np.concatenate([a]) is a
cp.asarray(a) is a
cp.asarray(a, 'f8').base is None
cp.array(a) is a
cp.array(a, copy=False) is a
cp.ascontiguousarray(a) is a
cp.ascontiguousarray(a.T) is a
np.einsum('ij->ji', a).base is a
cp.asarray(n).base is None
w = a; w += 1; w is a
w = a.T; w += 1; a
w = a[0]; w[...] = 7; a
w = a.reshape(-1); w[0] = 7; a
a.shape = (3, 2); a
a.T.shape = (6,)
a.flags.c_contiguous, a.flags.f_contiguous, a.flags.owndata
a.T.flags.c_contiguous, a.T.flags.f_contiguous, a.T.flags.owndata
a.flags['C_CONTIGUOUS']
a.flags.writeable
a.flags.contiguous
a.setflags(write=False)
np.exp(a.T).flags.c_contiguous
(a.T + a.T).flags.c_contiguous
(a.T * 2).flags.c_contiguous
a.T.copy().flags.c_contiguous
a.T.astype('f8').flags.c_contiguous
np.copy(a.T).flags.c_contiguous
np.zeros_like(a.T).flags.c_contiguous
np.where(k.T, a.T, 0).flags.c_contiguous
a.copy('F').flags.f_contiguous
cp.zeros((2, 3), order='F').flags.f_contiguous
a.T.reshape(2, 3).flags.c_contiguous
(-a.T).flags.c_contiguous
np.sum(x.transpose(3, 2, 1, 0), 0).flags.c_contiguous
np.concatenate([a.T, a.T]).flags.c_contiguous
np.matmul(a.T, a).flags.c_contiguous
np.round(a.T, 1).flags.c_contiguous
np.clip(a.T, 1, 2).flags.c_contiguous
np.nan_to_num(a.T).flags.c_contiguous
np.pad(a.T, 1).flags.c_contiguous
np.flip(a.T, 0).copy().flags.c_contiguous
np.cumsum(a.T, 0).flags.c_contiguous
np.cumprod(a.T, 1).flags.c_contiguous
np.sort(a.T, 0).flags.c_contiguous
np.argsort(a.T, 0).flags.c_contiguous
np.take(a.T, i, 0).flags.c_contiguous
np.tril(s.T).flags.c_contiguous
np.triu(s.T).flags.c_contiguous
np.repeat(a.T, 2, 0).flags.c_contiguous
np.tile(a.T, (2, 1)).flags.c_contiguous
np.roll(a.T, 1, 0).flags.c_contiguous
np.stack([a.T, a.T]).flags.c_contiguous
np.max(x.transpose(3, 2, 1, 0), 1).flags.c_contiguous
np.max(x.transpose(3, 2, 1, 0), 1, keepdims=True).flags.c_contiguous
np.argmax(x.transpose(3, 2, 1, 0), 1).flags.c_contiguous
np.mean(x.transpose(3, 2, 1, 0), (0, 1)).flags.c_contiguous
np.any(x.transpose(3, 2, 1, 0), 1).flags.c_contiguous
np.var(x.transpose(3, 2, 1, 0), 1).flags.c_contiguous
np.prod(x.transpose(3, 2, 1, 0), 1).flags.c_contiguous
np.isclose(a.T, a.T).flags.c_contiguous
np.diff(a.T).flags.c_contiguous
np.tensordot(a.T, a, 1).flags.c_contiguous
np.take_along_axis(a.T, j.T * 0, 0).flags.c_contiguous
np.ones_like(a.T).flags.c_contiguous
np.full_like(a.T, 1).flags.c_contiguous
np.empty_like(a.T).flags.c_contiguous
np.zeros_like(a.T, shape=(2, 3)).flags.c_contiguous
np.zeros_like(a.T, dtype='f8').flags.c_contiguous
np.maximum(a.T, 0).flags.c_contiguous
np.add(a.T, a.T, dtype='f8').flags.c_contiguous
np.add.outer(v, a.T).flags.c_contiguous
np.cumsum(a.T, 0, np.float64).flags.c_contiguous
(a.T > 1).flags.c_contiguous
(~k.T).flags.c_contiguous
a.T[i].flags.c_contiguous
a.T[:, i].flags.c_contiguous
x[:, i, :, i].flags.c_contiguous
x[:, :, i].flags.c_contiguous
x[..., i].flags.c_contiguous
a.T[i, None].flags.c_contiguous
a.T[k.T].flags.c_contiguous
a.T.flatten().tolist()
a.T.ravel().tolist()
a.T.ravel().base is a
a.T.astype('f8').strides
a.T.astype('f4').flags.c_contiguous
a.T.astype('f4', copy=False) is a
x.transpose(1, 0, 3, 2).astype('f8').strides
x.transpose(1, 0, 3, 2).copy().strides
np.zeros_like(x.transpose(1, 0, 3, 2)).strides
np.broadcast_to(v, (2, 3)).strides
np.broadcast_to(v, (2, 3)).copy().strides
np.broadcast_to(v, (2, 3)).astype('f8').strides
np.zeros_like(np.broadcast_to(v, (2, 3))).strides
np.expand_dims(v, 0).strides
a[:, :1].reshape(2).strides
a[0, 0].reshape(1, 1).strides
a.reshape(2, 1, 3).strides
a[::-1].strides
v[0].base is v
a[0][1].base is a
a[(0, 1)].base is a
w = a[0, 1]; w += 10; a
w = a[0, 1]; a[0, 1] = 7; w
w = a[i[0], i[1]]; w += 10; a
w = a.sum(); w += 1; w
w = a.T.reshape(-1); w[0] = 9; a
[e.base is a for e in a]
a.device
a.data.ptr > 0
a.flat
a.ctypes
a.__array_interface__
memoryview(a)
a.itemset(0, 1)
a.resize(3)
a.__array__()
a.__array_priority__
a.__index__()
a.__imatmul__
a.__dlpack_device__()[1]
hash(a)
bool(a)
bool(v[0])
bool(cp.zeros((1, 1)))
bool(cp.zeros(0))
if_ = 1 if a.sum() > 0 else 2; if_
not v[0]
v[0] and 1
float(v[0])
float(v[:1])
float(a)
int(v[0])
complex(v[0])
round(v[0])
math.sqrt(v[0])
math.floor(v[0])
operator.index(i[0])
range(i[1])
[1, 2][i[0]]
[1] * i[1]
f'{v[0]:.2f}'
'%.2f' % v[0]
'%s' % v
f'{v}'
repr(v)
str(v)
a.item()
v[0].item()
v[:1].item()
v.item(0)
a.tolist()
v[0].tolist()
a.tobytes()
a.get()
a.get().flags.writeable
cp.asnumpy(a)
cp.asnumpy(n)
cp.asnumpy([1.0])
max([v[0], v[1]])
sum([v[0], v[1]])
sorted([v[1], v[0]])
v[0] < v[1]
copy.copy(a) is a
copy.deepcopy(a)
pickle.loads(pickle.dumps(a))
cp.ndarray((2, 3)).shape
cp.ndarray((2, 3), 'f4').dtype
cp.asarray([a[0, 0], a[0, 1]])
cp.asarray([[a[0, 0]], [1.0]])
cp.asarray([1, 2])
cp.asarray([1.0, 2.0])
cp.asarray(2.0)
cp.asarray(np.float32(2))
cp.asarray(True)
cp.asarray(None)
cp.asarray('text')
cp.asarray([[1], [1, 2]])
cp.asarray(np.array(['a']))
cp.asarray(np.ones(2, 'g'))
cp.asarray(n.astype(object))
cp.asarray(range(3))
cp.asarray(n[:, ::-1])
cp.asarray(n, dtype=np.float64)
cp.asarray(n, np.float64)
cp.asarray(a, dtype='i8')
cp.asarray((1, 2.5))
cp.array(n, copy=False)
cp.array(n, copy=True)
cp.array([1, 2], dtype='f4', ndmin=2)
cp.asarray(n.T).flags.f_contiguous
cp.asarray(memoryview(n))
n[0] = 7; cp.asarray(n)
w = cp.asarray(n); n[0] = 7; w
cp.zeros(3)
cp.zeros((2, 3), 'f4')
cp.zeros(3, device='cuda')
cp.ones(3, dtype=np.float32)
cp.full((2,), 2.5)
cp.full((2,), 2.5, 'f4')
cp.full((2,), 2)
cp.empty((2, 3)).shape
cp.eye(3, dtype='f4')
cp.eye(2, 3)
cp.tri(3)
cp.arange(3)
cp.arange(0, 1, 0.25)
cp.arange(3, dtype='f4')
cp.linspace(0, 1, 3)
cp.zeros(1, 'g')
cp.zeros(1, 'O')
cp.float32 is np.float32
cp.float32(3)
cp.pi
cp.newaxis is None
cp.get_array_module(a) is cp
cp.get_array_module(n) is np
cp.is_available()
cp.cuda.is_available()
cp.cuda.Device(0).id
cp.cuda.Device().id
cp.cuda.runtime.getDeviceCount()
cp.cuda.get_current_stream().synchronize()
cp.cuda.Device(0).synchronize()
cp.get_default_memory_pool().free_all_blocks()
cp.get_default_memory_pool().used_bytes() > 0
cp.get_default_memory_pool().total_bytes() > 0
type(cp.cuda.runtime.getDeviceProperties(0)['name']).__name__
with_ = cp.cuda.Device(0).__enter__(); with_.id
cp.add.types[0]
cp.add.nin, cp.add.nout
cp.errstate
cp.block
cp.insert
cp.ndenumerate
cp.frompyfunc
cp.einsum_path
cp.unstack
cp.geomspace
cp.from_dlpack(a)
a[0]
a[-1]
a[5]
a[-3]
a[0, 1]
a[0, 5]
a[0, 0, 0]
a[()]
a[...]
a[..., 0]
a[None]
a[:, None]
a[:, ::2]
a[::-1, ::-2]
a[5:]
a[slice(i[0], 2)]
a[np.int64(0)]
a[np.int64(0), np.int64(1)]
a[True]
a[False]
a[np.True_]
a[1.0]
a['x']
a[i]
a[i, i]
a[:, i]
a[i, None]
a[i[:, None], i]
a[..., i]
a[i[0]]
a[i[0], i[1]]
a[j[:, :1]]
a[j[:, :1] * 0, 1]
a[u[0, :2]]
a[v]
a[r]
a[-i - 1]
a[up([5], 'i8')]
a[up([-1], 'i8')]
a[np.array([0, 1])]
a[np.array([0, 1]), i]
a[n > 1]
a[np.array(0)]
a[[0, 1]]
a[[0, 1], [0, 1]]
a[[]]
a[[True, False]]
a[(0, 1),]
a[range(2)]
a[k]
a[k[:, 0]]
a[:, k[0]]
a[k[:, 0], 1]
a[k[:, 0], k[0]]
a[k[0]]
a[k].sum()
a[~k]
x[:, :, i, i].shape
x[:, i, :, i].shape
x[i, :, i].shape
x[:, up([0, 1], 'i8')[:, None], up([2, 3], 'i8')].shape
x[(slice(None), slice(None), *[i, i])].shape
x[:, :, *(0, 0)].shape
n[i]
n[k]
n[i[0]]
a[0] = 7; a
a[0, 1] = 7; a
a[...] = 7; a
a[...] = v; a
a[...] = d; a
a[...] = n
a[:] = np.array(2.0)
a[0] = [1, 2, 3]
a[0] = np.float32(7); a
a[0] = None
a[0] = 'x'
a[0] = v[0]; a
a[i] = 7; a
a[i] = b; a
a[i, i] = 7; a
a[i, i] = v[:2]; a
a[r] = 7; a
a[r] = b
a[k] = 7; a
a[k] = v; a
a[k] = v[0]; a
a[[0, 1]] = 7; a
a[np.array([0])] = 7
a[a > 1] = 0; a
a[5] = 7
a[up([5], 'i8')] = 7
a[:, 1:] += 1; a
a[i] += 1; a
a[i] *= b; a
j[0] = 2.5; j
j[0] = v; j
j[0] = v / 0
a[0:0] = 7; a
a[..., slice(0, 2)] += 1; a
a[:, :, None][0] = 7; a
np.broadcast_to(v, (2, 3))[0] = 7
a.fill(2); a
a.fill(n)
a.fill(v[0]); a
a.set(n); a
a.set(n.astype('f8'))
a.set([1])
a.reshape(3, 2)
a.reshape((3, 2))
a.reshape([3, 2])
a.reshape(-1)
a.reshape(())
a[:1, :1].reshape(())
a.reshape(6, order='F')
a.reshape(i[1], -1)
a.reshape(np.int64(3), 2)
a.reshape(3, 2, copy=True)
a.transpose()
a.transpose(1, 0)
a.transpose((1, 0))
x.transpose(0, 2, 3, 1).shape
a.swapaxes(0, 1)
a.swapaxes(0, -1)
x.mT.shape
a.mT
v.mT
a.ravel()
a.flatten()
a.squeeze(0)
a[None].squeeze(0)
a[None].squeeze((0,))
a.repeat(2, 0)
a.take(i, 1)
a.dot(b.T)
a.diagonal()
a.trace()
a.sort(); a
a.argsort(1)
a.nonzero()
a.cumsum(0)
a.max(1)
a.astype(int)
a.astype('g')
a.astype(bool)
a.astype(np.dtype('f8'), copy=False)
a.astype('f8', casting='safe')
(a / 0).astype('i4')
(-a).astype('u1')
(a * 1e30).astype('f2')
a.view('i4')
a.view(cp.ndarray)
a.conj()
a.imag
a.byteswap()
a.newbyteorder
a.mean(axis=1, dtype=np.float64)
a.std()
a.var(0)
a.prod()
a.ptp()
a.choose
a.partition(1)
a.searchsorted
a.put(i, 1.0); a
a.scatter_add(r, 1.0); a
a.dump
a.tofile
a.to_device
a.__array_namespace__
1 / cp.zeros(2)
-1 / cp.zeros(2)
cp.zeros(2) / 0
cp.log(cp.zeros(2))
np.log(-b)
np.exp(b * 1000)
cp.arange(3) // 0
cp.arange(3) % 0
-cp.ones(2) % 3
-cp.ones(2, 'i4') // 2
u + 300
u - 1
u * 2.0
h * 3
h + 1e6
j / 2
j ** 2
j ** -1
2 ** j
(-1.0) ** j
a ** 2
a ** 0.5
a ** -1
b ** b
k + k
k - k
-k
~k
~a
k & True
k | (a > 1)
k * 1.0
k * a
True & k
(True if None is None else a >= 1) & k
divmod(a, 2)
a // 2
-a // 2
-a % 3
np.fmod(-a, 3)
up(2.0, 'f8') * a
v[0] * d
h * v[0]
a.sum() * h
a + np.float64(1)
np.float64(1) + a
np.float32(1) + a
np.float64(2) * h
np.int64(2) * a
np.int64(2) * h
np.float64(2) ** a
np.float64(1) == a
np.float64(1) < a
np.True_ & k
a == None
a != None
a == ...
a is None
""")

RANDOM = lines("""
cp.random.seed(0)
cp.random.rand(3).shape
cp.random.rand(3, dtype='f4').dtype
cp.random.randn(3, dtype='f4').dtype
cp.random.uniform(-1, 1, (3,), dtype='f4').dtype
cp.random.normal(0, 1, (3,), dtype='f4').dtype
cp.random.RandomState(0).normal(size=3, dtype='f4').shape
cp.random.RandomState(0).random_sample(3, dtype='f4').dtype
cp.random.RandomState(0).random_sample(3, dtype='f2')
cp.random.randint(0, 5, 3).dtype
cp.random.permutation(5).dtype
cp.random.shuffle(v)
cp.random.shuffle(n)
cp.random.choice(5, 3).dtype
cp.random.default_rng(0).normal
cp.random.default_rng(0).permutation
cp.random.default_rng(0).shuffle
cp.random.default_rng(0).spawn
np.random.rand(2, 3) * a
np.random.default_rng(0).shuffle(a)
np.random.default_rng(0).choice(a)
""")

FUSE = [
    *[
        f"fuse({text!r})(a)"
        for text in lines("""
            cp.sqrt(x) * 2 + 1
            np.sqrt(x)
            np.exp(x) + 1
            np.maximum(x, 0)
            np.where(x > 0, x, 0)
            cp.where(x > 0, x, 0)
            cp.clip(x, 0, 1)
            cp.maximum(x, 0)
            cp.sum(x * 2)
            cp.sum(x * 2, axis=0) * 2
            cp.sum(x, keepdims=True)
            cp.amax(x, axis=1)
            cp.prod(x)
            cp.any(x > 0)
            cp.mean(x)
            x.mean()
            x.T
            x @ x
            cp.matmul(x, x)
            x.shape
            x.reshape(-1)
            x.size
            x.ndim + x
            len(x)
            float(x)
            x if x > 0 else -x
            x.astype('f8') * 2
            cp.zeros_like(x)
            cp.add(x, x, dtype='f8')
            x * np.float64(2)
            x * np.float32(2)
            x + np.ones((2, 3), 'f4')
            cp.broadcast_to(x, (2, 2, 3))
            cp.concatenate([x, x])
            cp.argmax(x)
            cp.var(x)
            abs(x)
            cp.abs(x)
            -x
            x ** 2
            x % 2 // 1
            (x > 1) & (x < 3)
            (x, x * 2)
            x
            None
            1.0
            [x, x]
            cp.tanh(0.5 * x) / (1 + cp.exp(-x))
        """)
    ],
    "cp.fuse(lambda x: x + 1)(a)",
    "cp.fuse(kernel_name='plus')(lambda x: x + 1)(a)",
    "fuse('cp.sqrt(x)')(n)",
    "fuse('cp.sqrt(x)')(2.0)",
    "fuse('cp.sqrt(x)')(x=a)",
    "fuse('x + 1')([1.0])",
    "fuse('x.__iadd__(1)')(a); a",
]

QUESTIONS = list(dict.fromkeys([*TABLES, *DISPATCH, *ARRAY, *RANDOM, *FUSE]))
