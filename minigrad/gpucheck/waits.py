"""Part 3: what a training step tells the GPU to do, and whether the host ever waits for it.

Predicted is what CuPy did on a stand-in for a GPU that counts: `tests/gpu/hipcpu`, and `tests/gpu/test_gpucheck.py`
compares this table with it. On a GPU kernels cannot be counted from Python: CUDA tells their number to profilers alone
(CUPTI), and CuPy has no hook. `nsys profile --stats=true python -m minigrad.gpucheck --quick` counts them. Here stands
the host's time for each kernel that is predicted.

Waits do show. The GPU is given something to do for a fifth of a second, then come the kernels of a step. If the host
has done its part and the GPU is still at the first thing, the host has not waited. The same with `loss.item()` behind
the step must show a wait, or the method does not work here. PyTorch's tests do so too (`torch.cuda._sleep`).
A GPU queues about a thousand kernels; more of them would show as a wait, and so the LSTM here reads 8 letters only.

Next: `times`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from minigrad import backend, cuda
from minigrad.gpucheck.trainings import FLAGSHIPS, RULES, lstm, training

BUSY = 0.2  # seconds
NETS = {"MLP": FLAGSHIPS["MLP"], "CNN": FLAGSHIPS["CNN"], "LSTM": lambda: lstm(90, 32, 128, 8, 32)}
# Of a training step of each: kernels, copies and fills that the GPU is told to run; waits.
PREDICTED: dict[str, tuple[int, int]] = {
    "MLP SGD": (90, 0),
    "MLP Adam": (96, 0),
    "CNN SGD": (309, 0),
    "CNN Adam": (317, 0),
    "LSTM SGD": (443, 0),
    "LSTM Adam": (450, 0),
}


class Busy:
    """Something to do for the GPU: random numbers, each made of the one before, so that no compiler can shorten it.

    Source: Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (2003).
    """

    def __init__(self) -> None:
        self.cupy = backend.cupy()
        loop = "out = n; for (unsigned j = 0; j < n; ++j) { out ^= out << 13; out ^= out >> 17; out ^= out << 5; }"
        self.kernel = self.cupy.ElementwiseKernel("uint32 n", "uint32 out", loop, "busy")
        self.n = 1_000_000
        for _ in range(4):  # the first time compiles; then a GPU that had slept takes a while to wake up
            once, _ = self.measured(self.start)
            self.n = min(int(self.n * BUSY / max(once, 1e-4)), 2**31)

    def start(self) -> None:
        """Tell the GPU to be busy."""
        self.kernel(self.n, size=1)

    def measured(self, work: Callable[[], Any]) -> tuple[float, float]:
        """Seconds of the device for some work, and of the host."""
        before, after = self.cupy.cuda.Event(), self.cupy.cuda.Event()
        before.record()
        started = time.perf_counter()
        work()
        host = time.perf_counter() - started
        after.record()
        after.synchronize()
        return self.cupy.cuda.get_elapsed_time(before, after) / 1e3, host

    def waited(self, work: Callable[[], Any]) -> tuple[bool | None, float | None]:
        """Whether the host waits in some work, and seconds of the device for it alone; None where it cannot be seen."""
        first, last = self.cupy.cuda.Event(), self.cupy.cuda.Event()
        self.start()
        first.record()
        if first.done:  # this device is done before the host goes on
            return None, None
        work()
        waited = bool(first.done)
        last.record()
        last.synchronize()
        return waited, None if waited else self.cupy.cuda.get_elapsed_time(first, last) / 1e3


def run(quick: bool) -> dict[str, Any]:
    """A step of each training: seconds of the host and of the GPU, and whether a wait shows."""
    busy, found = Busy(), {}
    for net, rule in product(NETS, RULES):
        _, step = training(NETS[net], rule, "cuda")
        for _ in range(3):  # compiles kernels, fills the pool
            step()
        host = []
        for _ in range(3 if quick else 20):
            cuda.synchronize()
            host.append(busy.measured(step)[1])
        waited, device = busy.waited(step)
        control, _ = busy.waited(lambda: step().item())  # noqa: B023 -- called at once
        kernels, waits = PREDICTED[f"{net} {rule}"]
        found[f"{net} {rule}"] = {
            "predicted kernels": kernels,
            "predicted waits": waits,
            "waited": waited if control and max(host) < BUSY / 2 else None,
            "host seconds": sorted(host)[len(host) // 2],
            "device seconds": device,
        }
    return {"steps": found}


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The result in words."""
    yield "                predicted          measured"
    yield "training step   kernels   waits    waits        host         GPU   host per kernel"
    for name, step in found["steps"].items():
        waited = {None: "?", True: "YES", False: "none"}[step["waited"]]
        host, device, kernels = step["host seconds"], step["device seconds"], step["predicted kernels"]
        gpu = f"{'?':>9}   " if device is None else f"{1e3 * device:9.2f} ms"
        yield (
            f"{name:16}{kernels:7}{step['predicted waits']:8}{waited:>9}"
            f"{1e3 * host:9.2f} ms{gpu}{1e6 * host / kernels:15.1f} µs"
        )
    yield "(kernels are predicted, only a profiler counts them; ?: this device does not run beside the host)"
