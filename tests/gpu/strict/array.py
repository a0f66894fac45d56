"""The device array: NumPy's array inside, of which nothing gets out unless it is asked for.

`names` is what the module `cupy` has; `modules.py` fills it. Operators and NumPy's protocols look functions up there.
"""

import numpy as np

from tests.gpu.strict.checks import check_cast, check_repeats, check_write
from tests.gpu.strict.signatures import RECORD, Signature, words
from tests.gpu.strict.waits import counts, wait

names = {}
NUMBERS = frozenset([bool, int, float, complex, *[np.dtype(char).type for char in "?bhilqBHILQefdFD"]])
SUPPORTED = frozenset("?bhilqBHILQefdFD")
REFUSED = "Implicit conversion to a NumPy array is not allowed. Please use `.get()`."

try:  # what np.errstate(all="ignore") does, several times as fast
    from numpy._core.umath import _extobj_contextvar, _make_extobj

    _silent = _make_extobj(all="ignore")
    hush, unhush = lambda: _extobj_contextvar.set(_silent), _extobj_contextvar.reset
except ImportError:  # another NumPy
    before = []
    hush, unhush = lambda: np.seterr(all="ignore"), lambda old: np.seterr(**old)


def unsupported(thing):
    return TypeError(f"Unsupported type {type(thing)}")


def wrap(value, *sources):
    """What NumPy has given as CuPy would: numbers become arrays. `sources`: those it may be a view of."""
    if value.__class__ is np.ndarray:
        if value.dtype.char not in SUPPORTED:
            raise ValueError(f"Unsupported dtype {value.dtype}")
        out = new(ndarray)
        out._host = value
        out._base = None if value.base is None else owner(value.base, sources)
        return out
    if isinstance(value, np.generic):
        return wrap(np.asarray(value))
    if isinstance(value, tuple):
        return tuple(wrap(part, *sources) for part in value)  # without the names that NumPy gives them
    if isinstance(value, list):
        return [wrap(part, *sources) for part in value]
    return value


def view(host, of):
    """An array of NumPy's that may be a view of a device array."""
    out = new(ndarray)
    out._host = host
    root = of if of._base is None else of._base
    out._base = root if host.base is root._host else None if host.base is None else owner(host.base, (of,))
    return out


def owner(root, sources):
    """The one among the sources whose memory it is, or whose owner's: CuPy's views all name the owner as their base."""
    while root is not None:
        for source in sources:
            base = source if source._base is None else source._base
            if source._host is root or base._host is root:
                return base
        root = getattr(root, "base", None)  # of a window it is no array, but leads to one
    return None


def poison(host):
    """Fresh memory holds what was there before: make reading it show."""
    if host.dtype.kind in "fc":
        host.fill(np.nan)
    else:
        host.fill(True if host.dtype.kind == "b" else np.iinfo(host.dtype).max)
    return host


class Flags:
    """What CuPy says of the layout. There is no `writeable`: every array is."""

    def __init__(self, array):
        flags = array._host.flags
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.owndata = array._base is None
        self.fnc, self.forc = flags.fnc, flags.forc

    def __getitem__(self, name):
        return getattr(self, {"C": "c_contiguous", "F": "f_contiguous", "O": "owndata"}.get(name, name.lower()))


# -- indices ----------------------------------------------------------------------------------------------------------

PLAIN = frozenset([int, slice, type(None), type(...)])


def index(key):
    """An index for NumPy, and whether it chooses by arrays. A mask costs a wait: its count is the result's size."""
    if key.__class__ in PLAIN:
        return key, False
    parts = key if isinstance(key, tuple) else (key,)
    made, by_arrays = [], False
    for part in parts:
        if part.__class__ is ndarray:
            part = part._host
            if part.dtype.kind == "b":
                wait("an index that is a mask")
            elif part.dtype.kind not in "iu":
                raise IndexError("arrays used as indices must be of integer or boolean type.")
            by_arrays = True
        elif part.__class__ is slice:
            if ndarray in (part.start.__class__, part.stop.__class__, part.step.__class__):
                raise TypeError("a slice's bounds must be numbers: those of a device array would have to be waited for")
        elif part.__class__ in PLAIN or isinstance(part, int | np.integer | bool | np.bool_):
            if isinstance(part, bool | np.bool_):
                wait("an index that is a mask")
        elif isinstance(part, list | range | tuple):
            counts.uploads += 1
            part, by_arrays = np.asarray(part), True
            if part.dtype.kind == "b":
                wait("an index that is a mask")
            if not part.size:
                part = part.astype(int)
        elif isinstance(part, np.ndarray):
            raise TypeError("index a device array with device arrays: CuPy would copy a host array at each use")
        else:
            raise IndexError(f"unsupported index {part!r:.60}")
        made.append(part)
    return (tuple(made) if isinstance(key, tuple) else made[0]), by_arrays


class ndarray:
    """CuPy's array. Attributes and methods are those that CuPy's has, no more."""

    __slots__ = ("__weakref__", "_base", "_host")
    __module__ = "cupy"
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        if np.dtype(dtype).char not in SUPPORTED:
            raise ValueError(f"Unsupported dtype {dtype}")
        self._host = poison(np.empty(shape, dtype, order))
        self._base = None

    # -- what the host knows without asking ---------------------------------------------------------------------------

    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    strides = property(lambda self: self._host.strides)
    base = property(lambda self: self._base)
    flags = property(Flags)
    device = property(lambda self: names["cuda"].Device(0))

    @property
    def shape(self):
        return self._host.shape

    @shape.setter
    def shape(self, shape):
        self._host = self._host.reshape(shape, copy=False)

    @property
    def data(self):
        raise NotImplementedError("the stand-in has no pointers: test this where CuPy itself runs")

    def __len__(self):
        if not self._host.ndim:
            raise TypeError("len() of unsized object")
        return self._host.shape[0]

    def __iter__(self):
        if not self._host.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self._host.shape[0]))

    # -- views --------------------------------------------------------------------------------------------------------

    T = property(lambda self: self if self._host.ndim < 2 else view(self._host.T, self))
    mT = property(lambda self: view(self._host.mT, self))

    @property
    def real(self):
        return wrap(self._host.real, self) if self._host.dtype.kind == "c" else self

    @real.setter
    def real(self, value):
        self._host.real = operand(value)

    @property
    def imag(self):
        return wrap(self._host.imag, self) if self._host.dtype.kind == "c" else wrap(np.zeros_like(self._host))

    @imag.setter
    def imag(self, value):
        self._host.imag = operand(value)

    # -- out of the device, only when asked ---------------------------------------------------------------------------

    def __array__(self, dtype=None, copy=None):
        raise TypeError(REFUSED)

    def get(self, stream=None, order="C", out=None, blocking=True):
        wait("get()", download=True)
        if out is None:
            return np.array(self._host, order=order)
        if out.dtype != self.dtype or out.shape != self.shape:
            raise TypeError(f"{out.dtype} {out.shape} array cannot be obtained from {self.dtype} {self.shape} array")
        out[...] = self._host
        return out

    def item(self):
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        wait("item()", download=True)
        return self._host.item()

    def tolist(self):
        wait("tolist()", download=True)
        return self._host.tolist()

    def tobytes(self, order="C"):
        wait("tobytes()", download=True)
        return self._host.tobytes(order)

    def _number(self, what):
        wait(what, download=True)
        if self._host.ndim:
            raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
        return self._host.item()

    def __float__(self):
        return float(self._number("float()"))

    def __int__(self):
        return int(self._number("int()"))

    def __complex__(self):
        return complex(self._number("complex()"))

    def __bool__(self):
        if self.size > 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous. Use a.any().")
        if not self.size:
            return False
        wait("a truth value", download=True)
        return bool(self._host)

    def __repr__(self):
        wait("printing", download=True)
        return repr(self._host)

    def __str__(self):
        wait("printing", download=True)
        return str(self._host)

    def __format__(self, spec):
        wait("printing", download=True)
        return format(self._host, spec)

    def __reduce__(self):
        return names["array"], (self.get(),)

    def __dlpack__(self, **options):
        raise BufferError("a host library cannot read the device's memory")

    def __dlpack_device__(self):
        return (2, 0)  # CUDA's, number 0

    # -- indices ------------------------------------------------------------------------------------------------------

    def __getitem__(self, key):
        key, by_arrays = index(key)
        if by_arrays:
            counts.calls += 1
        host = self._host[key]
        if host.__class__ is not np.ndarray:  # of one number NumPy gives a copy
            host = self._host[(*key, ...) if isinstance(key, tuple) else (key, ...)]
        out = view(host, self)
        if by_arrays and out._base is None:
            out._host = np.asarray(host, order="C")
        return out

    def __setitem__(self, key, value):
        counts.calls += 1
        key, by_arrays = index(key)
        host = self._host
        check_write(host)
        if value.__class__ is ndarray:
            check_cast(value._host, host.dtype)
            if by_arrays and value._host.ndim:
                check_repeats(host.shape, key if isinstance(key, tuple) else (key,))
            value = value._host
        elif value.__class__ not in NUMBERS:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        elif isinstance(value, int | float) and host.dtype.kind in "iu" and value.__class__ not in (int, bool):
            check_cast(np.asarray(value), host.dtype)
        old = hush()
        try:
            host[key] = value
        finally:
            unhush(old)

    # -- copies -------------------------------------------------------------------------------------------------------

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        counts.calls += 1
        if casting is not None or subok is not None:
            raise TypeError("casting and subok are not supported yet")
        dtype = np.dtype(dtype)
        if dtype.char not in SUPPORTED:
            raise ValueError(f"Unsupported dtype {dtype}")
        if not copy and dtype == self._host.dtype and order == "K":
            return self
        if self._host.dtype.kind in "fc" and dtype.kind in "iu":
            check_cast(self._host, dtype)
        old = hush()
        try:
            made = self._host.astype(dtype, order=order)
        finally:
            unhush(old)
        return wrap(made)

    def copy(self, order="C"):
        counts.calls += 1
        return wrap(self._host.copy(order))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def view(self, dtype=None, type=None):
        if dtype is ndarray:
            dtype = None
        return view(self._host.view() if dtype is None else self._host.view(dtype), self)

    def fill(self, value):
        check_write(self._host)
        if value.__class__ is not ndarray and value.__class__ not in NUMBERS:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        counts.calls += 1
        if value.__class__ is ndarray:
            wait("fill() with an array")
        self._host.fill(operand(value))

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if arr.shape != self.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        counts.uploads += 1
        self._host[...] = arr

    def reshape(self, *shape, order="C", copy=None):
        if len(shape) == 1 and not isinstance(shape[0], int | np.integer):
            (shape,) = shape
        for part in shape if isinstance(shape, tuple | list) else (shape,):
            if part.__class__ is ndarray:
                raise TypeError("'ndarray' object cannot be interpreted as an integer")
        if order == "C" and copy is None:
            return view(self._host.reshape(shape), self)
        return view(self._host.reshape(shape, order=order, copy=copy), self)

    def scatter_add(self, slices, value):
        names["add"].at(self, slices, value)

    # -- NumPy's functions called on this array -----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        """To the ufunc of that name in CuPy, given arrays and numbers only: an index that is a tuple is neither."""
        operands = inputs
        if "out" in kwargs:
            if len(kwargs["out"]) != 1:
                raise ValueError("The 'out' parameter must have exactly one array value")
            operands = inputs + kwargs["out"]
            kwargs["out"] = kwargs["out"][0]
        function = names.get(ufunc.__name__)
        if function is None:
            return NotImplemented
        for x in operands:
            if x.__class__ is not ndarray and x.__class__ not in NUMBERS and not isinstance(x, np.ndarray):
                return NotImplemented
        if method == "__call__":
            if ufunc.__name__ in COMPARE.values():  # np.float64(1) < array comes as an array without axes
                inputs = [x.item() if isinstance(x, np.ndarray) and not x.ndim else x for x in inputs]
            return function(*inputs, **kwargs)
        return getattr(function, method)(*inputs, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        """To the function of that name in CuPy."""
        ours = dispatched.get(function)
        if ours is None:
            ours = dispatched[function] = counterpart(function)
        for kind in types:
            if kind is not ndarray and kind is not np.ndarray:
                return NotImplemented
        return NotImplemented if ours is NotImplemented else ours(*args, **kwargs)


new = ndarray.__new__
dispatched = {}  # NumPy's function -> ours, or NotImplemented


def counterpart(function):
    """What CuPy has under the name of a NumPy function, in the module of the same name."""
    here = names
    for part in function.__module__.split(".")[1:]:
        here = vars(here[part]) if part in here else {}
    ours = here.get(function.__name__, NotImplemented)
    return NotImplemented if ours is function else ours


def operand(value):
    """An array or number for NumPy."""
    if value.__class__ is ndarray:
        return value._host
    if value.__class__ in NUMBERS:
        return value
    raise unsupported(value)


# -- operators: to CuPy's ufuncs; on what they do not know they ask NumPy, which asks the other's protocol ------------

BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "lshift": "left_shift",
    "rshift": "right_shift",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
}
COMPARE = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal"}
UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}


def binary(ufunc):
    """The operator of a ufunc with two operands."""
    of_two, numpys = ufunc.of_two, getattr(np, ufunc.__name__)
    comparing = ufunc.__name__ in ("equal", "not_equal")

    def operator(x, y):
        kind = y.__class__
        if kind is ndarray or kind in NUMBERS:
            return of_two(x, y)
        if goes_first(y):
            return NotImplemented
        if comparing and (y is None or type(y).__eq__ is object.__eq__):  # it cannot be equal
            counts.calls += 1
            return wrap(np.full(x.shape, ufunc.__name__ == "not_equal"))
        return numpys(x, y)

    return operator


def goes_first(other):
    """Whether the other operand wants to be asked: by NEP 13, or else by its priority."""
    try:
        return other.__array_ufunc__ is None
    except AttributeError:
        return getattr(other, "__array_priority__", 0) > ndarray.__array_priority__


def in_place(ufunc):
    """`x += y`: y is converted as little as anywhere."""
    return lambda x, y: ufunc(x, y, x)


def reflected(ufunc):
    of_two = ufunc.of_two
    return lambda x, y: of_two(y, x)


def matmul(x, y):
    if y.__class__ is ndarray or y.__class__ in NUMBERS or isinstance(y, np.ndarray):
        return names["matmul"](x, y)
    return NotImplemented if goes_first(y) else np.matmul(x, y)


def add_operators():
    """Once `names` is filled."""
    for symbol, name in BINARY.items():
        setattr(ndarray, f"__{symbol}__", binary(names[name]))
        setattr(ndarray, f"__r{symbol}__", reflected(names[name]))
        setattr(ndarray, f"__i{symbol}__", in_place(names[name]))
    for symbol, name in COMPARE.items():
        setattr(ndarray, f"__{symbol}__", binary(names[name]))
    for symbol, name in UNARY.items():
        setattr(ndarray, f"__{symbol}__", lambda x, of_one=names[name].of_one: of_one(x))
    ndarray.__divmod__ = binary(names["divmod"])
    ndarray.__rdivmod__ = reflected(names["divmod"])
    ndarray.__matmul__ = matmul  # there is no in-place one
    ndarray.__rmatmul__ = lambda x, y: names["matmul"](y, x)
    ndarray.__hash__ = None


# -- methods that are NumPy's, once their arguments are checked -------------------------------------------------------

WAITING_METHODS = {"nonzero", "compress"}
VIEWS = {"transpose", "swapaxes", "squeeze", "ravel", "diagonal"}


def add_method(name, takes):
    """A method under the signature that CuPy's documentation gives it."""
    signature = Signature(name, takes)

    def method(self, *args, **kwargs):
        signature.check(args, kwargs)
        return names[name](self, *args, **kwargs)

    def viewing(self, *args, **kwargs):
        signature.check(args, kwargs)
        for arg in args:
            if arg.__class__ is ndarray:
                raise TypeError("'ndarray' object cannot be interpreted as an integer")
        made = getattr(self._host, name)(*args, **kwargs)
        return self if name == "squeeze" and made.shape == self.shape else view(made, self)

    chosen = viewing if name in VIEWS else method
    chosen.__name__ = chosen.__qualname__ = name
    setattr(ndarray, name, chosen)


ALIKE = words(
    """all any argmax argmin argsort conj cumprod cumsum dot flatten max mean min nonzero prod ptp put repeat
round std sum take trace var argpartition searchsorted choose compress"""
)
for name in [*ALIKE, *VIEWS]:
    add_method(name, RECORD["ndarray"][name])
ndarray.conjugate = ndarray.conj


def clip(self, min=None, max=None, out=None):
    return names["clip"](self, min, max, out)


def flatten(self, order="C"):
    counts.calls += 1
    return wrap(self._host.flatten(order))


def sort(self, axis=-1, kind=None):
    check_write(self._host)
    counts.calls += 1
    self._host.sort(axis, "stable")


def partition(self, kth, axis=-1):
    check_write(self._host)
    counts.calls += 1
    self._host.partition(kth, axis)


ndarray.clip, ndarray.flatten, ndarray.sort, ndarray.partition = clip, flatten, sort, partition
