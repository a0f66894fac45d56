"""Record what PyTorch answers, for machines that do not have it: `make record`.

Writes one .npz beside this file for each module that has an `expected()`, what the scripts of `both_ways.py`
print, and the generated parts of `docs/operators.md` and `docs/pytorch.md`.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracle import both_ways

HERE = Path(__file__).parent
MODULES = ("ops", "training", "convolution", "layers", "randomness", "parity")


def load(module: str) -> dict[str, Any]:
    """PyTorch's answers: computed now if PyTorch is installed, otherwise as they were recorded."""
    if importlib.util.find_spec("torch"):
        return importlib.import_module(f"tests.oracle.{module}").expected()
    return recorded(module)


def recorded(module: str) -> dict[str, Any]:
    """Name -> array, as they were recorded."""
    with np.load(HERE / f"{module}.npz") as file:
        shapes = [tuple(map(int, filter(None, shape.split(",")))) for shape in file["shapes"]]
        flat = np.split(file["values"], np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        table = zip(file["names"].tolist(), flat, shapes, file["dtypes"].tolist(), strict=True)
        return {name: values.reshape(shape).astype(dtype) for name, values, shape, dtype in table}


def save(module: str, answers: dict[str, Any]) -> None:
    """Write name -> array, all values as one array: thousands of small ones would take five times the space."""
    arrays = [np.asarray(value) for value in answers.values()]
    np.savez_compressed(
        HERE / f"{module}.npz",
        names=list(answers),
        values=np.concatenate([array.ravel().astype(np.float64) for array in arrays]),
        shapes=[",".join(map(str, array.shape)) for array in arrays],
        dtypes=[str(array.dtype) for array in arrays],
    )


def printed_by(package: str) -> str:
    """What `both_ways_subset.py` prints under minigrad or under torch."""
    return both_ways.printed_by(package)["subset"]


def recorded_lines() -> str:
    """What it printed under PyTorch when it was recorded."""
    return both_ways.recorded()["subset"]


if __name__ == "__main__":
    import torch

    for module in MODULES:
        answers = importlib.import_module(f"tests.oracle.{module}").expected()
        save(module, answers)
        print(f"{module}.npz: {len(answers)} arrays from PyTorch {torch.__version__}")
    both_ways.record()
    for page in ("page", "names"):
        importlib.import_module(f"tests.oracle.{page}").write()
