"""Every example with `--device cuda`: it prints there what it prints on the CPU; and digits.py, longer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import both_ways

DROPS = {"digits", "mnist_mlp", "resume"}  # dropout draws other elements on a GPU


@pytest.mark.parametrize("name", both_ways.OPTIONS)
def test_a_script_prints_on_the_gpu_what_it_prints_on_the_cpu(name: str, gpu: Any) -> None:
    there, here = both_ways.printed_by("minigrad", "cuda")[name], both_ways.recorded()[name]
    assert "Traceback" not in there, there
    if name in DROPS:
        assert len(there.splitlines()) == len(here.splitlines())
    else:
        assert both_ways.difference(there, here) < 1e-5, f"cuda:\n{there}\ncpu:\n{here}"


def test_digits_learns_to_read_on_the_gpu(gpu: Any, tmp_path: Path) -> None:
    program = "import sys, runpy; from tests.gpu import conftest; conftest.loaded(); sys.path.insert(0, 'examples')\n"
    program += f"sys.argv = ['digits.py', '--device', 'cuda', '--epochs', '3', '--out', {str(tmp_path)!r}]\n"
    program += "runpy.run_path('examples/digits.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (accuracy,) = re.findall(r"test accuracy: ([0-9.]+) %", done.stdout)
    assert float(accuracy) > 93
    assert len(list(tmp_path.glob("*.png"))) == 2
