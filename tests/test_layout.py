"""The house: chapters read in order, one knot, no foreign imports, a reading path that fits an afternoon."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from minigrad.op import Op, registry

PACKAGE = Path(mg.__file__).parent
CHAPTERS = ["graph", "op", "ops", "engine", "tensor", "creation", "functions"]
BESIDE = {"errors", "random", "backend"}  # rooms that chapters use: wording, random numbers, devices; no gradients
AFTERWARDS = {
    "rearrange",
    "linalg",
    "nn",
    "optim",
    "utils",
    "datasets",
    "serialization",
    "check",
    "viz",
    "formulas",
    "autograd",
    "cuda",
    "gpucheck",
}


def files(chapter: str) -> list[Path]:
    folder = PACKAGE / chapter
    return sorted(folder.glob("*.py")) if folder.is_dir() else [PACKAGE / f"{chapter}.py"]


def imports(source: str) -> Iterator[tuple[str, bool]]:
    """Every module imported anywhere in `source`, and whether that is for the type checker only."""
    tree = ast.parse(source)
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are written in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            yield name, node in for_types


def chapter_of(module: str) -> str | None:
    """The chapter that `minigrad.op.Op` or `minigrad.ops.shape` belongs to; None if it is not of minigrad."""
    parts = module.split(".")
    return parts[1] if parts[0] == "minigrad" else None


# -- the counter and the parser are themselves right ------------------------------------------------------------------

SAMPLE = '''"""Docstring
of three lines.
"""

import os  # counts


def f(
    x,
):
    """Docstring."""
    # a comment
    text = """a string
    of two lines"""

    return x  # counts


class C:
    "also a docstring"
    a = 1; b = 2
'''


def code_lines(source: str) -> int:
    """Lines that hold code: not blank, no comment, no docstring."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            first: Any = node.body[0]
            docstrings.update(range(first.lineno, first.end_lineno + 1))
    lines: set[int] = set()
    not_code = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in not_code:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def test_the_counter_counts_code_and_nothing_else() -> None:
    assert code_lines(SAMPLE) == 1 + 3 + 2 + 1 + 1 + 1


def test_the_parser_finds_imports_wherever_they_stand() -> None:
    source = "import a.b\nfrom c import d\nif TYPE_CHECKING:\n    from e import f\ndef g():\n    import h\n"
    assert sorted(imports(source)) == [("a.b", False), ("c.d", False), ("e.f", True), ("h", False)]


# -- order ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_imports_only_earlier_ones(chapter: str) -> None:
    """Names that only the type checker sees may point ahead: Python never follows them."""
    allowed = {*BESIDE, *CHAPTERS[: CHAPTERS.index(chapter)], *(["ops"] if chapter == "ops" else [])}
    for file in files(chapter):
        for module, for_types in imports(file.read_text()):
            if chapter_of(module) and not for_types:
                assert chapter_of(module) in allowed, f"{file.name} imports {module}"


def test_no_chapter_imports_the_rooms_that_come_afterwards_even_for_types() -> None:
    for chapter in CHAPTERS:
        for file in files(chapter):
            assert not {chapter_of(module) for module, _ in imports(file.read_text())} & AFTERWARDS


def test_every_file_of_the_package_is_a_chapter_or_a_room() -> None:
    known = {*CHAPTERS, *BESIDE, *AFTERWARDS, "__init__", "py"}
    assert {p.name.partition(".")[0] for p in PACKAGE.iterdir() if p.name != "__pycache__"} <= known


def test_importing_the_chapters_one_by_one_in_order_works() -> None:
    """Each is whole with only the earlier ones loaded."""
    for last in range(len(CHAPTERS)):
        program = "import sys, types\npackage = types.ModuleType('minigrad')\npackage.__path__ = [sys.argv[1]]\n"
        program += "sys.modules['minigrad'] = package\nimport importlib\n"
        program += "".join(f"importlib.import_module('minigrad.{name}')\n" for name in CHAPTERS[: last + 1])
        later = CHAPTERS[last + 1 :] + sorted(AFTERWARDS)
        program += f"assert not [m for m in sys.modules if m.split('.')[:2] in {[['minigrad', m] for m in later]}]"
        subprocess.run([sys.executable, "-c", program, str(PACKAGE)], check=True)


def test_the_one_knot_is_tied_in_tensor_and_explained_in_graph() -> None:
    """An operator makes Tensors and Tensor's methods are operators: `graph` holds the place, `tensor` fills it."""
    lines = (PACKAGE / "graph.py").read_text().splitlines()
    (knot,) = [i for i, line in enumerate(lines) if line.startswith("Tensor: ")]
    assert lines[knot + 1].startswith("wrap: ")
    comment = [line for line in lines[knot - 3 : knot] if line.startswith("#")]
    assert "knot" in " ".join(comment)
    ties = {
        file.name
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("graph.")
    }
    assert ties == {"tensor.py"}


@pytest.mark.parametrize(("chapter", "following"), list(zip(CHAPTERS, [*CHAPTERS[1:], "nn"], strict=True)))
def test_a_chapter_opens_with_its_number_and_names_the_next(chapter: str, following: str) -> None:
    docstring = ast.get_docstring(ast.parse(files(chapter)[0].read_text())) or ""
    assert docstring.startswith(f"Chapter {CHAPTERS.index(chapter) + 1}: ")
    assert f"`{following}" in docstring.partition("\nNext")[2]


# -- what may be imported ---------------------------------------------------------------------------------------------


def test_the_engine_knows_no_operator_and_no_array_library() -> None:
    modules = {module for module, _ in imports((PACKAGE / "engine.py").read_text())}
    outside = {module.partition(".")[0] for module in modules} - {"minigrad"} - set(sys.stdlib_module_names)
    assert not outside
    assert not {m for m in modules if m.startswith("minigrad.ops")}


def test_no_operator_and_no_engine_mentions_a_device_and_cupy_is_imported_in_one_file_at_most() -> None:
    importers = [f for f in PACKAGE.rglob("*.py") if any(m.startswith("cupy") for m, _ in imports(f.read_text()))]
    assert {f.name for f in importers if f.parent.name != "gpucheck"} == {"backend.py"}  # gpucheck measures CuPy itself


def test_importing_minigrad_needs_nothing_beyond_numpy_and_the_standard_library() -> None:
    program = "import sys; import numpy, numpy.random; print(*sys.modules); import minigrad; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    before, after = (set(line.split()) for line in done.stdout.splitlines())
    new = {name.partition(".")[0] for name in after - before}
    assert "minigrad" in new
    assert new <= {"minigrad", "numpy", *sys.stdlib_module_names}


# -- size -------------------------------------------------------------------------------------------------------------


def test_the_reading_path_is_an_afternoon() -> None:
    lines = {chapter: sum(code_lines(file.read_text()) for file in files(chapter)) for chapter in CHAPTERS}
    assert sum(lines.values()) <= 1815, lines


def test_modules_optimizers_and_data_do_not_grow() -> None:
    """About 1,900, says docs/decisions.md, and the lists of imported and public names."""
    rooms = [PACKAGE / "nn", PACKAGE / "optim", PACKAGE / "utils"]
    assert sum(code_lines(file.read_text()) for room in rooms for file in room.glob("*.py")) <= 2073


def test_an_operator_takes_five_lines_on_average() -> None:
    operators = [op for op in registry.values() if op.forward.__module__.startswith("minigrad.ops.")]
    lines = sum(code_lines(file.read_text()) for file in files("ops"))
    assert lines <= 5.35 * len(operators), f"{lines} lines for {len(operators)} operators"


def test_no_line_is_crammed() -> None:
    """The count above must not be bought with several statements on a line."""
    for chapter in CHAPTERS:
        for file in files(chapter):
            for node in ast.walk(ast.parse(file.read_text())):
                for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
                    starts = [statement.lineno for statement in body] if isinstance(body, list) else []
                    assert len(starts) == len(set(starts)), f"{file.name}:{starts}"


# -- docstrings -------------------------------------------------------------------------------------------------------


def public(module: Any) -> Iterator[tuple[str, Any]]:
    for name in getattr(module, "__all__", vars(module)):
        value = getattr(module, name)
        is_ours = isinstance(value, Op) or str(getattr(value, "__module__", "")).startswith("minigrad")
        if is_ours and not name.startswith("_"):
            yield f"{module.__name__}.{name}", value


ROOMS = [mg, mg.nn, mg.nn.functional, mg.nn.init, mg.nn.utils, mg.optim, mg.optim.lr_scheduler, mg.autograd, mg.linalg]
DOCUMENTED = dict([named for room in [*ROOMS, mg.utils.data, mg.datasets] for named in public(room)])


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_every_public_name_has_a_docstring(name: str) -> None:
    docstring = DOCUMENTED[name].__doc__ or ""
    assert len(docstring.strip()) > 10
    assert docstring.strip().partition("\n")[0].rstrip().endswith((".", ":"))
