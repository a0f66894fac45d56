"""The cases of `minigrad/functions.py`: by "functions." and the name."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from tests.cases.common import *


def moments() -> list[Case]:
    """Calls in which more than one number is reduced into each."""
    return [case for case in reductions(empty=False) if np.shape(case.args[0]) not in ((), (1,), (2, 1, 3))]


def both(results: Any) -> Any:
    """Two results as one tensor."""
    return 1000 * results[0] + results[1]


def torch_names(how: dict[str, Any]) -> dict[str, Any]:
    return {"dim": how.get("axis"), "keepdim": how.get("keepdims", False)}


def numpy_norm(size: Any, p: float, axis: Any, keepdims: bool) -> Any:
    if p in (0, inf, -inf):
        reduce = {0: np.count_nonzero, inf: np.max, -inf: np.min}[p]
        return np.asarray(reduce(size, axis, keepdims=keepdims), float)
    return np.sum(size**p, axis, keepdims=keepdims) ** (1 / p)


_with_nan = [
    Case((plain([[1.0, np.nan, 3.0], [-2.0, 0.5, np.nan]]),), {"axis": axis}, kink=True, name="nan")
    for axis in (None, 0, 1, (0, 1))
]


SPECS: dict[str, Spec] = {
    "functions.nansum": Spec(
        [*reductions(), *_with_nan],
        torch_reduction("nansum"),
        lambda x, axis=None, keepdims=False: np.nansum(x, axis, keepdims=keepdims),
    ),
    "functions.nanmean": Spec(
        [*reductions(empty=False), *_with_nan],
        torch_reduction("nanmean"),
        lambda x, axis=None, keepdims=False: np.nanmean(x, axis, keepdims=keepdims),
    ),
    **{
        f"functions.{name}_mean": Spec(
            moments(),
            lambda torch, x, name=name, **how: both(getattr(torch, f"{name}_mean")(x, **torch_names(how))),
            lambda x, name=name, **how: both((getattr(np, name)(x, ddof=1, **how), np.mean(x, **how))),
            call=lambda x, name=name, **how: both(getattr(mg, f"{name}_mean")(x, **how)),
        )
        for name in ("var", "std")
    },
    "functions.norm": Spec(
        [
            *reductions(empty=False),
            *[
                Case((normal(2, 3), p, axis))
                for p in (0, 0.5, 1, 1.5, 2, 3, 2.5, -1, -2.5, inf, -inf)
                for axis in (None, 1)
            ],
            Case((normal(2, 3), "fro"), {"keepdims": True}),
            Case((normal(0), 3)),
            *[
                Case((plain([[0.0, 0.0, 0.0], [-2.0, 0.0, 2.0]]), p, axis), kink=True, name="zeros and ties")
                for p in (0, 0.5, 1, 1.5, 2, 3, inf, -inf)
                for axis in (None, 1)
            ],
        ],
        lambda torch, x, p=2, axis=None, keepdims=False: torch.linalg.vector_norm(
            x, 2 if p == "fro" else p, axis, keepdims
        ),
        lambda x, p=2, axis=None, keepdims=False: numpy_norm(np.abs(x), 2 if p == "fro" else p, axis, keepdims),
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
    # -- elementwise --
    "functions.lerp": Spec(
        [
            Case((normal(3, 4), positive(3, 4), 0.3)),
            Case((normal(3, 4), positive(4), normal(3, 1)), name="array of weights"),
            Case((normal(2, 0), positive(2, 0), 0.3)),
            Case((plain(1.0), plain(2.0), plain(0.25))),
        ],
        lambda torch, x, end, weight: torch.lerp(x, end.expand(x.shape), weight),
        lambda x, end, weight: (1 - weight) * x + weight * end,
    ),
    "functions.addcmul": Spec(
        [
            Case((normal(3, 4), positive(4), normal(3, 1))),
            Case((normal(3, 4), positive(3, 4), normal(3, 4)), {"value": -0.5}),
            Case((plain(1.0), plain(2.0), plain(0.25))),
        ],
        lambda torch, *args, **value: torch.addcmul(*args, **value),
        lambda x, tensor1, tensor2, value=1: x + value * (tensor1 * tensor2),
    ),
    "functions.addcdiv": Spec(
        [
            Case((normal(3, 4), normal(4), positive(3, 1))),
            Case((normal(3, 4), normal(3, 4), positive(3, 4)), {"value": -0.5}),
            Case((plain(1.0), plain(2.0), plain(0.25))),
        ],
        lambda torch, *args, **value: torch.addcdiv(*args, **value),
        lambda x, tensor1, tensor2, value=1: x + value * (tensor1 / tensor2),
    ),
    "functions.masked_fill": Spec(
        [
            Case((normal(3, 4), np.array([True, False, False, True]), 1.5)),
            Case((normal(3, 1), np.array([[True], [False], [True]]), plain(1.5))),
            Case((normal(4), np.array([True, False, False, True]), -inf), kink=True, name="infinity"),
        ],
        lambda torch, x, mask, value: torch.masked_fill(x, mask, value),
        lambda x, mask, value: np.where(mask, value, x),
    ),
}
