"""The examples, run as a user runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
PICTURES = ["digits_learning_curve.png", "digits_misread.png"]


def run(*command: str, folder: Path) -> Any:
    """Run Python in `folder`, on a machine without a display."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MPLBACKEND")}
    command = (sys.executable, *command)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace")


def test_quadratic_finds_five_with_every_optimizer(tmp_path: Path) -> None:
    result = run(str(EXAMPLES / "quadratic.py"), folder=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines == ["gradient descent: w = 5.000", "momentum: w = 5.000", "Adam: w = 5.000"]


def test_digits_reads_98_percent_and_draws_two_pictures(tmp_path: Path) -> None:
    from matplotlib.image import imread

    result = run(str(EXAMPLES / "digits.py"), folder=tmp_path)
    assert result.returncode == 0, result.stderr
    found = re.match(r"test accuracy: ([\d.]+) % on 360 unseen digits, after [\d.]+ s of training\n", result.stdout)
    assert found, result.stdout
    assert float(found[1]) >= 98.0
    assert "40/40" in result.stderr, "the progress bar"
    for name in PICTURES:
        assert f"wrote {Path('out') / name}\n" in result.stdout
        pixels = imread(tmp_path / "out" / name)
        height, width = pixels.shape[:2]
        assert width >= 800
        assert height >= 400
        assert 0.01 < (pixels[..., :3].min(2) < 0.9).mean() < 0.9, "neither blank nor black"


def test_digits_gives_the_same_result_for_the_same_seed(tmp_path: Path) -> None:
    pictures = []
    for seed, out in (("7", "a"), ("7", "b"), ("8", "c")):
        options = ["--seed", seed, "--epochs", "2", "--out", str(tmp_path / out / "deep")]
        result = run(str(EXAMPLES / "digits.py"), *options, folder=tmp_path)
        assert result.returncode == 0, result.stderr
        pictures.append([(tmp_path / out / "deep" / name).read_bytes() for name in PICTURES])
    assert pictures[0] == pictures[1]
    assert pictures[0][0] != pictures[2][0]
    assert pictures[0][1] != pictures[2][1]


@pytest.mark.parametrize("package", ["matplotlib", "sklearn", "tqdm"])
def test_digits_says_in_one_sentence_what_to_install(tmp_path: Path, package: str) -> None:
    without = f"import sys, runpy; sys.modules[{package!r}] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
    result = run("-c", without, str(EXAMPLES / "digits.py"), folder=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    sentence = result.stderr.splitlines()[-1]
    assert package in sentence
    assert sentence.endswith('this example needs: pip install "minigrad-edu[examples]"')


@pytest.mark.parametrize("options", [["--epochs", "0"], ["--seed", "-1"], ["--epochs", "many"]])
def test_digits_explains_its_arguments(tmp_path: Path, options: list[str]) -> None:
    result = run(str(EXAMPLES / "digits.py"), *options, folder=tmp_path)
    assert result.returncode == 2
    assert options[0] in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
