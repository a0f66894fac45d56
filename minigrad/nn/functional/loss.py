"""Losses: how far a prediction x is from its target.

Each compares element by element, or example by example, and reduces the losses: reduction="mean" averages them, "sum"
adds them up, "none" leaves them as they are. Where PyTorch only warns of a target in another shape, and broadcasts it,
these raise: the mean over all pairs is hardly ever meant.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.backend import on_host
from minigrad.functions import norm
from minigrad.op import composed
from minigrad.ops.activation import softplus
from minigrad.ops.elementwise import check_floating, clip
from minigrad.ops.nn import along_channels, check_labels, log_softmax
from minigrad.ops.shape import broadcast_to
from minigrad.tensor import as_array

# -- classes ----------------------------------------------------------------------------------------------------------


@composed
def cross_entropy(
    logits: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """−log softmax(logits)[target], or −Σ target · log softmax(logits) where target holds probabilities.

    Args:
        logits: (N, C), (N, C, ...) or (C), floating.
        target: class labels, integers from 0 to C − 1 in the shape of logits without C; or floating, a probability for
            each class in the shape of logits.
        weight: (C), how much each class counts.
        ignore_index: a label whose examples do not count.
        reduction: "mean" divides the sum by the weights of the labels, and where target holds probabilities by the
            number of examples.
        label_smoothing: how much of each target is spread evenly over all classes, from 0 to 1.

    Raises:
        IndexError: a label is out of range.
        TypeError: logits are not floating, or labels not integers.
        ValueError: shapes that do not go together, another reduction, or label_smoothing out of range.
    """
    if isinstance(ignore_index, bool):
        raise TypeError("ignore_index is a label; the order is logits, target, weight, ignore_index, reduction")
    # On a GPU the operator takes any label for a right one; `of_labels` sees to those to ignore, and to wrong ones.
    on_gpu = getattr(target, "is_cuda", not on_host(target))
    plain = weight is None and reduction == "mean" and ignore_index < 0 and not label_smoothing and not on_gpu
    if plain and logits.ndim == 2 and getattr(target, "ndim", 1) == 1:
        with suppress(IndexError):  # of labels to ignore, or of wrong ones, of which `of_labels` complains too
            return ops.nn.cross_entropy(logits, target)
    check_floating(logits)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is from 0 to 1, not {label_smoothing}")
    if getattr(target, "shape", None) == logits.shape and target.dtype.kind == "f":
        classes = 1 if logits.ndim > 1 else 0
        smooth = target * (1 - label_smoothing) + label_smoothing / logits.shape[classes]
        log_y_hat = log_softmax(logits, classes) * along_channels(weight, logits)
        return reduced(-(smooth * log_y_hat).sum(classes), reduction)
    return of_labels(log_softmax(rows(logits)), logits, target, weight, ignore_index, reduction, label_smoothing)


@composed
def nll_loss(x: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """−x[target], the negative log-likelihood where x holds logarithms of probabilities, as log_softmax gives them.

    The arguments are those of `cross_entropy`, with class labels as target.
    """
    if isinstance(ignore_index, bool):
        raise TypeError("ignore_index is a label; the order is x, target, weight, ignore_index, reduction")
    return of_labels(rows(x), x, target, weight, ignore_index, reduction, 0.0)


def of_labels(
    log_y_hat: Any, x: Any, target: Any, weight: Any, ignore_index: int, reduction: str, label_smoothing: float
) -> Any:
    """The loss of class labels for log-probabilities (n, C), the `rows` of an x."""
    shape = x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()
    given = getattr(target, "shape", target)
    if x.ndim != 2 and given != shape:
        raise ValueError(f"expected a target of shape {shape}, x without its classes, got {given}")
    if weight is not None and weight.shape != log_y_hat.shape[1:]:
        raise ValueError(f"weight needs shape {log_y_hat.shape[1:]}, one number for each class, not {weight.shape}")
    if log_y_hat.dtype == np.float16:  # whose sums overflow from 65,504 on
        wide = log_y_hat.astype(np.float32), x, target, weight if weight is None else weight.astype(np.float32)
        return of_labels(*wide, ignore_index, reduction, label_smoothing).astype(np.float16)
    labels = as_array(target) if hasattr(target, "dtype") else target
    labels = labels if x.ndim == 2 else labels.reshape(-1)
    kept = labels != ignore_index
    labels = np.where(kept, labels, 0)
    check_labels(log_y_hat, labels)
    if not on_host(labels):  # to look would wait for the GPU: a wrong label gives nan there
        wrong = (labels < 0) | (labels >= log_y_hat.shape[1])
        labels = np.where(wrong, 0, labels)
    counts = kept.astype(log_y_hat.dtype) if weight is None else weight[labels] * kept  # how much each example does
    losses = -log_y_hat[np.arange(len(labels), like=labels), labels] * counts
    if not on_host(labels):
        losses = np.where(wrong, math.nan, losses)
    if label_smoothing:
        even = -(log_y_hat if weight is None else log_y_hat * weight).mean(1)
        losses = losses * (1 - label_smoothing) + even * label_smoothing
    losses = np.where(kept, losses, 0)
    if reduction == "mean":
        n = counts.sum()
        return losses.sum() / np.where(n == 0, math.nan, n)  # 0 / 0, but no warning and gradients of 0
    return reduced(losses.reshape(target.shape), reduction)


def rows(x: Any) -> Any:
    """The classes of each example as one row: x (N, C), (N, C, ...) or (C) gives (n, C)."""
    if x.ndim == 2:
        return x
    classes = x.shape[1 if x.ndim > 1 else 0]
    x = np.moveaxis(x, 1, -1) if x.ndim > 2 else x
    return x.reshape((math.prod(x.shape) // max(classes, 1), classes))


# -- probabilities ----------------------------------------------------------------------------------------------------


@composed
def binary_cross_entropy(x: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """−target · log x − (1 − target) · log(1 − x) for probabilities x; each logarithm counts as at least −100.

    `binary_cross_entropy_with_logits` is more exact where x is close to 0 or 1.

    Args:
        x: numbers from 0 to 1.
        target: in the shape of x.
        weight: factors of the losses; broadcasts.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: x is not between 0 and 1, or target has another shape.
    """
    check_shapes(x, target)
    losses = ops.nn.binary_cross_entropy(x, target)
    return reduced(losses if weight is None else losses * weight, reduction)


@composed
def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """binary_cross_entropy(sigmoid(x), target), exact however large x is.

    Args:
        x: logits.
        target: probabilities, in the shape of x.
        weight: factors of the losses; broadcasts.
        reduction: "mean", "sum" or "none".
        pos_weight: factors of target · log sigmoid(x) alone; broadcasts.

    Raises:
        ValueError: target has another shape.
    """
    check_shapes(x, target)
    positive = 1 if pos_weight is None else target * (pos_weight - 1) + 1
    losses = (1 - target) * x + positive * softplus(-x)
    return reduced(losses if weight is None else losses * weight, reduction)


@composed
def kl_div(x: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """target · (log target − x), the Kullback-Leibler divergence for logarithms x of probabilities.

    Args:
        x: logarithms of probabilities.
        target: probabilities, in the shape of x, or their logarithms if `log_target`.
        reduction: "batchmean", the divergence of one example, divides the sum by the size of axis 0; "mean" divides it
            by the number of elements; "sum"; "none".
        log_target: whether target holds logarithms.

    Raises:
        ValueError: target has another shape.
    """
    check_shapes(x, target)
    if log_target:
        losses = np.exp(target) * (target - x)
    else:
        losses = target * (np.log(np.where(target == 0, 1, target)) - x)  # 0 · log 0 counts as 0
    return losses.sum() / len(x) if reduction == "batchmean" else reduced(losses, reduction)


@composed
def poisson_nll_loss(
    x: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
) -> Any:
    """eˣ − target · x: the negative log-likelihood of counts that are Poisson with mean eˣ, up to a constant.

    Args:
        x: logarithms of the means, or the means themselves if not `log_input`.
        target: the counts, in the shape of x.
        log_input: whether x holds logarithms.
        full: add the constant, log target!, as Stirling approximates it where target > 1.
        eps: added to means before their logarithm is taken.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: target has another shape.
    """
    check_shapes(x, target)
    losses = np.exp(x) - target * x if log_input else x - target * np.log(x + eps)
    if full:
        n = np.where(target > 1, target, 1)
        losses = losses + np.where(target > 1, n * np.log(n) - n + 0.5 * np.log(2 * math.pi * n), 0)
    return reduced(losses, reduction)


@composed
def gaussian_nll_loss(
    x: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """½ (log var + (x − target)² / var): the negative log-likelihood of normal numbers, up to a constant.

    Args:
        x: the means.
        target: the numbers, in the shape of x.
        var: the variances; broadcasts to x. Those below `eps` count as `eps`.
        full: add the constant, ½ log 2π.
        eps: the smallest variance.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: target has another shape, or a variance is negative.
    """
    check_shapes(x, target)
    fixed = as_array(var)
    if on_host(fixed) and (fixed < 0).any():
        raise ValueError("var must hold variances, not negative numbers")
    var = var + (np.maximum(fixed, eps) - fixed)  # as in PyTorch the gradient flows to those below eps too
    losses = 0.5 * (np.log(var) + (x - target) ** 2 / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


# -- distances --------------------------------------------------------------------------------------------------------


@composed
def mse_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """(x − target)², of numbers in the same shape."""
    check_shapes(x, target)
    difference = x - target
    return reduced(difference * difference, reduction)


@composed
def l1_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """|x − target|, of numbers in the same shape; its gradient at 0 is 0."""
    check_shapes(x, target)
    return reduced(np.absolute(x - target), reduction)


@composed
def smooth_l1_loss(x: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """(x − target)² / 2β where |x − target| < β, elsewhere |x − target| − β / 2."""
    if beta == 0:
        return l1_loss(x, target, reduction)
    if beta < 0:
        raise ValueError(f"beta must not be negative, and is {beta}")
    return huber_loss(x, target, reduction, beta) / beta


@composed
def huber_loss(x: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """½ (x − target)² where |x − target| < δ, elsewhere δ · (|x − target| − δ / 2)."""
    check_shapes(x, target)
    if delta <= 0:
        raise ValueError(f"delta must be positive, and is {delta}")
    difference = x - target
    near = clip(difference, -delta, delta)
    return reduced(near * (difference - near / 2), reduction)


@composed
def cosine_similarity(x1: Any, x2: Any, axis: int = 1, eps: float = 1e-8) -> Any:
    """x1 · x2 / (‖x1‖ ‖x2‖), the cosine of the angle between vectors along axis; norms below ε count as ε."""
    shape = np.broadcast_shapes(x1.shape, x2.shape)  # first, for the axis is one of theirs
    x1, x2 = broadcast_to(x1, shape), broadcast_to(x2, shape)
    unit1, unit2 = (x / np.maximum(norm(x, 2, axis, keepdims=True), eps) for x in (x1, x2))
    return (unit1 * unit2).sum(axis)


# -- margins: target is 1 or −1 ---------------------------------------------------------------------------------------


@composed
def hinge_embedding_loss(x: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """x where target is 1, and max(0, margin − x) where it is −1: distances, small for like and large for unlike."""
    check_shapes(x, target)
    like = np.where(target == -1, 0, x)
    unlike = np.where(target == 1, 0, clip(margin - x, 0))
    return reduced(like + unlike, reduction)


@composed
def cosine_embedding_loss(x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """1 − cos(x1, x2) where target is 1, and max(0, cos(x1, x2) − margin) where it is −1, for rows x1 and x2."""
    cos = cosine_similarity(x1, x2, -1)
    check_shapes(cos, target)
    return reduced(np.where(target == 1, 1 - cos, 0) + np.where(target == -1, clip(cos - margin, 0), 0), reduction)


@composed
def margin_ranking_loss(x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """max(0, margin − target · (x1 − x2)): target is 1 where x1 should be larger, −1 where x2 should."""
    check_shapes(x1, x2)
    check_shapes(x1, target)
    return reduced(clip(margin - target * (x1 - x2), 0), reduction)


@composed
def soft_margin_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """log(1 + exp(−target · x)), with target 1 or −1."""
    check_shapes(x, target)
    return reduced(softplus(-target * x), reduction)


# -- common to all ----------------------------------------------------------------------------------------------------


def check_shapes(x: Any, target: Any) -> None:
    """Raise unless x and target have the same shape."""
    if getattr(target, "shape", target) != x.shape:
        problem = f"expected a target in the shape of x, {x.shape}, not {getattr(target, 'shape', target)}"
        raise ValueError(f"{problem}: broadcasting would compare every element with several; use reshape or expand")


def reduced(losses: Any, reduction: str) -> Any:
    """The losses as `reduction` says."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")
    return losses if reduction == "none" else getattr(losses, reduction)()
