"""CuPy's ufuncs: NumPy's, but on the dtypes of CuPy's own loops, and with fewer keywords and methods.

CuPy takes the first of its loops, such as "ff->f", into which all operands fit safely. A Python number fits into every
dtype of its kind or a later one, as in NumPy. Mostly NumPy would take the same loop; where it would not, it is told.
"""

import numpy as np

from tests.gpu.strict.array import NUMBERS, hush, index, ndarray, new, operand, unhush, unsupported, wrap
from tests.gpu.strict.checks import check_cast, check_write
from tests.gpu.strict.waits import counts

# Measured: the dtypes of `a` for which `ufunc.at(a, indices, b)` works. Other ufuncs have no `at`.
AT = {
    "add": "ilqILQefd",
    "subtract": "iI",
    "maximum": "ilqILQfd",
    "minimum": "ilqILQfd",
    "bitwise_and": "ilqILQ",
    "bitwise_or": "ilqILQ",
    "bitwise_xor": "ilqILQ",
}
REDUCES = {"reduce": ("add", "multiply"), "accumulate": ("add", "multiply"), "reduceat": ("add",)}
WEAK = {bool: np.dtype(bool), int: np.dtype(np.int64), float: np.dtype(np.float64), complex: np.dtype(complex)}
ORDER = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 2}  # of kinds: a Python number does not change a later or equal one


class Fused:
    """What a function under `cupy.fuse` is given in place of an array; see fusion.py."""

    __slots__ = ("array", "trace")


class Ufunc:
    """A function of arrays and numbers, element by element."""

    def __init__(self, name, nin, nout, types, host):
        self.__name__ = name
        self.__qualname__ = name
        self.__module__ = "cupy"
        self.name = f"cupy_{host.__name__}"
        self.nin, self.nout, self.nargs = nin, nout, nin + nout
        self.types = types.split()
        self._host = host
        self._loops = {}  # the operands' dtypes -> None, where NumPy chooses as CuPy, or the loop to ask it for

    def __repr__(self):
        return f"<ufunc {self.name!r}>"

    def __call__(self, *args, **kwargs):
        if kwargs or len(args) != self.nin:
            return self._with_options(args, kwargs)
        if self.nin == 2:
            return self.of_two(*args)
        if self.nin == 1:
            return self.of_one(*args)
        raise NotImplementedError(f"{self.name} of {self.nin} operands")

    # The two below are called all the time: hence the repetition.

    def of_one(self, x):
        counts.calls += 1
        kind = x.__class__
        if kind is ndarray:
            host = x._host
            key = host.dtype
        elif kind in NUMBERS:
            host, key = x, kind
        elif kind is Fused:
            return self._fused((x,))
        else:
            raise unsupported(x)
        loop = self._loops.get(key, self)
        token = hush()
        try:
            made = self._host(host, order="C") if loop is None else self._by(loop, (key,), (host,))
        finally:
            unhush(token)
        if made.__class__ is np.ndarray:
            out = new(ndarray)
            out._host = made
            out._base = None
            return out
        return wrap(made if self.nout > 1 else np.asarray(made))

    def of_two(self, x, y):
        counts.calls += 1
        kind = x.__class__
        if kind is ndarray:
            x = x._host
            x_key = x.dtype
        elif kind in NUMBERS:
            x_key = kind
        elif kind is Fused or y.__class__ is Fused:
            return self._fused((x, y))
        else:
            raise unsupported(x)
        kind = y.__class__
        if kind is ndarray:
            y = y._host
            y_key = y.dtype
        elif kind in NUMBERS:
            y_key = kind
        elif kind is Fused:
            return self._fused((x, y))
        else:
            raise unsupported(y)
        loop = self._loops.get((x_key, y_key), self)
        token = hush()
        try:
            made = self._host(x, y, order="C") if loop is None else self._by(loop, (x_key, y_key), (x, y))
        finally:
            unhush(token)
        if made.__class__ is np.ndarray:
            out = new(ndarray)
            out._host = made
            out._base = None
            return out
        return wrap(made if self.nout > 1 else np.asarray(made))

    def _by(self, loop, key, hosts):
        """By one of CuPy's loops that NumPy would not take itself; or, if it is not known yet, find it out."""
        if loop is self:
            loop = self._choose(key, hosts)
            self._loops[key if len(key) > 1 else key[0]] = loop
        if loop is None:
            return self._host(*hosts, order="C")
        return self._host(*hosts, order="C", signature=loop, casting="unsafe")

    def _choose(self, key, hosts):
        """CuPy's loop for these dtypes; None if NumPy gives the same dtype unasked."""
        loop = self._loop(key)
        if loop is None:
            raise TypeError(f"Wrong type ({key}) of arguments for {self.name}")
        outs = loop.split("->")[1]
        try:
            made = self._host(*hosts)
        except TypeError:
            return loop
        made = made if isinstance(made, tuple) else (made,)
        return None if all(x.dtype == np.dtype(c) for x, c in zip(made, outs, strict=True)) else loop

    def _loop(self, key):
        dtypes = [WEAK.get(kind) or np.dtype(kind) for kind in key]
        is_weak = [kind in WEAK for kind in key]
        weak = [ORDER[dtype.kind] for dtype, is_w in zip(dtypes, is_weak, strict=True) if is_w]
        strong = [ORDER[dtype.kind] for dtype, is_w in zip(dtypes, is_weak, strict=True) if not is_w]
        if not weak or not strong or max(weak) > max(strong):
            is_weak = [False] * len(key)
        for loop in self.types:
            for dtype, is_w, char in zip(dtypes, is_weak, loop, strict=False):
                into = np.dtype(char)
                fits = ORDER[dtype.kind] <= ORDER[into.kind] if is_w else np.can_cast(dtype, into)
                if not fits or (dtype.kind == "c") > (into.kind == "c"):
                    break
            else:
                return loop
        return None

    def _with_options(self, args, kwargs):
        extra = set(kwargs) - {"out", "dtype", "casting"}
        if extra:
            raise TypeError(f"Wrong arguments {kwargs}")
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(f"Wrong number of arguments for {self.name!r}: {len(args)}")
        if any(x.__class__ is Fused for x in args):
            return self._fused(args[: self.nin], out=kwargs.pop("out", None) or args[self.nin :], **kwargs)
        outs, out = list(args[self.nin :]), kwargs.get("out")
        if out is not None:
            if outs:
                raise ValueError("Cannot specify 'out' as both a positional and keyword argument")
            outs = list(out) if isinstance(out, tuple) else [out]
        hosts = [operand(x) for x in args[: self.nin]]
        for x in outs:
            if x is not None and x.__class__ is not ndarray:
                raise unsupported(x)
            if x is not None:
                check_write(x._host)
        options = {"casting": kwargs.get("casting") or "same_kind"}
        if kwargs.get("dtype") is not None:
            options["dtype"] = np.dtype(kwargs["dtype"])
        if any(x is not None for x in outs):
            options["out"] = tuple(None if x is None else x._host for x in outs)
        elif "dtype" not in options:
            return self(*args[: self.nin])
        else:
            options["order"] = "C"
        counts.calls += 1
        if "dtype" not in options:
            loop = self._loop(tuple(x.dtype if x.__class__ is np.ndarray else x.__class__ for x in hosts))
            if loop is None:
                raise TypeError(f"Wrong type of arguments for {self.name}")
        token = hush()
        try:
            made = self._host(*hosts, **options)
        finally:
            unhush(token)
        made = made if isinstance(made, tuple) else (made,)
        given = [*outs, *[None] * (self.nout - len(outs))]
        made = tuple(wrap(np.asarray(m)) if x is None else x for m, x in zip(made, given, strict=True))
        return made if self.nout > 1 else made[0]

    def _fused(self, args, out=(), **options):
        """Inside `cupy.fuse`: on what the operands stand for."""
        trace = next(x.trace for x in args if x.__class__ is Fused)
        return trace.ufunc(self, args, out, options)

    # -- methods ------------------------------------------------------------------------------------------------------

    def at(self, a, indices, b=None):
        if self.__name__ not in AT:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        if a.__class__ is not ndarray:
            raise unsupported(a)
        if a.dtype.char not in AT[self.__name__]:
            raise TypeError(f"{self.name}.at does not support {a.dtype}")
        counts.calls += 1
        check_write(a._host)
        key, _ = index(indices)
        value = operand(b)
        if isinstance(value, np.ndarray):
            check_cast(value, a.dtype)
        token = hush()
        try:
            self._host.at(a._host, key, np.asarray(value).astype(a.dtype))
        finally:
            unhush(token)

    def outer(self, A, B, **kwargs):
        """CuPy makes arrays of both: a Python number counts as one of float64 or int64."""
        counts.uploads += (A.__class__ is not ndarray) + (B.__class__ is not ndarray)
        a, b = [wrap(np.asarray(operand(x))) for x in (A, B)]
        return self(wrap(a._host.reshape(a.shape + (1,) * b.ndim)), b, **kwargs)

    def _along(self, method, array, *args, out=None, **options):
        if self.__name__ not in REDUCES[method]:
            raise NotImplementedError(f"`{self.name}.{method}` is not supported yet")
        counts.calls += 1
        token = hush()
        try:
            made = getattr(self._host, method)(operand(array), *map(operand, args), **options)
        finally:
            unhush(token)
        if out is not None:
            out[...] = wrap(np.asarray(made))
            return out
        return wrap(np.asarray(made))

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        return self._along("reduce", array, out=out, axis=axis, dtype=dtype, keepdims=keepdims)

    def accumulate(self, array, axis=0, dtype=None, out=None):
        return self._along("accumulate", array, out=out, axis=axis, dtype=dtype)

    def reduceat(self, array, indices, axis=0, dtype=None, out=None):
        return self._along("reduceat", array, indices, out=out, axis=axis, dtype=dtype)
