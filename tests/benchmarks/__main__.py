"""How fast minigrad is beside NumPy by hand and, if it is installed, PyTorch: `make bench`.

All contestants take turns within one run, on one thread, and each row gives medians and the ratio of the medians:
absolute times change from machine to machine and from minute to minute, the ratios hardly do.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # read when NumPy and PyTorch are imported, hence the order here

import numpy as np  # noqa: E402

import minigrad as mg  # noqa: E402

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None

LENGTH = 1000  # of the chain


def chain(x: Any) -> Callable[[], None]:
    """Forward and backward through 1,000 multiplications of four numbers: the price of a node."""

    def run() -> None:
        y = x
        for _ in range(LENGTH):
            y = y * x
        y.sum().backward()
        x.grad = None

    return run


def chain_numpy() -> None:
    """The same multiplications by hand: forward, then per node the two products and the sum of backward."""
    x = np.ones(4, np.float32)
    ys = [x]
    for _ in range(LENGTH):
        ys.append(ys[-1] * x)
    g, x_grad = np.ones_like(x), np.zeros_like(x)
    for y in reversed(ys[:-1]):
        x_grad += g * y
        g = g * x


def mlp(framework: Any, batch: int, width: int) -> Callable[[], None]:
    """One training step, 64-width-width-10, batch normalisation, ReLU, cross-entropy, Adam."""
    nn, random = framework.nn, np.random.default_rng(0)
    model = nn.Sequential(
        *[nn.Linear(64, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()],
        *[nn.Linear(width, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()],
        nn.Linear(width, 10),
    )
    optimizer = framework.optim.Adam(model.parameters(), lr=1e-3)
    loss_function = nn.CrossEntropyLoss()
    x = framework.tensor(random.standard_normal((batch, 64), dtype=np.float32))
    labels = framework.tensor(random.integers(0, 10, batch))

    def run() -> None:
        optimizer.zero_grad()
        loss_function(model(x), labels).backward()
        optimizer.step()

    return run


def leaves(framework: Any, *shapes: tuple[int, ...]) -> list[Any]:
    """Parameters with small random numbers, the same for every framework."""
    random = np.random.default_rng(0)
    return [
        framework.tensor(0.1 * random.standard_normal(shape, dtype=np.float32), requires_grad=True) for shape in shapes
    ]


def repeated(loss: Callable[[], Any], parameters: list[Any]) -> Callable[[], None]:
    """Forward and backward of a loss."""

    def run() -> None:
        for parameter in parameters:
            parameter.grad = None
        loss().backward()

    return run


def convolutions(framework: Any, batch: int) -> Callable[[], None]:
    """Two convolutions with pooling and a linear layer, on images of 28 × 28."""
    F = framework.nn.functional
    parameters = leaves(framework, (16, 1, 3, 3), (16,), (32, 16, 3, 3), (32,), (10, 32 * 7 * 7), (10,))
    (images,) = leaves(framework, (batch, 1, 28, 28))
    images, labels = images.detach(), framework.tensor(np.arange(batch) % 10)

    def loss() -> Any:
        x = F.max_pool2d(F.relu(F.conv2d(images, *parameters[:2], padding=1)), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, *parameters[2:4], padding=1)), 2)
        return F.cross_entropy(F.linear(x.reshape(batch, -1), *parameters[4:]), labels)

    return repeated(loss, parameters)


def attention(framework: Any, batch: int, length: int, width: int) -> Callable[[], None]:
    """A transformer's block: layer normalisation, attention of four heads, a gelu network."""
    F = framework.nn.functional
    shapes = [(3 * width, width), (width, width), (4 * width, width), (width, 4 * width)]
    parameters = leaves(framework, *shapes)
    (x,) = leaves(framework, (batch, length, width))
    x = x.detach()

    def loss() -> Any:
        heads = F.linear(F.layer_norm(x, (width,)), parameters[0]).reshape(batch, length, 3, 4, width // 4)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        y = x + F.linear(mixed.transpose(1, 2).reshape(batch, length, width), parameters[1])
        hidden = F.gelu(F.linear(F.layer_norm(y, (width,)), parameters[2]), approximate="tanh")
        return (y + F.linear(hidden, parameters[3])).square().mean()

    return repeated(loss, parameters)


def compare(title: str, contestants: dict[str, Callable[[], None]], runs: int, per: int = 1) -> None:
    """Let the contestants take turns, and print their medians and how many times each takes what minigrad takes."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(runs + 2):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            if turn >= 2:  # the first two warm up
                times[name].append((time.perf_counter() - start) / per * 1e6)
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours = medians["minigrad"]
    figures = "   ".join(f"{name} {median:9.1f} µs ({median / ours:4.2f}x)" for name, median in medians.items())
    print(f"{title:34} {figures}")


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60, help="turns of each contestant")
    runs = parser.parse_args().runs
    has_torch = torch is not None
    print("Medians; in brackets, as a multiple of minigrad's." + ("" if has_torch else " PyTorch is not installed."))
    contestants = {"minigrad": chain(mg.tensor(np.ones(4, np.float32), requires_grad=True)), "NumPy": chain_numpy}
    if has_torch:
        contestants["PyTorch"] = chain(torch.ones(4, requires_grad=True))
    compare("chain of small products, per node", contestants, runs, per=LENGTH)
    for batch, width in [(32, 32), (64, 256), (256, 1024)]:
        contestants = {"minigrad": mlp(mg, batch, width)}
        if has_torch:
            contestants["PyTorch"] = mlp(torch, batch, width)
        compare(f"training step, batch {batch}, width {width}", contestants, runs)
    for title, make in [
        ("two convolutions, batch 64", lambda framework: convolutions(framework, 64)),
        ("transformer block, 16 × 64 × 128", lambda framework: attention(framework, 16, 64, 128)),
    ]:
        contestants = {"minigrad": make(mg)}
        if has_torch:
            contestants["PyTorch"] = make(torch)
        compare(title, contestants, runs)


if __name__ == "__main__":
    main()
