"""Every Python block of the documents runs, and gives the output that is shown with it.

The blocks of a document run from top to bottom, in a namespace and a working directory of their own.
"""

from __future__ import annotations

import doctest
import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.oracle import names
from tests.oracle.page import PAGE, page

ROOT = Path(__file__).parent.parent
QUICKSTART = ROOT / "docs" / "quickstart.md"
DOCUMENTS = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if path.exists()]
FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
CAN_DRAW = shutil.which("dot") is not None
NO_DOT = "Graphviz's program dot is missing"


class Block(NamedTuple):
    line: int  # where its code begins in the document
    code: str


def python_blocks(text: str) -> list[Block]:
    return [
        Block(text.count("\n", 0, match.start("code")) + 1, match["code"])
        for match in FENCE.finditer(text)
        if match["language"] in ("python", "pycon")
    ]


def run(block: Block, path: Path, namespace: dict[str, Any]) -> None:
    """Run a block: as a doctest if it shows a session, otherwise as a script."""
    if ">>>" in block.code:
        examples = doctest.DocTestParser().get_examples(block.code)
        session = doctest.DocTest(examples, {}, path.name, str(path), block.line - 1, block.code)
        session.globs = namespace  # given to DocTest it would be copied, and the next block would miss its names
        complaints: list[str] = []
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        runner.run(session, out=complaints.append, clear_globs=False)
        if complaints:
            pytest.fail("".join(complaints), pytrace=False)
    else:
        script = Path(f"{path.stem}_line_{block.line}.py").absolute()
        script.write_text(block.code, encoding="utf-8")  # a file: errors and operators' formulas show its lines
        exec(compile(block.code, str(script), "exec"), namespace)


def run_document(path: Path, blocks: list[Block]) -> None:
    namespace = {"__name__": "__main__"}
    for block in blocks:
        run(block, path, namespace)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_python_block_runs_and_gives_the_output_shown(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = python_blocks(path.read_text(encoding="utf-8"))
    possible = [block for block in blocks if CAN_DRAW or ".render(" not in block.code]
    run_document(path, possible)
    if possible != blocks:
        pytest.skip(f"all blocks ran but those that draw: {NO_DOT}")


def test_blocks_are_found_with_their_line_numbers() -> None:
    text = "# A\n\n```python\na = 1\n\nb = 2\n```\n\n```console\n$ ls\n```\n\n```pycon\n>>> a\n1\n```\n"
    assert python_blocks(text) == [(4, "a = 1\n\nb = 2\n"), (14, ">>> a\n1\n")]


@pytest.mark.parametrize("code", [">>> 1 + 1\n3\n", ">>> 1 / 0\n", "assert False\n"])
def test_a_wrong_block_fails(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(Block(1, code), Path("page.md"), {})


def test_every_picture_that_a_document_shows_exists() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"!\[[^]]*\]\(([^)\s]+)", path.read_text(encoding="utf-8")):
            assert "://" in target or (path.parent / target).is_file(), f"{path.name} shows {target}"


@pytest.mark.skipif(not CAN_DRAW, reason=NO_DOT)
def test_the_quickstart_shows_the_picture_that_its_code_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_document(QUICKSTART, python_blocks(QUICKSTART.read_text(encoding="utf-8")))
    drawn = tmp_path / "quadratic.svg"
    if shown(QUICKSTART.parent / "images" / "quadratic.svg") != shown(drawn):
        pytest.fail(f"the picture has changed: look at {drawn} and, if it is right, copy it to docs/images")


def shown(path: Path) -> list[tuple[str | None, str | None, list[str], list[str]]]:
    """The boxes, pills and edges of an SVG by Graphviz, with their texts and colours.

    Sizes and positions are left out: they depend on the fonts of the machine and on the version of Graphviz.
    """
    svg = "{http://www.w3.org/2000/svg}"
    parts = []
    for group in ElementTree.parse(path).iter(f"{svg}g"):
        if group.get("class") in ("node", "edge"):
            texts = ["".join(text.itertext()).strip() for text in group.iter(f"{svg}text")]
            colours = {part.get(paint, "none") for part in group.iter() for paint in ("fill", "stroke")}
            parts.append((group.get("class"), group.findtext(f"{svg}title"), texts, sorted(colours)))
    return sorted(parts, key=str)


def test_the_page_of_operators_says_what_the_source_says() -> None:
    """All but its last column, the error, whose last digit is the machine's."""

    def without_errors(text: str) -> list[str]:
        return [re.sub(r" \| [^|]* \|$", "", line) for line in text.splitlines()]

    with np.errstate(all="ignore"):
        now = page({})
    assert without_errors(PAGE.read_text(encoding="utf-8")) == without_errors(now), "run `make record`"


def test_the_page_for_those_who_know_pytorch_lists_all_names() -> None:
    text = names.PAGE.read_text(encoding="utf-8")
    assert names.named_in_both(text) == {path: names.ours(path) for path in names.ROOMS}, "run `make record`"
    if importlib.util.find_spec("torch"):
        import torch

        assert names.generated(text) == names.tables(torch), "run `make record`"
