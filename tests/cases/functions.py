"""The cases of `minigrad/functions.py`: by "functions." and the name."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from tests.cases.common import *


def moments() -> list[Case]:
    """Calls in which more than one number is reduced into each."""
    return [case for case in reductions(empty=False) if np.shape(case.args[0]) not in ((), (1,), (2, 1, 3))]


SPECS: dict[str, Spec] = {
    "functions.cat": Spec(
        [Case((normal(2, 3), positive(1, 3))), Case((normal(2, 3), positive(2, 1)), {"axis": -1})],
        lambda torch, *xs, axis=0: torch.cat(xs, axis),
        lambda *xs, axis=0: np.concatenate(xs, axis),
        call=lambda *xs, axis=0: mg.cat(xs, axis),
    ),
    "functions.stack": Spec(
        [Case((normal(2, 3), positive(2, 3)), {"axis": axis}) for axis in (0, 1, 2, -1)],
        lambda torch, *xs, axis=0: torch.stack(xs, axis),
        lambda *xs, axis=0: np.stack(xs, axis),
        call=lambda *xs, axis=0: mg.stack(xs, axis),
    ),
    "functions.var": Spec(
        moments(),
        lambda torch, x, axis=None, keepdims=False: torch.var(x, axis, keepdim=keepdims),
        lambda x, axis=None, keepdims=False: np.var(x, axis, ddof=1, keepdims=keepdims),
    ),
    "functions.std": Spec(
        [*moments(), Case((plain([[2.0, 2.0], [1.0, 3.0]]),), {"axis": 1}, kink=True, name="constant")],
        lambda torch, x, axis=None, keepdims=False: torch.std(x, axis, keepdim=keepdims),
        lambda x, axis=None, keepdims=False: np.std(x, axis, ddof=1, keepdims=keepdims),
    ),
}
