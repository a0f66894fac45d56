"""Run an example with the 1,797 small digits in MNIST's place: `python both_ways_stand_in.py SCRIPT OPTIONS`.

They are enlarged from 8 × 8 to 28 × 28 pixels. So the examples on MNIST run, and can be compared, where MNIST is not.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np

import minigrad.datasets


class SmallDigits:
    """In the form of `MNIST`: 1,437 to train with, 360 to test with."""

    def __init__(self, train: bool = True) -> None:
        x, y = minigrad.datasets.digits()
        some = slice(1437) if train else slice(1437, None)
        large = np.kron(x[some].reshape(-1, 8, 8), np.ones((3, 3)))
        self.data = np.pad(255 * large, [(0, 0), (2, 2), (2, 2)]).astype(np.uint8)
        self.targets = y[some]


if __name__ == "__main__":
    minigrad.datasets.MNIST = SmallDigits  # type: ignore[assignment, misc]
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")
