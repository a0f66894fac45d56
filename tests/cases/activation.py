"""The cases of `ops/activation.py`."""

from __future__ import annotations

import numpy as np
import scipy.special

from tests.cases.common import *

SPECS: dict[str, Spec] = {
    "relu": Spec(unary(kinks=[-1.0, 0.0, 2.0]), same("relu"), lambda x: np.where(x > 0, x, 0)),
    "sigmoid": Spec(
        [*unary(), Case((plain([-1e4, -700, -40, 0, 40, 1e4]),), name="far")], same("sigmoid"), scipy.special.expit
    ),
}
