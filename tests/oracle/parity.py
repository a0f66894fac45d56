"""Whole trainings of 50 steps in float64: networks, optimizers, schedules. `make parity` prints how far apart they end.

The functions take the framework to run under, PyTorch for the answers, minigrad in the tests: one text serves both.
The same seed gives both the same initial weights and the same dropout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.oracle.training import STEPS, float64

# -- networks: what makes one, and a batch for it ---------------------------------------------------------------------


def mlp(nn: Any) -> Any:
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 12), nn.SiLU(), nn.Linear(12, 4))


def batch_norm(nn: Any) -> Any:
    hidden = [nn.Linear(6, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2)]
    return nn.Sequential(*hidden, nn.Linear(16, 12, bias=False), nn.BatchNorm1d(12, momentum=0.2), nn.Linear(12, 4))


def cnn(nn: Any) -> Any:
    # No bias before BatchNorm: its gradient would be rounding noise, and Adam divides a gradient by its own size.
    first = [nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.GroupNorm(2, 8), nn.GELU(), nn.AdaptiveAvgPool2d(2)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(32, 4))


def lstm(nn: Any) -> Any:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.letters = nn.Embedding(9, 5)
            self.lstm = nn.LSTM(5, 7, num_layers=2, batch_first=True, dropout=0.1)
            self.head = nn.Linear(7, 4)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(self.letters(x))[0][:, -1])

    return Reader()


def gru(nn: Any) -> Any:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(3, 7, bidirectional=True)
            self.head = nn.Linear(14, 4)

        def forward(self, x: Any) -> Any:
            return self.head(self.gru(x.transpose(0, 1))[0].mean(0))

    return Reader()


def attention(nn: Any) -> Any:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.letters = nn.Embedding(9, 8)
            layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2)
            self.head = nn.Linear(8, 4)

        def forward(self, x: Any) -> Any:
            return self.head(self.encoder(self.letters(x)).mean(1))

    return Reader()


def vectors(random: Any) -> Any:
    x = random.normal(size=(32, 6))
    return x, x[:, :4].argmax(1)


def pictures(random: Any) -> Any:
    x = random.normal(size=(8, 1, 8, 8))
    quarters = x.reshape(8, 2, 4, 2, 4).mean((2, 4)).reshape(8, 4)
    return x, quarters.argmax(1)


def letters(random: Any) -> Any:
    x = random.integers(0, 9, (8, 6))
    return x, np.minimum((x < 4).sum(1), 3)


def sequences(random: Any) -> Any:
    x = random.normal(size=(8, 6, 3))
    return x, (x.sum((1, 2)) > 0) + 2 * (x[:, 0, 0] > 0)


NETWORKS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "MLP": (mlp, vectors),
    "BatchNorm and dropout": (batch_norm, vectors),
    "CNN": (cnn, pictures),
    "LSTM": (lstm, letters),
    "GRU": (gru, sequences),
    "attention": (attention, letters),
}

# -- optimizers -------------------------------------------------------------------------------------------------------

OPTIMIZERS: dict[str, Callable[[Any, Any], Any]] = {
    "SGD": lambda optim, p: optim.SGD(p, lr=0.1),
    "SGD, momentum": lambda optim, p: optim.SGD(p, lr=0.05, momentum=0.9),
    "SGD, dampening and decay": lambda optim, p: optim.SGD(p, 0.1, 0.9, 0.9, weight_decay=0.01),
    "SGD, nesterov": lambda optim, p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "SGD, maximize": lambda optim, p: optim.SGD(p, lr=1e-3, momentum=0.9, maximize=True),
    "RMSprop": lambda optim, p: optim.RMSprop(p, lr=0.01),
    "RMSprop, all": lambda optim, p: optim.RMSprop(p, 0.01, 0.9, 1e-6, 0.01, momentum=0.8, centered=True),
    "Adagrad": lambda optim, p: optim.Adagrad(p, lr=0.1),
    "Adagrad, all": lambda optim, p: optim.Adagrad(p, 0.1, 0.01, 0.02, 0.3, 1e-8),
    "Adam": lambda optim, p: optim.Adam(p, lr=0.01),
    "Adam, amsgrad and decay": lambda optim, p: optim.Adam(p, 0.01, (0.8, 0.95), 1e-6, 0.02, amsgrad=True),
    "AdamW": lambda optim, p: optim.AdamW(p, lr=0.01),
    "AdamW, decay": lambda optim, p: optim.AdamW(p, 0.01, (0.8, 0.95), 1e-6, weight_decay=0.3),
    "NAdam": lambda optim, p: optim.NAdam(p, lr=0.01, weight_decay=0.01),
    "RAdam": lambda optim, p: optim.RAdam(p, lr=0.02),
    "groups": lambda optim, p: optim.AdamW(
        [{"params": p[:2], "lr": 0.1, "weight_decay": 0.0}, {"params": p[2:]}], lr=0.003, weight_decay=0.1
    ),
}

# -- schedules, stepped once after each step of the optimizer ---------------------------------------------------------

SCHEDULES: dict[str, Callable[[Any, Any], Any]] = {
    "LambdaLR, 1 / (1 + rate · t)": lambda s, o: s.LambdaLR(o, lambda t: 1 / (1 + 0.1 * t)),
    "LambdaLR, 1 / √t": lambda s, o: s.LambdaLR(o, lambda t: 1 / (t + 1) ** 0.5),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.95),
    "StepLR": lambda s, o: s.StepLR(o, 10, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [5, 20, 30], 0.3),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.2, 15),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.1, 1.0, 20),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 30, 2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 15, 1e-3),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 7, 2, 1e-3),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.2, total_steps=STEPS + 1),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=10), s.CosineAnnealingLR(o, 40)], [10]
    ),
    "two at once": lambda s, o: Both(s.LinearLR(o, 0.1, total_iters=10), s.ExponentialLR(o, 0.97)),
    "ReduceLROnPlateau": lambda s, o: s.ReduceLROnPlateau(o, factor=0.5, patience=2, threshold=0.05, cooldown=1),
}


class Both:
    """Two schedules of one optimizer, stepped one after the other."""

    def __init__(self, *schedules: Any) -> None:
        self.schedules = schedules

    def step(self) -> None:
        for schedule in self.schedules:
            schedule.step()


CONFIGURATIONS = {
    **{f"network {name}": (name, "Adam", None) for name in NETWORKS},
    **{f"optimizer {name}": ("MLP", name, None) for name in OPTIMIZERS},
    **{f"schedule {name}": ("MLP", "SGD, momentum", name) for name in SCHEDULES},
}


def train(framework: Any, configuration: str) -> dict[str, Any]:
    """The losses and rates of all steps, the state in the end, and what the network then says in evaluation."""
    network, optimizer_name, schedule_name = CONFIGURATIONS[configuration]
    make, draw = NETWORKS[network]
    framework.manual_seed(0)
    random = np.random.default_rng(0)
    model = make(framework.nn)
    loss_function = framework.nn.CrossEntropyLoss()
    optimizer = OPTIMIZERS[optimizer_name](framework.optim, list(model.parameters()))
    schedule = SCHEDULES[schedule_name](framework.optim.lr_scheduler, optimizer) if schedule_name else None
    losses, rates = [], []
    for _ in range(STEPS):
        x, y = (framework.tensor(array) for array in draw(random))
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        framework.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        if schedule_name == "ReduceLROnPlateau":
            schedule.step(loss.item())
        elif schedule:
            schedule.step()
        losses.append(loss.item())
        rates.append([group["lr"] for group in optimizer.param_groups])
    model.eval()
    x, _ = draw(random)
    state = {name: tensor.cpu().numpy().copy() for name, tensor in model.state_dict().items()}
    evaluation = model(framework.tensor(x)).detach().cpu().numpy()
    return {"losses": np.array(losses), "rates": np.array(rates), **state, "evaluation": evaluation}


def results(framework: Any) -> dict[str, Any]:
    """Everything, as "configuration/what" -> array."""
    with float64(framework):
        runs = {name: train(framework, name) for name in CONFIGURATIONS}
    return {f"{name}/{what}": np.array(value) for name, values in runs.items() for what, value in values.items()}


def expected() -> dict[str, Any]:
    """PyTorch's results."""
    import torch

    return results(torch)


def difference(ours: Any, theirs: Any) -> float:
    """The largest difference, of numbers over 1 relative to their size."""
    return float(np.max(np.abs(ours - theirs) / np.maximum(1, np.abs(theirs)), initial=0))


def main() -> None:
    """Print, for every configuration, how far minigrad and PyTorch are apart in the end."""
    import minigrad as mg
    from tests.oracle.record import load

    theirs = load("parity")
    print(f"largest difference from PyTorch after {STEPS} steps in float64; relative where a number is over 1\n")
    print(f"{'':40} {'losses':>9} {'weights':>9} {'evaluation':>10}   last loss")
    for name in CONFIGURATIONS:
        with float64(mg):
            ours = train(mg, name)
        apart = {what: difference(value, theirs[f"{name}/{what}"]) for what, value in ours.items()}
        weights = max(value for what, value in apart.items() if what not in ("losses", "rates", "evaluation"))
        last = ours["losses"][-1]
        print(f"{name:40} {apart['losses']:9.1e} {weights:9.1e} {apart['evaluation']:10.1e}   {last:.6f}")


if __name__ == "__main__":
    main()
