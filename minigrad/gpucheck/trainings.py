"""Part 2: small networks learn on both devices from the same weights and data; and what they learned is on record.

The recorded losses show a CPU on which something is wrong. They were computed with NumPy in float64 on a CPU, and
PyTorch 2.13 gives the same from the same seed, but for the last digits. To record them anew after a change on purpose:
`python -m minigrad.gpucheck --record`.

Next: `waits`, about what a step of such a training tells the GPU to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.gpucheck.comparisons import attempt, difference, most

STEPS = 20
SEEN = (0, 9, 19)  # the steps whose losses are on record
RULES: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda parameters: optim.SGD(parameters, lr=0.1, momentum=0.9),
    "Adam": lambda parameters: optim.Adam(parameters, lr=0.01),
}
# Rounding grows from step to step. What is recorded is recorded in float64.
KINDS = {
    "losses float32": 1e-3,
    "losses float64": 1e-8,
    "weights float32": 1e-3,
    "weights float64": 1e-8,
    "recorded": 1e-8,
}
RECORDED: dict[str, tuple[float, ...]] = {
    "MLP SGD": (2.29889544870048, 1.144959424254079, 0.07244613112079328),
    "MLP Adam": (2.29889544870048, 1.0551499802722, 0.18835715537349443),
    "CNN SGD": (2.3065642728724436, 1.6440096844299026, 0.006508649437071581),
    "CNN Adam": (2.3065642728724436, 1.4771271448408614, 0.34785712929238627),
    "LSTM SGD": (2.515247115280523, 2.3790131207839367, 2.2375577993304567),
    "LSTM Adam": (2.515247115280523, 2.226130943600882, 1.9446606875460104),
}


class Reader(nn.Module):
    """The scores of all letters to come next, after each letter read: the network of `examples/char_rnn.py`."""

    def __init__(self, letters: int, features: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(letters, features)
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.scores = nn.Linear(hidden, letters)

    def forward(self, x: Any) -> Any:
        return self.scores(self.lstm(self.embedding(x))[0]).flatten(0, 1)


def mlp(widths: Sequence[int], batch: int, p: float = 0.0) -> tuple[Any, Any, Any]:
    """A network of fully connected layers, with inputs and labels."""
    *inner, last = [nn.Linear(width, following) for width, following in pairwise(widths)]
    model = nn.Sequential(*[layer for linear in inner for layer in (linear, nn.ReLU(), nn.Dropout(p))], last)
    return model, mg.randn(batch, widths[0], dtype=mg.float64), mg.randint(0, widths[-1], (batch,))


def cnn(channels: int, kernel: int, side: int, hidden: int, batch: int) -> tuple[Any, Any, Any]:
    """A convolutional network for grey pictures in ten classes, with inputs and labels."""
    size = ((side - kernel + 1) // 2 - kernel + 1) // 2
    model = nn.Sequential(
        *[nn.Conv2d(1, channels, kernel), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Conv2d(channels, 2 * channels, kernel), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(2 * channels * size**2, hidden), nn.ReLU(), nn.Linear(hidden, 10)],
    )
    return model, mg.randn(batch, 1, side, side, dtype=mg.float64), mg.randint(0, 10, (batch,))


def lstm(letters: int, features: int, hidden: int, length: int, batch: int) -> tuple[Any, Any, Any]:
    """A network that reads letters, with a text and for each letter the next one."""
    text = mg.randint(0, letters, (batch, length + 1))
    return Reader(letters, features, hidden), text[:, :-1], text[:, 1:].flatten()


NETS: dict[str, Callable[[], tuple[Any, Any, Any]]] = {
    "MLP": lambda: mlp((20, 32, 10), 16),
    "CNN": lambda: cnn(4, 3, 14, 16, 8),
    "LSTM": lambda: lstm(12, 8, 16, 6, 8),
}
# Those of the examples mnist_mlp, mnist_cnn and char_rnn, in their sizes.
FLAGSHIPS: dict[str, Callable[[], tuple[Any, Any, Any]]] = {
    "MLP": lambda: mlp((784, 256, 128, 10), 100, p=0.2),
    "CNN": lambda: cnn(8, 5, 28, 64, 100),
    "LSTM": lambda: lstm(90, 32, 128, 32, 32),
}


def training(
    make: Callable[[], tuple[Any, Any, Any]], rule: str, device: str, dtype: str = "float32"
) -> tuple[Any, Callable[[], Any]]:
    """A network and a function that does one step of its training and returns the loss, without waiting for it."""
    mg.manual_seed(0)
    model, x, y = make()
    model.to(np.dtype(dtype), device)
    x, y = x.to(device, np.dtype(dtype) if x.dtype.kind == "f" else x.dtype), y.to(device)
    optimizer = RULES[rule](model.parameters())

    def step() -> Any:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return model, step


def learned(net: str, rule: str, device: str, dtype: str) -> tuple[Any, Any]:
    """The losses of a training's steps, and the weights in the end."""
    model, step = training(NETS[net], rule, device, dtype)
    losses = mg.stack([step() for _ in range(STEPS)])
    weights = np.concatenate([p.detach().cpu().numpy().ravel() for p in model.parameters()])
    return losses.cpu().numpy(), weights


def recorded() -> dict[str, tuple[float, ...]]:
    """The losses to be recorded, from this CPU."""
    return {
        f"{net} {rule}": tuple(float(learned(net, rule, "cpu", "float64")[0][i]) for i in SEEN)
        for net in NETS
        for rule in RULES
    }


def run(quick: bool) -> dict[str, Any]:
    """Train each network with each rule on both devices, in float32 and, unless it must be quick, in float64."""
    failures: list[str] = []
    found: dict[str, Any] = {}
    for name, losses in recorded().items():
        what = f"{name} on the CPU, losses beside the recorded ones"
        apart = difference(np.array(losses), np.array(RECORDED[name]))
        found.setdefault("recorded", {})[name] = attempt(failures, what, KINDS["recorded"], float, apart)
    for dtype, net, rule in product(["float32"] if quick else ["float32", "float64"], NETS, RULES):
        gpu, cpu = (learned(net, rule, device, dtype) for device in ("cuda", "cpu"))
        for what, ours, theirs in zip(("losses", "weights"), gpu, cpu, strict=True):
            apart, kind, name = difference(ours, theirs), f"{what} {dtype}", f"{net} {rule}"
            found.setdefault(kind, {})[name] = attempt(failures, f"{name}, {kind}", KINDS[kind], float, apart)
    return {"difference": found, "tolerance": KINDS, "failures": failures}


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The result in words."""
    yield f"{len(NETS)} networks with {len(RULES)} optimizers, {STEPS} steps, beside the CPU:"
    for kind, differences in found["difference"].items():
        title = "the CPU's losses beside the recorded ones" if kind == "recorded" else kind
        yield f"    {title}: {most(differences)}, tolerance {found['tolerance'][kind]:.0e}"
