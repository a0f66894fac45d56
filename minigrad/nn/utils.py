"""What is done to many parameters or gradients at once, under the names of `torch.nn.utils`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from minigrad.autograd.grad_mode import no_grad
from minigrad.backend import APART, apart
from minigrad.errors import described, missing
from minigrad.functions import norm
from minigrad.nn.module import kind_of
from minigrad.rearrange import cat, split, stack
from minigrad.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]

__getattr__ = missing(__name__, __all__)


def listed(parameters: Any) -> list[Tensor]:
    """One tensor, or several, as a list; raise if they are none."""
    several = isinstance(parameters, Iterable) and not isinstance(parameters, Tensor)
    tensors = list(parameters) if several else [parameters]
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"nn.utils takes parameters, as in model.parameters(), not {kind_of(tensor)}")
    return tensors


def gradients(parameters: Any) -> list[Tensor]:
    """The gradients there are, of one tensor or of several."""
    return [tensor.grad.detach() for tensor in listed(parameters) if tensor.grad is not None]


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients by the same factor so that their norm, taken as one vector, is at most max_norm.

    g ← g · min(1, max_norm / (‖g‖ + 1e-6)), where ‖g‖ is over all gradients together.

    Args:
        parameters: a tensor, or several; those without gradient are passed over.
        max_norm: at least 0.
        norm_type: p of the p-norm, ∞ too.
        error_if_nonfinite: raise if the norm is nan or infinite: then the gradients are left alone.

    Returns:
        the norm before clipping, 0-d.

    Raises:
        RuntimeError: the norm is not finite, and `error_if_nonfinite`.
        TypeError: `parameters` are no tensors.
        ValueError: max_norm is negative or not a number.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.
    """
    if not max_norm >= 0:
        raise ValueError(f"clip_grad_norm_: max_norm is at least 0, not {max_norm}")
    found = gradients(parameters)
    if not found:
        return Tensor(0.0)
    with no_grad():
        total = norm(stack([norm(g, norm_type) for g in found]), norm_type)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise RuntimeError(f"clip_grad_norm_: the norm of all gradients is {total.item()}; nothing was changed")
        factor = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for g in found:
            g *= factor
    return total


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Bring every element of every gradient between −clip_value and clip_value.

    Raises:
        ValueError: clip_value is negative or not a number.
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value is at least 0, not {clip_value}")
    for g in gradients(parameters):
        g.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters as one vector, which stays part of the graph."""
    return cat([parameter.reshape(-1) for parameter in listed(parameters)])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the elements of a vector into the parameters, one after the other.

    Raises:
        TypeError: `parameters` are no tensors.
        ValueError: `vec` is no vector, or has more elements or fewer. Nothing has changed then.
        RuntimeError: they are not all on one device. Nothing has changed then.
    """
    tensors = listed(parameters)
    sizes = [tensor.numel() for tensor in tensors]
    if getattr(vec, "shape", None) != (sum(sizes),):
        raise ValueError(f"vector_to_parameters: the parameters need a vector of {sum(sizes)}, not {described(vec)}")
    if apart([vec, *tensors]):
        raise RuntimeError(f"vector_to_parameters: {APART}")
    with no_grad():
        for tensor, part in zip(tensors, split(vec, sizes), strict=True):
            tensor[...] = part.reshape(tensor.shape)
