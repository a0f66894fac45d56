"""Chapter 9: optimizers. Each class is one update rule: how a parameter w moves, given its gradient g.

    optimizer = SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad()       # forget the last step's gradients
    loss.backward()             # fill .grad
    optimizer.step()            # move every parameter

Parameters and state are updated in place and keep their dtype.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.graph import note_write
from minigrad.tensor import Tensor


class Optimizer:
    """What all optimizers share. A rule says in `update` how one array moves.

    Args:
        params: the tensors to optimize; leaves that require grad, each once.
        lr: learning rate α > 0; it may be changed between steps.

    Raises:
        TypeError: `params` is a single tensor, or holds something else than tensors.
        ValueError: no parameters, one that is given twice or does not require grad, or a hyperparameter out of range.
    """

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        if isinstance(params, Tensor):
            raise TypeError("an optimizer takes a list of tensors: write [w] for a single one")
        self.params = list(params)
        if not self.params:
            raise ValueError("an optimizer needs at least one parameter; the list is empty")
        for i, p in enumerate(self.params):
            if not isinstance(p, Tensor):
                raise TypeError(f"an optimizer takes tensors; parameter {i} is a {type(p).__name__}")
            if not (p.requires_grad and p.is_leaf):
                raise ValueError(f"parameter {i} (shape {p.shape}) is not a leaf that requires grad: it would never move")
        if len({id(p) for p in self.params}) < len(self.params):
            raise ValueError("a parameter is in the list twice: it would move twice in each step")
        in_range(lr=(lr, lr >= 0))
        self.lr = lr
        self.state: list[dict[str, Any]] = [{} for _ in self.params]

    def zero_grad(self) -> None:
        """Set `.grad` of every parameter to None."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient.

        Raises:
            ValueError: a `.grad` has another shape than its parameter. Then none has moved.
        """
        for p in self.params:
            if p.grad is not None and p.grad.shape != p.shape:
                raise ValueError(f"step: a parameter of shape {p.shape} has a gradient of shape {p.grad.shape}")
        for p, state in zip(self.params, self.state, strict=True):
            if p.grad is not None:
                self.update(p.data, p.grad.data, state)
                note_write(p.data)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> None:
        """Move the array `w` in place, given its gradient `g` and what `state` remembers of earlier steps."""
        raise NotImplementedError(f"{type(self).__name__} defines no update rule")


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

        g ← g + weight_decay · w
        v ← momentum · v + (1 − dampening) · g          (v ← g at the first step)
        w ← w − lr · v                                  nesterov: w − lr · (g + momentum · v)

    The momentum of Ng's course, v = βv + (1 − β)g, is momentum=β with dampening=β.

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
        in_range(momentum=(momentum, momentum >= 0), weight_decay=(weight_decay, weight_decay >= 0))
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError("SGD: nesterov needs a momentum > 0 and dampening = 0")
        self.momentum = momentum
        self.dampening = dampening
        self.weight_decay = weight_decay
        self.nesterov = nesterov

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> None:
        if self.weight_decay:
            g = g + self.weight_decay * w
        if self.momentum:
            if "v" in state:
                state["v"] *= self.momentum
                state["v"] += (1 - self.dampening) * g
            else:
                state["v"] = g.copy()
            g = g + self.momentum * state["v"] if self.nesterov else state["v"]
        w -= self.lr * g


class Adam(Optimizer):
    """Adam: momentum, divided by the recent size of the gradient.

        g ← g + weight_decay · w
        m ← β₁ m + (1 − β₁) g           v ← β₂ v + (1 − β₂) g²          (both start at 0)
        m̂ = m / (1 − β₁ᵗ)               v̂ = v / (1 − β₂ᵗ)               at step t: undoes the start at 0
        w ← w − lr · m̂ / (√v̂ + eps)

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
        in_range(
            betas=(betas, all(0 <= beta < 1 for beta in betas)),
            eps=(eps, eps >= 0),
            weight_decay=(weight_decay, weight_decay >= 0),
        )
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay

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


def in_range(**hyperparameters: tuple[Any, bool]) -> None:
    """Raise for a hyperparameter, given as name=(value, whether it is fine), that is not."""
    for name, (value, is_fine) in hyperparameters.items():
        if not is_fine:
            raise ValueError(f"{name}={value} is out of range")
