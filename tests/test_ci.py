"""The script that runs every check says whether all are well: by its exit status, which is all that a machine reads.

Programs that only succeed or fail stand in for what it calls: what is tested is the script.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import ROOT

MAKE = """#!/usr/bin/env bash
case $1 in
mnist)
    for word in "$@"; do [[ $word != VENV=* ]] || venv=${word#VENV=}; done
    mkdir -p "$venv/bin" && cp python3 "$venv/bin/python" ;;
test-cupy) sleep "$CUPY_SECONDS"; echo "tests on CuPy"; exit "$CUPY" ;;
test) sleep "$TEST_SECONDS"; exit "$TEST" ;;
lint) exit "$LINT" ;;
esac
"""
PYTHON = """#!/usr/bin/env bash
case "$*" in
"-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
*"pip wheel"*) exit "$WHEEL" ;;
-I*) cat >/dev/null ;;
esac
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the script is for bash")
@pytest.mark.parametrize(
    ("what_fails", "status"),
    [
        ({}, 0),
        ({"TEST_SECONDS": "0.5"}, 0),
        ({"CUPY_SECONDS": "0.5"}, 0),
        ({"CUPY": "3"}, 3),
        ({"CUPY": "3", "TEST_SECONDS": "0.5"}, 3),
        ({"TEST": "2"}, 2),
        ({"TEST": "2", "CUPY_SECONDS": "0.5"}, 2),
        ({"LINT": "4"}, 4),
        ({"WHEEL": "5"}, 5),
    ],
    ids=str,
)
def test_the_status_is_that_of_the_first_check_that_fails(
    what_fails: dict[str, str], status: int, tmp_path: Path
) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    for name, text in {
        "make": MAKE,
        "python3": PYTHON,
        "npm": "#!/bin/sh\n",
        "g++": "#!/bin/sh\n",
        "dot": "#!/bin/sh\n",
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "temporary").mkdir()
    well = dict.fromkeys(("CUPY", "CUPY_SECONDS", "LINT", "TEST", "TEST_SECONDS", "WHEEL"), "0")
    environment = {**os.environ, **well, **what_fails, "TMPDIR": str(tmp_path / "temporary")}
    environment["PATH"] = f"{tmp_path}{os.pathsep}{environment['PATH']}"
    environment.pop("PYTHON", None)
    done = subprocess.run([tmp_path / ".ci" / "run"], env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stdout.endswith("tests on CuPy\nAll checks passed.\n") == (status == 0)
    assert not list((tmp_path / "temporary").iterdir()), "something is left behind"
