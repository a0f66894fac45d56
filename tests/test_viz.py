"""Pictures of graphs, read back from their DOT text; where the program `dot` is there, it must read the same in it."""

from __future__ import annotations

import gc
import html
import json
import re
import shutil
import subprocess
import sys
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, viz
from minigrad.formulas import formulas
from minigrad.op import registry
from tests.cases import SPECS
from tests.oracle.ops import differentiated

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is missing")


@dataclass
class Drawing:
    """What a picture shows.

    Attributes:
        boxes, pills: id -> text, lines separated by line ends.
        edges: (id, id, text), text empty for none.
    """

    boxes: dict[str, str] = field(default_factory=dict)
    pills: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str, str]] = field(default_factory=list)

    def operators(self) -> list[str]:
        return [text.partition("\n")[0] for text in self.pills.values()]

    def labels(self) -> list[str]:
        """The texts of the edges into operators."""
        return [text for _, head, text in self.edges if head in self.pills]


LINE = re.compile(r'\t(\w+)(?: -> (\w+))?(?: \[(?:label=(<.*>|"(?:[^"\\]|\\.)*"))?(.*)\])?\n')


def read(picture: viz.Picture) -> Drawing:
    """What the DOT text of a picture says."""
    drawing = Drawing()
    for line in picture.body:
        match = LINE.fullmatch(line)
        assert match, line
        tail, head, label, style = match.groups()
        if head:
            drawing.edges.append((tail, head, plain(label or '""')))
        else:
            (drawing.pills if "rounded" in style else drawing.boxes)[tail] = plain(label)
    return drawing


def plain(label: str) -> str:
    """The text of a label without markup."""
    if label.startswith("<"):
        text = re.sub("<[^>]*>", "", label[1:-1].replace("<BR/>", "\n"))
        return html.unescape(text).replace(r"\\", "\\")
    lines = re.sub(r"\\(.)", lambda escaped: "\n" if escaped[1] == "l" else escaped[1], label[1:-1]).splitlines()
    return "\n".join(line.strip() for line in lines)


def one_line(text: str) -> str:
    return " ".join(text.split())


def quadratic() -> mg.Tensor:
    w = mg.tensor(0.0, requires_grad=True)
    return w**2 - 10 * w + 25


def network() -> tuple[nn.Module, mg.Tensor, mg.Tensor]:
    model = nn.Sequential(nn.Linear(4, 3, bias=False), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    return model, mg.randn(5, 4), mg.randint(0, 2, (5,))


# -- what is drawn ----------------------------------------------------------------------------------------------------


def test_the_quadratic_has_its_tensors_operators_and_local_gradients() -> None:
    w = mg.tensor(0.0, requires_grad=True)
    loss = w**2 - 10 * w + 25
    drawing = read(viz.graph(loss))
    assert list(drawing.boxes.values()) == ["w  ()", "()", "()", "()", "loss  ()"]
    assert drawing.operators() == ["power", "multiply", "subtract", "add"]
    power = f"∂out/∂x = {formulas(registry['power'])['x']}"
    assert [(tail, head, one_line(text)) for tail, head, text in drawing.edges] == [
        ("tensor0", "op1", f"{power} y = 2"),
        ("op1", "tensor1", ""),
        ("tensor0", "op2", "∂out/∂y = x = 10"),
        ("op2", "tensor2", ""),
        ("tensor1", "op3", "∂out/∂x = 1"),
        ("tensor2", "op3", "∂out/∂y = -1"),
        ("op3", "tensor3", ""),
        ("tensor3", "op4", "∂out/∂x = 1"),
        ("op4", "tensor4", ""),
    ]


def test_x_times_x_has_two_edges() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    drawing = read(viz.graph(x * x, {"x": x}))
    assert list(drawing.boxes.values()) == ["x  ()", "()"]
    assert drawing.edges[:2] == [("tensor0", "op1", "∂out/∂x = y"), ("tensor0", "op1", "∂out/∂y = x")]


@pytest.mark.parametrize("name", [name for name, op in registry.items() if op.gradients and name in SPECS])
def test_every_operator_shows_the_text_of_its_local_gradients(name: str) -> None:
    op = registry[name]
    case = next(case for case in SPECS[name].cases if differentiated(name, case))
    slots = differentiated(name, case)
    args = [mg.tensor(a, requires_grad=i in slots) if isinstance(a, np.ndarray) else a for i, a in enumerate(case.args)]
    drawing = read(viz.graph(op(*args, **case.kwargs), {}))
    assert drawing.operators() == [name]
    assert len(drawing.labels()) == len(slots)
    for i, label in zip(slots, drawing.labels(), strict=True):
        slot = op.variadic or op.parameters[i]
        position = f"[{i}]" if op.variadic else ""
        product = "g · " if op.gradients[slot].is_vjp else ""
        formula = formulas(op)[slot]
        assert one_line(label).startswith((f"{product}∂out/∂{slot}{position} = {formula}", f"∂out/∂{slot} = {slot} ="))


def test_shape_and_unusual_dtype_are_shown() -> None:
    a = mg.zeros(3, 2, requires_grad=True)
    b = mg.zeros(2, dtype=mg.float64, requires_grad=True)
    assert list(read(viz.graph(a * b, {})).boxes.values()) == ["(3, 2)", "(2,) float64", "(3, 2) float64"]


def test_joined_arrays_are_told_apart() -> None:
    a, b = mg.zeros(2, requires_grad=True), mg.zeros(3, requires_grad=True)
    labels = read(viz.graph(mg.concatenate([a, b, a]), {})).labels()
    assert [label.partition(" =")[0] for label in labels] == [f"g · ∂out/∂arrays[{i}]" for i in range(3)]


def test_a_constant_array_is_mentioned_in_the_pill_with_its_name() -> None:
    w = mg.zeros(3, requires_grad=True)
    data = mg.ones(2, 3)
    assert list(read(viz.graph(data * w)).pills.values()) == ["multiply\nx = data  (2, 3)"]
    assert list(read(viz.graph(np.ones((2, 3)) * w)).pills.values()) == ["multiply\nx = (2, 3) float64"]
    assert list(read(viz.graph(w + data)).pills.values()) == ["add"]  # which keeps nothing


def test_a_leaf_is_a_picture_of_one_box() -> None:
    w = mg.zeros(3, requires_grad=True)
    assert read(viz.graph(w)) == Drawing(boxes={"tensor0": "w  (3,)"})


def test_only_numbers_differ_after_the_backward_pass() -> None:
    loss = quadratic()
    before = viz.graph(loss, {}).source
    loss.backward()
    after = viz.graph(loss, {}).source
    assert after == before.replace("∂out/∂y = x = 10", "∂out/∂y = x").replace(r"  y = 2\l", "")


def test_a_graph_of_gradients_can_be_drawn() -> None:
    x = mg.tensor(2.0, requires_grad=True)
    (slope,) = mg.grad(x**3, x, create_graph=True)
    assert "power" in read(viz.graph(slope)).operators()


def test_the_same_computation_gives_the_same_text() -> None:
    assert viz.graph(quadratic(), {}).source == viz.graph(quadratic(), {}).source


def test_shared_tensors_are_drawn_once() -> None:
    x = mg.tensor(1.0, requires_grad=True)
    for _ in range(60):  # 2⁶⁰ paths
        x = x + x
    drawing = read(viz.graph(x))
    assert (len(drawing.boxes), len(drawing.pills), len(drawing.labels())) == (61, 60, 120)


def test_a_long_chain_needs_no_recursion() -> None:
    x = mg.tensor(1.0, requires_grad=True)
    for _ in range(10 * sys.getrecursionlimit()):
        x = -x
    assert len(read(viz.graph(x)).pills) == 10 * sys.getrecursionlimit()


def test_a_picture_keeps_no_graph_alive() -> None:
    loss = quadratic()
    assert loss.node is not None
    node = weakref.ref(loss.node)
    gc.disable()
    try:
        picture = viz.graph(loss, {})
        del loss
        assert node() is None, picture
    finally:
        gc.enable()


# -- names ------------------------------------------------------------------------------------------------------------

beyond = mg.tensor(1.0, requires_grad=True)


def named(drawing: Drawing) -> list[str]:
    return [text.partition("  (")[0] for text in drawing.boxes.values() if not text.startswith("(")]


def test_names_are_those_of_the_variables_that_the_caller_sees() -> None:
    here = mg.tensor(1.0, requires_grad=True)
    _hidden = mg.tensor(1.0, requires_grad=True)
    total = here * beyond + _hidden
    assert named(read(viz.graph(total))) == ["beyond", "here", "total"]


def test_a_variable_that_is_shadowed_gives_no_name() -> None:
    outer = beyond

    def inside(beyond: mg.Tensor) -> viz.Picture:
        return viz.graph(outer * beyond)

    assert named(read(inside(mg.tensor(1.0, requires_grad=True)))) == ["outer", "beyond"]


def test_parameters_are_named_by_their_path_in_the_module() -> None:
    model, x, labels = network()
    loss = nn.functional.cross_entropy(model(x), labels)
    parameters = [name for name, _ in model.named_parameters()]
    assert sorted(named(read(viz.graph(loss)))) == sorted([*[f"model.{name}" for name in parameters], "loss"])
    assert sorted(named(read(viz.graph(loss, dict(model.named_parameters()))))) == sorted(parameters)
    assert named(read(viz.graph(loss, {}))) == []
    pills = [text for text in read(viz.graph(loss)).pills.values() if "\n" in text]
    assert pills == ["linear\nx = x  (5, 4)", "cross_entropy\ntarget = labels  (5,) int64"]


def test_the_first_of_several_names_is_shown_and_other_values_are_passed_over() -> None:
    w = mg.tensor(1.0, requires_grad=True)
    assert named(read(viz.graph(-w, {"number": 3, "first": w, "second": w, "none": None}))) == ["first"]


STRANGE = 'a <b>&amp; "c" \\N \\l {d|e}\\'


def test_strange_names_are_shown_as_they_are() -> None:
    w = mg.tensor(1.0, requires_grad=True)
    assert named(read(viz.graph(-w, {STRANGE: w}))) == [STRANGE]


def test_a_strange_formula_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(formulas(registry["negative"]), "x", STRANGE)
    w = mg.tensor(1.0, requires_grad=True)
    assert read(viz.graph(-w)).labels() == [f"∂out/∂x = {STRANGE}"]


# -- errors -----------------------------------------------------------------------------------------------------------


def test_something_else_than_a_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match=r"viz\.graph: expected a tensor, not float"):
        viz.graph(25.0)  # type: ignore[arg-type]


def test_a_tensor_without_a_graph_is_refused() -> None:
    w = mg.tensor(1.0, requires_grad=True)
    with mg.no_grad():
        unrecorded = 2 * w
    for tensor in (mg.tensor(1.0), unrecorded):
        with pytest.raises(RuntimeError, match=r"this tensor has no graph: no tensor .* requires_grad=True"):
            viz.graph(tensor)


def test_names_that_are_no_mapping_are_refused() -> None:
    w = mg.tensor(1.0, requires_grad=True)
    with pytest.raises(
        TypeError, match=r"names must map names to tensors or modules, as locals\(\) does, not be \['w'"
    ):
        viz.graph(-w, ["w", w])  # type: ignore[arg-type]


def test_without_dot_the_text_is_there_and_drawing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    picture = viz.graph(quadratic())
    assert picture.source.startswith("digraph computation {")
    for draw in (picture.render, picture.view, picture.pipe, picture._repr_mimebundle_):
        with pytest.raises(RuntimeError, match=r"install it from https://graphviz\.org/download"):
            draw()


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")


def test_importing_minigrad_does_not_import_graphviz() -> None:
    result = python(
        "import sys, minigrad; print('graphviz' in sys.modules); minigrad.viz; print('graphviz' in sys.modules)"
    )
    assert result.stdout.split() == ["False", "True"], result.stderr


def test_without_the_package_graphviz_viz_says_what_to_install() -> None:
    result = python("import sys; sys.modules['graphviz'] = None; import minigrad; minigrad.viz")
    last = result.stderr.strip().splitlines()[-1]
    assert last == 'ImportError: minigrad.viz needs the package graphviz: pip install "minigrad-edu[viz]"'


# -- dot --------------------------------------------------------------------------------------------------------------


@needs_dot
def test_dot_reads_what_the_picture_says() -> None:
    model, x, labels = network()
    loss = nn.functional.cross_entropy(model(x), labels)
    picture = viz.graph(loss, {STRANGE: loss, "model": model, "x": x})
    content = json.loads(picture.pipe("json", encoding="utf-8"))
    titles = [part["name"] for part in content["objects"]]
    drawn = Drawing()
    for part in content["objects"]:
        shapes = drawn.pills if "rounded" in part.get("style", "") else drawn.boxes
        shapes[part["name"]] = written(part["_ldraw_"])
    for part in content["edges"]:
        text = written(part["_ldraw_"]) if "_ldraw_" in part else ""
        drawn.edges.append((titles[part["tail"]], titles[part["head"]], text))
    expected = read(picture)
    assert drawn.boxes == {key: squeezed(text) for key, text in expected.boxes.items()}
    assert drawn.pills == {key: squeezed(text) for key, text in expected.pills.items()}
    assert sorted(drawn.edges) == sorted((tail, head, squeezed(text)) for tail, head, text in expected.edges)


def written(operations: list[dict[str, Any]]) -> str:
    """The text that drawing operations of dot write."""
    return squeezed("".join(operation["text"] for operation in operations if operation["op"] == "T"))


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@needs_dot
def test_a_picture_is_drawn_into_a_file_and_shown_by_jupyter(tmp_path: Path) -> None:
    picture = viz.graph(quadratic())
    path = picture.render(outfile=tmp_path / "quadratic.svg", cleanup=True)
    assert [file.name for file in tmp_path.iterdir()] == ["quadratic.svg"]
    assert "∂out/∂y = x = 10" in Path(path).read_text(encoding="utf-8")
    assert picture._repr_mimebundle_()["image/svg+xml"] == Path(path).read_text(encoding="utf-8")
    assert picture.pipe("png").startswith(b"\x89PNG")
