"""The update rules. Each class is one: how a parameter w moves, given its gradient g and what it remembers.

`update` is given what it names, as `Optimizer` says: on its first line state, under PyTorch's names, on its second the
hyperparameters. The formulas in the docstrings have the letters of the papers.
"""

# mypy: disallow-untyped-defs=false, disallow-untyped-calls=false
# These are formulas, of arrays and numbers.

from __future__ import annotations

from typing import ClassVar

import numpy as np

from minigrad.backend import fuse
from minigrad.optim.optimizer import Optimizer


@fuse
def average(mean, beta, rest, x):
    """The next value of a running average, mean ← beta · mean + rest · x with rest = 1 − beta, in place."""
    mean *= beta
    mean += rest * x


@fuse
def average_square(mean, beta, rest, x):
    """The same of x²."""
    mean *= beta
    mean += rest * (x * x)


@fuse
def descend(w, rate, g):
    """w ← w − rate · g, in place."""
    w -= rate * g


@fuse
def descend_by_size(w, rate, m, square, eps):
    """w ← w − rate · m / (√square + eps), in place."""
    size = np.sqrt(square)
    size += eps
    w -= rate * m / size


@fuse
def accumulate(buffer, momentum, g):
    """buffer ← momentum · buffer + g, in place."""
    buffer *= momentum
    buffer += g


def decayed(w, g, weight_decay, lr=None):
    """The gradient with the pull of weight decay; or, given lr, decoupled from it: then w shrinks by itself."""
    if lr is not None:
        w *= 1 - lr * weight_decay
        return g
    return g + weight_decay * w if weight_decay else g


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

        g ← g + weight_decay · w
        v ← momentum · v + (1 − dampening) · g          (v ← g at the first step)
        w ← w − lr · v                                  nesterov: w − lr · (g + momentum · v)

    The momentum of Ng's course, v = βv + (1 − β)g, is momentum=β with dampening=β, but for the first step.

    Args:
        params: the tensors to optimize, or parameter groups.
        lr: learning rate.
        momentum, dampening, weight_decay, nesterov: as in the formulas; 0 and False leave them out.
        maximize: climb instead of descending.

    Raises:
        TypeError, ValueError: as `Optimizer`; nesterov without momentum, or with dampening.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.
    """

    kept_if: ClassVar = {"momentum_buffer": "momentum"}

    def update(
        self, w, g, momentum_buffer=None, is_new=False, /,
        lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False,
    ):  # fmt: skip
        g = decayed(w, g, weight_decay)
        if momentum:
            accumulate(momentum_buffer, momentum, (1 - dampening) * g if dampening and not is_new else g)
            g = g + momentum * momentum_buffer if nesterov else momentum_buffer
        descend(w, lr, g)

    def _checked(self, group):
        options = super()._checked(group)
        if options["nesterov"] and not (options["momentum"] > 0 and options["dampening"] == 0):
            raise ValueError("SGD: nesterov needs momentum > 0 and dampening = 0")
        return options


class Adagrad(Optimizer):
    """Adagrad: every gradient that a weight has had makes its later steps shorter.

        g ← g + weight_decay · w
        s ← s + g²                                      (s starts at initial_accumulator_value)
        w ← w − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps)                                  at step t

    Args:
        params: the tensors to optimize, or parameter groups.
        lr: learning rate.
        lr_decay, weight_decay, initial_accumulator_value: as in the formulas.
        eps: keeps the division from blowing up where the gradient is always 0.
        maximize: climb instead of descending.

    Raises:
        TypeError, ValueError: as `Optimizer`.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 2011.
    """

    def update(
        self, w, g, sum, step=0, is_new=False, /,
        lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10,
    ):  # fmt: skip
        if is_new:
            sum += initial_accumulator_value
        g = decayed(w, g, weight_decay)
        sum += g * g
        descend_by_size(w, lr / (1 + (step - 1) * lr_decay), g, sum, eps)


class RMSprop(Optimizer):
    """RMSprop: the gradient, divided by its recent size.

        g ← g + weight_decay · w
        s ← α s + (1 − α) g²                            (starts at 0)
        d = g / (√s + eps)
        w ← w − lr · d                                  with momentum: b ← momentum · b + d, w ← w − lr · b

    centered divides by the recent standard deviation: ḡ ← α ḡ + (1 − α) g, and d = g / (√(s − ḡ²) + eps).

    Args:
        params: the tensors to optimize, or parameter groups.
        lr: learning rate.
        alpha: α, how slowly old gradients are forgotten; the β of Ng's course.
        eps: keeps the division from blowing up where the gradient is always 0.
        weight_decay, momentum, centered: as in the formulas; 0 and False leave them out.
        maximize: climb instead of descending.

    Raises:
        TypeError, ValueError: as `Optimizer`.

    Source: Hinton, "Neural networks for machine learning", lecture 6, 2012; centered: Graves, "Generating sequences
    with recurrent neural networks", 2013.
    """

    kept_if: ClassVar = {"grad_avg": "centered", "momentum_buffer": "momentum"}

    def update(
        self, w, g, square_avg, grad_avg=None, momentum_buffer=None, step=0, /,
        lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False,
    ):  # fmt: skip
        g = decayed(w, g, weight_decay)
        average_square(square_avg, alpha, 1 - alpha, g)
        square = square_avg
        if centered:
            average(grad_avg, alpha, 1 - alpha, g)
            square = np.maximum(square_avg - grad_avg * grad_avg, 0)  # rounding could take it below
        if momentum:
            accumulate(momentum_buffer, momentum, g / (np.sqrt(square) + eps))
            descend(w, lr, momentum_buffer)
        else:
            descend_by_size(w, lr, g, square, eps)


class Adam(Optimizer):
    """Adam: momentum, divided by the recent size of the gradient.

        g ← g + weight_decay · w
        m ← β₁ m + (1 − β₁) g           v ← β₂ v + (1 − β₂) g²          (both start at 0)
        m̂ = m / (1 − β₁ᵗ)               v̂ = v / (1 − β₂ᵗ)               at step t: undoes the start at 0
        w ← w − lr · m̂ / (√v̂ + eps)

    amsgrad puts the largest v so far in the place of v in v̂, so that a divisor never shrinks.

    Args:
        params: the tensors to optimize, or parameter groups.
        lr: learning rate.
        betas: β₁ and β₂, from 0 to below 1.
        eps: keeps the division from blowing up where the gradient is always 0.
        weight_decay, amsgrad: as in the formulas.
        maximize: climb instead of descending.

    Raises:
        TypeError, ValueError: as `Optimizer`.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; amsgrad: Reddi, Kale and Kumar, "On
    the convergence of Adam and beyond", ICLR 2018.
    """

    kept_if: ClassVar = {"max_exp_avg_sq": "amsgrad"}
    implied: ClassVar = {"decoupled_weight_decay": False}

    def update(
        self, w, g, exp_avg, exp_avg_sq, max_exp_avg_sq=None, step=0, /,
        lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False,
    ):  # fmt: skip
        beta1, beta2 = betas
        g = decayed(w, g, weight_decay)
        average(exp_avg, beta1, 1 - beta1, g)
        average_square(exp_avg_sq, beta2, 1 - beta2, g)
        if amsgrad:
            exp_avg_sq = np.maximum(max_exp_avg_sq, exp_avg_sq, out=max_exp_avg_sq)
        root = (1 - beta2**step) ** 0.5
        descend_by_size(w, lr * root / (1 - beta1**step), exp_avg, exp_avg_sq, eps * root)


class AdamW(Adam):
    """Adam with decoupled weight decay: weights shrink by the same share, however large their gradients are.

        w ← w − lr · weight_decay · w
        then as `Adam` without weight decay

    Args:
        params: the tensors to optimize, or parameter groups.
        lr: learning rate.
        betas, eps, amsgrad: as in `Adam`.
        weight_decay: as in the formula.
        maximize: climb instead of descending.

    Raises:
        TypeError, ValueError: as `Optimizer`.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    implied: ClassVar = {"decoupled_weight_decay": True}

    def update(
        self, w, g, exp_avg, exp_avg_sq, max_exp_avg_sq=None, step=0, /,
        lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False,
    ):  # fmt: skip
        w *= 1 - lr * weight_decay
        super().update(w, g, exp_avg, exp_avg_sq, max_exp_avg_sq, step, lr, betas, eps, 0.0, amsgrad)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum: it moves by the momentum of the step to come.

        g ← g + weight_decay · w        or, with decoupled_weight_decay, w ← w − lr · weight_decay · w
        m ← β₁ m + (1 − β₁) g           v ← β₂ v + (1 − β₂) g²          (both start at 0)
        μₜ = β₁ (1 − ½ · 0.96^(t · momentum_decay))                     at step t: a momentum that grows
        m̂ = μₜ₊₁ m / (1 − μ₁μ₂⋯μₜ₊₁) + (1 − μₜ) g / (1 − μ₁μ₂⋯μₜ)       v̂ = v / (1 − β₂ᵗ)
        w ← w − lr · m̂ / (√v̂ + eps)

    Args:
        params: the tensors to optimize, or parameter groups.
        lr: learning rate.
        betas, eps: as in `Adam`.
        weight_decay, momentum_decay, decoupled_weight_decay: as in the formulas.
        maximize: climb instead of descending.

    Raises:
        TypeError, ValueError: as `Optimizer`.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop.
    """

    def update(
        self, w, g, exp_avg, exp_avg_sq, step=0, mu_product=1.0, /,
        lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3, decoupled_weight_decay=False,
    ):  # fmt: skip
        beta1, beta2 = betas
        g = decayed(w, g, weight_decay, lr if decoupled_weight_decay else None)
        average(exp_avg, beta1, 1 - beta1, g)
        average_square(exp_avg_sq, beta2, 1 - beta2, g)
        mu, mu_next = [beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay)) for t in (step, step + 1)]
        mu_product *= mu
        m = mu_next / (1 - mu_product * mu_next) * exp_avg + (1 - mu) / (1 - mu_product) * g
        root = (1 - beta2**step) ** 0.5
        descend_by_size(w, lr * root, m, exp_avg_sq, eps * root)
        return {"mu_product": mu_product}


class RAdam(Optimizer):
    """Adam that divides by the size of the gradient only when it has seen enough gradients to know it.

        g ← g + weight_decay · w        or, with decoupled_weight_decay, w ← w − lr · weight_decay · w
        m ← β₁ m + (1 − β₁) g           v ← β₂ v + (1 − β₂) g²          (both start at 0)
        m̂ = m / (1 − β₁ᵗ)                                               at step t
        ρ = ρ∞ − 2t β₂ᵗ / (1 − β₂ᵗ),    ρ∞ = 2 / (1 − β₂) − 1           how many gradients v averages
        if ρ > 5, they are enough:
            r = √((ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ))
            w ← w − lr · r · m̂ √(1 − β₂ᵗ) / (√v + eps)
        otherwise w ← w − lr · m̂

    Args:
        params: the tensors to optimize, or parameter groups.
        lr: learning rate.
        betas, eps: as in `Adam`.
        weight_decay, decoupled_weight_decay: as in the formulas.
        maximize: climb instead of descending.

    Raises:
        TypeError, ValueError: as `Optimizer`.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.
    """

    def update(
        self, w, g, exp_avg, exp_avg_sq, step=0, /,
        lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled_weight_decay=False,
    ):  # fmt: skip
        beta1, beta2 = betas
        g = decayed(w, g, weight_decay, lr if decoupled_weight_decay else None)
        average(exp_avg, beta1, 1 - beta1, g)
        average_square(exp_avg_sq, beta2, 1 - beta2, g)
        rate = lr / (1 - beta1**step)
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * step * beta2**step / (1 - beta2**step)
        if rho > 5:
            r = ((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) ** 0.5
            descend_by_size(w, rate * r * (1 - beta2**step) ** 0.5, exp_avg, exp_avg_sq, eps)
        else:
            descend(w, rate, exp_avg)
