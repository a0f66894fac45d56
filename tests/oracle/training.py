"""Networks and optimizers after 50 steps, BatchNorm after three batches, all in float64.

The functions take the framework to run under, PyTorch for the answers, minigrad in the tests: one text serves both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

STEPS = 50

OPTIMIZERS = {
    "gradient descent": lambda optim, params: optim.SGD(params, lr=0.1),
    "weight decay": lambda optim, params: optim.SGD(params, lr=0.1, weight_decay=0.01),
    "momentum": lambda optim, params: optim.SGD(params, lr=0.05, momentum=0.9),
    "dampening": lambda optim, params: optim.SGD(params, lr=0.1, momentum=0.9, dampening=0.9),
    "nesterov": lambda optim, params: optim.SGD(params, lr=0.05, momentum=0.9, nesterov=True),
    "dampening and decay": lambda optim, params: optim.SGD(params, 0.1, 0.8, 0.5, weight_decay=0.02),
    "nesterov and decay": lambda optim, params: optim.SGD(params, 0.05, 0.8, nesterov=True, weight_decay=0.02),
    "adam": lambda optim, params: optim.Adam(params, lr=0.01),
    "adam defaults": lambda optim, params: optim.Adam(params),
    "adam betas": lambda optim, params: optim.Adam(params, lr=0.02, betas=(0.8, 0.95), eps=1e-3),
    "adam and decay": lambda optim, params: optim.Adam(params, lr=0.01, weight_decay=0.1),
}

BATCH_NORMS = {
    "default": ({}, (6, 3)),
    "sequences": ({}, (4, 3, 5)),
    "momentum": ({"momentum": 0.3, "eps": 1e-2}, (6, 3)),
    "plain average": ({"momentum": None}, (4, 3, 5)),
    "without weight": ({"affine": False}, (6, 3)),
}


def train(framework: Any, rule: str) -> dict[str, Any]:
    """The losses, the state in the end, and what the network then says in evaluation."""
    nn = framework.nn
    random = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(6, 16, bias=False),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Sequential(nn.Linear(16, 12, bias=False), nn.BatchNorm1d(12, momentum=0.2), nn.ReLU()),
        nn.Dropout(0),
        nn.Linear(12, 4),
    )
    # The BatchNorms, 1 and 3.1, start at γ = 1 and β = 0. Were a β so large that ReLU lets a whole channel pass, the
    # next BatchNorm would cancel it: its gradient would be rounding noise, and Adam divides a gradient by its own size.
    drawn = {
        name: framework.tensor(random.normal(0, 0.4, tuple(p.shape)))
        for name, p in model.named_parameters()
        if not name.startswith(("1.", "3.1."))
    }
    model.load_state_dict({**model.state_dict(), **drawn})
    loss_function = nn.CrossEntropyLoss()
    optimizer = OPTIMIZERS[rule](framework.optim, model.parameters())
    losses = []
    for _ in range(STEPS):
        x = random.normal(size=(64, 6))
        y = x[:, :4].argmax(1)
        loss = loss_function(model(framework.tensor(x)), framework.tensor(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    x = framework.tensor(random.normal(size=(5, 6)), requires_grad=True)
    out = model(x)
    (out * out).sum().backward()
    state = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
    return {
        **state,
        "losses": np.array(losses),
        "evaluation": out.detach().cpu().numpy(),
        "x.grad": x.grad.cpu().numpy(),
    }


def normalise(framework: Any, name: str) -> dict[str, Any]:
    """Results, gradients and running statistics of a BatchNorm1d over three batches, then in evaluation."""
    options, shape = BATCH_NORMS[name]
    random = np.random.default_rng(1)
    layer = framework.nn.BatchNorm1d(3, **options)
    drawn = {name: framework.tensor(random.normal(1, 0.4, 3)) for name, _ in layer.named_parameters()}
    layer.load_state_dict({**layer.state_dict(), **drawn})
    found = {}
    for step in ("1", "2", "3", "evaluation"):
        layer.train(step != "evaluation")
        layer.zero_grad()
        x = framework.tensor(random.normal(2, 3, shape), requires_grad=True)
        y = layer(x)
        y.backward(framework.tensor(random.normal(size=shape)))
        found |= {f"{step}/y": y.detach().cpu().numpy(), f"{step}/x.grad": x.grad.cpu().numpy()}
        found |= {f"{step}/{name}.grad": p.grad.cpu().numpy() for name, p in layer.named_parameters()}
        found |= {f"{step}/{name}": tensor.cpu().numpy().copy() for name, tensor in layer.state_dict().items()}
    return found


@contextmanager
def float64(framework: Any) -> Iterator[None]:
    """float64 as the default dtype."""
    before = framework.get_default_dtype()
    framework.set_default_dtype(framework.float64)
    try:
        yield
    finally:
        framework.set_default_dtype(before)


def results(framework: Any) -> dict[str, Any]:
    """Everything, as "rule or layer/what" -> array."""
    with float64(framework):
        runs = {f"train/{rule}": train(framework, rule) for rule in OPTIMIZERS}
        runs |= {f"batch norm/{name}": normalise(framework, name) for name in BATCH_NORMS}
    return {f"{run}/{what}": np.array(value) for run, values in runs.items() for what, value in values.items()}


def expected() -> dict[str, Any]:
    """PyTorch's results."""
    import torch

    return results(torch)
