"""The cases of `ops/activation.py`."""

from __future__ import annotations

import numpy as np
import scipy.special

from tests.cases.common import *

FAR = [Case((plain([-1e4, -700, -40, 0, 40, 1e4]),), name="far")]

SPECS: dict[str, Spec] = {
    "relu": Spec(unary(kinks=[-1.0, 0.0, 2.0]), same("relu"), lambda x: np.where(x > 0, x, 0)),
    "leaky_relu": Spec(
        [
            *unary(kinks=[-inf, -1.0, 0.0, 2.0, inf]),
            Case((normal(3, 4), 0.3)),
            Case((normal(3, 4),), {"negative_slope": -1.5}),
            Case((normal(2, 3, 4), normal(3, 1)), name="slopes"),
            Case((plain([-1.0, 0.0, 2.0]), plain([0.3, 0.5, 0.7])), kink=True, name="slopes"),
        ],
        # Its own takes one number; prelu takes more, but its second derivatives at 0 contradict its first ones.
        lambda torch, x, negative_slope=0.01: torch.where(x > 0, x, torch.as_tensor(negative_slope, dtype=x.dtype) * x),
        lambda x, negative_slope=0.01: np.maximum(x, 0) + negative_slope * np.minimum(x, 0),
    ),
    "hardtanh": Spec(
        [
            *unary(kinks=[-inf, -1.0, 0.0, 1.0, 2.0, inf]),
            Case((normal(3, 4), -0.7, 1.2)),
            Case((plain([-0.5, 0.0, 1.5, 2.0]),), {"min_val": -0.5, "max_val": 1.5}, kink=True, name="kinks"),
        ],
        lambda torch, x, *bounds, **named: torch.nn.functional.hardtanh(x, *bounds, **named),
        lambda x, min_val=-1, max_val=1: np.minimum(np.maximum(x, min_val), max_val),
    ),
    "hardswish": Spec(
        [*unary(kinks=[-3.0, 0.0, 3.0, inf]), *FAR, Case((plain([-4.0, -2.5, 2.5, 4.0]),))],
        lambda torch, x: torch.nn.functional.hardswish(x),
        lambda x: np.where(x < -3, 0, np.where(x > 3, x, x * (x + 3) / 6)),
    ),
    "sigmoid": Spec([*unary(), *FAR], same("sigmoid"), scipy.special.expit),
    "softplus": Spec(
        [
            *unary(),
            *FAR,
            Case((normal(3, 4), 2.5)),
            Case((normal(3, 4),), {"beta": 0.5}),
            Case((plain([21.0, 25.0]),), torch=False, name="beyond 20 PyTorch takes x itself"),
        ],
        lambda torch, x, beta=1: torch.nn.functional.softplus(x, beta),
        lambda x, beta=1: np.logaddexp(0, beta * x) / beta,
    ),
}
