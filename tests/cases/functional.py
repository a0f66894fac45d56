"""The cases of `minigrad/nn/functional`: by "nn." and the name. Those of `activation.py` have a table of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

import minigrad.nn.functional as F
from tests.cases import functional_activation
from tests.cases.common import *
from tests.cases.functional_activation import functional

# -- convolution and pooling; see also `test_convolution.py` ----------------------------------------------------------


def convolution(*arrays: Any, **options: Any) -> Case:
    return Case(arrays, options)


def with_dim(name: str) -> Callable[..., Any]:
    """PyTorch's function of that name, which takes `dim` alone."""

    def call(torch: Any, *args: Any, axis: int = 1, **kwargs: Any) -> Any:
        return getattr(torch.nn.functional, name)(*args, dim=axis, **kwargs)

    return call


def pooling(name: str, cases: list[Case]) -> Spec:
    return Spec(cases, functional(name))


CONVOLUTION: dict[str, Spec] = {
    "nn.conv1d": Spec(
        [
            convolution(normal(2, 2, 5), normal(3, 2, 3), normal(3), padding=1),
            convolution(normal(2, 4, 6), normal(2, 2, 2), stride=2, groups=2, dilation=2),
            convolution(normal(2, 5), normal(1, 2, 3), normal(1), padding="same"),
            Case((normal(0, 2, 5), normal(3, 2, 3)), torch=False, name="empty, no second order in PyTorch"),
        ],
        functional("conv1d"),
    ),
    "nn.conv2d": Spec(
        [
            convolution(normal(2, 2, 3, 4), normal(3, 2, 2, 2), normal(3)),
            convolution(normal(1, 2, 4, 3), normal(2, 1, 3, 2), normal(2), stride=(2, 1), padding=(1, 2), groups=2),
            convolution(normal(2, 3, 3), normal(1, 2, 3, 1), padding="same"),
            convolution(normal(1, 1, 4, 5), normal(1, 1, 2, 2), padding="valid", dilation=(1, 3)),
        ],
        functional("conv2d"),
    ),
    "nn.conv3d": Spec(
        [convolution(normal(1, 2, 2, 3, 2), normal(1, 2, 2, 2, 1), normal(1), padding=(0, 1, 0), stride=(1, 2, 1))],
        functional("conv3d"),
    ),
    "nn.conv_transpose1d": Spec(
        [
            convolution(normal(2, 2, 3), normal(2, 3, 2), normal(3), stride=2, output_padding=1),
            convolution(normal(2, 4), normal(2, 1, 3), stride=2, padding=1, groups=2, dilation=2),
        ],
        functional("conv_transpose1d"),
    ),
    "nn.conv_transpose2d": Spec(
        [
            convolution(normal(2, 2, 2, 3), normal(2, 1, 2, 2), normal(1)),
            convolution(
                normal(1, 2, 2, 2), normal(2, 1, 2, 3), normal(2), stride=2, padding=1, output_padding=1, groups=2
            ),
            convolution(normal(1, 2, 2), normal(1, 1, 2, 1), dilation=3, output_padding=(2, 0)),
        ],
        functional("conv_transpose2d"),
    ),
    "nn.max_pool1d": pooling(
        "max_pool1d",
        [
            convolution(normal(2, 2, 6), kernel_size=2),
            convolution(normal(1, 7), kernel_size=3, stride=2, padding=1, ceil_mode=True),
            convolution(normal(1, 1, 7), kernel_size=2, stride=1, dilation=3),
            Case((plain([[[1.0, 1.0, 0.0, 2.0, 2.0, 2.0]]]), 3), {"stride": 1}, kink=True, name="ties"),
        ],
    ),
    "nn.max_pool2d": pooling(
        "max_pool2d",
        [
            convolution(normal(1, 2, 4, 4), kernel_size=2),
            convolution(normal(1, 3, 5), kernel_size=(2, 3), stride=(1, 2), padding=(1, 1), ceil_mode=True),
            convolution(normal(1, 1, 5, 4), kernel_size=2, stride=1, dilation=(3, 2)),
            Case((np.round(normal(1, 2, 5, 5)), 3), {"stride": 2, "padding": 1}, kink=True, name="ties"),
        ],
    ),
    "nn.avg_pool1d": pooling(
        "avg_pool1d",
        [
            convolution(normal(2, 2, 6), kernel_size=2),
            convolution(normal(1, 7), kernel_size=3, stride=2, padding=1, ceil_mode=True),
            convolution(normal(1, 1, 7), kernel_size=3, stride=2, padding=1, count_include_pad=False),
        ],
    ),
    "nn.avg_pool2d": pooling(
        "avg_pool2d",
        [
            convolution(normal(1, 2, 4, 4), kernel_size=2),
            convolution(normal(1, 4, 5), kernel_size=(3, 2), stride=(2, 3), padding=1, ceil_mode=True),
            convolution(
                normal(1, 1, 4, 5), kernel_size=3, stride=2, padding=1, count_include_pad=False, ceil_mode=True
            ),
            convolution(normal(1, 1, 4, 3), kernel_size=2, divisor_override=3),
        ],
    ),
    "nn.adaptive_avg_pool1d": pooling(
        "adaptive_avg_pool1d",
        [convolution(normal(2, 2, 6), output_size=3), convolution(normal(2, 5), output_size=3)]
        + [convolution(normal(1, 1, 3), output_size=n) for n in (1, 5)],
    ),
    "nn.adaptive_avg_pool2d": pooling(
        "adaptive_avg_pool2d",
        [convolution(normal(1, 2, 4, 5), output_size=n) for n in (1, 2, (3, 2), (None, 2), (6, None))],
    ),
    "nn.unfold": Spec(
        [
            convolution(normal(2, 2, 3, 4), kernel_size=2),
            convolution(normal(1, 1, 5, 4), kernel_size=(2, 3), stride=(2, 1), padding=(1, 0), dilation=(2, 1)),
            convolution(normal(2, 3, 3), kernel_size=2, padding=1, stride=2),
        ],
        functional("unfold"),
    ),
    "nn.fold": Spec(
        [
            convolution(normal(2, 8, 6), output_size=(3, 4), kernel_size=2),
            convolution(
                normal(1, 6, 6), output_size=(5, 4), kernel_size=(2, 3), stride=(2, 1), padding=(1, 0), dilation=(2, 1)
            ),
            convolution(normal(4, 4), output_size=2, kernel_size=2, padding=1, stride=2),
        ],
        functional("fold"),
    ),
    "nn.interpolate": Spec(
        [
            *[convolution(normal(1, 2, 3, 4), size=n) for n in (5, (6, 2))],
            *[convolution(normal(2, 1, 4), scale_factor=n) for n in (2, 1.5, 0.5)],
            *[convolution(normal(1, 1, 2, 2, 2), size=n) for n in (1, 3)],
            *[
                convolution(normal(1, 1, 3, 4), size=(5, 2), mode="bilinear", align_corners=align)
                for align in (True, False, None)
            ],
            convolution(normal(1, 1, 3, 3), scale_factor=(1.2, 1.6), mode="bilinear"),
            convolution(normal(1, 2, 4), size=1, mode="linear", align_corners=True),
            *[convolution(normal(1, 1, 4, 3), scale_factor=n) for n in ((2.1, 1.2), (1.9, 0.7))],
            *[convolution(normal(1, 1, 4), scale_factor=n, mode="linear") for n in (1.1, 2.1, 0.6)],
            convolution(normal(1, 1, 2, 2, 2), size=3, mode="trilinear"),
        ],
        functional("interpolate"),
    ),
}

# -- normalisation ----------------------------------------------------------------------------------------------------


def following(call: Callable[..., Any]) -> Callable[..., Any]:
    """The result of a normalisation, plus the running estimates afterwards if there are any; they are copied first."""

    def followed(x: Any, mean: Any, var: Any, *args: Any, **kwargs: Any) -> Any:
        if mean is None:
            return call(x, mean, var, *args, **kwargs)
        mean, var = mean * 1, var * 1
        y = call(x, mean, var, *args, **kwargs)
        return y + (mean + 2 * var).reshape((-1,) + (1,) * (x.ndim - 2))

    return followed


def following_torch(name: str) -> Callable[..., Any]:
    return lambda torch, *args, **kwargs: following(getattr(torch.nn.functional, name))(*args, **kwargs)


# No gradient flows through running estimates, so differences would not agree where a batch moves them: "moved".
_running, _affine = (normal(3), positive(3)), (positive(3), normal(3))
NORMALIZATION: dict[str, Spec] = {
    "nn.batch_norm": Spec(
        [
            *[
                Case((normal(*shape), None, None, *_affine[:n]), {"training": True, **options})
                for shape in [(5, 3), (2, 3, 4), (2, 3, 2, 2)]
                for n, options in [(0, {}), (1, {}), (2, {"eps": 0.01})]
            ],
            *[
                Case((normal(*shape), *_running, *_affine[:n]), options)
                for shape in [(5, 3), (1, 3, 4), (0, 3)]
                for n, options in [(0, {"eps": 0.01}), (1, {}), (2, {})]
            ],
            *[
                Case((normal(*shape), *_running, *_affine), {"training": True, **options}, kink=True, name="moved")
                for shape in [(5, 3), (2, 3, 4)]
                for options in [{}, {"momentum": 0.3}]
            ],
        ],
        following_torch("batch_norm"),
        call=following(F.batch_norm),
        constant=(1, 2),
    ),
    "nn.instance_norm": Spec(
        [
            Case((normal(2, 3, 4), None, None, *_affine)),
            Case((normal(2, 3, 2, 2), None, None), {"eps": 0.01}),
            Case((normal(2, 3, 4), *_running, *_affine), {"use_input_stats": False}),
            Case((normal(2, 3, 4), *_running, *_affine), {"momentum": 0.3}, kink=True, name="moved"),
        ],
        following_torch("instance_norm"),
        call=following(F.instance_norm),
        constant=(1, 2),
    ),
    "nn.layer_norm": Spec(
        [
            Case((normal(4, 3), (3,), normal(3), normal(3))),
            Case((normal(2, 3, 4), (3, 4), normal(3, 4))),
            Case((normal(2, 2, 3), (3,)), {"eps": 0.01}),
            Case((normal(5), (5,))),
            Case((normal(3, 1), (1,), normal(1), normal(1))),
            Case((normal(0, 3), (3,), normal(3))),
        ],
        functional("layer_norm"),
    ),
    "nn.group_norm": Spec(
        [
            Case((normal(2, 4, 3), 2, normal(4), normal(4))),
            Case((normal(2, 3, 2, 2), 1), {"eps": 0.01}),
            Case((normal(2, 3, 2), 3, normal(3))),
            Case((normal(3, 4), 2, normal(4))),
        ],
        functional("group_norm"),
    ),
    "nn.rms_norm": Spec(
        [
            Case((normal(4, 3), (3,), normal(3))),
            Case((normal(2, 3, 4), (3, 4)), {"eps": 0.01}),
            Case((normal(5), (5,))),
        ],
        functional("rms_norm"),
    ),
    "nn.normalize": Spec(
        [
            Case((normal(3, 4),)),
            *[Case((normal(2, 3, 2),), {"p": p, "axis": axis}) for p in (1, 2, 3) for axis in (0, -1)],
            Case((plain([[0.0, 0.0], [3.0, 4.0]]),), {"eps": 0.5}, kink=True, name="zero"),
        ],
        with_dim("normalize"),
    ),
}

# -- embedding and attention ------------------------------------------------------------------------------------------

_mask = np.array([[True, False, True], [True, True, True]])
_queries = (normal(2, 2, 4), normal(2, 3, 4, low=-1.0), normal(2, 3, 5, low=-3.0))
ATTENTION: dict[str, Spec] = {
    "nn.embedding": Spec(
        [
            Case((np.array([[0, 2, 2], [1, 2, 0]]), normal(4, 3))),
            Case((np.array([3, 1, 1]), normal(4, 1))),
            Case((np.array(2), normal(4, 3))),
            Case((np.zeros((2, 0), int), normal(4, 3))),
            Case((np.array([3, 1, 1, 0]), normal(4, 2)), {"padding_idx": 1}, kink=True, name="constant row"),
            Case((np.array([3, 1, 1, 0]), normal(4, 2)), {"padding_idx": -1}, kink=True, name="constant row"),
        ],
        functional("embedding"),
        lambda indices, weight, padding_idx=None: weight[indices],
    ),
    "nn.scaled_dot_product_attention": Spec(
        [
            Case(_queries),
            Case(_queries, {"scale": 0.3}),
            Case(_queries, {"is_causal": True}),
            Case((*_queries, _mask), name="mask"),
            Case((*_queries, normal(2, 1, 3)), name="added"),
            Case((normal(2, 3), normal(4, 3), normal(4, 2)), name="one head"),
            Case((normal(2, 1, 3, 2), normal(1, 2, 2, 2), normal(2, 2, 2, 1)), name="broadcast"),
            Case((*_queries, np.array([[True, False, True], [False] * 3])), kink=True, name="looks at nothing"),
            Case((*_queries, np.where(_mask, 0.5, -inf)), kink=True, name="minus infinity"),
        ],
        lambda torch, q, k, v, mask=None, **kwargs: torch.nn.functional.scaled_dot_product_attention(
            q, k, v, None if mask is None else mask.expand(*q.shape[:-1], k.shape[-2]), **kwargs
        ),
    ),
}

# -- losses -----------------------------------------------------------------------------------------------------------

REDUCTIONS = ("mean", "sum", "none")


def numpy_reduced(losses: Any, reduction: str) -> Any:
    return losses if reduction == "none" else getattr(losses, reduction)()


def compared(make_x: Any = normal, make_target: Any = None, **options: Any) -> list[Case]:
    """Calls with x and a target in its shape."""
    make_target = make_target or (lambda *shape: np.asarray(0.9 * np.flip(make_x(*shape))))
    cases = [Case((make_x(*shape), make_target(*shape)), options) for shape in [(), (1,), (5,), (3, 4), (2, 1, 3)]]
    return cases + [Case((make_x(2, 3), make_target(2, 3)), {"reduction": r, **options}) for r in REDUCTIONS]


def torch_kl_div(torch: Any, x: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """PyTorch's, with the mean taken here: PyTorch itself warns that some day it will mean another."""
    losses = torch.nn.functional.kl_div(x, target, reduction="none", log_target=log_target)
    return losses.sum() / len(x) if reduction == "batchmean" else numpy_reduced(losses, reduction)


def between(*shape: int) -> Any:
    return normal(*shape, low=0.1, high=0.9)


def signs(*shape: int) -> Any:
    return np.where(normal(*shape) > 0, 1, -1)


_labels = np.array([2, 0, 2, 1])
_class_weights = positive(3)
_soft = scipy.special.softmax(normal(4, 3), 1)
_label_cases = [
    *[Case((normal(4, 3), _labels), {"reduction": r}) for r in REDUCTIONS],
    *[Case((normal(4, 3), _labels, _class_weights), {"reduction": r}) for r in REDUCTIONS],
    *[Case((normal(4, 3), _labels), {"reduction": r, "ignore_index": 2}) for r in REDUCTIONS],
    *[Case((normal(4, 3), _labels, _class_weights), {"reduction": r, "ignore_index": 0}) for r in REDUCTIONS],
    Case((normal(4, 3), np.array([-100, 1, -100, 2]))),
    *[Case((normal(2, 3, 2), np.array([[2, 0], [2, 1]])), {"reduction": r}) for r in REDUCTIONS],
    *[
        Case(
            (normal(2, 3, 2, 1), np.array([[[2], [0]], [[1], [1]]]), _class_weights),
            {"ignore_index": 1, "reduction": r},
        )
        for r in REDUCTIONS
    ],
    Case((normal(3), np.array(2))),
    Case((normal(3), np.array(1), _class_weights), {"reduction": "none"}),
    *[
        Case((normal(2, 3), np.array([1, 1])), {"ignore_index": 1, "reduction": r}, kink=True, name="all ignored")
        for r in REDUCTIONS
    ],
]
LOSS: dict[str, Spec] = {
    "nn.cross_entropy": Spec(
        [
            *_label_cases,
            *[
                Case((*case.args,), {**case.kwargs, "label_smoothing": s}, name=case.name, kink=case.kink)
                for case in _label_cases
                for s in (0.2, 1.0)
            ],
            *[
                Case((normal(4, 3), _soft, *weight), {"reduction": r, "label_smoothing": s})
                for weight in [(), (_class_weights,)]
                for r in REDUCTIONS
                for s in (0.0, 0.3)
            ],
            Case((normal(2, 3, 2), np.moveaxis(_soft.reshape(2, 2, 3), -1, 1).copy(), _class_weights)),
            Case((normal(3), _soft[0], _class_weights), {"label_smoothing": 0.1}),
            Case((plain([[1e4, -1e4, 0.0], [-inf, 2.0, -inf]]), np.array([0, 1])), kink=True, name="far"),
            Case((plain([[1e4, -1e4, 0.0]] * 2), np.array([1, 2])), {"reduction": "none"}, kink=True, name="far"),
        ],
        functional("cross_entropy"),
        constant=(2,),
    ),
    "nn.nll_loss": Spec(
        [
            Case((normal(*case.args[0].shape), *case.args[1:]), case.kwargs, name=case.name, kink=case.kink)
            for case in _label_cases
        ],
        functional("nll_loss"),
        constant=(2,),
    ),
    "nn.mse_loss": Spec(
        [*compared(), Case((normal(3), normal(3)), kink=True, name="equal")],
        functional("mse_loss"),
        lambda x, target, reduction="mean": numpy_reduced((x - target) ** 2, reduction),
    ),
    "nn.l1_loss": Spec(
        [*compared(), Case((normal(3), normal(3)), kink=True, name="equal")],
        functional("l1_loss"),
        lambda x, target, reduction="mean": numpy_reduced(np.abs(x - target), reduction),
    ),
    "nn.smooth_l1_loss": Spec(
        [
            *compared(),
            *compared(beta=0.5),
            *compared(beta=0)[-3:],
            Case((plain([0.0, 3.0, -1e4, 1e4]), np.zeros(4)), name="zero and far"),
        ],
        functional("smooth_l1_loss"),
    ),
    "nn.huber_loss": Spec(
        [
            *compared(),
            *compared(delta=2.0),
            Case((plain([0.0, 3.0, -1e4, 1e4]), np.zeros(4)), name="zero and far"),
        ],
        functional("huber_loss"),
        lambda x, target, reduction="mean", delta=1.0: numpy_reduced(
            np.asarray(scipy.special.huber(delta, x - target)), reduction
        ),
    ),
    "nn.binary_cross_entropy": Spec(
        [
            *compared(between, between),
            *[Case((*c.args, positive(3)), c.kwargs) for c in compared(between, between)[-3:]],
        ],
        functional("binary_cross_entropy"),
        constant=(2,),
    ),
    "nn.binary_cross_entropy_with_logits": Spec(
        [
            *compared(normal, between),
            *[Case((*c.args, positive(3)), c.kwargs) for c in compared(normal, between)[-3:]],
            *[Case((*c.args, None, positive(3)), c.kwargs) for c in compared(normal, between)[-3:]],
            Case((normal(2, 3), between(2, 3), positive(2, 1), positive(3))),
            Case((plain([-1e4, -700, 0.0, 700, 1e4]), plain([1.0, 0.0, 0.5, 1.0, 0.0])), name="far"),
        ],
        lambda torch, x, target, weight=None, pos_weight=None, reduction="mean": (
            torch.nn.functional.binary_cross_entropy_with_logits(
                x, target, weight, pos_weight=pos_weight, reduction=reduction
            )
        ),
        call=lambda x, target, weight=None, pos_weight=None, reduction="mean": F.binary_cross_entropy_with_logits(
            x, target, weight, reduction, pos_weight
        ),
        constant=(2, 3),
    ),
    "nn.kl_div": Spec(
        [
            *compared(normal, between),
            *compared(normal, normal, log_target=True),
            Case((normal(2, 3), between(2, 3)), {"reduction": "batchmean"}),
        ],
        torch_kl_div,
    ),
    "nn.poisson_nll_loss": Spec(
        [
            *compared(normal, positive),
            *compared(positive, positive, log_input=False, eps=0.01),
            *compared(normal, positive, full=True)[-3:],
        ],
        functional("poisson_nll_loss"),
    ),
    "nn.gaussian_nll_loss": Spec(
        [
            *[Case((*c.args, positive(*np.shape(c.args[0]))), c.kwargs) for c in compared()[2:]],
            Case((normal(3, 4), positive(3, 4), positive(3, 1)), {"full": True, "eps": 0.01}),
        ],
        functional("gaussian_nll_loss"),
    ),
    "nn.cosine_similarity": Spec(
        [
            Case((normal(3, 4), positive(3, 4))),
            *[Case((normal(2, 3, 2), positive(2, 3, 2)), {"axis": axis}) for axis in (0, -1)],
            Case((normal(2, 3), positive(3)), {"axis": -1, "eps": 0.1}, name="broadcast"),
            Case((plain([[0.0, 0.0], [3.0, 4.0]]), normal(2, 2)), {"eps": 0.5}, kink=True, name="zero"),
        ],
        with_dim("cosine_similarity"),
    ),
    "nn.hinge_embedding_loss": Spec(
        [*compared(normal, signs, margin=0.3), Case((normal(2, 3), signs(2, 3)))], functional("hinge_embedding_loss")
    ),
    "nn.cosine_embedding_loss": Spec(
        [
            Case((normal(4, 3), positive(4, 3), np.array([1, -1, -1, 1])), {"margin": 0.1, "reduction": r})
            for r in REDUCTIONS
        ],
        functional("cosine_embedding_loss"),
    ),
    "nn.margin_ranking_loss": Spec(
        [
            Case((normal(2, 3), 0.9 * np.flip(normal(2, 3)), signs(2, 3).astype(float)), {"margin": m, "reduction": r})
            for m in (0.0, 0.5)
            for r in REDUCTIONS
        ],
        functional("margin_ranking_loss"),
    ),
    "nn.soft_margin_loss": Spec(
        [
            *[Case((c.args[0], c.args[1].astype(float)), c.kwargs) for c in compared(normal, signs)],
            Case((plain([-1e4, 1e4, 0.0]), plain([1.0, -1.0, 1.0])), torch=False, name="far, infinite in PyTorch"),
        ],
        functional("soft_margin_loss"),
        constant=(1,),
    ),
}
SPECS: dict[str, Spec] = CONVOLUTION | NORMALIZATION | ATTENTION | LOSS | functional_activation.SPECS
