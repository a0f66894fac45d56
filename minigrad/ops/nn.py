"""Chapter 3f: what neural networks are made of.

Each has a fused gradient because that is more stable, or faster, than the composition of its parts. The tests run each
forward function on tensors, as a composition, and hold the gradient found by the engine equal to the one declared.
"""

import math

import numpy as np

from minigrad.backend import on_host
from minigrad.op import op
from minigrad.ops import reduce
from minigrad.ops.elementwise import check_floating


@op(x=lambda g, weight: g @ weight, weight=lambda g, x: rows(g).swapaxes(0, 1) @ rows(x), bias=1)
def linear(x, weight, bias=None):
    """x Wᵀ + b: x (..., in), weight (out, in) and bias (out) or None give (..., out)."""
    try:
        y = x @ weight.swapaxes(0, 1)
    except ValueError:
        raise ValueError(f"the last axis of x {x.shape} must equal that of weight {weight.shape}") from None
    return y if bias is None else y + bias


def rows(x):
    """All axes but the last as one: a stack of rows."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])  # not −1, which an axis of size 0 makes ambiguous


def shifted(x, axis):
    """x minus its largest along axis: then no exponential overflows, and the largest is 1."""
    check_floating(x)
    return x - np.max(x, axis, keepdims=True) if 0 not in x.shape else +x


@op(x=lambda g, out, axis: out * (g - reduce.sum(g * out, axis, keepdims=True)))
def softmax(x, axis=-1):
    """eˣ / Σ eˣ along axis: positive numbers that sum to 1. Large x do not overflow."""
    e = np.exp(shifted(x, axis))
    return e / reduce.sum(e, axis, keepdims=True)


@op(x=lambda g, out, axis: g - np.exp(out) * reduce.sum(g, axis, keepdims=True))
def log_softmax(x, axis=-1):
    """x − log Σ eˣ along axis: the logarithm of softmax, exact where that rounds to 0."""
    z = shifted(x, axis)
    return z - np.log(reduce.sum(np.exp(z), axis, keepdims=True)) if x.size else z


@op(saves=("y_hat",), logits=lambda g, y_hat, target: g / len(target) * (y_hat - one_hot(target, y_hat)))
def cross_entropy(logits, target):
    """Mean of −log softmax(logits)[target]: logits (N, C), target (N) of class labels 0 ... C−1."""
    check_labels(logits, target)
    z = shifted(logits, 1)
    e = np.exp(z)
    total = reduce.sum(e, 1, keepdims=True)
    losses = np.log(total)[:, 0] - z[np.arange(len(target), like=z), target]
    return reduce.mean(losses), e / total


def one_hot(labels, like):
    """One row per label, True at its class, in the shape of `like` (N, C)."""
    return labels[:, None] == np.arange(like.shape[1], like=labels)


@op(x=lambda x, target: (x - target) / np.maximum(x * (1 - x), 1e-12), target=lambda x: np.log1p(-x) - np.log(x))
def binary_cross_entropy(x, target):
    """−target · log x − (1 − target) · log(1 − x), elementwise: x between 0 and 1; each log counts as at least −100."""
    if on_host(x) and ((x < 0) | (x > 1)).any():  # on a GPU the logarithms give nan then
        raise ValueError("x must hold probabilities, from 0 to 1; for logits there is binary_cross_entropy_with_logits")
    with np.errstate(divide="ignore"):
        return -target * np.maximum(np.log(x), -100) - (1 - target) * np.maximum(np.log1p(-x), -100)


def check_labels(logits, target):
    """Raise unless target (N) holds class labels for logits (N, C)."""
    shape = getattr(target, "shape", target)
    if logits.ndim != 2 or shape != logits.shape[:1]:
        raise ValueError(f"expected logits (N, C) and target (N,), the class of a row, got {logits.shape} and {shape}")
    if target.dtype.kind not in "iu":
        raise TypeError(f"target must hold integer class labels, not {target.dtype}; write target.long()")
    classes = logits.shape[1]
    if on_host(target) and target.size and not (target.min() >= 0 and target.max() < classes):
        wrong = target[(target < 0) | (target >= classes)][0]
        raise IndexError(f"label {wrong} is out of range: {classes} classes have the labels 0 ... {classes - 1}")


@op(
    saves=("mean", "var"),
    x=lambda g, x, weight, mean, var, eps: batch_norm_x(g, x - mean, along_channels(weight, x), var + eps),
    weight=lambda g, x, mean, var, eps: (
        reduce.sum(g * (x - mean), all_but_channels(g)) / np.sqrt(var + eps).reshape(-1)
    ),
    bias=lambda g: reduce.sum(g, all_but_channels(g)),
)
def batch_norm(x, weight=None, bias=None, eps=1e-5):
    """weight · (x − μ) / √(σ² + ε) + bias, with mean μ and biased variance σ² of each channel, axis 1 of x."""
    mean = reduce.mean(x, all_but_channels(x), keepdims=True)
    centred = x - mean
    var = reduce.mean(centred * centred, all_but_channels(x), keepdims=True)
    out = centred * (along_channels(weight, x) / np.sqrt(var + eps))
    return out if bias is None else out + along_channels(bias, x), mean, var


def batch_norm_x(g, centred, weight, var):
    """weight / √var · (g − mean(g) − x_hat · mean(g · x_hat)), where `var` has ε in it already."""
    # Moving x also moves the mean and the variance that it is measured by: the two terms that are taken off.
    by_mean = reduce.mean(g, all_but_channels(g), keepdims=True)
    by_var = centred * (reduce.mean(g * centred, all_but_channels(g), keepdims=True) / var)
    return (g - by_mean - by_var) * (weight / np.sqrt(var))


def all_but_channels(x):
    """All axes but 1, that of the channels."""
    return (0, *range(2, x.ndim))


def along_channels(vector, x):
    """A vector with one number per channel, in the shape that broadcasts along axis 1 of `x`; for None 1."""
    return 1 if vector is None else vector.reshape((-1,) + (1,) * (x.ndim - 2))
