"""PyTorch's answers for every case of every operator: result, gradients, and gradients of the gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases import CASES, SPECS, Case, differentiated


def weights(shape: tuple[int, ...], seed: int) -> Any:
    """Upstream gradients: fixed numbers that differ from element to element."""
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


def answers(op_name: str, case: Case) -> dict[str, Any]:
    """ "out", and for each differentiated argument i its "grad/i" and "grad2/i": the gradient of Σ weights · grad."""
    import torch

    where = differentiated(op_name, case)
    args = [
        torch.tensor(a) if isinstance(a, np.ndarray) and op_name not in ("getitem", "add_at") else a for a in case.args
    ]
    if op_name in ("getitem", "add_at"):
        args[0] = torch.tensor(args[0])
    for i in where:
        args[i].requires_grad_()
    out = SPECS[op_name].torch(torch, *args, **case.kwargs)
    found = {"out": out.numpy(force=True)}
    if not where:
        return found
    inputs = [args[i] for i in where]
    upstream = torch.tensor(weights(tuple(out.shape), 0), dtype=out.dtype)
    grads = torch.autograd.grad(out, inputs, upstream, create_graph=True, allow_unused=True)
    zeros = [torch.zeros_like(x) for x in inputs]
    total = torch.zeros((), dtype=torch.float64)
    for k, (i, g) in enumerate(zip(where, grads, strict=True)):
        g = zeros[k] if g is None else g
        found[f"grad/{i}"] = g.numpy(force=True)
        total = total + (torch.tensor(weights(tuple(g.shape), i + 1)) * g).sum()
    seconds = torch.autograd.grad(total, inputs, allow_unused=True) if total.requires_grad else [None] * len(inputs)
    for k, (i, g) in enumerate(zip(where, seconds, strict=True)):
        found[f"grad2/{i}"] = (zeros[k] if g is None else g).numpy(force=True)
    return found


def expected() -> dict[str, Any]:
    """All answers, as "case/what" -> array."""
    return {
        f"{name}/{what}": value
        for name, (op_name, case) in CASES.items()
        if case.torch
        for what, value in answers(op_name, case).items()
    }
