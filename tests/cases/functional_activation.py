"""The cases of `minigrad/nn/functional/activation.py`: by "nn." and the name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from tests.cases.common import *


def functional(name: str) -> Callable[..., Any]:
    """PyTorch's function of that name in `torch.nn.functional`."""
    return lambda torch, *args, **kwargs: getattr(torch.nn.functional, name)(*args, **kwargs)


def along(name: str) -> Callable[..., Any]:
    return lambda torch, x, axis=-1: getattr(torch.nn.functional, name)(x, dim=axis)


def wide(*shape: int) -> Any:
    return normal(*shape, low=-5.0, high=8.0)


FAR = [Case((plain([-1e4, -700, -40, 0, 40, 1e4]),), name="far")]
AXES = [*[Case((normal(2, 4, 6),), {"axis": axis}) for axis in (0, 1, 2, -1, -2)], Case((normal(4),))]
# At 0 itself PyTorch's second derivative is that of the right side, ours that of the left: a test of its own.
FAR_BUT_ZERO = [Case((plain([-1e4, -700, -40, 40, 1e4]),), name="far")]

SPECS: dict[str, Spec] = {
    # -- straight pieces --
    "nn.relu6": Spec(
        unary(wide, kinks=[-inf, -1.0, 0.0, 6.0, 7.0, inf]), functional("relu6"), lambda x: np.clip(x, 0, 6)
    ),
    "nn.hardsigmoid": Spec(
        unary(wide, kinks=[-inf, -4.0, -3.0, 0.0, 3.0, inf]),
        # Its own has a gradient of float32(1/6), and no second one.
        lambda torch, x: torch.nn.functional.relu6(x + 3) / 6,
        lambda x: np.clip(x / 6 + 0.5, 0, 1),
    ),
    "nn.prelu": Spec(
        [
            Case((normal(2, 3), positive(3))),
            Case((normal(2, 3, 4), positive(3))),
            Case((normal(2, 3), positive(1))),
            Case((normal(5), positive(1))),
            Case((normal(), positive(1))),
            Case((normal(3, 4), positive())),
            Case((normal(2, 0, 4), positive(1))),
            Case((plain([-2.0, 3.0, inf]), plain([0.5])), kink=True, name="kinks"),
        ],
        functional("prelu"),
        lambda x, weight: np.where(x > 0, x, x * weight.reshape([-1] * (x.ndim > 1) + [1] * (x.ndim - 2))),
    ),
    "nn.softshrink": Spec(
        [*unary(kinks=[-inf, -0.5, 0.0, 0.5, inf]), Case((normal(3, 4), 0.9)), Case((normal(3, 4),), {"lambd": 0.0})],
        functional("softshrink"),
        lambda x, lambd=0.5: np.sign(x) * np.maximum(np.abs(x) - lambd, 0),
    ),
    "nn.hardshrink": Spec(
        [*unary(kinks=[-inf, -0.5, 0.0, 0.5, inf, np.nan]), Case((normal(3, 4), 0.9))],
        functional("hardshrink"),
        lambda x, lambd=0.5: x * (np.abs(x) > lambd),
    ),
    "nn.threshold": Spec(
        [
            *[Case((normal(*shape), 0.3, -7.0)) for shape in SHAPES],
            Case((plain([-inf, -0.5, 0.5, 1.0, inf, np.nan]), 0.5, 7.0), kink=True, name="kinks"),
        ],
        functional("threshold"),
    ),
    # -- with an exponential left of 0 --
    "nn.elu": Spec(
        [*unary(), *FAR_BUT_ZERO, Case((normal(3, 4), 1.7)), Case((normal(3, 4),), {"alpha": 0.6})],
        functional("elu"),
        lambda x, alpha=1: np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1)),
    ),
    "nn.celu": Spec(
        [*unary(), *FAR_BUT_ZERO, Case((normal(3, 4), 2.0)), Case((normal(3, 4),), {"alpha": 0.5})],
        functional("celu"),
        lambda x, alpha=1: np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0) / alpha) - 1)),
    ),
    "nn.selu": Spec(
        [*unary(), *FAR_BUT_ZERO],
        functional("selu"),
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(np.minimum(x, 0)) - 1)),
    ),
    # -- smooth --
    "nn.gelu": Spec(
        [
            *unary(),
            *FAR,
            Case((plain([-inf, inf]),), kink=True, name="infinities"),
            Case((normal(3, 4), "none")),
            Case((normal(3, 4),), {"approximate": "tanh"}),
            Case((FAR[0].args[0],), {"approximate": "tanh"}, name="far"),
        ],
        lambda torch, x, approximate="none": torch.nn.functional.gelu(x, approximate=approximate),
        lambda x, approximate="none": (
            x * scipy.special.ndtr(x)
            if approximate == "none"
            else x * scipy.special.expit(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
        ),
    ),
    "nn.silu": Spec(
        [*unary(), *FAR, Case((plain([-inf, inf]),), kink=True, name="infinities")],
        functional("silu"),
        lambda x: x * scipy.special.expit(x),
    ),
    "nn.mish": Spec(
        [
            *unary(),
            Case((plain([-1e4, -700, -40, 0, 40]),), name="far"),
            Case((plain([-inf, 1e4, inf]),), kink=True, name="PyTorch's second derivative is nan"),
        ],
        functional("mish"),
        lambda x: x * np.tanh(np.logaddexp(0, x)),
    ),
    "nn.logsigmoid": Spec([*unary(), *FAR], functional("logsigmoid"), scipy.special.log_expit),
    "nn.softsign": Spec(
        [*unary(kinks=[-inf, -1.0, 0.0, 2.0, inf]), *FAR], functional("softsign"), lambda x: x / (1 + np.abs(x))
    ),
    "nn.tanhshrink": Spec([*unary(kinks=[-inf, 0.0, inf]), *FAR], functional("tanhshrink"), lambda x: x - np.tanh(x)),
    # -- along an axis --
    "nn.glu": Spec(
        [*AXES, Case((normal(0, 4),))],
        along("glu"),
        lambda x, axis=-1: np.split(x, 2, axis)[0] * scipy.special.expit(np.split(x, 2, axis)[1]),
    ),
    "nn.softmin": Spec(
        [*AXES, Case((plain([1e4, 0.0, -1e4]),), name="far")],
        along("softmin"),
        lambda x, axis=-1: scipy.special.softmax(-x, axis),
    ),
}
