"""The modules of the stand-in, put together from the record: name by name, as CuPy has them."""

import math

import numpy as np

from tests.gpu.strict import array, device, fusion, random
from tests.gpu.strict.functions import Function, special, unavailable
from tests.gpu.strict.signatures import RECORD, words
from tests.gpu.strict.ufuncs import Ufunc

KERNELS = words("ElementwiseKernel ReductionKernel RawKernel RawModule vectorize fromDlpack from_dlpack memoize")


def each(function):
    """What NumPy lacks, number by number."""
    return np.vectorize(function, otypes=[float])


class Special:
    """NumPy's side of `cupyx.scipy.special`, shaped like a ufunc."""

    def __init__(self, name):
        self.__name__ = name
        self._of_each = each(getattr(math, name))

    def __call__(self, x, order="C", signature=None, casting=None):
        dtype = np.dtype(signature[-1]) if signature else np.result_type(x, np.float32)
        return self._of_each(x).astype(dtype)


class Reciprocal:
    """1 / x; of integers CuPy's 1 / 0 is 0."""

    __name__ = "reciprocal"

    def __call__(self, x, **options):
        made = np.reciprocal(x, **options)
        return np.where(x == 0, 0, made).astype(made.dtype) if made.dtype.kind in "iu" else made


def build(name):
    """One module: of each name what the record says it is, computed by NumPy's module of that name."""
    host = np
    for part in name.split(".")[1:]:
        host = getattr(host, part, None)
    made = device.module(name)
    for thing, entry in RECORD["modules"][name].items():
        theirs = getattr(host, thing, None)
        kind = entry["kind"]
        if kind == "host" and theirs is not None:
            setattr(made, thing, theirs)
        elif thing in special and name in ("cupy", "cupy.linalg", "cupy.lib.stride_tricks"):
            setattr(made, thing, special[thing])
        elif thing in KERNELS:
            setattr(made, thing, unavailable(thing))
        elif kind == "ufunc" and isinstance(theirs, np.ufunc):
            setattr(made, thing, Ufunc(thing, entry["nin"], entry["nout"], entry["types"], theirs))
        elif kind in ("function", "ufunc") and callable(theirs):
            theirs = getattr(theirs, "_implementation", theirs)  # past NumPy's dispatch, where it shows it
            setattr(made, thing, Function(thing, entry.get("takes", "x out="), theirs, name))
        elif kind == "class" and isinstance(theirs, type):
            setattr(made, thing, theirs)
    return made


def assemble():
    made = {name: build(name) for name in RECORD["modules"] if name.startswith("cupy") and name != "cupy.random"}
    made["cupy.random"] = device.module("cupy.random", **random.contents)
    made["cupy.cuda"], made["cupy.cuda.runtime"] = device.cuda, device.runtime
    made["cupyx.scipy"] = device.module("cupyx.scipy")
    for name, module in made.items():
        module.__path__ = []  # so that `import cupy.cuda` looks in sys.modules
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(made[parent], child, module)
    top = made["cupy"]
    top.ndarray = array.ndarray
    top.ufunc = Ufunc
    top.fuse = fusion.fuse
    top.is_available = lambda: True
    top.get_default_memory_pool = lambda: device.pool
    top.get_default_pinned_memory_pool = lambda: device.MemoryPool()
    top.__version__ = RECORD["version"]
    top.newaxis = None
    of = RECORD["modules"]["cupy"]["reciprocal"]
    top.reciprocal = Ufunc("reciprocal", of["nin"], of["nout"], of["types"], Reciprocal())
    array.names.update(vars(top))
    array.add_operators()
    special_functions = made["cupyx.scipy.special"]
    for name in ("erf", "erfc", "gamma", "gammaln"):
        entry = RECORD["modules"]["cupyx.scipy.special"][name]
        if hasattr(math, name):
            setattr(special_functions, name, Ufunc(name, 1, 1, entry["types"], Special(name)))
    made["cupyx"].scatter_add = lambda a, slices, value: a.scatter_add(slices, value)
    return made


modules = assemble()
