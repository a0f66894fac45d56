"""The page `docs/operators.md`: every operator with its formula, its kinks, and how far it is from PyTorch.

`make record` writes it. A test holds it to the source and to the figures of the machine it runs on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.formulas import formulas
from minigrad.op import Op, compositions
from tests import checks
from tests.cases import CASES, COMPOSITION_SPECS, OPERATORS, SUBJECTS, differentiated

PAGE = Path(__file__).parents[2] / "docs" / "operators.md"
ROOMS = {
    "elementwise": "Elementwise",
    "activation": "Activations",
    "reduce": "Reductions",
    "shape": "Shape and indexing",
    "linalg": "Linear algebra",
    "nn": "Neural networks",
    "windows": "Convolution, in `nn/functional/windows.py`",
}
INTRODUCTION = """# Operators

Every operator with the formula of its gradient, and every function that is composed of operators. This page is
generated from the source and from the tests: `make record` writes it.

- **Gradient**: what minigrad runs. `x: y` means ∂out/∂x = y, elementwise; a formula with `g`, the upstream gradient, is
  the whole vector-Jacobian product; a number is a constant derivative. None: a plain result.
- **Kinks**: points without a derivative, and the gradient there, which is PyTorch's.
- `F` is `mg.nn.functional`.
- **Cases**: how many calls the tests make, over shapes with sizes 0 and 1, 0-d, broadcast, tied, far out.
- **Error**: the largest difference from PyTorch 2.13 over these cases in float64, as a power of ten: of values /
  gradients / gradients of gradients, relative where a number is larger than 1. `=` is no difference at all, `–` nothing
  to compare. All derivatives are compared with finite differences as well.
"""


def page(errors: dict[str, dict[str, float]]) -> str:
    """The text of the page, given `measured()`."""
    lines = [INTRODUCTION]
    for room, title in ROOMS.items():
        lines += [
            f"## {title}\n",
            "| operator | computes | gradient | kinks | cases | error |",
            "|---|---|---|---|---|---|",
        ]
        for name, op in OPERATORS.items():
            if op.forward.__module__.rpartition(".")[2] == room:
                lines.append(row(name, op, [summary(op), gradient(op), kinks(name)], errors))
        lines.append("")
    lines += ["## Composed of operators\n", "| function | computes | cases | error |", "|---|---|---|---|"]
    lines += [
        row(public(name), compositions[name], [summary(compositions[name])], errors, name) for name in COMPOSITION_SPECS
    ]
    return "\n".join(lines) + "\n"


def public(name: str) -> str:
    room, _, function = name.partition(".")
    home = "mg.linalg" if room == "linalg" else "F"
    home = "mg" if getattr(mg, function, None) is compositions[name] else home
    return f"{home}.{function}"


def row(name: str, function: Any, cells: list[str], errors: Any, key: str = "") -> str:
    key = key or name
    tested = sum(1 for op, _ in CASES.values() if op == key)
    return f"| `{name}` | " + " | ".join(cells) + f" | {tested} | {' / '.join(powers(errors.get(key, {})))} |"


def summary(function: Any) -> str:
    """The first line of the docstring."""
    return escaped((function.__doc__ or "").strip().partition("\n")[0])


def gradient(op: Op) -> str:
    return "<br>".join(f"{slot}: `{escaped(text)}`" for slot, text in formulas(op).items()) or "–"


def escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def kinks(name: str) -> str:
    """The gradients at kinks, of elementwise operators that take one array alone."""
    op = OPERATORS[name]
    if op.forward.__module__ not in ("minigrad.ops.elementwise", "minigrad.ops.activation"):
        return ""
    found: dict[float, float] = {}
    for subject, case in CASES.values():
        alone = subject == name and len(case.args) == 1 and not case.kwargs and differentiated(name, case)
        if alone and case.kink and np.shape(op(*case.args)) == np.shape(case.args[0]):
            slopes = checks.gradients_of_sum(op, case)
            found.update(zip(np.ravel(case.args[0]).tolist(), np.ravel(slopes).tolist(), strict=True))
    if found and op.gradients["x"].constant == 0:
        return "0 everywhere"
    return ", ".join(f"{number(x)}: {number(found[x])}" for x in sorted(found))


def number(x: float) -> str:
    return f"{x + 0.0:.4g}".replace("-", "−").replace("inf", "∞")


def powers(errors: dict[str, float]) -> Iterator[str]:
    """Each error as the power of ten that it does not exceed."""
    for what in ("value", "first order", "second order"):
        if what not in errors:
            yield "–"
        else:
            yield "=" if errors[what] == 0 else f"1e{math.ceil(math.log10(errors[what]))}"


def measured() -> dict[str, dict[str, float]]:
    """Operator -> "value", "first order", "second order" -> the largest difference from PyTorch."""
    errors: dict[str, dict[str, float]] = {}
    with np.errstate(all="ignore"):
        for name, (op, case) in CASES.items():
            if case.torch:
                for what, ours, theirs in checks.beside_pytorch(SUBJECTS[op], name, case):
                    of_op = errors.setdefault(op, {})
                    of_op[what] = max(of_op.get(what, 0.0), difference(ours, theirs))
    return errors


def difference(ours: Any, theirs: Any) -> float:
    """The largest difference, relative to numbers larger than 1; infinities and nan have been found equal."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    finite = np.isfinite(theirs)
    if not finite.any():
        return 0.0
    return float(np.max(np.abs(ours[finite] - theirs[finite]) / np.maximum(1, np.abs(theirs[finite]))))


def write() -> None:
    with np.errstate(all="ignore"):
        PAGE.write_text(page(measured()), encoding="utf-8")
