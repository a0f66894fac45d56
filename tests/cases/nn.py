"""The cases of `ops/nn.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from tests.cases.common import *


def numpy_cross_entropy(logits: Any, target: Any) -> Any:
    return -scipy.special.log_softmax(logits, axis=1)[range(len(target)), target].mean()


def numpy_batch_norm(x: Any, weight: Any, bias: Any, eps: float = 1e-5) -> Any:
    axes = (0, *range(2, x.ndim))
    per_channel = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
    x_hat = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    return x_hat * weight.reshape(per_channel) + bias.reshape(per_channel)


_softmax_cases = [
    *[Case((normal(*shape),)) for shape in [(1,), (5,), (3, 4), (2, 3, 4), (0, 3)]],
    *[Case((normal(2, 3, 4),), {"axis": axis}) for axis in (0, 1, -2)],
    Case((plain([[1e4, -1e4, 9999.0], [-inf, 2.0, -inf]]),), kink=True, name="far"),
]
_labels = np.array([2, 0, 2, 1])
SPECS: dict[str, Spec] = {
    "linear": Spec(
        [
            Case((normal(5, 3), normal(2, 3), normal(2))),
            Case((normal(5, 3), normal(2, 3))),
            Case((normal(3), normal(2, 3), normal(2))),
            Case((normal(2, 4, 3), normal(2, 3), normal(2))),
            Case((normal(0, 3), normal(2, 3), normal(2))),
            Case((normal(1, 1), normal(1, 1), normal(1))),
        ],
        lambda torch, x, weight, bias=None: torch.nn.functional.linear(x, weight, bias),
        lambda x, weight, bias=0: np.einsum("...i,oi->...o", x, weight) + bias,
    ),
    "softmax": Spec(
        _softmax_cases,
        lambda torch, x, axis=-1: torch.softmax(x, axis),
        lambda x, axis=-1: scipy.special.softmax(x, axis),
    ),
    "log_softmax": Spec(
        _softmax_cases,
        lambda torch, x, axis=-1: torch.log_softmax(x, axis),
        lambda x, axis=-1: scipy.special.log_softmax(x, axis),
    ),
    "cross_entropy": Spec(
        [
            Case((normal(4, 3), _labels)),
            Case((normal(1, 2), np.array([1]))),
            Case((normal(2, 1), np.array([0, 0]))),
            Case(
                (normal(4, 3).T.copy().T, _labels.astype(np.uint8)), torch=False, name="unsigned labels, not in PyTorch"
            ),
            Case((plain([[1e4, -1e4, 0.0], [-inf, 2.0, -inf]]), np.array([0, 1])), kink=True, name="far"),
            Case((plain([[1e4, -1e4, 0.0]]), np.array([1])), kink=True, name="far and wrong"),
        ],
        lambda torch, logits, target: torch.nn.functional.cross_entropy(logits, target),
        numpy_cross_entropy,
    ),
    "batch_norm": Spec(
        [
            Case((normal(5, 3), positive(3), normal(3))),
            Case((normal(4, 2), positive(2), normal(2), 0.1)),
            Case((normal(3, 2, 4), positive(2), normal(2))),
            Case((normal(2, 3, 2, 2), positive(3), normal(3))),
            Case((normal(2, 1), positive(1), normal(1))),
        ],
        lambda torch, x, weight, bias, eps=1e-5: torch.nn.functional.batch_norm(
            x, None, None, weight, bias, True, eps=eps
        ),
        numpy_batch_norm,
    ),
}
