"""Attention layers: each position of a sequence gathers what it needs from all others."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from minigrad.creation import empty, zeros
from minigrad.errors import described
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.containers import ModuleList
from minigrad.nn.functional.dropout import check_probability
from minigrad.nn.layers import Dropout, Linear
from minigrad.nn.module import Module, Parameter, kind_of, set_sizes
from minigrad.nn.normalization import LayerNorm
from minigrad.tensor import as_array, wrap

__all__ = ["MultiheadAttention", "TransformerEncoder", "TransformerEncoderLayer"]


class MultiheadAttention(Module):
    """softmax(q kᵀ / √d) v in several heads at once, each with projections of its own, side by side.

    Shapes: query (L, N, E), key and value (S, N, E), or with batch_first N before L and S, or all without N. The result
    is (output, weights): output in the shape of query, weights (N, L, S), or None.

    Parameters: in_proj_weight (3E, E), the projections of query, key and value below each other, uniform at first
    (Xavier's), and in_proj_bias (3E), at first 0. out_proj: a `Linear` (E, E) whose bias is 0 at first.

    Args:
        embed_dim: E.
        num_heads: how many heads; each has d = E / num_heads of the numbers.
        dropout: in training, the probability with which each weight is dropped.
        bias: False leaves the biases out.
        batch_first: whether N comes first.

    Raises:
        TypeError: a size is no integer; at the call, a mask of neither bools nor floating numbers.
        ValueError: num_heads does not divide embed_dim; at the call, shapes that do not go together.

    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, *, batch_first: bool = False
    ) -> None:
        set_sizes(self, 1, embed_dim=embed_dim, num_heads=num_heads)
        if embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: num_heads={num_heads} must divide embed_dim={embed_dim}")
        check_probability(dropout)
        self.dropout = dropout
        self.batch_first = batch_first
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        self.in_proj_weight = Parameter(init.xavier_uniform_(empty(3 * embed_dim, embed_dim)))
        self.in_proj_bias = Parameter(zeros(3 * embed_dim)) if bias else None
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def _batches(self, *tensors: Any) -> list[Any]:
        """Query, key and value as (N, L or S, E); raise if their shapes do not go together."""
        axes = {t.ndim for t in tensors}
        if axes in ({2}, {3}):
            batches = [t[None] if axes == {2} else t if self.batch_first else t.swapaxes(0, 1) for t in tensors]
            query, key, value = [t.shape for t in batches]
            if query[0] == key[0] and query[2] == key[2] == self.embed_dim and key == value:
                return batches
        order = "(N, {}, {})" if self.batch_first else "({}, N, {})"
        expected = ", ".join([order.format(axis, self.embed_dim) for axis in "LSS"])
        given = ", ".join([str(t.shape) for t in tensors])
        raise ValueError(f"MultiheadAttention: query, key, value need {expected} or these without N, not {given}")

    def forward(
        self, query: Any, key: Any, value: Any, key_padding_mask: Any = None, need_weights: bool = True,
        attn_mask: Any = None, average_attn_weights: bool = True, is_causal: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        """Attend.

        Args:
            query, key, value: see above.
            key_padding_mask: (N, S), bools: True where a key only fills up and must not be looked at; or numbers to be
                added to q kᵀ / √d. Without N (S).
            need_weights: whether to return the weights.
            attn_mask: (L, S) or (N · num_heads, L, S), bools: True where a query must not look; or numbers to be added.
                A query that may look at nothing gets nan if weights are needed, 0 if not, as in PyTorch.
            average_attn_weights: return the mean over the heads, rather than weights (N, num_heads, L, S).
            is_causal: a hint, as in PyTorch, that attn_mask is the one which hides later positions: it must be given.
        """
        if is_causal and attn_mask is None:
            raise ValueError("MultiheadAttention: is_causal needs the attn_mask too, True above the diagonal")
        tensors, single = self._batches(query, key, value), query.ndim == 2
        n, length, _ = tensors[0].shape
        source, size = tensors[1].shape[1], self.embed_dim // self.num_heads
        weights = self.in_proj_weight.reshape(3, self.embed_dim, self.embed_dim)
        biases = [None] * 3 if self.in_proj_bias is None else self.in_proj_bias.reshape(3, self.embed_dim)
        q, k, v = [
            F.linear(t, w, b).reshape(*t.shape[:2], self.num_heads, size).swapaxes(1, 2)  # (N, heads, L or S, d)
            for t, w, b in zip(tensors, weights, biases, strict=True)
        ]
        common, of_each = (length, source), (n * self.num_heads, length, source)
        shapes = {common: common, of_each: (n, self.num_heads, length, source)}
        mask = added("attn_mask", attn_mask, shapes, query.dtype)
        shapes = {(source,) if single else (n, source): (n, 1, 1, source)}
        padding = added("key_padding_mask", key_padding_mask, shapes, query.dtype)
        mask = mask if padding is None else padding if mask is None else mask + padding
        dropped = self.dropout if self.training else 0.0
        if need_weights:
            scores = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(size))
            attention = F.dropout(F.softmax(scores if mask is None else scores + mask), dropped)
            mixed = attention @ v
            attention = attention.mean(1) if average_attn_weights else attention
        else:
            attention, mixed = None, F.scaled_dot_product_attention(q, k, v, mask, dropped)
        out = self.out_proj(mixed.swapaxes(1, 2).reshape(n, length, self.embed_dim))
        if single:
            return out[0], attention if attention is None else attention[0]
        return out if self.batch_first else out.swapaxes(0, 1), attention


def added(name: str, mask: Any, shapes: dict[Any, Any], dtype: Any) -> Any:
    """A mask as numbers to be added to the scores: −∞ where it is True; None if there is none.

    `shapes` says which shapes it may have, and which each then gets, to go with the scores (N, num_heads, L, S).

    Raises:
        TypeError: it holds neither bools nor floating numbers: of integers nobody knows what they mean.
        ValueError: its shape is none of `shapes`.
    """
    if mask is None:
        return None
    if getattr(getattr(mask, "dtype", None), "kind", "") not in ("b", "f"):
        raise TypeError(f"MultiheadAttention: {name} holds bools or floating numbers, not {described(mask)}")
    if mask.shape not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"MultiheadAttention: {name} needs shape {wanted}, not {mask.shape}")
    numbers = wrap(np.where(as_array(mask), -math.inf, 0.0).astype(dtype), None) if mask.dtype == np.bool_ else mask
    return numbers.reshape(shapes[mask.shape])


class TransformerEncoderLayer(Module):
    """Attention, then a small network at each position; what goes in is added to each result, and normalised.

        x ← norm1(x + attention(x))                 norm_first: x ← x + attention(norm1(x))
        x ← norm2(x + linear2(relu(linear1(x))))                x ← x + linear2(relu(linear1(norm2(x))))

    Shapes: x and the result (L, N, d_model), or (N, L, d_model) with batch_first, or without N.

    Args:
        d_model: how many numbers describe a position.
        nhead: number of heads of the attention.
        dim_feedforward: width of the network between linear1 and linear2.
        dropout: its probability, in training, after attention, relu and linear2, and for the weights of attention.
        activation: "relu", "gelu", or a function.
        layer_norm_eps: ε of both norms.
        batch_first: whether N comes before L.
        norm_first: normalise what goes in rather than what comes out.
        bias: False leaves out all biases.

    Raises:
        TypeError, ValueError: as for `MultiheadAttention`, or another activation.

    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu", layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True,
    ) -> None:  # fmt: skip
        if activation not in ("relu", "gelu") and not callable(activation):
            raise ValueError(f'TransformerEncoderLayer: activation is "relu", "gelu" or a function, not {activation!r}')
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first)
        self.linear1 = Linear(d_model, dim_feedforward, bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = getattr(F, activation) if isinstance(activation, str) else activation

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """Encode; the masks are those of `MultiheadAttention`: attn_mask and key_padding_mask."""

        def attend(x: Any) -> Any:
            mixed, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)
            if self.self_attn.batch_first and x.ndim == 3:  # PyTorch draws what is dropped in the order of time
                return self.dropout1(mixed.swapaxes(0, 1)).swapaxes(0, 1)
            return self.dropout1(mixed)

        def think(x: Any) -> Any:
            return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        x = src
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + think(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + think(x))


class TransformerEncoder(Module):
    """Layers like `encoder_layer`, one after the other, and in the end a norm if one is given.

    Args:
        encoder_layer: a `TransformerEncoderLayer`, of which every layer is a copy, with the same weights at first.
        num_layers: how many.
        norm: a module, such as `LayerNorm(d_model)`.
        enable_nested_tensor, mask_check: for PyTorch's scripts; they change nothing.

    Raises:
        TypeError, ValueError: encoder_layer is no module, or num_layers no integer, or negative.
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None,
        enable_nested_tensor: bool = False, mask_check: bool = True,
    ) -> None:  # fmt: skip
        set_sizes(self, num_layers=num_layers)
        if not isinstance(encoder_layer, Module):
            raise TypeError(f"TransformerEncoder takes a layer that is a module, not {kind_of(encoder_layer)}")
        self.layers = ModuleList([deepcopy(encoder_layer) for _ in range(num_layers)])
        self.norm = norm

    def forward(self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm(src)
