"""CuPy's functions that are no ufuncs: their arguments are checked, then NumPy does the work.

Most need nothing but `Function`: the sets below say who differs. Those that differ more are written out, under
`special`.
"""

import warnings

import numpy as np

from tests.gpu.strict.array import (
    NUMBERS,
    REFUSED,
    SUPPORTED,
    hush,
    names,
    ndarray,
    operand,
    poison,
    unhush,
    unsupported,
    wrap,
)
from tests.gpu.strict.checks import check_repeats_along, check_write
from tests.gpu.strict.signatures import Signature, words
from tests.gpu.strict.ufuncs import Fused
from tests.gpu.strict.waits import counts, wait

# Functions whose first argument is not an array.
MAKES = words(
    """
    apply_along_axis arange bartlett blackman broadcast_shapes can_cast common_type diag_indices dtype empty
    eye fftfreq frombuffer fromfunction fromiter full get_printoptions hamming hanning identity indices
    iscomplexobj isrealobj isscalar issubdtype kaiser linspace logspace mask_indices min_scalar_type ndim
    ones promote_types ravel_multi_index result_type rfftfreq set_printoptions shape size tri tril_indices
    triu_indices unravel_index zeros
    """
)
# Functions that take arrays beside the first, or a list of them. All others take numbers there, as for an axis.
TAKES_SEVERAL = words(
    """
    allclose append apply_along_axis array_equal array_equiv atleast_1d atleast_2d atleast_3d average
    bincount block broadcast_arrays can_cast choose clip column_stack common_type compress concat
    concatenate convolve copyto corrcoef correlate cov cross diff digitize dot dstack einsum extract
    fill_diagonal full_like histogram histogram2d histogramdd hstack in1d inner interp intersect1d isclose
    isin ix_ kron lexsort lstsq matmul may_share_memory meshgrid multi_dot nan_to_num nanpercentile
    nanquantile outer percentile piecewise place polyfit polyval put put_along_axis putmask quantile
    ravel_multi_index repeat result_type roll searchsorted select setdiff1d setxor1d shares_memory solve
    stack take take_along_axis tensordot tensorsolve trapezoid triu_indices_from union1d unravel_index
    unwrap vdot vstack where
    """
)
HOST_CHECKED = words("allclose array_equal array_equiv count_nonzero")  # NumPy gives a number, CuPy an array
WRITES = words("copyto put_along_axis place putmask fill_diagonal put")
# Measured: functions that make the host wait for the device.
WAITS = words(
    """
    argwhere bincount compress cond delete digitize extract flatnonzero histogram intersect1d nonzero place
    setdiff1d setxor1d trim_zeros union1d unique unique_all unique_counts unique_inverse unique_values
    unravel_index
    """
)
# Measured: functions that refuse the axis 0 of an array without axes, which NumPy takes.
NEEDS_AXIS = words(
    """
    all amax amin any argmax argmin count_nonzero cumprod cumsum max mean median min nanargmax nanargmin nanmax nanmin
    nanprod nansum prod ptp std sum var
    """
)
SPEAKS = words("mean var std median nanmean nanvar nanstd nanmedian nanmax nanmin average cov corrcoef")  # NumPy warns
KEEPS_ORDER = MAKES | words("zeros_like ones_like full_like nan_to_num pad roll")  # others' results are in C's order
LIKE = words("zeros_like ones_like full_like")
JOINS = words("stack vstack hstack dstack column_stack concatenate concat")
ONLY_ARRAYS = words("dot vdot inner outer kron cross tensordot")
KEEPS_ARRAY = words("squeeze ascontiguousarray asfortranarray real")  # an array that fits is itself the result


PLAIN = frozenset([bool, int, float, str, type(None), type])


def unwrap(value):
    """An argument for NumPy; host arrays are refused."""
    kind = value.__class__
    if kind is ndarray:
        return value._host
    if kind is tuple or kind is list:
        return kind([unwrap(part) for part in value])
    if isinstance(value, np.ndarray):
        raise unsupported(value)
    if kind is Fused:
        raise TypeError("Argument has incorrect type (expected cupy.ndarray, got _ArrayProxy)")
    return value


def any_device(parts):
    """Whether a device array is in a list, or in a list in it."""
    return any(x.__class__ is ndarray or (x.__class__ in (tuple, list) and any_device(x)) for x in parts)


def check_shape(shape):
    """Raise for the shape that CuPy takes for none."""
    if shape == ():
        raise ValueError("CuPy takes shape=() as if it were not given: zeros_like(x, shape=()) has the shape of x")


def check_has_axis(axis):
    """Raise for an axis, of an array that has none."""
    if axis is not None and axis != ():
        raise np.exceptions.AxisError(axis if isinstance(axis, int) else 0, 0)


def check_fits(number, dtype):
    """Raise if a Python integer is too large for an integer dtype."""
    if number.__class__ is int and dtype.kind in "iu" and not np.iinfo(dtype).min <= number <= np.iinfo(dtype).max:
        raise OverflowError(f"Python integer {number} out of bounds for {dtype}")


def unchanged(made, host):
    """Whether a result is all of the array that was given."""
    return made.shape == host.shape and np.may_share_memory(made, host)


def into(out, made):
    """A result, written where it is wanted."""
    if out.__class__ is not ndarray:
        raise unsupported(out)
    if out.shape != np.shape(made):
        raise ValueError(f"Output array has wrong shape: {out.shape}, not {np.shape(made)}")
    check_write(out._host)
    np.copyto(out._host, made, casting="unsafe")
    return out


class Function:
    """One function of CuPy's, computed by NumPy's of the same name."""

    def __init__(self, name, takes, host, module="cupy"):
        self.__name__ = self.__qualname__ = name
        self.__module__ = module
        self._host = host
        self._check = Signature(name, takes).check
        self._takes_array = name not in MAKES
        self._takes_several = name in TAKES_SEVERAL
        self._keeps_order = name in KEEPS_ORDER
        self._is_like = name in LIKE
        self._speaks = name in SPEAKS
        self._needs_axis = name in NEEDS_AXIS
        self._special = any(name in each for each in (WRITES, WAITS, KEEPS_ARRAY, HOST_CHECKED, ONLY_ARRAYS))

    def __repr__(self):
        return f"<function {self.__module__}.{self.__name__} of the strict stand-in>"

    def __call__(self, *args, **kwargs):
        counts.calls += 1
        self._check(args, kwargs)
        if self._takes_array:
            first = args[0] if args else next(iter(kwargs.values()), None)
            if first.__class__ is Fused:
                return first.trace.function(self.__name__, args, kwargs)
            if first.__class__ is not ndarray and not self._is_arrays(first):
                raise unsupported(first)
            if len(args) > 1 and args[1].__class__ is ndarray and self.__name__ in JOINS:
                raise TypeError("'ndarray' object cannot be interpreted as an integer")
            if len(args) > 1 and not self._takes_several:
                for x in args[1:]:
                    if x.__class__ is ndarray or (x.__class__ in (tuple, list) and any_device(x)):
                        raise TypeError("'ndarray' object cannot be interpreted as an integer")
            if self._needs_axis and first.__class__ is ndarray and not first.ndim:
                check_has_axis(kwargs["axis"] if "axis" in kwargs else args[1] if len(args) > 1 else None)
        if self._is_like:
            check_shape(kwargs.get("shape"))
        out = kwargs.pop("out", None) if kwargs else None
        if self._special:
            self._before(args)
        old = hush()
        try:
            hosts = [x._host if x.__class__ is ndarray else x if x.__class__ in PLAIN else unwrap(x) for x in args]
            for name, x in kwargs.items():
                if x.__class__ not in PLAIN:
                    kwargs[name] = unwrap(x)
            if self._speaks:
                with warnings.catch_warnings(action="ignore"):
                    made = self._host(*hosts, **kwargs)
            else:
                made = self._host(*hosts, **kwargs)
        finally:
            unhush(old)
        if out is not None:
            return into(out, made)
        if self._special:
            if self.__name__ in HOST_CHECKED:
                made = np.asarray(made)
            elif self.__name__ in KEEPS_ARRAY and made.__class__ is np.ndarray and unchanged(made, args[0]._host):
                return args[0]
        out = wrap(made, *[x for x in args if x.__class__ is ndarray])
        if out.__class__ is ndarray and out._base is None and not (self._keeps_order or made.flags.c_contiguous):
            out._host = np.ascontiguousarray(out._host)
        return out

    def _is_arrays(self, first):
        """Whether it is a list of arrays, and one is expected."""
        if isinstance(first, tuple | list) and self._takes_several:
            for x in first:
                if x.__class__ is not ndarray:
                    raise unsupported(x)
            return True
        return self._takes_several and first.__class__ in NUMBERS and self.__name__ not in ("matmul", "dot", "clip")

    def _before(self, args):
        name = self.__name__
        if name in ONLY_ARRAYS and args[1:2] and args[1].__class__ is not ndarray:
            raise TypeError(f"Argument 'b' has incorrect type (expected cupy.ndarray, got {type(args[1]).__name__})")
        if name in WAITS:
            wait(f"{name}()")
        if name in WRITES:
            check_write(args[0]._host)


# -- those that differ more -------------------------------------------------------------------------------------------

special = {}


def differs(function):
    """It takes the place of the function of its name; a name may end in _."""
    function.__name__ = function.__qualname__ = function.__name__.strip("_")
    function.__module__ = "cupy"
    special[function.__name__] = function
    return function


def upload(obj, dtype, copy, order):
    """The one door from the host: what `array` and `asarray` do."""
    if dtype is not None and np.dtype(dtype).char not in SUPPORTED:
        raise ValueError(f"Unsupported dtype {np.dtype(dtype)}")
    if obj.__class__ is ndarray:
        if not copy and (dtype is None or obj.dtype == dtype) and order in (None, "K", "A"):
            return obj
        counts.calls += 1
        order = "K" if order is None else order
        made = np.array(obj._host, dtype=dtype, copy=None if not copy else True, order=order)
        return obj if made is obj._host else wrap(made)
    if len(set(leaves(obj))) > 1:
        raise TypeError(REFUSED)
    counts.uploads += 1
    made = np.array(inside(obj), dtype=dtype, order=order if order in ("C", "F") else "K")
    if made.dtype.char not in SUPPORTED:
        raise ValueError(f"Unsupported dtype {made.dtype}")
    return wrap(made)


def leaves(obj):
    """For each element of nested lists, whether it is a device array."""
    if isinstance(obj, list | tuple):
        for part in obj:
            yield from leaves(part)
    else:
        yield obj.__class__ is ndarray


def inside(obj):
    """A list with NumPy's arrays in place of ours."""
    if obj.__class__ is ndarray:
        return obj._host
    return [inside(part) for part in obj] if isinstance(obj, list | tuple) else obj


@differs
def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    made = upload(obj, dtype, copy, order)
    return made if made.ndim >= ndmin else wrap(made._host.reshape((1,) * (ndmin - made.ndim) + made.shape))


@differs
def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return upload(a, dtype, bool(copy), order)


@differs
def asanyarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return upload(a, dtype, bool(copy), order)


@differs
def ascontiguousarray(a, dtype=None):
    if a.__class__ is not ndarray:
        raise unsupported(a)
    made = upload(a, dtype, False, None)
    return made if made._host.flags.c_contiguous and made.ndim else wrap(np.ascontiguousarray(made._host))


@differs
def asfortranarray(a, dtype=None):
    if a.__class__ is not ndarray:
        raise unsupported(a)
    made = upload(a, dtype, False, None)
    return made if made._host.flags.f_contiguous else wrap(np.asfortranarray(made._host))


@differs
def copy_(a, order="K"):
    if a.__class__ is not ndarray:
        raise AttributeError(f"{type(a).__name__!r} object has no attribute 'device'")
    return a.copy(order)


@differs
def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    if a.__class__ is ndarray:
        return a.get(order=order, out=out)
    return np.asarray(a, order=order)


@differs
def get_array_module(*args):
    import sys

    return sys.modules["cupy"] if any(isinstance(x, ndarray) for x in args) else np


@differs
def empty(shape, dtype=float, order="C"):
    if np.dtype(dtype).char not in SUPPORTED:
        raise ValueError(f"Unsupported dtype {np.dtype(dtype)}")
    return wrap(poison(np.empty(unwrap(shape), dtype, order)))


@differs
def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    if subok is not None:
        raise TypeError("subok is not supported yet")
    if prototype.__class__ is not ndarray:
        raise unsupported(prototype)
    check_shape(shape)
    return wrap(poison(np.empty_like(prototype._host, dtype=dtype, order=order, shape=shape)))


@differs
def full(shape, fill_value, dtype=None, order="C"):
    if dtype is None:
        dtype = fill_value.dtype if fill_value.__class__ is ndarray else np.asarray(operand(fill_value)).dtype
    made = empty(shape, dtype, order)
    made.fill(fill_value)
    return made


@differs
def where(condition, x=None, y=None):
    if x is None and y is None:
        return names["nonzero"](condition)
    if (x is None) != (y is None):
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    if condition.__class__ is Fused:
        return condition.trace.ufunc(_where, (condition, x, y), (), {})
    if condition.__class__ is np.bool_:
        condition = wrap(np.asarray(condition))
    if condition.__class__ is not ndarray:
        if isinstance(condition, np.ndarray):
            raise unsupported(condition)
        raise AttributeError(f"{type(condition).__name__!r} object has no attribute 'astype'")
    return _where(condition, x, y)


def _where(condition, x, y):
    counts.calls += 1
    hosts = operand(condition), operand(x), operand(y)
    old = hush()
    try:
        made = np.where(*hosts)
    finally:
        unhush(old)
    for number in (x, y):
        check_fits(number, made.dtype)
    return wrap(np.asarray(made, order="C"))


_where.__name__ = "where"


@differs
def clip(a, a_min, a_max, out=None):
    if a.__class__ is Fused:
        return a.trace.ufunc(clip, (a, a_min, a_max), (), {})
    if a.__class__ is not ndarray:
        raise unsupported(a)
    counts.calls += 1
    hosts = [None if x is None else operand(x) for x in (a_min, a_max)]
    for x in hosts:
        check_fits(x, a.dtype)
    if out is not None:
        check_write(out._host)
    old = hush()
    try:
        made = np.clip(a._host, *hosts, out=None if out is None else out._host)
    finally:
        unhush(old)
    return wrap(np.asarray(made, order="C")) if out is None else out


@differs
def matmul(*args, **kwargs):
    unknown = set(kwargs) - {"out", "dtype", "casting", "axes", "axis", "keepdims", "order", "signature"}
    if unknown:
        raise TypeError(f"matmul() got an unexpected keyword argument {unknown.pop()!r}")
    for x in args:
        if x.__class__ is not ndarray:
            raise TypeError(f"Argument has incorrect type (expected cupy.ndarray, got {type(x).__name__})")
    counts.calls += 1
    x, y, *rest = args
    out = rest[0] if rest else kwargs.pop("out", None)
    old = hush()
    try:
        made = np.matmul(x._host, y._host, **kwargs)
    finally:
        unhush(old)
    if out is not None:
        if out.__class__ is not ndarray:
            raise unsupported(out)
        out[...] = wrap(np.asarray(made))
        return out
    return wrap(np.asarray(made))


@differs
def einsum(*operands, **kwargs):
    unknown = set(kwargs) - {"dtype", "optimize"}
    if unknown:
        raise TypeError(f"Did not understand the following kwargs: {sorted(unknown)}")
    for x in operands:
        if not isinstance(x, ndarray | str | list | tuple):
            raise unsupported(x)
    counts.calls += 1
    arrays = [x for x in operands if x.__class__ is ndarray]
    old = hush()
    try:
        made = np.einsum(*map(unwrap, operands), **kwargs)
    finally:
        unhush(old)
    return wrap(np.asarray(made) if not isinstance(made, np.ndarray) else made, *arrays)


@differs
def nonzero(a):
    if a.__class__ is not ndarray:
        raise unsupported(a)
    if not a.ndim:
        raise ValueError("Calling nonzero on 0d arrays is not allowed. Use cp.atleast_1d(scalar).nonzero() instead.")
    wait("nonzero()")
    counts.calls += 1
    return wrap(np.nonzero(a._host))


@differs
def copyto(dst, src, casting="same_kind", where=None):
    if dst.__class__ is not ndarray:
        raise unsupported(dst)
    if isinstance(src, np.ndarray):
        raise ValueError("non-scalar numpy.ndarray cannot be used for copyto")
    if src.__class__ is ndarray and not np.can_cast(src.dtype, dst.dtype, casting):
        raise TypeError(f"Cannot cast {src.dtype} to {dst.dtype} in {casting} casting mode")
    check_write(dst._host)
    counts.calls += 1
    old = hush()
    try:
        np.copyto(dst._host, operand(src), casting=casting, where=True if where is None else operand(where))
    finally:
        unhush(old)


@differs
def take_along_axis(a, indices, axis):
    for x in (a, indices):
        if x.__class__ is not ndarray:
            raise unsupported(x)
    if a.ndim != indices.ndim and not (axis is None and indices.ndim == 1):
        raise ValueError("`indices` and `a` must have the same number of dimensions")
    counts.calls += 1
    return wrap(np.take_along_axis(a._host, indices._host, axis))


@differs
def put_along_axis(a, indices, values, axis):
    for x in (a, indices):
        if x.__class__ is not ndarray:
            raise unsupported(x)
    check_write(a._host)
    check_repeats_along(indices._host, axis)
    counts.calls += 1
    np.put_along_axis(a._host, indices._host, operand(values), axis)


@differs
def take(a, indices, axis=None, out=None, mode="raise"):
    if a.__class__ is not ndarray:
        raise unsupported(a)
    if isinstance(indices, list | tuple):
        counts.uploads += 1
        indices = np.asarray(indices)
    else:
        indices = operand(indices)
    counts.calls += 1
    made = wrap(np.asarray(np.take(a._host, indices, axis, mode=mode)))
    if out is not None:
        out[...] = made
        return out
    return made


@differs
def repeat(a, repeats, axis=None):
    if a.__class__ is not ndarray:
        raise unsupported(a)
    if isinstance(repeats, np.ndarray):
        raise TypeError("'repeats' does not accept numpy.ndarray; convert with cupy.array() first")
    if repeats.__class__ is ndarray or (isinstance(repeats, list | tuple) and len(repeats) > 1):
        wait("repeat() with several repeats")
    counts.calls += 1
    return wrap(np.repeat(a._host, unwrap(repeats), axis))


@differs
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    if a.__class__ is not ndarray:
        raise unsupported(a)
    if weights is not None:
        wait("average() with weights")
    counts.calls += 1
    with warnings.catch_warnings(action="ignore"):
        return wrap(
            np.average(a._host, axis, None if weights is None else operand(weights), returned, keepdims=keepdims)
        )


@differs
def array_equal(a1, a2, equal_nan=False):
    for x in (a1, a2):
        if x.__class__ is not ndarray:
            raise unsupported(x)
    if equal_nan:
        wait("array_equal() with equal_nan")
    counts.calls += 1
    return wrap(np.asarray(np.array_equal(a1._host, a2._host, equal_nan)))


@differs
def nanmean(a, axis=None, dtype=None, out=None, keepdims=False):
    if a.__class__ is not ndarray:
        raise unsupported(a)
    if not a.size and axis is None:
        raise ValueError("zero-size array to reduction operation cupy_nanmean which has no identity")
    if not a.ndim:
        check_has_axis(axis)
    counts.calls += 1
    with warnings.catch_warnings(action="ignore"):
        made = np.nanmean(a._host, axis, dtype, keepdims=keepdims)
    return wrap(made) if out is None else into(out, made)


@differs
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    if ndarray in (start.__class__, stop.__class__):
        wait("linspace() with an array")
    counts.calls += 1
    return wrap(np.linspace(operand(start), operand(stop), num, endpoint, retstep, dtype, axis))


@differs
def ndim(a):
    return np.ndim(a._host if a.__class__ is ndarray else a)


@differs
def shape(a):
    return a.shape if a.__class__ is ndarray else np.shape(a)


@differs
def size(a, axis=None):
    return np.size(a._host if a.__class__ is ndarray else a, axis)


@differs
def sinc(x):
    """A ufunc there, with the dtypes of the sine; and exactly 0 at whole numbers."""
    if x.__class__ is not ndarray:
        raise unsupported(x)
    dtype, numbers = names["sin"](x).dtype, x._host.astype(np.float64)
    return wrap(np.where(numbers == np.round(numbers), numbers == 0, np.sinc(numbers)).astype(dtype, order="C"))


@differs
def argsort(a, axis=-1, kind=None):
    """Equal elements keep their order, whatever `kind` says."""
    if a.__class__ is not ndarray:
        raise unsupported(a)
    if kind is not None and kind != "stable":
        raise ValueError("kind can only be None or 'stable'")
    counts.calls += 1
    made = np.argsort(a._host, axis, kind="stable")
    if axis is not None and a.ndim > 1:  # CuPy sorts along the last axis, and gives a view
        made = np.moveaxis(np.ascontiguousarray(np.moveaxis(made, axis, -1)), -1, axis)
    return wrap(made)


@differs
def sort(a, axis=-1, kind=None):
    if a.__class__ is not ndarray:
        raise unsupported(a)
    if kind is not None and kind != "stable":
        raise ValueError("kind can only be None or 'stable'")
    counts.calls += 1
    return wrap(np.asarray(np.sort(a._host, axis, kind="stable"), order="C"))


@differs
def solve(a, b):
    """Stacks of matrices must have the same leading axes: CuPy does not broadcast them."""
    for x in (a, b):
        if x.__class__ is not ndarray:
            raise unsupported(x)
    if b.ndim != 1 and a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M, K) for multidimensional b")
    counts.calls += 1
    return wrap(np.linalg.solve(a._host, b._host))


@differs
def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    """A view; yet CuPy computes its shape on the device, and waits for it, once for each axis."""
    if x.__class__ is not ndarray:
        raise unsupported(x)
    wait("sliding_window_view()")
    return wrap(np.lib.stride_tricks.sliding_window_view(x._host, window_shape, axis, writeable=True), x)


@differs
def as_strided(x, shape=None, strides=None):
    if x.__class__ is not ndarray:
        raise unsupported(x)
    return wrap(np.lib.stride_tricks.as_strided(x._host, shape, strides), x)


@differs
def broadcast_to(array, shape):
    if array.__class__ is not ndarray:
        raise TypeError(f"Argument 'array' has incorrect type (expected cupy.ndarray, got {type(array).__name__})")
    made = np.broadcast_to(array._host, shape)
    return wrap(np.lib.stride_tricks.as_strided(array._host, made.shape, made.strides), array)


@differs
def may_share_memory(a, b, max_work=None):
    return np.may_share_memory(unwrap(a), unwrap(b))


@differs
def shares_memory(a, b, max_work=None):
    wait("shares_memory()")
    return np.shares_memory(unwrap(a), unwrap(b))


@differs
def array2string(a, *args, **kwargs):
    return np.array2string(asnumpy(a), *args, **kwargs)


@differs
def array_repr(arr, max_line_width=None, precision=None, suppress_small=None):
    return np.array_repr(asnumpy(arr), max_line_width, precision, suppress_small)


@differs
def array_str(arr, max_line_width=None, precision=None, suppress_small=None):
    return np.array_str(asnumpy(arr), max_line_width, precision, suppress_small)


@differs
def save(file, arr, allow_pickle=None):
    np.save(file, asnumpy(arr))


@differs
def savez(file, *args, **kwargs):
    np.savez(file, *map(asnumpy, args), **{name: asnumpy(x) for name, x in kwargs.items()})


def unavailable(name):
    """What needs a compiler for the device."""

    def refuse(*args, **kwargs):
        raise NotImplementedError(f"cupy.{name} runs code of the device's: test it where CuPy itself runs")

    refuse.__name__ = name
    return refuse
