"""Part 4: how fast. Operators, training steps, the size from which the GPU is faster, TF32, starting up.

Seconds of the GPU lie between two CUDA events (`cupyx.profiler.benchmark`): where the host is slower than the GPU,
they hold the pauses too. A training step costs the host some ten microseconds for each kernel, whatever its size;
so small networks are faster on a CPU, and the table says from where on they are not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import cuda, nn
from minigrad.gpucheck.trainings import FLAGSHIPS, NETS, STEPS, mlp, training

F = nn.functional
WIDTHS, BATCHES = (32, 128, 512, 2048, 4096), (1, 16, 128, 1024, 4096)
SHAPES = {"matrix": (1024, 1024), "rows": (1024,), "images": (32, 16, 28, 28), "kernels": (32, 16, 3, 3)}

OPERATORS: dict[str, Callable[..., Any]] = {
    "add": lambda t: t["matrix"] + t["matrix"],
    "exp": lambda t: mg.exp(t["matrix"]),
    "sum": lambda t: t["matrix"].sum(),
    "sum of rows": lambda t: t["matrix"].sum(0),
    "softmax": lambda t: mg.softmax(t["matrix"], 1),
    "layer_norm": lambda t: F.layer_norm(t["matrix"], (1024,)),
    "gather of rows": lambda t: t["matrix"][t["places"]],
    "add.at of rows": lambda t: mg.index_add(t["matrix"], 0, t["places"], t["matrix"]),
    "matmul": lambda t: t["matrix"] @ t["matrix"],
    "conv2d": lambda t: F.conv2d(t["images"], t["kernels"], padding=1),
}

# One start: how long until the first result is there, and how fast and exact a product is.
START = """
import json, time
begin = time.perf_counter()
import minigrad as mg
imported = time.perf_counter()
x = mg.ones(1000, device="cuda", requires_grad=True)
(x * x).sum().backward()
x.grad.tolist()
first = time.perf_counter()
import numpy as np
from cupyx.profiler import benchmark
a = mg.randn(1024, 1024)
x = a.cuda()
exact = a.numpy().astype(np.float64) @ a.numpy().astype(np.float64)
error = abs((x @ x).cpu().numpy() - exact).max() / abs(exact).max()
seconds = benchmark(lambda: x @ x, n_repeat=100, max_duration=0.2).gpu_times.mean()
print(json.dumps({"import": imported - begin, "first gradient": first - imported, "error": error, "matmul": seconds}))
"""


def seconds_of(work: Callable[[], Any], device: str, budget: float) -> float:
    """Seconds for a call of `work`, one after the other for some `budget` of seconds; the GPU's own time included."""
    finish: Callable[[], None] = cuda.synchronize if device == "cuda" else lambda: None
    work()  # compiles kernels, fills the pool
    finish()
    start, n = time.perf_counter(), 0
    while not n or time.perf_counter() - start < budget:
        work()
        n += 1
    finish()
    return (time.perf_counter() - start) / n


def operators(budget: float) -> dict[str, Any]:
    """Seconds of each operator in float32: of the host and the GPU, and of NumPy."""
    from cupyx.profiler import benchmark

    mg.manual_seed(0)
    cpu = {name: mg.randn(shape) for name, shape in SHAPES.items()} | {"places": mg.randint(0, 1024, (1024,))}
    gpu = {name: tensor.cuda() for name, tensor in cpu.items()}
    found = {}
    for name, operator in OPERATORS.items():
        times = benchmark(operator, (gpu,), n_repeat=1000, n_warmup=2, max_duration=budget, name=name)
        found[name] = {
            "host": float(np.median(times.cpu_times)),
            "GPU": float(np.median(times.gpu_times)),
            "NumPy": seconds_of(partial(operator, cpu), "cpu", budget),
        }
    return found


def flagships(budget: float) -> dict[str, Any]:
    """Steps per second of the examples' networks on both devices, and the memory that CuPy took for them."""
    found = {}
    for net, make in FLAGSHIPS.items():
        cuda.empty_cache()
        before = cuda.memory_reserved()
        steps = {device: training(make, "Adam", device)[1] for device in ("cuda", "cpu")}
        found[net] = {device: 1 / seconds_of(step, device, budget) for device, step in steps.items()}
        found[net]["peak bytes"] = cuda.memory_reserved() - before
    return found


def crossover(budget: float) -> dict[str, Any]:
    """Seconds of a training step, on CPU and GPU, by width and batch: small ones first, until the budget is spent."""
    begin, found, last = time.perf_counter(), {}, (0.0, 1)
    for width, batch in sorted(product(WIDTHS, BATCHES), key=lambda cell: cell[0] ** 2 * cell[1]):
        size = width**2 * batch
        foreseen = 4 * last[0] * size / last[1]  # of two steps on each device
        if time.perf_counter() - begin + foreseen > budget:
            break
        cell = {}
        for device in ("cuda", "cpu"):
            _, step = training(partial(mlp, (width, width, width), batch), "SGD", device)
            cell[device] = seconds_of(step, device, budget / 200)
        found[f"{width}x{batch}"] = cell
        last = max(cell.values()), size
    return found


def starts() -> dict[str, Any]:
    """What a new process takes: without compiled kernels, with them, and with TF32 (CUPY_TF32, read at first use)."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, tf32 in (("cold", "0"), ("warm", "0"), ("TF32", "1")):
            environment = {**os.environ, "CUPY_CACHE_DIR": folder, "CUPY_TF32": tf32}
            done = subprocess.run(
                [sys.executable, "-c", START], env=environment, capture_output=True, text=True, timeout=600
            )
            if done.returncode:
                return {"not measured": (done.stderr.strip() or "?").splitlines()[-1]}
            found[name] = json.loads(done.stdout.splitlines()[-1])
    return found


def repeated() -> int:
    """How many weights differ between two runs of the same training on the GPU."""
    runs = []
    for _ in range(2):
        model, step = training(NETS["LSTM"], "Adam", "cuda")
        for _ in range(STEPS):
            step()
        runs.append(np.concatenate([p.detach().cpu().numpy().ravel() for p in model.parameters()]))
    return int((runs[0] != runs[1]).sum())


def run(quick: bool) -> dict[str, Any]:
    """Measure all of it."""
    budget = 0.05 if quick else 0.5
    with mg.no_grad():
        by_operator = operators(budget)
    return {
        "operators": by_operator,
        "flagships": flagships(4 * budget),
        "crossover": crossover(8 if quick else 180),
        "starts": starts(),
        "weights that differ in a second run": repeated(),
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The result in words."""
    yield "operator, float32         host          GPU        NumPy   NumPy / GPU"
    for name, t in found["operators"].items():
        row = "".join(f"{1e6 * t[where]:10.0f} µs" for where in ("host", "GPU", "NumPy"))
        yield f"{name:17}{row}{t['NumPy'] / t['GPU']:14.1f}"
    yield "steps per second of the examples' networks, Adam:"
    for net, rates in found["flagships"].items():
        peak = rates["peak bytes"] / 2**20
        yield f"    {net:6} GPU {rates['cuda']:8.1f}   CPU {rates['cpu']:8.1f}   CuPy's pool grew by {peak:.0f} MiB"
    yield "a training step's time on the CPU / on the GPU (above 1 the GPU is faster; -: not measured):"
    yield "    width \\ batch" + "".join(f"{batch:9}" for batch in BATCHES)
    for width in WIDTHS:
        cells = [found["crossover"].get(f"{width}x{batch}") for batch in BATCHES]
        yield f"    {width:13}" + "".join(f"{c['cpu'] / c['cuda']:9.2f}" if c else f"{'-':>9}" for c in cells)
    faster = [name for name, cell in found["crossover"].items() if cell["cuda"] < cell["cpu"]]
    yield f"    smallest size (width² × batch) at which the GPU is faster: {faster[0] if faster else 'none of these'}"
    differ = found["weights that differ in a second run"]
    yield f"two trainings from the same seed: {f'{differ} weights differ' if differ else 'the same bit for bit'}"
    starts = found["starts"]
    if "not measured" in starts:
        yield f"starting up, TF32: not measured, {starts['not measured']}"
    else:
        for name in ("cold", "warm"):
            s = starts[name]
            yield f"{name} start: import {s['import']:.1f} s, first gradient {s['first gradient']:.1f} s later"
        for name, title in (("warm", "off"), ("TF32", "on")):
            s = starts[name]
            yield f"matmul 1024 with TF32 {title}: {1e6 * s['matmul']:.0f} µs, error {s['error']:.1e}"
