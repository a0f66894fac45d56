"""The examples, run as a user runs them."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import minigrad as mg
from minigrad.serialization import load

EXAMPLES = Path(__file__).parents[1] / "examples"
STAND_IN = Path(__file__).parent / "oracle" / "both_ways_stand_in.py"  # runs a script without the genuine MNIST
DATA = os.environ.get("MINIGRAD_DATA_DIR")
needs_mnist = pytest.mark.skipif(
    not DATA, reason="MINIGRAD_DATA_DIR names no folder with MNIST; `python -m tests.mnist FOLDER` fetches it into one"
)


class Example(NamedTuple):
    quick: str  # options with which it takes a moment
    prints: str  # a pattern
    pictures: list[str]
    files: tuple[str, ...] = ()  # what else it writes
    mnist: bool = False


LOSSES = r"epoch \d: training loss [\d.]+, test loss [\d.]+\n"
DIGITS = [
    "digits_learning_curve.png",
    "digits_misread.png",
]
EXAMPLES_WITH_PICTURES = {
    "batchnorm": Example(
        "--epochs 2 --limit 200",
        r"( *with(out| batch norm): training loss [\d.]+, test accuracy [\d.]+ %\n){2}",
        ["batchnorm_curves.png", "batchnorm_histograms.png"],
    ),
    "char_rnn": Example(
        "--epochs 1 --limit 15000",
        rf"15,000 letters, \d+ different ones: a blind guess has the loss [\d.]+\n{LOSSES}It writes:\n(?s:.{{501}})\n",
        ["char_rnn_learning_curve.png", "char_rnn_surprise.png"],
    ),
    "digits": Example(
        "--epochs 2", r"test accuracy: [\d.]+ % on 360 unseen digits, after [\d.]+ s of training\n", DIGITS
    ),
    "mnist_cnn": Example(
        "--epochs 2 --limit 300",
        rf"({LOSSES}){{2}}test accuracy: [\d.]+ % of 360 unseen digits\n",
        ["mnist_cnn_learning_curve.png", "mnist_cnn_kernels.png"],
        mnist=True,
    ),
    "mnist_mlp": Example(
        "--epochs 2 --limit 300",
        rf"({LOSSES}){{2}}test accuracy: [\d.]+ % of 360 unseen digits\n",
        ["mnist_mlp_learning_curve.png", "mnist_mlp_misread.png"],
        mnist=True,
    ),
    "resume": Example(
        "--epochs 3 --limit 200",
        r"starts anew\ntraining loss [\d.]+, test loss [\d.]+\ntest accuracy [\d.]+ %\n",
        ["resume.png"],
        ("resume_checkpoint.npz",),
    ),
    "softmax_regression": Example(
        "--epochs 20",
        r"(C = \d: loss [\d.]+, [\d.]+ % of the points on the right side\n){4}wrote .*\n"
        r"dz = ŷ − y for all points and classes, to 1e-5\n"
        r"C = 2: loss ([\d.]+), that of logistic regression \2\n"
        r"C = 2: the probabilities of all 120 points agree to 1e-5\n",
        ["softmax_regression.png"],
    ),
    "spirals": Example(
        "--epochs 25",
        r"(after +\d+ epochs: loss [\d.]+, [\d.]+ % of the points on the right side\n){4}",
        ["spirals.png"],
    ),
}
each_example = pytest.mark.parametrize("name", EXAMPLES_WITH_PICTURES)


def command(name: str, options: str, stand_in: bool = False) -> list[str]:
    return [sys.executable, *[str(STAND_IN)] * stand_in, str(EXAMPLES / f"{name}.py"), *options.split()]


def surroundings() -> dict[str, str]:
    """A machine without a display, and MNIST where it is."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MPLBACKEND")}
    data = {"MINIGRAD_DATA_DIR": str(Path(DATA).resolve())} if DATA else {}
    return {**kept, **data, "PYTHONIOENCODING": "utf-8"}


def run(command: list[str], folder: Path) -> Any:
    return subprocess.run(command, cwd=folder, env=surroundings(), capture_output=True, encoding="utf-8")


def check_pictures(folder: Path, names: list[str], output: str) -> None:
    from matplotlib.image import imread

    for name in names:
        assert f"wrote {folder.name}{os.sep}{name}\n" in output
        pixels = imread(folder / name)
        height, width = pixels.shape[:2]
        assert width >= 800
        assert height >= 400
        assert 0.01 < (pixels[..., :3].min(2) < 0.9).mean() < 0.9, f"{name} is neither blank nor black"


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"common", "quadratic", *EXAMPLES_WITH_PICTURES}


def test_quadratic_finds_five_with_every_optimizer(tmp_path: Path) -> None:
    result = run(command("quadratic", ""), tmp_path)
    assert result.returncode == 0, result.stderr
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines == ["gradient descent: w = 5.000", "momentum: w = 5.000", "Adam: w = 5.000"]


def test_digits_reads_98_percent_and_draws_two_pictures(tmp_path: Path) -> None:
    result = run(command("digits", ""), tmp_path)
    assert result.returncode == 0, result.stderr
    found = re.match(EXAMPLES_WITH_PICTURES["digits"].prints.replace("[", "([", 1).replace("+", "+)", 1), result.stdout)
    assert found, result.stdout
    assert float(found[1]) >= 98.0
    assert "40/40" in result.stderr, "the progress bar"
    check_pictures(tmp_path / "out", DIGITS, result.stdout)


# -- what all of them promise -----------------------------------------------------------------------------------------


def quick(name: str, options: str, folder: Path) -> str:
    """Run an example with its quick settings in a new folder; what it printed."""
    example = EXAMPLES_WITH_PICTURES[name]
    folder.mkdir()
    result = run(command(name, f"{example.quick} {options}", example.mnist), folder)
    assert result.returncode == 0, result.stderr
    assert "100%" in result.stderr, "the progress bar"
    return re.sub(r"after [\d.]+ s", "after 0 s", result.stdout)


@each_example
def test_an_example_prints_and_draws_its_result_the_same_for_the_same_seed(name: str, tmp_path: Path) -> None:
    _, prints, pictures, files, _ = EXAMPLES_WITH_PICTURES[name]
    folders = [tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    with ThreadPoolExecutor(2) as pool:  # in turn they would take twice as long
        options = ["--seed 7", "--seed 7", "--seed 8"]
        one, same, other = pool.map(lambda folder, seed: quick(name, seed, folder), folders, options)
    assert re.match(prints, one), one
    check_pictures(folders[0] / "out", pictures, one)
    written = {path.relative_to(folders[0]).as_posix() for path in folders[0].rglob("*") if path.is_file()}
    assert written == {f"out/{file}" for file in (*pictures, *files)}

    assert one == same
    assert one != other
    for picture in pictures:
        drawn, again, otherwise = [(folder / "out" / picture).read_bytes() for folder in folders]
        assert drawn == again
        assert drawn != otherwise


WITHOUT = """
import runpy, sys
_, package, sys.path[0], *sys.argv = sys.argv
sys.modules[package] = None
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@each_example
@pytest.mark.parametrize("package", ["matplotlib", "sklearn", "tqdm"])
def test_an_example_says_in_one_sentence_what_to_install(name: str, package: str, tmp_path: Path) -> None:
    script = str(EXAMPLES / f"{name}.py")
    result = run([sys.executable, "-c", WITHOUT, package, str(EXAMPLES), script], tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    (sentence,) = result.stderr.splitlines()
    assert package in sentence
    assert sentence.endswith('this example needs: pip install "minigrad-edu[examples]"')


@each_example
def test_an_example_explains_its_arguments(name: str, tmp_path: Path) -> None:
    result = run(command(name, "--epochs 0"), tmp_path)
    assert result.returncode == 2
    assert "--epochs at least 1" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", ["--seed -1", "--epochs many", "--limit 0", "--device mps"])
def test_wrong_arguments_are_named(tmp_path: Path, options: str) -> None:
    result = run(command("mnist_mlp", options), tmp_path)
    assert result.returncode == 2
    assert options.split()[0] in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(mg.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_is_said_what_is_missing(tmp_path: Path) -> None:
    result = run(command("mnist_mlp", "--device cuda"), tmp_path)
    assert result.returncode == 2
    assert mg.cuda.why_not_available() in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [("--text nothing", "there is no file nothing"), ("--limit 9", "9 letters are too few to learn from")],
)
def test_char_rnn_says_what_it_cannot_read(tmp_path: Path, options: str, sentence: str) -> None:
    result = run(command("char_rnn", options), tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith(sentence)
    assert "Traceback" not in result.stderr


@each_example
def test_an_example_is_short(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 125


# -- a training that is killed ----------------------------------------------------------------------------------------

EPOCHS = 100


def result_of(output: str) -> list[str]:
    """Losses and accuracy: what is printed, but for the lines on where the training began and what was written."""
    return [line for line in output.splitlines() if line.startswith(("training loss", "test accuracy"))]


def test_a_training_that_was_killed_ends_like_one_that_was_not(tmp_path: Path) -> None:
    options = f"--seed 3 --epochs {EPOCHS} --limit 500"
    whole = run(command("resume", f"{options} --out whole"), tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.startswith("starts anew\n")

    chance = random.Random(0)
    checkpoint = tmp_path / "killed" / "resume_checkpoint.npz"
    epochs_done = [0]
    for _ in range(4):
        killed = subprocess.Popen(
            command("resume", f"{options} --out killed"),
            cwd=tmp_path,
            env=surroundings(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while killed.poll() is None and not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before):
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.15))
        assert killed.poll() is None, "it ended before it was killed"
        killed.kill()
        killed.wait()
        epochs_done.append(len(load(checkpoint)["losses"]))
    assert sorted({*epochs_done}) == epochs_done, "each went on where the one before was killed"
    assert epochs_done[-1] < EPOCHS

    last = run(command("resume", f"{options} --out killed"), tmp_path)
    assert last.returncode == 0, last.stderr
    assert last.stdout.startswith(f"goes on after epoch {epochs_done[-1]}\n")
    assert result_of(last.stdout) == result_of(whole.stdout)
    assert len(result_of(last.stdout)) == 2
    check_pictures(tmp_path / "killed", ["resume.png"], last.stdout)
    ours, theirs = load(checkpoint), load(tmp_path / "whole" / "resume_checkpoint.npz")
    assert ours["losses"] == theirs["losses"]
    for name, weights in theirs["model"].items():
        assert mg.equal(ours["model"][name], weights)


def test_a_complete_training_says_its_result_again_and_one_with_other_options_is_refused(tmp_path: Path) -> None:
    first, second = [run(command("resume", "--epochs 2 --limit 100"), tmp_path).stdout for _ in range(2)]
    assert second.startswith("goes on after epoch 2\n")
    assert len(result_of(first)) == 2
    assert result_of(first) == result_of(second)

    checkpoint = tmp_path / "out" / "resume_checkpoint.npz"
    before = checkpoint.read_bytes()
    other = run(command("resume", "--epochs 3 --limit 100"), tmp_path)
    assert other.returncode == 1
    assert other.stderr.splitlines()[-1].endswith("give the same ones, or delete it")
    assert "Traceback" not in other.stderr
    assert checkpoint.read_bytes() == before


# -- the genuine MNIST ------------------------------------------------------------------------------------------------


@needs_mnist
@pytest.mark.parametrize(
    ("name", "options"), [("mnist_mlp", "--epochs 2"), ("mnist_cnn", "--epochs 2 --limit 20000")], ids=["mlp", "cnn"]
)
def test_mnist_is_read_at_96_percent_after_two_epochs(name: str, options: str, tmp_path: Path) -> None:
    result = run(command(name, options), tmp_path)
    assert result.returncode == 0, result.stderr
    found = re.search(r"test accuracy: ([\d.]+) % of 10,000 unseen digits\n", result.stdout)
    assert found, result.stdout
    assert float(found[1]) >= 96
    check_pictures(tmp_path / "out", EXAMPLES_WITH_PICTURES[name].pictures, result.stdout)


OFFLINE = """
import os, runpy, sys
from minigrad.datasets import MNIST

def fetch(*_):
    raise OSError("there is no network")

MNIST._fetch = fetch
os.environ["MINIGRAD_DATA_DIR"] = "no such folder"
_, sys.path[0], *sys.argv = sys.argv
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("name", ["mnist_mlp", "mnist_cnn"])
def test_without_mnist_it_is_said_where_it_was_looked_for(name: str, tmp_path: Path) -> None:
    result = run([sys.executable, "-c", OFFLINE, str(EXAMPLES), str(EXAMPLES / f"{name}.py")], tmp_path)
    assert result.returncode == 1
    assert "no such folder" in result.stderr
    assert "there is no network" in result.stderr
    assert "Traceback" not in result.stderr
