"""The cases of `ops/reduce.py`."""

from __future__ import annotations

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
    *[Case((plain([[1.0, np.nan], [3.0, 0.0]]),), {"axis": axis}, kink=True, name="nan") for axis in (None, 0, 1)],
]
SPECS: dict[str, Spec] = {
    "sum": Spec(reductions(), torch_reduction("sum")),
    "mean": Spec(reductions(empty=False), torch_reduction("mean")),
    "max": Spec([*reductions(empty=False), *_ties], torch_extreme("max")),
    "min": Spec([*reductions(empty=False), *_ties], torch_extreme("min")),
    "argmax": Spec(_picks, lambda torch, x, axis=None, keepdims=False: torch.argmax(x, axis, keepdim=keepdims)),
    "argmin": Spec(_picks, lambda torch, x, axis=None, keepdims=False: torch.argmin(x, axis, keepdim=keepdims)),
    "logsumexp": Spec(
        [
            *reductions(empty=False),
            Case((plain([[1e4, -1e4, 9999.0], [-inf, 2.0, -inf]]),), {"axis": 1}, kink=True, name="far"),
        ],
        torch_reduction("logsumexp"),
        lambda x, axis=None, keepdims=False: scipy.special.logsumexp(x, axis, keepdims=keepdims),
    ),
}
