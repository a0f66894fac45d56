"""Record what PyTorch answers, for machines that do not have it: `make record`.

Writes one .npz beside this file for each module that has an `expected()`, what `both_ways.py` prints, and the page
`docs/operators.md`.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
MODULES = ("ops", "training", "convolution")


def load(module: str) -> dict[str, Any]:
    """PyTorch's answers: computed now if PyTorch is installed, otherwise as they were recorded."""
    if importlib.util.find_spec("torch"):
        return importlib.import_module(f"tests.oracle.{module}").expected()
    with np.load(HERE / f"{module}.npz") as recorded:
        return dict(recorded)


def printed_by(package: str) -> str:
    """What `both_ways.py` prints under minigrad or under torch."""
    script = (HERE / "both_ways.py").read_text().replace("minigrad", package)
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout


def recorded_lines() -> str:
    return (HERE / "both_ways.txt").read_text()


if __name__ == "__main__":
    import torch

    for module in MODULES:
        answers = importlib.import_module(f"tests.oracle.{module}").expected()
        np.savez_compressed(HERE / f"{module}.npz", **answers)
        print(f"{module}.npz: {len(answers)} arrays from PyTorch {torch.__version__}")
    (HERE / "both_ways.txt").write_text(printed_by("torch"))
    importlib.import_module("tests.oracle.page").write()
