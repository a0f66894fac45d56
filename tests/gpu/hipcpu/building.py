"""What the stand-in needs, and the shared libraries it is made of: found, keyed and built here."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
NATIVE, INCLUDE = HERE / "native", HERE / "include"
RUNTIME = "libamdhip64.so.7"  # every function is in this library; the others lead to it
HIPRTC = "libhiprtc.so.7"  # loaded by name at run time, so that no file says it is needed
WHEEL = "cupy-rocm-7-0"

# Kernels are compiled with little optimization: most run once, on a few numbers.
COMPILER = "g++ -O1"
KERNEL_FLAGS = "-std=c++17 -w -fno-strict-aliasing -ffp-contract=off -fPIC -shared"
RUNTIME_FLAGS = "-O2 -std=c++17 -fPIC -fvisibility=hidden"

# A function that `native` does not have says so and fails, with its library's number for "not supported".
STUB = 'HIPCPU_API int {name}() {{ hipcpu_refuse("{name}"); return {status}; }}\n'
STATUS = {"hipblas": 7, "hipsparse": 10, "hipfft": 16, "hiprand": 1000, "roc": 2, "nccl": 3, "hip": 801}


def compiler() -> str:
    """The command, with options, that compiles kernels."""
    return os.environ.get("MINIGRAD_HIPCPU_CXX", COMPILER)


def kernel_compiler(made: Build) -> list[str]:
    """The words of the command that compiles a kernel, before the options that CuPy gives."""
    return [*compiler().split(), *KERNEL_FLAGS.split(), f"-I{made.headers}"]


def missing() -> str | None:
    """What keeps the stand-in from running here, in a sentence; None if nothing does."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"hipcpu runs on Linux on x86-64, not on {platform.system()} on {platform.machine()}"
    command = compiler().split()[0]
    if not shutil.which(command):
        return f"hipcpu compiles with {command}, which is not installed (Debian, Ubuntu: apt-get install g++)"
    for tool in ("nm", "readelf"):
        if not shutil.which(tool):
            return (
                f"hipcpu reads libraries with {tool}, which is not installed (Debian, Ubuntu: apt-get install binutils)"
            )
    if importlib.util.find_spec("cupy") is None:
        return f"hipcpu runs CuPy's ROCm wheel, which is not installed (pip install {WHEEL})"
    try:
        importlib.metadata.version(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        return f"the installed CuPy is not the ROCm wheel {WHEEL}: hipcpu needs an environment of its own with that one"
    return None


@dataclass(frozen=True)
class Build:
    """A folder for one set of sources, one compiler and one version of CuPy."""

    folder: Path
    key: str

    @property
    def libraries(self) -> list[Path]:
        """In the order in which to load them."""
        return [self.folder / "lib" / name for name in (self.folder / "libraries.txt").read_text().split()]

    @property
    def headers(self) -> Path:
        """A copy of `include`, with `kernel.h` as g++ has read it: that halves the time that a kernel takes."""
        return self.folder / "include"

    @property
    def rocm(self) -> Path:
        return self.folder / "rocm"

    @property
    def kernels(self) -> Path:
        """Compiled kernels, shared by all processes."""
        return self.folder / "kernels"

    @property
    def sources(self) -> Path:
        """Their sources, for NVRTC."""
        return self.folder / "sources"

    @property
    def cupy_cache(self) -> Path:
        return self.folder / "cupy"


def cache() -> Path:
    """The folder of all builds: MINIGRAD_HIPCPU_CACHE, or one in the user's cache folder."""
    chosen = os.environ.get("MINIGRAD_HIPCPU_CACHE")
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen).resolve() if chosen else Path(user) / "minigrad" / "hipcpu"


def build() -> Build:
    """The build for what is installed here, made on first use in some twenty seconds.

    Raises:
        RuntimeError: something is missing, or does not compile.
    """
    if why := missing():
        raise RuntimeError(why)
    key = _key()
    made = Build(cache() / key, key)
    if not made.folder.exists():
        made.folder.parent.mkdir(parents=True, exist_ok=True)
        # Built aside and moved, so that no process ever sees half of it; the slower of two throws its own away.
        with tempfile.TemporaryDirectory(dir=made.folder.parent, prefix="building-") as aside:
            _make(Build(Path(aside) / key, key))
            try:
                (Path(aside) / key).rename(made.folder)
            except OSError:
                if not made.folder.exists():
                    raise
    return made


def _key() -> str:
    """Sixteen digits that change with anything that goes into a build."""
    digest = hashlib.sha256()
    for file in sorted([Path(__file__), *NATIVE.rglob("*"), *INCLUDE.rglob("*")]):
        if file.is_file():
            digest.update(str(file.relative_to(HERE)).encode() + b"\0" + file.read_bytes())
    digest.update(_run(compiler().split()[0], "--version").encode())
    digest.update(f"{compiler()} {WHEEL} {importlib.metadata.version(WHEEL)} {sys.version_info[:2]}".encode())
    return digest.hexdigest()[:16]


def _run(*command: str | Path) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return done.stdout


def _make(made: Build) -> None:
    library = made.folder / "lib"
    for folder in (library, made.kernels, made.sources, made.cupy_cache, made.rocm / "bin"):
        folder.mkdir(parents=True)
    objects = made.folder / "objects"
    objects.mkdir()
    compile_ = [compiler().split()[0], *RUNTIME_FLAGS.split()]
    with ThreadPoolExecutor(2) as pool:
        sources = sorted(NATIVE.glob("*.cpp"))
        list(pool.map(lambda source: _run(*compile_, "-c", source, "-o", objects / f"{source.stem}.o"), sources))

    needed, undefined = _wanted()
    have = set(_symbols("--defined-only", *objects.glob("*.o")))
    (objects / "stubs.cpp").write_text(_stubs(undefined - have))
    _run(*compile_, "-c", objects / "stubs.cpp", f"-I{NATIVE}", "-o", objects / "stubs.o")
    link = [*compile_, "-shared"]
    _run(*link, *sorted(objects.glob("*.o")), "-o", library / RUNTIME, f"-Wl,-soname,{RUNTIME}", "-ldl")
    leads_to_it = ["-Wl,--no-as-needed", f"-L{library}", f"-l:{RUNTIME}"]
    names = [HIPRTC, *sorted(needed - {RUNTIME, HIPRTC})]
    for name in names:
        _run(*link, "-o", library / name, f"-Wl,-soname,{name}", *leads_to_it)
    (made.folder / "libraries.txt").write_text("\n".join([RUNTIME, *names]))
    shutil.rmtree(objects)

    shutil.copytree(INCLUDE, made.headers)
    header = made.headers / "hipcpu" / "kernel.h"
    _run(*kernel_compiler(made), "-x", "c++-header", header, "-o", f"{header}.gch")

    # CuPy asks ROCm's compiler driver one thing: in which folders its headers are.
    hipcc = made.rocm / "bin" / "hipcc"
    answer = r"#include <...> search starts here:\n %s\nEnd of search list.\n"
    hipcc.write_text(f'#!/bin/sh\nprintf \'{answer}\' "$(realpath "$(dirname "$0")/../../include")" >&2\n')
    hipcc.chmod(0o755)


def _wanted() -> tuple[set[str], set[str]]:
    """The ROCm libraries that the wheel is linked to, and the functions that it wants of them."""
    site = Path(importlib.metadata.distribution(WHEEL).locate_file(""))
    modules = [file for top in ("cupy", "cupyx", "cupy_backends") for file in (site / top).rglob("*.so")]
    libraries = re.findall(r"NEEDED.*\[(.*)\]", _run("readelf", "-d", *modules))
    needed = {name for name in libraries if re.match("lib(amdhip|hip|roc|rccl)", name)}
    undefined = {name for name in _symbols("--undefined-only", *modules) if re.match("(__hip|hip|roc|nccl)", name)}
    return needed, undefined


def _symbols(kind: str, *files: Path) -> Iterable[str]:
    dynamic = ["-D"] if files[0].suffix == ".so" else []
    for line in _run("nm", *dynamic, kind, "-P", *files).splitlines():
        if " " in line:  # "name type ..."; a line without a blank is a file's name
            yield line.split()[0].partition("@")[0]


def _stubs(names: set[str]) -> str:
    text = '#include "common.h"\nHIPCPU_API void hipcpu_refuse(const char *name);\n'
    for name in sorted(names):
        status = next(status for library, status in STATUS.items() if name.removeprefix("__").startswith(library))
        text += STUB.format(name=name, status=status)
    return text
