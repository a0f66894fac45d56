"""A stand-in for CuPy that computes with NumPy and refuses what CuPy would refuse: CuPy's manners, without a GPU.

Code for arrays of NumPy's looks as if it would run on CuPy's, and often does not: a host array slips into an
expression, a keyword is missing, a result is tested as if it were a number. No test on NumPy notices, for there it
works. `install()` puts the stand-in in the place of `cupy`, and the tests that pass then have shown

    what exists       only names, methods and keywords that CuPy has; `record.json` lists them     record.py
    what mixes        host arrays are refused everywhere but in `asarray` and its like             functions.py
    which dtypes      ufuncs take and give the dtypes of CuPy's own loops; `.at` takes fewer       ufuncs.py
    what dispatches   `np.exp(array)` comes to `cupy.exp` by NumPy's protocols, as in CuPy         array.py
    what comes back   arrays without axes, never NumPy's scalars
    what waits        `float(array)`, `array[mask]`, `nonzero` ... make the host wait for the      waits.py
                      device: they are counted, and inside `with no_waits():` they are errors
    what fuses        `cupy.fuse` takes what CuPy's takes                                          fusion.py

It is stricter than CuPy where a GPU would be silently wrong or leave a result undefined: writing through a broadcast
view, assigning through repeated indices, indices out of range, casting NaN to an integer. These raise `Undefined`, or
what NumPy raises. And fresh memory is no zeros: it is NaN, or the largest integer.

    >>> import numpy as np
    >>> from tests.gpu import strict
    >>> with strict.installed() as cupy:
    ...     np.square(cupy.asarray([1.0, 2.0])) + np.ones(2)
    Traceback (most recent call last):
    TypeError: Unsupported type <class 'numpy.ndarray'>

How far the likeness goes is measured: `tests/gpu/probes` puts the same questions to the stand-in and to CuPy.
What it cannot show: speed, the order of atomic additions, errors that come late, the last bits of a result, and the
memory order of what `einsum` gives.
"""

import contextlib
import sys

from tests.gpu.strict.array import ndarray
from tests.gpu.strict.checks import Undefined
from tests.gpu.strict.modules import modules
from tests.gpu.strict.waits import MadeToWait, counting, counts, no_waits

__all__ = [
    "MadeToWait",
    "Undefined",
    "counting",
    "counts",
    "cupy",
    "install",
    "installed",
    "modules",
    "ndarray",
    "no_waits",
    "uninstall",
]

cupy = modules["cupy"]
_before = {}


def install():
    """Make `import cupy` import the stand-in, from now on and for the whole process. Returns it."""
    if sys.modules.get("cupy") is not cupy:
        taken = [name for name in sys.modules if name.partition(".")[0] in ("cupy", "cupyx", "cupy_backends")]
        _before.update({name: sys.modules.pop(name) for name in taken})
        sys.modules.update(modules)
    return cupy


def uninstall():
    """Undo `install()`."""
    if sys.modules.get("cupy") is cupy:
        for name in modules:
            sys.modules.pop(name, None)
        sys.modules.update(_before)
        _before.clear()


@contextlib.contextmanager
def installed():
    """`install()` for the length of a `with`; inside another one, or after `install()`, it changes nothing."""
    if sys.modules.get("cupy") is cupy:
        yield cupy
        return
    install()
    try:
        yield cupy
    finally:
        uninstall()
