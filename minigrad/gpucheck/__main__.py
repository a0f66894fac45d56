"""The command: what machine this is, all parts, the report."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from textwrap import shorten, wrap
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import backend
from minigrad.gpucheck import comparisons, times, trainings, waits

PARTS: dict[str, Any] = {"comparisons": comparisons, "trainings": trainings, "waits": waits, "times": times}
SETTINGS = (
    *("CUPY_ACCELERATORS", "CUPY_GPU_MEMORY_LIMIT", "CUPY_TF32"),
    *("CUDA_LAUNCH_BLOCKING", "CUDA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
)
COLUMNS, FAILURES_SHOWN = 100, 10


def environment() -> dict[str, Any]:
    """Versions, the machine, the GPU."""
    cupy = backend.cupy()
    runtime = cupy.cuda.runtime
    card = runtime.getDeviceProperties(0)
    free, total = runtime.memGetInfo()
    return {
        "minigrad": mg.__version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "CuPy": f"{cupy.__version__} ({', '.join(packages_distributions().get('cupy', []))})",
        "OS": platform.platform(),
        "CPUs": os.cpu_count(),
        "GPU": mg.cuda.get_device_name(),
        "compute capability": f"{card['major']}.{card['minor']}",
        "multiprocessors": card["multiProcessorCount"],
        "driver": version(runtime.driverGetVersion(), runtime.is_hip),
        "runtime": version(runtime.runtimeGetVersion(), runtime.is_hip),
        "MiB free": free >> 20,
        "MiB in all": total >> 20,
        "settings": {key: os.environ[key] for key in SETTINGS if key in os.environ},
    }


def version(number: int, is_hip: bool) -> str:
    """The runtime's version in words: 12040 is CUDA 12.4."""
    return f"HIP {number}" if is_hip else f"CUDA {number // 1000}.{number % 1000 // 10}"


def report(found: dict[str, Any]) -> Iterator[str]:
    """What was found, in words."""
    machine = found["environment"]
    yield f"minigrad {machine['minigrad']} on {machine['GPU']}{', quick' if found['quick'] else ''}"
    yield ", ".join(f"{key} {value}" for key, value in machine.items() if key not in ("minigrad", "GPU"))
    for number, (name, part) in enumerate(PARTS.items(), 1):
        yield ""
        yield f"{number}. {name} ({found[name]['seconds']:.0f} s)"
        if "error" in found[name]:
            yield f"it failed: {found[name]['error']}"
        else:
            yield from part.lines(found[name])
    yield ""
    failures = found["failures"]
    yield f"FAILED: {len(failures)}" if failures else "All comparisons passed."
    yield from [shorten(failure, COLUMNS) for failure in failures[:FAILURES_SHOWN]]
    if len(failures) > FAILURES_SHOWN:
        yield f"and {len(failures) - FAILURES_SHOWN} more: see --json"


def page(found: dict[str, Any]) -> list[str]:
    """The report in lines that fit an issue."""
    return [part for line in report(found) for part in wrap(line, COLUMNS, subsequent_indent="    ") or [""]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m minigrad.gpucheck", description="Does minigrad compute right on this GPU, and how fast?"
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter measurements")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    parser.add_argument("--record", action="store_true", help="print the CPU's losses, for trainings.RECORDED")
    chosen = parser.parse_args(arguments)
    if chosen.record:
        for name, losses in trainings.recorded().items():
            print(f'    "{name}": {losses},')
        return 0
    if why := mg.cuda.why_not_available():
        print(why, file=sys.stderr)
        return 2
    found: dict[str, Any] = {"environment": environment(), "quick": chosen.quick, "failures": []}
    for name, part in PARTS.items():
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        start = time.perf_counter()
        try:
            found[name] = part.run(chosen.quick)
        except Exception as error:  # the other parts say more about what is the matter
            traceback.print_exc()
            found[name] = {"error": backend.said(error), "failures": [f"{name}: {backend.said(error)}"]}
        found[name]["seconds"] = time.perf_counter() - start
        found["failures"] += found[name].get("failures", [])
        print(f"{found[name]['seconds']:.0f} s", file=sys.stderr)
    print("\n".join(page(found)))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))
    return bool(found["failures"])


if __name__ == "__main__":
    sys.exit(main())
