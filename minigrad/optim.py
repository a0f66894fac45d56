"""Chapter 9: optimizers. Each class is one update rule: how a parameter w moves, given its gradient g.

    optimizer = SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad()       # forget the last step's gradients
    loss.backward()             # fill .grad
    optimizer.step()            # move every parameter

Parameters and state are updated in place and keep their dtype.

Next: `check.py`, are the gradients right?
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.errors import missing
from minigrad.graph import note_write
from minigrad.nn import Parameter
from minigrad.tensor import Tensor

__all__ = ["SGD", "Adam", "Optimizer"]
__getattr__ = missing(__name__, __all__)


class Optimizer:
    """What all optimizers share. A rule says in `update` how one array moves.

    Args:
        params: the tensors to optimize: leaves that require grad, each once. A frozen `Parameter` may be among them.
        lr: learning rate α ≥ 0; it may be changed between steps: `optimizer.lr = 0.01`.

    Raises:
        TypeError: `params` is not a list of tensors, or something else that yields tensors.
        ValueError: no parameters, one that is given twice or that would never move, or a hyperparameter out of range.
    """

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        name = type(self).__name__
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            raise TypeError(f"{name} takes a list of tensors, model.parameters() or [w], not a {type(params).__name__}")
        self.params = list(params)
        if not self.params:
            raise ValueError(f"{name} needs at least one parameter; the list is empty")
        for i, p in enumerate(self.params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{name} takes tensors; parameter {i} is a {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError(f"{name}: parameter {i} (shape {p.shape}) was computed; only a leaf can be optimized")
            if not (p.requires_grad or isinstance(p, Parameter)):
                raise ValueError(f"{name}: parameter {i} (shape {p.shape}) does not require grad: it would never move")
        if len({id(p) for p in self.params}) < len(self.params):
            raise ValueError(f"{name}: a parameter is in the list twice; it would move twice in each step")
        self.lr = in_range("lr", lr)
        self.state: list[dict[str, Any]] = [{} for _ in self.params]

    def zero_grad(self) -> None:
        """Set `.grad` of every parameter to None."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient.

        Raises:
            TypeError: a `.grad` is not a tensor. Then none has moved.
            ValueError: a `.grad` has another shape than its parameter. Then none has moved.
        """
        moving = [(p, p.grad, state) for p, state in zip(self.params, self.state, strict=True) if p.grad is not None]
        for p, grad, _ in moving:
            if not isinstance(grad, Tensor):
                raise TypeError(f"step: the gradient of a parameter is a {type(grad).__name__}, not a tensor")
            if grad.shape != p.shape:
                raise ValueError(f"step: a parameter of shape {p.shape} has a gradient of shape {grad.shape}")
        note_write(*[p.data for p, _, _ in moving])
        for p, grad, state in moving:
            self.update(p.data, grad.data, state)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> None:
        """Move the array `w` in place, given its gradient `g` and what `state` remembers of earlier steps."""
        raise NotImplementedError(f"{type(self).__name__} defines no update rule")


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

        g ← g + weight_decay · w
        v ← momentum · v + (1 − dampening) · g          (v ← g at the first step)
        w ← w − lr · v                                  nesterov: w − lr · (g + momentum · v)

    The momentum of Ng's course, v = βv + (1 − β)g, is momentum=β with dampening=β, but for the first step.

    Args:
        params: the tensors to optimize.
        lr: learning rate.
        momentum, dampening, weight_decay, nesterov: as in the formulas; 0 and False leave them out.

    Raises:
        TypeError, ValueError: as `Optimizer`; nesterov without momentum, or with dampening.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self.momentum = in_range("momentum", momentum)
        self.dampening = float(dampening)
        self.weight_decay = in_range("weight_decay", weight_decay)
        self.nesterov = nesterov
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError("SGD: nesterov needs momentum > 0 and dampening = 0")

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> None:
        if self.weight_decay:
            g = g + self.weight_decay * w
        if self.momentum:
            share = 1 - self.dampening
            if not state:
                state["v"], share = np.zeros_like(w), 1  # the first gradient enters in full
            v = state["v"]
            v *= self.momentum
            v += share * g
            g = g + self.momentum * v if self.nesterov else v
        w -= self.lr * g


class Adam(Optimizer):
    """Adam: momentum, divided by the recent size of the gradient.

        g ← g + weight_decay · w
        m ← β₁ m + (1 − β₁) g           v ← β₂ v + (1 − β₂) g²          (both start at 0)
        m̂ = m / (1 − β₁ᵗ)               v̂ = v / (1 − β₂ᵗ)               at step t: undoes the start at 0
        w ← w − lr · m̂ / (√v̂ + eps)

    Args:
        params: the tensors to optimize.
        lr: learning rate.
        betas: β₁ and β₂, from 0 to below 1.
        eps: keeps the division from blowing up where the gradient is always 0.
        weight_decay: as in the formula.

    Raises:
        TypeError, ValueError: as `Optimizer`.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        beta1, beta2 = betas
        self.betas = in_range("beta1", beta1, below=1), in_range("beta2", beta2, below=1)
        self.eps = in_range("eps", eps)
        self.weight_decay = in_range("weight_decay", weight_decay)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> None:
        if not state:
            state.update(t=0, m=np.zeros_like(w), v=np.zeros_like(w))
        beta1, beta2 = self.betas
        m, v = state["m"], state["v"]
        state["t"] += 1
        if self.weight_decay:
            g = g + self.weight_decay * w
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        size = np.sqrt(v)
        size /= (1 - beta2 ** state["t"]) ** 0.5
        size += self.eps
        w -= self.lr / (1 - beta1 ** state["t"]) * m / size


def in_range(name: str, value: float, below: float = math.inf) -> float:
    """The hyperparameter as a Python float, which never promotes float32; raise unless 0 ≤ value < below."""
    if not 0 <= value < below:
        raise ValueError(f"{name} must be in [0, {below}), not {value}")
    return float(value)
