"""The cases of `ops/elementwise.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from tests.cases.common import *


def near_zero(*shape: int) -> Any:
    """Numbers between −0.8 and 0.8, none close to 0."""
    return normal(*shape, low=-0.8, high=0.8)


def above_one(*shape: int) -> Any:
    return normal(*shape, low=1.2, high=4.0)


def far(*values: float) -> list[Case]:
    return [Case((plain(values),), name="far")]


def kinks(*values: float) -> list[Case]:
    return [Case((plain(values),), kink=True, name="kinks")]


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
    "fmod": Spec(
        [
            *binary(make_y=positive),
            Case((plain([5.3, -5.3, 5.3, -5.3]), plain([1.5, 1.5, -1.5, -1.5])), name="signs"),
            Case((plain([6.0, -6.0]), plain([1.5, 1.5])), kink=True, name="kinks"),
        ],
        same("fmod"),
    ),
    "reciprocal": Spec([*unary(), *far(1e4, -1e4), *kinks(0.0, inf)], same("reciprocal")),
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
            Case((0.0, plain([-1.0, -0.5])), kink=True, name="infinite"),
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
    "exp": Spec([*unary(), *far(-700.0, -1e4, 20.0)], same("exp")),
    "exp2": Spec([*unary(), *far(-1e4)], same("exp2")),
    "expm1": Spec([*unary(), *far(-700.0, -1e4, 1e-12, 0.0)], same("expm1")),
    "log": Spec([*unary(positive), *kinks(0.0, 1.0, inf)], same("log")),
    "log2": Spec([*unary(positive), *kinks(0.0, 1.0, inf)], same("log2")),
    "log10": Spec([*unary(positive), *kinks(0.0, 1.0, inf)], same("log10")),
    "log1p": Spec([*unary(near_zero), *far(1e-12, 0.0, 1e4), *kinks(-1.0, inf)], same("log1p")),
    "logaddexp": Spec(
        [
            *binary(),
            Case((plain([1e4, 1e4, 0.0, -1e4, 7.0]), plain([1.0, 1e4, 700.0, 1e4, 7.0])), kink=True, name="far"),
            Case(
                (plain([-inf, -inf, inf, inf, 1.0, inf]), plain([-inf, 1.0, 1.0, inf, -inf, -inf])),
                kink=True,
                name="infinities",
            ),
        ],
        same("logaddexp"),
    ),
    "sqrt": Spec([*unary(positive), *kinks(0.0, 4.0)], same("sqrt")),
    "rsqrt": Spec([*unary(positive), *kinks(0.0, 4.0, inf)], same("rsqrt"), lambda x: x**-0.5),
    "hypot": Spec(
        [
            *binary(),
            Case((plain([0.0, 0.0, 3.0, 0.0]), plain([0.0, -2.0, 0.0, 4.0])), kink=True, name="kinks"),
        ],
        same("hypot"),
    ),
    # -- trigonometric and hyperbolic functions --
    "sin": Spec([*unary(), *far(0.0, 700.0)], same("sin")),
    "cos": Spec([*unary(), *far(0.0, 700.0)], same("cos")),
    "tan": Spec([*unary(near_zero), *far(0.0, 2.0, -700.0)], same("tan")),
    "arcsin": Spec(unary(near_zero), same("arcsin")),
    "arccos": Spec(unary(near_zero), same("arccos")),
    "arctan": Spec([*unary(), *far(0.0, -1e4, 700.0), *kinks(-inf, inf)], same("arctan")),
    "arctan2": Spec(
        [
            *binary(),
            Case((plain([0.0, 0.0, 2.0, -2.0]), plain([1.0, -1.0, 0.0, 0.0])), kink=True, name="axes"),
            Case((plain([0.0, 0.0, -0.0, 1.0]), plain([0.0, -0.0, 0.0, 2.0])), kink=True, name="origin"),
        ],
        same("arctan2"),
    ),
    "sinh": Spec([*unary(), *far(0.0)], same("sinh")),
    "cosh": Spec([*unary(), *far(0.0)], same("cosh")),
    "tanh": Spec([*unary(), *far(-1e4, 1e4)], same("tanh")),
    "arcsinh": Spec([*unary(), *far(0.0, -1e4, 1e4)], same("arcsinh")),
    "arccosh": Spec([*unary(above_one), *far(1e4)], same("arccosh")),
    "arctanh": Spec(unary(near_zero), same("arctanh")),
    "sinc": Spec(
        [
            *unary(),
            *far(30.25, -7.5),
            Case((plain([-0.5, 0.4, 0.5, 0.6, -0.1]),), name="where series and fraction meet"),
            Case((plain([0.0, 1e-3, -1e-6, 1e-12]),), torch=False, name="near 0, PyTorch's second derivative is wrong"),
        ],
        same("sinc"),
    ),
    # -- the error function --
    "erf": Spec([*unary(), *far(0.0, 6.0, -30.0, 1e4), *kinks(-inf, inf)], same("erf"), scipy.special.erf),
    "erfc": Spec([*unary(), *far(0.0, 6.0, -30.0, 1e4), *kinks(-inf, inf)], same("erfc"), scipy.special.erfc),
    # -- signs and rounding --
    "abs": Spec(unary(kinks=[-1.0, 0.0, 2.0]), same("abs")),
    "sign": Spec(unary(kinks=[-1.0, 0.0, 2.0]), same("sign")),
    "copysign": Spec(
        [
            *binary(),
            Case((plain([0.0, -0.0, 2.0, -2.0, 3.0]), plain([1.0, -1.0, -1.0, 0.0, -0.0])), kink=True, name="kinks"),
        ],
        same("copysign"),
    ),
    **{
        name: Spec(unary(kinks=[-1.5, -1.0, -0.5, 0.0, 0.5, 1.5, 2.5, 1e30, inf]), same(name))
        for name in ("floor", "ceil", "trunc")
    },
    "round": Spec(
        [
            *unary(kinks=[-1.5, -1.0, -0.5, 0.0, 0.5, 1.5, 2.5, 1e30, inf]),
            Case((normal(3, 4) * 100, 1), name="decimals"),
            Case((normal(3, 4) * 100,), {"decimals": -2}, name="decimals"),
        ],
        lambda torch, x, decimals=0: torch.round(x, decimals=decimals),
    ),
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
    "nan_to_num": Spec(
        [
            *unary(),
            Case((plain([np.nan, -inf, inf, 2.0]), 0.5, 7.0, -8.0), kink=True, name="kinks"),
            Case((plain([np.nan, inf, 2.0]),), {"posinf": 3.0}, kink=True, name="kinks"),
            Case((np.array([np.nan, -inf, inf, 2.0], np.float32),), name="the largest and the lowest float32"),
        ],
        lambda torch, x, nan=0.0, posinf=None, neginf=None: torch.nan_to_num(x, nan, posinf, neginf),
        lambda x, nan=0.0, posinf=None, neginf=None: np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf),
    ),
}

# -- comparisons and logic: no gradients, so they are here for their values -------------------------------------------

for _name in ("eq", "not_equal", "less", "less_equal", "greater", "greater_equal"):
    _torch_name = {"not_equal": "ne"}.get(_name, _name)
    SPECS[_name] = Spec(
        [*binary(), Case((plain([1.0, 2.0, 3.0]), plain([2.0, 2.0, 2.0])), name="ties")], same(_torch_name)
    )
for _name in ("logical_and", "logical_or", "logical_xor"):
    SPECS[_name] = Spec([*binary(), Case((plain([0.0, 0.0, 2.0, np.nan]), plain([0.0, 1.0, 1.0, 0.0])))], same(_name))
SPECS["logical_not"] = Spec([*unary(), Case((plain([0.0, -0.0, 2.0, np.nan, inf]),))], same("logical_not"))
SPECS["isclose"] = Spec(
    [
        *binary(),
        Case((plain([1.0, 1.0, 0.0, inf, inf, np.nan]), plain([1.00001, 1.0001, 1e-9, inf, -inf, np.nan]))),
        Case((plain([1.0, np.nan]), plain([1.1, np.nan])), {"rtol": 0.2, "equal_nan": True}),
        Case((plain([1.0, 2.0]), plain([1.1, 2.3])), {"atol": 0.2}),
    ],
    lambda torch, x, y, **options: torch.isclose(
        *[torch.as_tensor(value, dtype=torch.float64) for value in (x, y)], **options
    ),
)
for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    SPECS[_name] = Spec(
        [Case((np.array([True, True, False, False]), np.array([True, False, True, False])))],
        lambda torch, x, y, _name=_name: getattr(torch, _name)(x, y),
    )
SPECS["invert"] = Spec([Case((np.array([True, False]),))], lambda torch, x: torch.bitwise_not(x))
for _name in ("isnan", "isfinite", "isinf", "signbit"):
    SPECS[_name] = Spec([Case((plain([-inf, np.nan, 0.0, -0.0, -1.0, 1.0, inf]),))], same(_name))
