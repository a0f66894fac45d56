"""Whole trainings from the same seed end where PyTorch's do: every kind of network, optimizer and schedule."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from tests.oracle import parity
from tests.oracle.record import load
from tests.oracle.training import float64


@cache
def pytorch() -> dict[str, Any]:
    return load("parity")


@pytest.mark.parametrize("name", parity.CONFIGURATIONS)
def test_fifty_steps_end_where_pytorchs_do(name: str) -> None:
    with float64(mg):
        ours = parity.train(mg, name)
    prefix = f"{name}/"
    assert [prefix + what for what in ours] == [key for key in pytorch() if key.startswith(prefix)]
    for what, value in ours.items():
        theirs = pytorch()[prefix + what]
        assert value.dtype == theirs.dtype, what
        np.testing.assert_allclose(value, theirs, rtol=1e-10, atol=1e-10, err_msg=what)


def test_every_optimizer_and_every_schedule_is_compared() -> None:
    optimizers = {name.partition(",")[0] for name in parity.OPTIMIZERS} - {"groups"}
    assert optimizers == set(optim.__all__) - {"Optimizer", "lr_scheduler"}
    schedules = {name.partition(",")[0] for name in parity.SCHEDULES} - {"two at once"}
    assert schedules == set(optim.lr_scheduler.__all__) - {"LRScheduler"}


def test_the_table_has_a_row_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    parity.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line[:40].strip() for line in lines[3:]] == [name[:40].strip() for name in parity.CONFIGURATIONS]
    assert all(float(line[40:].split()[1]) < 1e-10 for line in lines[3:])
