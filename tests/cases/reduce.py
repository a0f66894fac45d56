"""The cases of `ops/reduce.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from tests.cases.common import *

_picks = [case for case in reductions(empty=False) if not isinstance(case.kwargs.get("axis"), tuple)]
_ties = [
    *[
        Case((TIES,), {"axis": axis, "keepdims": k}, kink=True, name="ties")
        for axis in (None, 0, 1, -2, (0, 1))
        for k in (False, True)
    ],
    *[
        Case(
            (plain([[1.0, np.nan], [3.0, 0.0]]),),
            {"axis": axis},
            kink=True,
            torch=False,
            name="nan, PyTorch's gradient is nan",
        )
        for axis in (None, 0, 1)
    ],
]
# None, one and two zeros among the factors: the gradient of a product must not divide by them.
_products = [
    *reductions(),
    *[Case((plain([2.0, 0.0, -1.5, 3.0]) * (np.arange(4) != i),), name="zeros") for i in range(4)],
    *[
        Case((plain([[2.0, 0.0, -1.5], [0.0, 0.5, 3.0], [1.5, -2.0, 0.0]]),), {"axis": axis}, name="zeros")
        for axis in (None, 0, 1, (0, 1))
    ],
]
_running = [
    *[Case((normal(*shape),), {"axis": 0}) for shape in [(0,), (1,), (2,), (5,), (9,), (3, 4), (0, 2), (2, 0)]],
    *[Case((normal(2, 3, 4),), {"axis": axis}) for axis in (0, 1, 2, -1, -3)],
    *[Case((normal(*shape),), torch=False, name="flattened, as in NumPy") for shape in [(), (5,), (2, 3)]],
]
_running_products = [
    *_running,
    *[
        Case((plain([2.0, 0.0, -1.5, 0.0, 3.0, 0.5]) * (np.arange(6) != i),), {"axis": 0}, name="zeros")
        for i in (0, 1, 5)
    ],
    *[Case((plain([[2.0, 0.0, -1.5], [0.0, 0.5, 3.0]]),), {"axis": axis}, name="zeros") for axis in (0, 1)],
]


def torch_product(torch: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """PyTorch takes one axis at a time."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for a in sorted(a % x.ndim for a in axes)[::-1]:
        x = x.prod(a, keepdim=keepdims)
    return x if axes else x.prod()


_mixed = plain([[1.0, 0.0, -2.0], [0.0, 0.0, np.nan], [0.0, 3.0, 4.0]])
_plain = [case for case in reductions() if case.args[0].ndim] + [
    Case((_mixed,), {"axis": axis, "keepdims": k}, name="zeros") for axis in (None, 0, 1, (0, 1)) for k in (False, True)
]
SPECS: dict[str, Spec] = {
    "sum": Spec(reductions(), torch_reduction("sum")),
    "mean": Spec(reductions(empty=False), torch_reduction("mean")),
    "amax": Spec([*reductions(empty=False), *_ties], torch_extreme("amax")),
    "amin": Spec([*reductions(empty=False), *_ties], torch_extreme("amin")),
    "argmax": Spec(_picks, lambda torch, x, axis=None, keepdims=False: torch.argmax(x, axis, keepdim=keepdims)),
    "argmin": Spec(_picks, lambda torch, x, axis=None, keepdims=False: torch.argmin(x, axis, keepdim=keepdims)),
    "any": Spec(_plain, torch_reduction("any")),
    "all": Spec(_plain, torch_reduction("all")),
    "count_nonzero": Spec(
        _plain,
        lambda torch, x, axis=None, keepdims=False: (x != 0).sum(
            tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims
        ),
    ),
    "argsort": Spec(
        [
            *[Case((normal(*shape),)) for shape in [(1,), (5,), (3, 4), (0,)]],
            *[Case((normal(2, 3, 4), axis, d), name="axis") for axis in (0, 1, -1) for d in (False, True)],
            *[Case((TIES, axis, d), name="ties") for axis in (0, 1) for d in (False, True)],
            *[Case((plain([2.0, np.nan, inf, -inf, 0.0]), 0, d), name="nan") for d in (False, True)],
        ],
        lambda torch, x, axis=-1, descending=False: torch.sort(x, dim=axis, descending=descending, stable=True).indices,
        lambda x, axis=-1, descending=False: np.lexsort(
            (np.indices(x.shape)[axis], -x if descending else x, ~np.isnan(x) if descending else np.isnan(x)), axis
        ),
    ),
    "cumsum": Spec(_running, lambda torch, x, axis: torch.cumsum(x, axis)),
    "cumprod": Spec(_running_products, lambda torch, x, axis: torch.cumprod(x, axis)),
    "prod": Spec(_products, torch_product),
    "logsumexp": Spec(
        [
            *reductions(empty=False),
            Case((normal(0, 3),), {"axis": 0}, name="of nothing"),
            Case((normal(3, 0),), {"axis": 0}, name="of nothing"),
            Case((plain([[1e4, -1e4, 9999.0], [-inf, 2.0, -inf]]),), {"axis": 1}, kink=True, name="far"),
        ],
        torch_reduction("logsumexp"),
        lambda x, axis=None, keepdims=False: scipy.special.logsumexp(x, axis, keepdims=keepdims),
    ),
}
