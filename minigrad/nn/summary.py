"""A table of what a network is made of."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.grad_mode import no_grad
from minigrad.creation import zeros
from minigrad.nn.module import Module, kind_of
from minigrad.tensor import Tensor


class Summary(NamedTuple):
    """What `summary` found: printed, it is a table.

    Attributes:
        rows: for each module that was called (name, kind, shape of its output, number of its own parameters).
        total: the number of elements of all parameters; `trainable` of those that require grad.
    """

    rows: list[tuple[str, str, str, int]]
    total: int
    trainable: int

    def __repr__(self) -> str:
        head = ("name", "module", "output", "parameters")
        table = [head, *[(name, kind, shape, f"{count:,}") for name, kind, shape, count in self.rows]]
        widths = [max(len(row[i]) for row in table) for i in range(4)]
        lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:{widths[2]}}  {d:>{widths[3]}}" for a, b, c, d in table]
        return "\n".join([*lines, f"{self.total:,} parameters, {self.trainable:,} of them trainable"])


def summary(model: Module, x: Any) -> Summary:
    """Run a model once, in evaluation and recording nothing, and list each module that was called.

    Args:
        model: any module. Its mode and its state are afterwards what they were.
        x: what to call it with: a tensor, a tuple of several arguments, or a shape, as in `summary(net, (1, 64))`, for
            a tensor of zeros.

    Raises:
        TypeError: `model` is not a module.

    >>> from minigrad import nn
    >>> nn.summary(nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)), (1, 64))
    name  module      output   parameters
          Sequential  (1, 10)           0
    0     Linear      (1, 32)       2,080
    1     ReLU        (1, 32)           0
    2     Linear      (1, 10)         330
    2,410 parameters, 2,410 of them trainable
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary takes a module, not {kind_of(model)}")
    several = isinstance(x, tuple | list)
    is_shape = several and all(isinstance(size, int | np.integer) for size in x)
    arguments = (zeros(x),) if is_shape else tuple(x) if several else (x,)
    names = {id(module): name for name, module in model.named_modules()}
    called: dict[int, tuple[str, str, str, int]] = {}

    def note(module: Module, _: Any, out: Any) -> None:
        own = sum(p.numel() for p in module.parameters(recurse=False))
        called[id(module)] = (names[id(module)], type(module).__name__, shapes(out), own)

    with ExitStack() as undone_later, no_grad(), warnings.catch_warnings():
        for module in model.modules():
            undone_later.enter_context(module.register_forward_hook(note))
            undone_later.callback(setattr, module, "training", module.training)
        warnings.simplefilter("ignore")  # such as BatchNorm's, which has not seen anything yet
        model.eval()(*arguments)
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    rows = [called[key] for key in names if key in called]
    return Summary(rows, sum(n for n, _ in counts), sum(n for n, trainable in counts if trainable))


def shapes(out: Any) -> str:
    """The shape of a tensor, or those of the tensors in a tuple."""
    if isinstance(out, Tensor):
        return str(out.shape)
    return ", ".join(shapes(part) for part in out if part is not None) if isinstance(out, tuple | list) else ""
