"""The cases of `ops/elementwise.py`."""

from __future__ import annotations

import numpy as np

from tests.cases.common import *

# -- arithmetic -------------------------------------------------------------------------------------------------------

SPECS: dict[str, Spec] = {
    "add": Spec(binary(), same("add")),
    "subtract": Spec(binary(), same("subtract")),
    "multiply": Spec(binary(), same("multiply")),
    "divide": Spec(binary(make_y=positive), same("divide")),
    "floor_divide": Spec(
        binary(make_y=positive), lambda torch, x, y: torch.floor(torch.as_tensor(x) / torch.as_tensor(y))
    ),
    "remainder": Spec(binary(make_y=positive), same("remainder")),
    "power": Spec(
        [
            *binary(positive, normal),
            *[Case((normal(3, 4), n), name="integer power") for n in (-2, -1, 0, 1, 2, 3, 2.0)],
            Case((plain([0.0, 0.0, 0.0, 0.0, -2.0]), plain([0.0, 1.0, 2.0, 0.5, 2.0])), kink=True, name="kinks"),
            Case(
                (plain([2.0, 0.5]), plain([0.0, 0.0])), torch=False, name="y=0, PyTorch's mixed second derivative is 0"
            ),
            *[Case((plain([0.0, 1.0, -1.0]), n), kink=True, name="kinks") for n in (0, 1, 2, 3)],
            Case((0.0, plain([0.0, 1.0, 2.0])), kink=True, name="kinks"),
            Case((2, normal(3)), name="integer base"),
        ],
        lambda torch, x, y: torch.pow(x, y),
    ),
    "square": Spec(unary(), same("square")),
    "negative": Spec(unary(), same("negative")),
    "clone": Spec(unary(), same("clone")),
    "cast": Spec(
        [Case((normal(*shape), np.dtype(np.float64))) for shape in SHAPES],
        lambda torch, x, dtype: x.to(torch.float64),
        lambda x, dtype: x.astype(dtype),
    ),
    # -- functions --
    "exp": Spec(unary(), same("exp")),
    "log": Spec(unary(positive), same("log")),
    "sqrt": Spec([*unary(positive), Case((plain([0.0, 4.0]),), kink=True, name="kinks")], same("sqrt")),
    "tanh": Spec([*unary(), Case((plain([-1e4, 1e4]),), name="far")], same("tanh")),
    "abs": Spec(unary(kinks=[-1.0, 0.0, 2.0]), same("abs")),
    "sign": Spec(unary(kinks=[-1.0, 0.0, 2.0]), same("sign")),
    # -- choices --
    "maximum": Spec(binary(kinks=([1.0, 2.0, 3.0, inf], [2.0, 2.0, 1.0, inf])), same("maximum")),
    "minimum": Spec(binary(kinks=([1.0, 2.0, 3.0, inf], [2.0, 2.0, 1.0, inf])), same("minimum")),
    "clip": Spec(
        [
            *[Case((normal(*shape), -1.0, 0.5)) for shape in SHAPES],
            *[
                Case((plain([-2.0, -1.0, 0.0, 0.5, 3.0]), *bounds), kink=True, name="kinks")
                for bounds in [(-1, 0.5), (-1, None), (None, 0.5)]
            ],
            Case((normal(3, 4), normal(4, low=-3, high=-1), 0.7), name="array bound"),
            Case((normal(3, 4),), {"min": -0.5}),
            Case((normal(3, 4),), {"max": 0.5}),
        ],
        lambda torch, x, min=None, max=None: torch.clamp(
            x, *[b if b is None else torch.as_tensor(b, dtype=torch.float64) for b in (min, max)]
        ),
        lambda x, min=None, max=None: np.minimum(
            np.maximum(x, -inf if min is None else min), inf if max is None else max
        ),
    ),
    "where": Spec(
        [
            *[
                Case((np.asarray(normal(*np.broadcast_shapes(x, y)) > 0), normal(*x), positive(*y)))
                for x, y in BROADCASTS
            ],
            Case((np.array([[True], [False]]), normal(3), positive(2, 1)), name="broadcast condition"),
            Case((np.array([True, False]), normal(2), 1.5), name="number"),
            Case((np.array([True, False]), 1.5, normal(2)), name="number"),
        ],
        lambda torch, c, x, y: torch.where(c, *[torch.as_tensor(v, dtype=torch.float64) for v in (x, y)]),
    ),
}

# -- comparisons and logic: no gradients, so they are here for their values -------------------------------------------

for _name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
    _torch_name = {"equal": "eq", "not_equal": "ne"}.get(_name, _name)
    SPECS[_name] = Spec(
        [*binary(), Case((plain([1.0, 2.0, 3.0]), plain([2.0, 2.0, 2.0])), name="ties")], same(_torch_name)
    )
for _name in ("bitwise_and", "bitwise_or"):
    SPECS[_name] = Spec(
        [Case((np.array([True, True, False, False]), np.array([True, False, True, False])))],
        lambda torch, x, y, _name=_name: getattr(torch, _name)(x, y),
    )
SPECS["invert"] = Spec([Case((np.array([True, False]),))], lambda torch, x: torch.bitwise_not(x))
for _name in ("isnan", "isfinite"):
    SPECS[_name] = Spec([Case((plain([-inf, np.nan, 0.0, 1.0, inf]),))], same(_name))
