"""The device "cuda" for the tests in this folder: a real GPU, the real CuPy on the CPU, or the strict stand-in.

MINIGRAD_GPU says which. "strict" (the default where CuPy finds no GPU) needs nothing; "hipcpu" needs CuPy's wheel for
ROCm and g++; "cuda" (the default where it does) needs a GPU. One process has one of them: `import cupy` is what it is.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

import minigrad as mg
from tests.gpu import hipcpu, strict

RAN: Counter[str] = Counter()


@cache
def chosen() -> str:
    """Which device the tests run on."""
    return os.environ.get("MINIGRAD_GPU") or ("cuda" if mg.cuda.is_available() else "strict")


@cache
def loaded() -> Any:
    """The module that `import cupy` gives: looked for once, and before minigrad does."""
    if chosen() == "hipcpu":
        if why := hipcpu.missing():
            pytest.exit(f"MINIGRAD_GPU=hipcpu: {why}", returncode=2)
        return hipcpu.load()
    if chosen() == "strict":
        return strict.install()
    import cupy

    return cupy


def no_waits() -> Any:
    """Inside `with no_waits():` it is an error to wait for the GPU; a real one does not tell who does."""
    return {"strict": strict.no_waits, "hipcpu": hipcpu.no_waits}.get(chosen(), nullcontext)()


@pytest.fixture
def gpu() -> Iterator[Any]:
    """Tensors are made on the GPU inside the test. It has `name`, `cupy`, and `no_waits()`, which forbids waiting."""
    cupy = loaded()
    RAN[chosen()] += 1
    mg.set_default_device("cuda")
    try:
        yield SimpleNamespace(name=chosen(), cupy=cupy, no_waits=None if chosen() == "cuda" else no_waits)
    finally:
        mg.set_default_device("cpu")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for name, n in RAN.items():
        terminalreporter.write_line(f'{n} tests ran with device "cuda" as {name}: {mg.cuda.get_device_name()}')
