"""The cases of `ops/linalg.py`."""

from __future__ import annotations

from tests.cases.common import *

_matmul_shapes = [
    ((3, 4), (4, 2)),
    ((4,), (4,)),
    ((4,), (4, 2)),
    ((3, 4), (4,)),
    ((2, 3, 4), (4, 2)),
    ((2, 3, 4), (2, 4, 2)),
    ((2, 1, 3, 4), (3, 4, 2)),
    ((3, 4), (2, 4, 2)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 3)),
    ((1, 1), (1, 1)),
    ((3, 0), (0, 2)),
    ((0, 3), (3, 2)),
    ((1, 3, 4), (2, 4, 2)),
]
SPECS: dict[str, Spec] = {
    "matmul": Spec([Case((normal(*x), positive(*y))) for x, y in _matmul_shapes], same("matmul")),
}
