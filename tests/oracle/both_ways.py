"""Scripts that run under minigrad and under PyTorch: between the two, nothing changes but import lines.

They are the examples, and `both_ways_subset.py`, which uses more of what both packages have. What PyTorch prints is
recorded in `both_ways.txt`; `python -m tests.oracle.both_ways` prints how far apart the two are.
"""

from __future__ import annotations

import json
import math
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import traceback
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

from tests.gpu import conftest
from tests.oracle.both_ways_stand_in import SmallDigits

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
RECORDED = HERE / "both_ways.txt"

# With what options a script is compared: in float64, and a second or two of training.
OPTIONS = {
    "batchnorm": "--float64 --epochs 5 --limit 500",
    "char_rnn": "--float64 --epochs 10 --text both_ways_subset.py",  # Python's manual changes with its version
    "digits": "--float64 --epochs 3",
    "mnist_cnn": "--float64 --epochs 2 --limit 1000",
    "mnist_mlp": "--float64 --epochs 4 --limit 1000",
    "quadratic": "",
    "resume": "--float64 --epochs 5 --limit 500",
    "softmax_regression": "--float64",
    "spirals": "--float64",
    "subset": "",
}
NOT_COMPARED = {
    "common": "is no script: what the examples share, nothing of it computed by minigrad",
}


def script(name: str) -> Path:
    return HERE / "both_ways_subset.py" if name == "subset" else EXAMPLES / f"{name}.py"


def translated(source: str) -> str:
    """The script for PyTorch. minigrad.datasets stays: it gives NumPy arrays, to whoever asks."""
    return re.sub(r"^((?:import|from) )minigrad\b(?!\.datasets\b)", r"\1torch", source, flags=re.MULTILINE)


@cache
def printed_by(package: str, device: str = "cpu") -> dict[str, str]:
    """What each script prints under minigrad or under torch; for one that failed, its traceback."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.oracle.both_ways", package, folder, device],
            cwd=HERE.parents[1],
            env={**os.environ, **one_thread, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
        )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def run_all(package: str, folder: Path, device: str) -> dict[str, str]:
    """Run the scripts one after the other in this process: what takes long is to import PyTorch."""
    from matplotlib.figure import Figure

    import minigrad.datasets

    Figure.savefig = lambda *_, **__: None  # type: ignore[method-assign]  # text is compared, not pictures
    minigrad.datasets.MNIST = SmallDigits  # type: ignore[assignment, misc]
    shutil.copy(EXAMPLES / "common.py", folder)
    shutil.copy(script("subset"), folder)
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    printed = {}
    for name, options in OPTIONS.items():
        source = script(name).read_text(encoding="utf-8")
        copy = folder / f"{name}_.py"
        copy.write_text(source if package == "minigrad" else translated(source), encoding="utf-8")
        sys.argv = [str(copy), *options.split()] + ["--device", device] * bool(options)
        if device != "cpu":
            minigrad.set_default_device(device)  # for those without options
        with redirect_stdout(StringIO()) as output:
            try:
                runpy.run_path(str(copy), run_name="__main__")
            except (Exception, SystemExit):
                print(traceback.format_exc())
        printed[name] = re.sub(r"[\d.]+ s of training", "some time", output.getvalue())
    return printed


def recorded() -> dict[str, str]:
    """What each script printed under PyTorch when it was recorded."""
    parts = re.split(r"^=== (\w+)\n", RECORDED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def record() -> None:
    """Write what PyTorch prints now."""
    RECORDED.write_text("".join(f"=== {name}\n{text}" for name, text in printed_by("torch").items()), encoding="utf-8")


NUMBER = re.compile(r"(?<!\w)-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def difference(ours: str, theirs: str) -> float:
    """The largest difference between numbers, relative to their size or to 0.1; infinite if other text differs."""
    ours, theirs = (text.replace("\\", "/") for text in (ours, theirs))  # paths, on Windows
    if NUMBER.sub("#", ours) != NUMBER.sub("#", theirs):
        return math.inf
    pairs = zip(NUMBER.findall(ours), NUMBER.findall(theirs), strict=True)
    numbers = [(float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in pairs]
    return max((abs(a - b) / max(0.1, abs(b)) for a, b in numbers), default=0.0)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _, package, folder, device = sys.argv
        if device == "cuda":
            conftest.loaded()
        print(json.dumps(run_all(package, Path(folder), device)))
    else:
        for name in OPTIONS:
            print(f"{name:20} {difference(printed_by('minigrad')[name], printed_by('torch')[name]):.1e}")
