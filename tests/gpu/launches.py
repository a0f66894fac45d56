"""What one training step asks of a GPU: `python -m tests.gpu.launches`, where the CPU stands in for one (`hipcpu`).

Kernels are counted, CuPy's own and those of its libraries: such figures are exact without a GPU. Of two figures the
first is without fusing: every step of a formula is then a kernel of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.gpu import hipcpu

HEADER = """\
| network, optimizer | kernels: forward | backward | optimizer's step | together | waits, copies to and from the GPU |
|---|---|---|---|---|---|"""


def counted() -> dict[str, list[int]]:
    """For each network the kernels of forward, backward and step; and how often it waited or copied."""
    hipcpu.load()
    import minigrad as mg
    from tests.gpu.trainings import PAIRS, Training

    mg.set_default_device("cuda")
    found = {}
    for network, optimizer in PAIRS:
        training = Training(network, optimizer)
        for _ in range(2):
            training.step(clip=False)
        training.optimizer.zero_grad()
        parts = []
        with hipcpu.counting() as counts:
            loss = training.loss_function(training.model(training.x), training.y)
        parts.append(counts)
        with hipcpu.counting() as counts:
            loss.backward()
        parts.append(counts)
        with hipcpu.counting() as counts:
            training.optimizer.step()
        parts.append(counts)
        kernels = [part.launches + part.library_calls for part in parts]
        found[f"{network}, {optimizer}"] = [*kernels, sum(p.waits + p.uploads + p.downloads for p in parts)]
    return found


def unfused() -> dict[str, list[int]]:
    """The same in another process, where CuPy fuses nothing."""
    program = "import sys; from tests.gpu import hipcpu; hipcpu.load().fuse = lambda function: function\n"
    program += "from tests.gpu.launches import counted; import json; print(json.dumps(counted()))"
    done = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def table(before: dict[str, list[int]], after: dict[str, list[int]]) -> str:
    """Both, as the table in docs/gpu.md."""

    def cell(a: Any, b: Any) -> str:
        return str(b) if a == b else f"{a} → {b}"

    lines = [HEADER]
    for name, (*kernels, copies) in after.items():
        pairs = [cell(a, b) for a, b in zip(before[name], kernels, strict=False)]
        lines.append(f"| {name} | {' | '.join(pairs)} | {cell(sum(before[name][:3]), sum(kernels))} | {copies} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(unfused(), counted()))
