"""Layers: an operator, with its parameters and its state."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minigrad.creation import empty
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.functional.dropout import check_probability
from minigrad.nn.module import Module, Parameter, set_sizes
from minigrad.ops.linalg import matmul
from minigrad.tensor import Tensor, in_place

__all__ = ["Bilinear", "Dropout", "Dropout2d", "Embedding", "Identity", "Linear", "PReLU"]


class Identity(Module):
    """x itself: a module that does nothing, where one is expected. Arguments are accepted and ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x


class Linear(Module):
    """y = x Wᵀ + b.

    Shapes: x (..., in_features), y (..., out_features).

    Parameters: weight (out_features, in_features) and bias (out_features), both uniform on ±1 / √in_features at first.

    Args:
        in_features, out_features: sizes of the last axis of input and output.
        bias: False leaves b out, as before a BatchNorm, which would subtract it again.

    Raises:
        TypeError, ValueError: a size is no integer, or negative; at the call, the last axis of x is not in_features
            long.
    """

    _shown = "in_features= out_features= bias="

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        set_sizes(self, in_features=in_features, out_features=out_features)
        self.weight = Parameter(empty(out_features, in_features))
        self.bias = Parameter(empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, as at first."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        draw_uniform(self.in_features, self.bias)

    def forward(self, x: Any) -> Any:
        return F.linear(x, self.weight, self.bias)


def draw_uniform(fan_in: int, *parameters: Parameter | None) -> None:
    """Draw those of these parameters that there are, uniform on ±1 / √fan_in."""
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    for parameter in parameters:
        if parameter is not None:
            init.uniform_(parameter, -bound, bound)


class Bilinear(Module):
    """y_k = x₁ᵀ W_k x₂ + b_k.

    Shapes: x₁ (..., in1_features), x₂ (..., in2_features), y (..., out_features).

    Parameters: weight (out_features, in1_features, in2_features) and bias (out_features), uniform on
    ±1 / √in1_features at first.

    Raises:
        TypeError, ValueError: a size is no integer, or negative; at the call, x₁ and x₂ have other sizes.
    """

    _shown = "in1_features= in2_features= out_features= bias="

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True) -> None:
        set_sizes(self, in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        self.weight = Parameter(empty(out_features, in1_features, in2_features))
        self.bias = Parameter(empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, as at first."""
        draw_uniform(self.in1_features, self.weight, self.bias)

    def forward(self, x1: Any, x2: Any) -> Any:
        if x1.shape != (*x2.shape[:-1], self.in1_features) or x2.shape[-1:] != (self.in2_features,):
            wanted = f"(..., {self.in1_features}) and (..., {self.in2_features})"
            raise ValueError(f"Bilinear takes x1 and x2 of shapes {wanted}, got {x1.shape} and {x2.shape}")
        rows = matmul(x1[..., None, None, :], self.weight)  # (..., out, 1, in2)
        y = (rows[..., 0, :] * x2[..., None, :]).sum(-1)
        return y if self.bias is None else y + self.bias


class Embedding(Module):
    """A row of numbers for each of `num_embeddings` things: the rows of weight that indices name.

    Shapes: indices (...), integers; result (..., embedding_dim).

    Parameters: weight (num_embeddings, embedding_dim), normal at first.

    Args:
        num_embeddings, embedding_dim: how many rows, and how long each is.
        padding_idx: a row that is 0 at first and gets no gradient, for an index that only fills up.

    Raises:
        TypeError: a size, or padding_idx, is no integer; at the call, indices are none.
        ValueError: a size is negative, or padding_idx names no row.
        IndexError: at the call, an index names no row.
    """

    _shown = "num_embeddings embedding_dim [padding_idx=]"

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, *, _weight: Any = None
    ) -> None:
        set_sizes(self, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        self.padding_idx = padding_idx
        if padding_idx is not None:
            set_sizes(self, -num_embeddings, padding_idx=padding_idx)
            if padding_idx >= num_embeddings:
                raise ValueError(f"Embedding: padding_idx={padding_idx} is none of the {num_embeddings} rows")
            self.padding_idx = padding_idx % num_embeddings
        self.weight = Parameter(empty(num_embeddings, embedding_dim) if _weight is None else _weight)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weight anew, as at first."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            init.zeros_(self.weight.detach()[self.padding_idx])

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """An embedding whose weight is a copy of these rows (num_embeddings, embedding_dim), not learned if frozen.

        Raises:
            ValueError: `embeddings` is no matrix.
        """
        if embeddings.ndim != 2:
            raise ValueError(f"from_pretrained takes rows, (num_embeddings, embedding_dim), not {embeddings.shape}")
        layer = cls(embeddings.shape[0], embeddings.shape[1], padding_idx, _weight=embeddings)
        layer.requires_grad_(not freeze)
        return layer

    def forward(self, indices: Any) -> Any:
        return F.embedding(indices, self.weight, self.padding_idx)


class PReLU(Module):
    """x where x > 0, elsewhere weight · x, with a weight that is learned.

    Parameters: weight (num_parameters), at first `init`: one for all, or one for each channel, axis 1 of x.

    Raises:
        TypeError, ValueError: num_parameters is no integer, or negative; at the call, x has another number of channels.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015.
    """

    _shown = "num_parameters="

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        set_sizes(self, num_parameters=num_parameters)
        self.init = init
        self.weight = Parameter(empty(num_parameters))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Make the weight `init`, as at first."""
        init.constant_(self.weight, self.init)

    def forward(self, x: Any) -> Any:
        return F.prelu(x, self.weight)


class Dropping(Module):
    """What the dropout layers share; `function` says what is dropped."""

    function: Callable[..., Any]
    _shown = "p= inplace="

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def forward(self, x: Any) -> Any:
        return (in_place(self.function) if self.inplace else self.function)(x, self.p, self.training)


class Dropout(Dropping):
    """In training, make each element 0 with probability p and multiply the others by 1 / (1 − p); else do nothing.

    Args:
        p: probability, between 0 and 1.
        inplace: write the result over the input.

    Raises:
        ValueError: p is not a probability.
    """

    function = staticmethod(F.dropout)


class Dropout2d(Dropping):
    """`Dropout` of whole channels: those of pictures hold so much the same that single elements are not missed.

    Shapes: x and y (N, C, H, W).
    """

    function = staticmethod(F.dropout2d)
