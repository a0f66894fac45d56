"""Networks, optimizers and batches for the tests of the GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn, optim


class Reader(nn.Module):
    """Letters, something that reads them in order, and a layer that says what they were."""

    def __init__(self, middle: nn.Module, last: Callable[[Any], Any]) -> None:
        self.letters = nn.Embedding(9, 8)
        self.middle = middle
        self.last = last
        self.head = nn.Linear(8, 10)

    def forward(self, x: Any) -> Any:
        return self.head(self.last(self.middle(self.letters(x))))


def vectors(random: Any) -> Any:
    return random.normal(size=(32, 64)).astype(np.float32), random.integers(0, 10, 32)


def pictures(random: Any) -> Any:
    return random.normal(size=(8, 1, 8, 8)).astype(np.float32), random.integers(0, 10, 8)


def letters(random: Any) -> Any:
    return random.integers(0, 9, (8, 6)), random.integers(0, 10, 8)


NETWORKS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "MLP": (lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)), vectors),
    "BatchNorm and dropout": (
        lambda: nn.Sequential(
            *[nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32), nn.Tanh(), nn.Dropout(0.2), nn.Linear(32, 10)]
        ),
        vectors,
    ),
    "CNN": (
        lambda: nn.Sequential(
            *[nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
            *[nn.Conv2d(4, 8, 3), nn.GELU(), nn.Flatten(), nn.Linear(32, 10)],
        ),
        pictures,
    ),
    "LSTM": (lambda: Reader(nn.LSTM(8, 8, batch_first=True), lambda out: out[0][:, -1]), letters),
    "transformer": (
        lambda: Reader(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True), lambda out: out.mean(1)),
        letters,
    ),
}
OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD, all": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=1e-3),
    "RMSprop": lambda p: optim.RMSprop(p, lr=1e-3, weight_decay=1e-3, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "Adam, amsgrad": lambda p: optim.Adam(p, lr=0.01, weight_decay=1e-3, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "NAdam": lambda p: optim.NAdam(p, lr=0.01),
    "RAdam": lambda p: optim.RAdam(p, lr=0.01),
}


class Training:
    """A network, an optimizer and a batch, all where tensors are made."""

    def __init__(self, network: str, optimizer: str) -> None:
        make, batch = NETWORKS[network]
        mg.manual_seed(0)
        self.model = make()
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.x, self.y = map(mg.tensor, batch(np.random.default_rng(0)))
        self.loss_function = nn.CrossEntropyLoss()

    def step(self, clip: bool = True) -> Any:
        loss = self.loss_function(self.model(self.x), self.y)
        self.optimizer.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss


PAIRS = [(network, "Adam") for network in NETWORKS] + [("MLP", optimizer) for optimizer in OPTIMIZERS]
