"""`cupy.fuse`: several ufuncs in one kernel. Here it computes what the function says, and refuses what CuPy would.

Measured: inside work operators, CuPy's ufuncs, `cupy.where`, `cupy.clip`, `astype` and one reduction without
`keepdims`. NumPy's functions do not, for what CuPy passes for an array has none of NumPy's protocols; nor do `mean`,
`@`, `.T`, `.shape`, `if x > 0`, arrays from outside, and functions without a name. Stricter than CuPy: arithmetic of
two numbers, as `1 - beta`, which CuPy does in the smallest type that holds them, float16, and so with three digits.
"""

import functools

import numpy as np

from tests.gpu.strict.array import NUMBERS, names, ndarray
from tests.gpu.strict.checks import Undefined
from tests.gpu.strict.ufuncs import Fused
from tests.gpu.strict.waits import counts

REDUCTIONS = ("sum", "prod", "max", "min", "amax", "amin", "all", "any")


class Trace:
    """One call of a fused function."""

    def __init__(self):
        self.reductions = 0

    def fused(self, array):
        out = Fused()
        out.array, out.trace = array, self
        return out

    def plain(self, x):
        if x.__class__ is Fused:
            return x.array
        if isinstance(x, ndarray | np.ndarray):
            raise TypeError("Concrete ndarray is not supported in fusion.")
        if x.__class__ is Number:
            return x.value
        if x.__class__ in NUMBERS:
            return x
        raise TypeError(f"Unsupported type {type(x)}")

    def ufunc(self, function, args, out, options):
        """A ufunc on what the operands stand for; `function` may also be `where` or `clip`."""
        args = [None if x is None else self.plain(x) for x in args]
        outs = out if isinstance(out, tuple) else (out,)
        if outs:
            options["out"] = tuple(self.plain(x) for x in outs)
        made = function(*args, **options)
        if outs:
            return outs[0]
        return tuple(map(self.fused, made)) if isinstance(made, tuple) else self.fused(made)

    def function(self, name, args, kwargs):
        """A reduction; anything else does not fuse."""
        if name not in REDUCTIONS:
            raise AttributeError(f"'_ArrayProxy' object has no attribute {name!r}")
        if kwargs.get("keepdims") or len(args) > 4:
            raise NotImplementedError(f"cupy.{name} does not support `keepdims` in fusion yet.")
        self.reductions += 1
        if self.reductions > 1:
            raise ValueError("more than one reduction in a fused function")
        return self.fused(names[name](*map(self.plain, args[:1]), *args[1:], **kwargs))


class Number:
    """A number that was given to a fused function. CuPy would calculate with it alone in float16, or in int8."""

    def __init__(self, value):
        self.value = value

    def beside(self, other):
        if other.__class__ is Fused:
            return NotImplemented  # and so the array's turn
        raise Undefined("arithmetic of numbers in a fused function: CuPy does it in float16; give it the result")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = beside
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = beside

    def __neg__(self):
        return self.beside(None)

    def __bool__(self):
        raise TypeError("a branch in cupy.fuse: its arguments have no values yet")


def operator(name, swap=False, in_place=False):
    def method(x, y):
        args = (y, x) if swap else (x, y)
        return x.trace.ufunc(names[name], args, (x,) if in_place else (), {})

    return method


def unfused(self):
    raise TypeError("Cannot convert to Python scalar in cupy.fuse")


for symbol, name in {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "left_shift",
    "rshift": "right_shift",
}.items():
    setattr(Fused, f"__{symbol}__", operator(name))
    setattr(Fused, f"__r{symbol}__", operator(name, swap=True))
    setattr(Fused, f"__i{symbol}__", operator(name, in_place=True))
for symbol, name in {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}.items():
    setattr(Fused, f"__{symbol}__", operator(name))
Fused.__neg__ = lambda x: x.trace.ufunc(names["negative"], (x,), (), {})
Fused.__invert__ = lambda x: x.trace.ufunc(names["invert"], (x,), (), {})
Fused.__bool__ = Fused.__float__ = Fused.__int__ = Fused.__index__ = unfused
Fused.__hash__ = None
Fused.ndim = property(lambda x: x.array.ndim)
Fused.astype = lambda x, dtype, order=None, casting=None, subok=None, copy=True: x.trace.fused(x.array.astype(dtype))


def fuse(*args, **kwargs):
    """As a decorator: `@cupy.fuse` or `@cupy.fuse(kernel_name="...")`."""
    if args and callable(args[0]):
        return fused_function(args[0], kwargs.get("kernel_name"))
    return lambda function: fused_function(function, kwargs.get("kernel_name", args[0] if args else None))


def fused_function(function, kernel_name=None):
    kernel_name = kernel_name or function.__name__

    @functools.wraps(function)
    def call(*args):
        if not kernel_name.isidentifier():
            raise ValueError(f"a kernel cannot be called {kernel_name}: give kernel_name, or a function with a name")
        trace = Trace()
        inside = []
        for x in args:
            if x.__class__ is ndarray:
                inside.append(trace.fused(x))
            elif x.__class__ in NUMBERS:
                inside.append(trace.fused(names["asarray"](x)) if not any_array(args) else Number(x))
            else:
                raise TypeError(f"Unsupported type {type(x)}")
        calls = counts.calls
        made = function(*inside)
        counts.calls = calls + 1
        return outside(made)

    return call


def any_array(args):
    return any(x.__class__ is ndarray for x in args)


def outside(made):
    """The results as arrays again."""
    if made is None:
        return None
    if made.__class__ is Fused:
        return made.array
    if isinstance(made, tuple):
        return tuple(outside(part) for part in made)
    raise ValueError("The return value of fused functions must be `None`, ndarray or a tuple of ndarays.")
