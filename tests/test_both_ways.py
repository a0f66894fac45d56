"""The examples print the same under PyTorch, with nothing changed but their import lines.

Where PyTorch is not installed they are compared with what it printed when it was recorded: `make record`.
"""

from __future__ import annotations

import ast
import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.oracle import both_ways
from tests.test_docs import ROOT, python_blocks

HAS_TORCH = importlib.util.find_spec("torch") is not None


def test_every_example_is_compared_or_said_why_not() -> None:
    examples = {path.stem for path in both_ways.EXAMPLES.glob("*.py")} | {"subset"}
    assert examples == both_ways.OPTIONS.keys() | both_ways.NOT_COMPARED.keys()
    assert not both_ways.OPTIONS.keys() & both_ways.NOT_COMPARED.keys()
    assert both_ways.recorded().keys() == both_ways.OPTIONS.keys(), "run `make record`"


@pytest.mark.parametrize("name", both_ways.OPTIONS)
def test_only_imports_change_between_the_two(name: str) -> None:
    source = both_ways.script(name).read_text(encoding="utf-8")
    ours, theirs = (ast.parse(text) for text in (source, both_ways.translated(source)))
    for tree in (ours, theirs):
        tree.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert ast.dump(ours) == ast.dump(theirs)
    nodes = ast.walk(ast.parse(both_ways.translated(source)))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in ast.walk(theirs) if isinstance(node, ast.ImportFrom)}
    assert not {module for module in modules if module.startswith("minigrad")} - {"minigrad.datasets"}
    assert "torch" in modules


@pytest.mark.parametrize("name", both_ways.OPTIONS)
def test_a_script_prints_what_it_prints_under_pytorch(name: str) -> None:
    """All text is the same, and all numbers agree to five digits."""
    ours = both_ways.printed_by("minigrad")[name]
    theirs = (both_ways.printed_by("torch") if HAS_TORCH else both_ways.recorded())[name]
    assert "Traceback" not in ours + theirs
    assert both_ways.difference(ours, theirs) < 1e-5, f"minigrad:\n{ours}\nPyTorch:\n{theirs}"


@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", both_ways.OPTIONS)
def test_what_is_recorded_is_what_pytorch_prints(name: str) -> None:
    assert both_ways.difference(both_ways.recorded()[name], both_ways.printed_by("torch")[name]) < 1e-5


def test_a_difference_is_noticed() -> None:
    said = "C = 3: loss 0.123456, 1,234 points\n"
    assert both_ways.difference(said, said) == 0
    assert both_ways.difference(said, said.replace("0.123456", "0.123459")) > 1e-5
    assert both_ways.difference(said, said.replace("1,234", "1,235")) > 1e-5
    assert both_ways.difference(said, said.replace("loss", "cost")) == math.inf
    assert both_ways.difference(said, said + "1\n") == math.inf


@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")
def test_the_network_of_the_readme_prints_the_same_losses(tmp_path: Path) -> None:
    blocks = python_blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    (block,) = [block for block in blocks if "DataLoader(" in block.code]
    printed = []
    for source in (block.code, both_ways.translated(block.code)):
        done = subprocess.run([sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=True)
        printed.append(done.stdout)
    assert len(printed[0].splitlines()) == 4
    assert "torch" in source
    assert both_ways.difference(*printed) < 1e-5
