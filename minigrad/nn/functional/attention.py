"""Embedding and attention: rows looked up by number, and rows looked up by likeness."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import on_host
from minigrad.nn.functional.dropout import dropout
from minigrad.op import composed
from minigrad.ops.nn import softmax
from minigrad.tensor import Tensor, as_array


@composed
def embedding(indices: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of weight (V, D) that indices (...) name: (..., D). The gradients of a row named often add up.

    Args:
        indices: integers from 0 to V − 1.
        weight: one row for each of them.
        padding_idx: a row that gets no gradient, of an index that only fills up.

    Raises:
        IndexError: an index out of range.
    """
    if indices.dtype.kind not in "iu" or weight.ndim != 2:
        raise TypeError(f"it takes integer indices and weight (V, D), not {indices.dtype} and {weight.shape}")
    rows = len(weight)
    # To look at the indices would wait for the GPU: a wrong one gives nan there.
    if not on_host(as_array(indices)) and weight.dtype.kind == "f":
        wrong = (indices < 0) | (indices >= rows)
        found = plain_embedding(np.where(wrong, 0, indices), weight, padding_idx)
        return np.where(wrong[..., None], math.nan, found)
    if math.prod(indices.shape) and not (indices.min() >= 0 and indices.max() < rows):
        wrong = indices[(indices < 0) | (indices >= rows)][0]
        raise IndexError(f"index {wrong} is out of range: weight has the rows 0 ... {rows - 1}")
    return plain_embedding(indices, weight, padding_idx)


def plain_embedding(indices: Any, weight: Any, padding_idx: int | None) -> Any:
    """`embedding` of indices that are all in range."""
    rows, found = len(weight), weight[indices]
    if padding_idx is None or not isinstance(weight, Tensor):
        return found
    if not -rows <= padding_idx < rows:
        raise ValueError(f"padding_idx {padding_idx} is out of range: weight has {rows} rows")
    return np.where((indices == padding_idx % rows)[..., None], found.detach(), found)


@composed
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    """softmax(query keyᵀ · scale) value: each query's mean of the values, weighed by how well their keys fit it.

    Shapes: query (..., L, E), key (..., S, E) and value (..., S, V) give (..., L, V).

    Args:
        query, key, value: what each of L asks for, what each of S offers it by, and what it then gets.
        attn_mask: broadcasts to (..., L, S); bools, True where a query may look at a key, or numbers that are added to
            query keyᵀ · scale. A query that may look at nothing gets 0.
        dropout_p: probability with which each weight is dropped; give 0 outside training.
        is_causal: a query may look only at the keys up to its own position.
        scale: None means 1 / √E.

    Raises:
        ValueError: both attn_mask and is_causal, or shapes that do not go together.

    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """
    if attn_mask is not None and is_causal:
        raise ValueError("give attn_mask or is_causal, not both")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"query (..., L, E), key (..., S, E) and value (..., S, V) must agree in E and S, "
            f"got {query.shape}, {key.shape} and {value.shape}"
        )
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * scale) @ key.swapaxes(-1, -2)
    if is_causal:
        attn_mask = np.tri(*scores.shape[-2:], dtype=bool, like=scores)
    if attn_mask is None:
        return dropout(softmax(scores), dropout_p) @ value
    scores = np.where(attn_mask, scores, -math.inf) if attn_mask.dtype == np.bool_ else scores + attn_mask
    blind = np.max(scores, axis=-1, keepdims=True) == -math.inf  # softmax of nothing but −∞ is not a number
    weights = np.where(blind, 0, softmax(np.where(blind, 0, scores)))
    return dropout(weights, dropout_p) @ value
