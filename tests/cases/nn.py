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


def window_positions(shape: Any, kernel_size: Any, stride: Any, dilation: Any) -> Any:
    """An index that reads from an array (N, C, *spatial) what lies in each window: (N, C, *kernel_size, *counts)."""
    axes = len(kernel_size)
    index: list[Any] = [slice(None), slice(None)]
    for axis, (n, k, s, d) in enumerate(zip(shape[2:], kernel_size, stride, dilation, strict=True)):
        counts = (n - d * (k - 1) - 1) // s + 1
        at = d * np.arange(k)[:, None] + s * np.arange(counts)
        index.append(at.reshape([k if a == axis else counts if a == axis + axes else 1 for a in range(2 * axes)]))
    return tuple(index)


def add_windows_flat(xp: Any, values: Any, shape: Any, stride: Any, dilation: Any) -> Any:
    """`add_windows` in NumPy or PyTorch, as sums into a flat array."""
    positions = np.arange(np.prod(shape)).reshape(shape)
    at = positions[window_positions(shape, values.shape[2 : len(shape)], stride, dilation)].reshape(-1)
    if xp is np:
        flat = np.zeros(int(np.prod(shape)))
        np.add.at(flat, at, values.reshape(-1))
        return flat.reshape(shape)
    flat = xp.zeros(int(np.prod(shape)), dtype=values.dtype)
    return flat.index_add(0, xp.tensor(at), values.reshape(-1)).reshape(shape)


def convolve_sums(xp: Any, what: str, values: Any, x: Any, weight: Any, stride: Any, dilation: Any, groups: int) -> Any:
    """Σ values · x · weight over all but one of them, in NumPy or PyTorch; that one is None, or gives its shape."""
    shape = weight if what == "weight" else weight.shape
    n, spatial = len(shape) - 2, "abc"[: len(shape) - 2]
    counts = "ABC"[:n]
    terms = {"values": f"Ngo{counts}", "found": f"Ngi{spatial}{counts}", "weight": f"goi{spatial}"}
    grouped: dict[str, Any] = {}
    if what != "values":
        grouped["values"] = values.reshape((len(values), groups, -1, *values.shape[2:]))
    if what != "x":
        found = x[window_positions(x.shape, shape[2:], stride, dilation)]
        grouped["found"] = found.reshape((len(found), groups, -1, *found.shape[2:]))
    if what != "weight":
        grouped["weight"] = weight.reshape((groups, -1, *shape[1:]))
    wanted = terms["found" if what == "x" else what]
    out = xp.einsum(f"{','.join(terms[name] for name in grouped)}->{wanted}", *grouped.values())
    if what == "values":
        return out.reshape((len(out), -1, *out.shape[3:]))
    if what == "weight":
        return out.reshape(shape)
    return add_windows_flat(xp, out.reshape((len(out), -1, *out.shape[3:])), x, stride, dilation)


def convolution_cases(what: str) -> list[Case]:
    """x, weight and their convolution in turn, two of them and, unless it is the result, the shape of the third."""
    cases = []
    for spatial, kernel, stride, dilation, groups in [
        ((5,), (3,), (1,), (1,), 1),
        ((6,), (2,), (2,), (2,), 1),
        ((5,), (2,), (2,), (1,), 2),
        ((3, 4), (2, 2), (1, 1), (1, 1), 1),
        ((4, 3), (2, 1), (2, 1), (1, 2), 2),
        ((2, 3, 2), (2, 2, 1), (1, 1, 1), (1, 1, 1), 1),
    ]:
        x, weight = normal(2, 2, *spatial), normal(2, 2 // groups, *kernel, low=-1.0, high=3.0)
        values = convolve_sums(np, "values", None, x, weight, stride, dilation, groups)
        args = {"values": (x, weight), "x": (values, weight, x.shape), "weight": (values, x, weight.shape)}[what]
        cases.append(Case((*args, stride, dilation, groups)))
    return cases


_windows = [
    Case((normal(*shape), *sizes))
    for shape, *sizes in [
        ((1, 2, 4), (2,), (1,), (1,)),
        ((2, 1, 7), (3,), (2,), (1,)),
        ((1, 1, 6), (2,), (3,), (2,)),
        ((2, 2, 3, 4), (2, 3), (1, 1), (1, 1)),
        ((1, 2, 5, 4), (2, 1), (2, 2), (2, 1)),
        ((0, 2, 3, 3), (2, 2), (1, 1), (1, 1)),
        ((1, 1, 2, 3, 3), (1, 2, 2), (1, 1, 1), (1, 1, 1)),
    ]
]
_tied_windows = [
    Case((plain([[[1.0, 3.0, 3.0, 1.0, 1.0, 1.0]]]), (3,), (1,), (1,)), kink=True, name="ties"),
    Case((np.round(normal(2, 1, 5, 6)), (3, 2), (2, 1), (1, 2)), kink=True, name="ties"),
]


_softmax_cases = [
    *[Case((normal(*shape),)) for shape in [(1,), (5,), (3, 4), (2, 3, 4), (0, 3)]],
    *[Case((normal(2, 3, 4),), {"axis": axis}) for axis in (0, 1, -2)],
    Case((normal(3, 0),)),
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
        lambda x, axis=-1: scipy.special.softmax(x, axis) if x.size else x,  # SciPy raises
    ),
    "log_softmax": Spec(
        _softmax_cases,
        lambda torch, x, axis=-1: torch.log_softmax(x, axis),
        lambda x, axis=-1: scipy.special.log_softmax(x, axis) if x.size else x,
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
    "binary_cross_entropy": Spec(
        [
            *[Case((normal(*shape, low=0.1, high=0.9), normal(*shape, low=0.0, high=1.0))) for shape in SHAPES],
            Case((plain([0.0, 1.0]), plain([0.0, 1.0])), kink=True, name="ends"),
        ],
        lambda torch, x, target: torch.nn.functional.binary_cross_entropy(x, target, reduction="none"),
        lambda x, target: np.asarray(
            -np.maximum(scipy.special.xlogy(target, x), -100) - np.maximum(scipy.special.xlog1py(1 - target, -x), -100)
        ),
    ),
    # -- windows and convolution --
    "windows": Spec(
        _windows,
        lambda torch, x, *sizes: x[window_positions(x.shape, *sizes)],
        lambda x, *sizes: x[window_positions(x.shape, *sizes)],
    ),
    "add_windows": Spec(
        [
            Case((normal(*x[window_positions(x.shape, *sizes)].shape), x.shape, *sizes[1:]))
            for x, *sizes in [case.args for case in _windows]
        ],
        add_windows_flat,
        lambda *args: add_windows_flat(np, *args),
    ),
    "max_windows": Spec(
        [*_windows, *_tied_windows],
        lambda torch, x, kernel_size, stride, dilation: (
            getattr(torch.nn.functional, f"max_pool{x.ndim - 2}d")(x, kernel_size, stride, 0, dilation)
            if len(x)
            else x[..., : x.shape[2] - 1, : x.shape[3] - 1] * 1
        ),
        lambda x, *sizes: x[window_positions(x.shape, *sizes)].max(tuple(range(2, x.ndim))),
    ),
    "convolve": Spec(
        convolution_cases("values"),
        lambda torch, x, weight, stride, dilation, groups: getattr(torch.nn.functional, f"conv{x.ndim - 2}d")(
            x, weight, None, stride, 0, dilation, groups
        ),
        lambda x, weight, *options: convolve_sums(np, "values", None, x, weight, *options),
    ),
    "convolve_x": Spec(
        convolution_cases("x"),
        lambda torch, values, weight, shape, *options: convolve_sums(torch, "x", values, shape, weight, *options),
        lambda values, weight, shape, *options: convolve_sums(np, "x", values, shape, weight, *options),
    ),
    "convolve_weight": Spec(
        convolution_cases("weight"),
        lambda torch, values, x, shape, *options: convolve_sums(torch, "weight", values, x, shape, *options),
        lambda values, x, shape, *options: convolve_sums(np, "weight", values, x, shape, *options),
    ),
}
