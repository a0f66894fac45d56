"""Layers: an operator, with its parameters and its state."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

from minigrad.backend import generator, ones, zeros
from minigrad.nn.functional import batch_norm, cross_entropy
from minigrad.nn.functional.dropout import check_probability, dropout
from minigrad.nn.functional.normalization import by_batch, moved
from minigrad.nn.module import Module, Parameter
from minigrad.op import get_default_dtype
from minigrad.ops.activation import relu
from minigrad.ops.nn import linear
from minigrad.tensor import Tensor, wrap


class Linear(Module):
    """y = x Wᵀ + b.

    Shapes: x (..., in_features), y (..., out_features).

    Parameters: weight (out_features, in_features) and bias (out_features), both uniform on ±1 / √in_features at first.

    Args:
        in_features, out_features: sizes of the last axis of input and output.
        bias: False leaves b out, as before a BatchNorm, which would subtract it again.

    Raises:
        ValueError: at the call, the last axis of x is not in_features long.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.in_features = in_features
        self.out_features = out_features
        self.weight = self._drawn(out_features, in_features)
        self.bias = self._drawn(out_features) if bias else None

    def _drawn(self, *shape: int) -> Parameter:
        bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
        return Parameter(generator().uniform(-bound, bound, shape), dtype=get_default_dtype())

    def forward(self, x: Any) -> Any:
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class ReLU(Module):
    """max(x, 0), elementwise."""

    def forward(self, x: Any) -> Any:
        return relu(x)


class Sequential(Module):
    """Modules, one after the other: `Sequential(a, b)(x)` is `b(a(x))`.

    Raises:
        TypeError: an argument is not a module.
    """

    def __init__(self, *modules: Module) -> None:
        for i, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(
                    f"Sequential takes modules, as in Sequential(a, b) or Sequential(*layers); "
                    f"argument {i} is a {type(module).__name__}"
                )
            setattr(self, str(i), module)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def __len__(self) -> int:
        return sum(1 for _ in self)  # list(self) would ask for the length

    def __getitem__(self, i: int | slice) -> Module:
        modules = list(self)
        return Sequential(*modules[i]) if isinstance(i, slice) else modules[i]


class BatchNorm1d(Module):
    """y = γ · (x − μ) / √(σ² + ε) + β, for each channel.

    In training μ and σ² (biased) are those of the batch, and the running estimates move towards them:
    running ← (1 − momentum) · running + momentum · batch, with the unbiased variance. In evaluation μ and σ² are the
    running estimates, so that an example's result does not depend on the others beside it.

    Shapes: x and y (N, C) or (N, C, L).

    Parameters: weight γ (C), at first 1, and bias β (C), at first 0.
    Buffers: running_mean (C), at first 0; running_var (C), at first 1; num_batches_tracked.

    Args:
        num_features: C.
        eps: ε.
        momentum: weight of the new batch in the running estimates; None makes them the plain average of all batches.
        affine: False leaves γ and β out.

    Raises:
        ValueError: x has another number of channels, or in training only one value per channel: its variance is 0.

    Warns:
        UserWarning: evaluation before any training batch, when the running estimates still mean nothing.

    Source: Ioffe and Szegedy, "Batch normalization", ICML 2015.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True) -> None:
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = Parameter(ones(num_features)) if affine else None
        self.bias = Parameter(zeros(num_features)) if affine else None
        self.register_buffer("running_mean", zeros(num_features))
        self.register_buffer("running_var", ones(num_features))
        self.register_buffer("num_batches_tracked", Tensor(0))

    def forward(self, x: Any) -> Any:
        if x.ndim not in (2, 3) or x.shape[1] != self.num_features:
            raise ValueError(
                f"BatchNorm1d takes x of shape (N, {self.num_features}) or (N, {self.num_features}, L), got {x.shape}"
            )
        if self.training:
            y, mean, var = by_batch(x, self.weight, self.bias, self.eps)
            self.num_batches_tracked = self.num_batches_tracked + 1
            self.running_mean = self._moved(self.running_mean, mean)
            self.running_var = self._moved(self.running_var, var)
            return y
        if self.num_batches_tracked.item() == 0:
            warnings.warn(
                "BatchNorm1d: evaluation before any training batch; the running mean and variance are still 0 and 1",
                stacklevel=3,
            )
        return batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)

    def _moved(self, running: Tensor, batch: Any) -> Tensor:
        """A running estimate after a batch: a new tensor, for a graph may have saved the old one."""
        share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        return wrap(moved(running.data, batch, share).astype(running.dtype, copy=False), None)

    def extra_repr(self) -> str:
        affine = self.weight is not None
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={affine}"


class Dropout(Module):
    """In training, make each element 0 with probability p and multiply the others by 1 / (1 − p); else do nothing.

    Args:
        p: probability, between 0 and 1.

    Raises:
        ValueError: p is not a probability.
    """

    def __init__(self, p: float = 0.5) -> None:
        check_probability(p)
        self.p = p

    def forward(self, x: Any) -> Any:
        return dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class CrossEntropyLoss(Module):
    """Mean over the examples of −log softmax(logits)[target].

    Shapes: logits (N, C), floating; target (N), the class labels, integers from 0 to C − 1; result (). Logits
    (N, C, ...) and (C) with targets (N, ...) and () are fine too, and so is a target of probabilities in the shape of
    the logits.

    Args:
        weight: (C), how much each class counts; None means 1.
        ignore_index: a label whose examples do not count.
        reduction: "mean", "sum" or "none".
        label_smoothing: how much of each target is spread evenly over all classes, from 0 to 1.

    Raises:
        IndexError: a label is out of range.
        TypeError: logits are not floating, or labels not integers.
        ValueError: other shapes.
    """

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        self.weight = None
        if weight is not None:
            self.register_buffer("weight", Tensor(weight))
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, logits: Any, target: Any) -> Any:
        return cross_entropy(logits, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)
