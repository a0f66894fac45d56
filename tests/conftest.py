"""What all tests share: a fixed seed, and the figures printed at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import minigrad as mg
from minigrad.op import Op

_ran: Counter[str] = Counter()
_subjects: dict[str, set[str]] = {"operators": set(), "compositions": set()}
WRONG_GRADIENTS: Counter[bool] = Counter()  # made on purpose: whether the checks caught it


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    mg.manual_seed(0)


@pytest.fixture
def tally() -> Callable[[Any, str], None]:
    """Count a check of an operator that has passed."""

    def count(op: Any, what: str) -> None:
        _subjects["operators" if isinstance(op, Op) else "compositions"].add(op.name)
        _ran[what] += 1

    return count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _ran:
        counts = ", ".join(f"{what} {n}" for what, n in _ran.items())
        subjects = " and ".join(f"{len(names)} {kind}" for kind, names in _subjects.items())
        terminalreporter.write_line(f"{subjects}, cases passed: {counts}")
    if made := WRONG_GRADIENTS.total():
        terminalreporter.write_line(f"{made} wrong gradients made, {WRONG_GRADIENTS[True]} caught")
