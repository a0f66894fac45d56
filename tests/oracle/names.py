"""The page `docs/pytorch.md`: what is the same as in PyTorch, what differs, what is not there.

The lists of names are generated, `make record` writes them into the page between its markers. What differs is told by
hand in the page itself, in examples that the tests run.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import minigrad as mg
import minigrad.utils.data

PAGE = Path(__file__).parents[2] / "docs" / "pytorch.md"
BEGIN, END = "<!-- generated: names -->\n", "<!-- end -->\n"
ROOMS = [
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "optim",
    "optim.lr_scheduler",
    "utils.data",
    "autograd",
    "autograd.functional",
    "linalg",
    "Tensor",
    "",
]


def room(package: Any, path: str) -> Any:
    """`torch.nn` or `minigrad.nn`, given "nn"; the package itself, given ""."""
    for name in path.split(".") if path else ():
        package = getattr(package, name)
    return package


def ours(path: str) -> set[str]:
    """The public names of a room of minigrad."""
    place = room(mg, path)
    names = [name for name in vars(place) if not name.startswith("_")] if path == "Tensor" else place.__all__
    return {name for name in names if not inspect.ismodule(getattr(place, name))}


def theirs(torch: Any, path: str) -> set[str]:
    """The public names of a room of PyTorch: functions, classes, methods; not what a room has imported for itself."""
    place = room(torch, path)
    names = set()
    for name in dir(place):
        value = getattr(place, name, None)
        home = str(getattr(value, "__module__", "") or "torch")
        is_internal = not home.startswith("torch") or home.startswith(("torch.overrides", "torch._jit", "torch.types"))
        if name.startswith("_") or inspect.ismodule(value) or is_internal:
            continue
        if path == "Tensor" or callable(value) or isinstance(value, torch.dtype):
            names.add(name)
    return names


def listed(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names, key=lambda name: (name.lower(), name)))


def tables(torch: Any) -> str:
    """The generated part of the page."""
    lines = []
    for path in ROOMS:
        here, there = ours(path), theirs(torch, path)
        title = f"mg.{path}" if path else "mg"
        lines += [f"### {title}\n", f"**In both** ({len(here & there)}): {listed(here & there)}.\n"]
        if here - there:
            lines.append(f"**Only here** ({len(here - there)}): {listed(here - there)}.\n")
        if there - here:
            summary = f"<summary>Not here ({len(there - here)})</summary>"
            lines.append(f"<details>{summary}\n\n{listed(there - here)}\n\n</details>\n")
    return "\n".join(lines) + "\n"


def generated(text: str) -> str:
    """The part of the page between the markers."""
    return text.partition(BEGIN)[2].partition(END)[0]


def named_in_both(text: str) -> dict[str, set[str]]:
    """Room -> the names that the page says are here: in both packages, or only here."""
    found: dict[str, set[str]] = {}
    for section in re.split(r"^### ", generated(text), flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        path = title.removeprefix("mg").removeprefix(".")
        found[path] = set(re.findall(r"`([^`]+)`", body.partition("<details>")[0]))
    return found


def write() -> None:
    """Put the lists of names into the page."""
    import torch

    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.replace(BEGIN + generated(text) + END, BEGIN + tables(torch) + END), encoding="utf-8")
