"""Random numbers of every kind, one after the other from the same stream, after several seeds.

The functions take the framework to run under, PyTorch for the answers, minigrad in the tests: one text serves both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SEEDS = (0, 3, 2**40 + 9, -7)
SIZES = (0, 1, 3, 15, 16, 17, 64, 100)


def drawn(framework: Any, seed: int) -> dict[str, Any]:
    """Name -> array. Every draw begins where the one before has left the stream."""
    framework.manual_seed(seed)
    found = {}
    for n in SIZES:
        for dtype in (framework.float64, framework.float32, framework.float16):
            bits = str(dtype).removeprefix("torch.")
            found[f"rand {n} {bits}"] = framework.rand(n, dtype=dtype)
            if dtype != framework.float16:
                found[f"randn {n} {bits}"] = framework.randn(n, dtype=dtype)
                found[f"dropout {n} {bits}"] = framework.nn.functional.dropout(framework.ones(n, dtype=dtype), 0.3)
                found[f"bernoulli {n} {bits}"] = framework.bernoulli(framework.linspace(0, 1, n, dtype=dtype))
        found[f"randperm {n}"] = framework.randperm(n)
        for high in (10, 2**27, 2**28, 2**31, 2**50):
            found[f"randint {n} {high}"] = framework.randint(-3, high, (n,))
    weights = framework.tensor(np.random.default_rng(0).random((4, 9)))
    for replacement in (True, False):
        found[f"multinomial {replacement}"] = framework.multinomial(weights, 3, replacement)
    stream = framework.Generator().manual_seed(seed + 1)
    found["own rand"] = framework.rand(5, generator=stream)
    found["own randperm"] = framework.randperm(5, generator=stream)
    found["unseeded"] = framework.rand(3, generator=framework.Generator())
    init = framework.nn.init
    for shape in ((5, 7), (7, 5), (4, 3, 3, 3)):
        for name in ("uniform_", "normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"):
            for dtype in (framework.float32, framework.float64):
                bits = str(dtype).removeprefix("torch.")
                found[f"{name} {shape} {bits}"] = getattr(init, name)(framework.empty(shape, dtype=dtype))
        found[f"orthogonal_ {shape}"] = init.orthogonal_(framework.empty(shape, dtype=framework.float64), gain=2.0)
        weight = framework.empty(shape, dtype=framework.float64)
        found[f"options {shape}"] = init.kaiming_uniform_(weight, 0.3, "fan_out", "leaky_relu").clone()
        found[f"gain {shape}"] = init.xavier_normal_(weight, init.calculate_gain("tanh"))
    means, stds = framework.tensor([1.0, 2.0, 3.0], dtype=framework.float64), weights[0, :3]
    for n in (1, 3, 17):
        for dtype in (framework.float32, framework.float64):
            bits = str(dtype).removeprefix("torch.")
            x = framework.zeros(n, 4, dtype=dtype)
            found[f"written uniform {n} {bits}"] = x.uniform_(-1.0, 2.0).clone()
            found[f"written normal {n} {bits}"] = x.normal_(0.5, 2.0)
            found[f"normal {n} {bits}"] = framework.normal(0.5, 2.0, (n, 3), dtype=dtype)
    found["normal of means"] = framework.normal(means, 0.5)
    found["normal of stds"] = framework.normal(mean=2.0, std=stds)
    found["normal of both"] = framework.normal(means[:, None], stds)
    found["methods"] = weights.multinomial(2) + weights.bernoulli().sum()
    found["last"] = framework.rand(1)
    return {name: tensor.numpy() for name, tensor in found.items()}


def results(framework: Any) -> dict[str, Any]:
    """Everything, as "seed/name" -> array."""
    runs = {seed: drawn(framework, seed) for seed in SEEDS}
    return {f"{seed}/{name}": np.array(value) for seed, values in runs.items() for name, value in values.items()}


def expected() -> dict[str, Any]:
    """PyTorch's results."""
    import torch

    return results(torch)
