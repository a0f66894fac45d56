"""Record what PyTorch answers, for machines that do not have it: `make record`.

Writes one .npz beside this file for each module that has an `expected()`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
MODULES = ("ops", "training")


def load(module: str) -> dict[str, Any]:
    """PyTorch's answers: computed now if PyTorch is installed, otherwise as they were recorded."""
    if importlib.util.find_spec("torch"):
        return importlib.import_module(f"tests.oracle.{module}").expected()
    with np.load(HERE / f"{module}.npz") as recorded:
        return dict(recorded)


if __name__ == "__main__":
    import torch

    for module in MODULES:
        answers = importlib.import_module(f"tests.oracle.{module}").expected()
        np.savez_compressed(HERE / f"{module}.npz", **answers)
        print(f"{module}.npz: {len(answers)} arrays from PyTorch {torch.__version__}")
