"""The picture of a computation graph: tensors as boxes, operators as pills, local gradients on the edges between them.

Read downwards, it is the forward pass. Read upwards, it is backprop: along an edge a gradient is multiplied by the
local gradient that is written there, and where edges meet in a tensor the products are added.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any

import numpy as np

from minigrad.engine import newest_first
from minigrad.formulas import formulas
from minigrad.graph import Node
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

try:
    import graphviz
except ImportError as error:
    raise ImportError('minigrad.viz needs the package graphviz: pip install "minigrad-edu[viz]"') from error

# Blue and vermilion are told apart with every kind of colour vision. On grey paper, the thick lines mark both ends.
LEAF = {"style": "filled", "fillcolor": "#e3f0f8", "color": "#0072b2", "penwidth": "1.6"}
RESULT = {"style": "filled", "fillcolor": "#fbe9dd", "color": "#d55e00", "penwidth": "1.6"}
INTERMEDIATE = {"color": "#999999"}
OPERATOR = {"style": "rounded,filled", "fillcolor": "#eeeeee"}
SMALL = 'POINT-SIZE="11" COLOR="#555555"'
WIDTH = 48  # characters in a line of a formula


def graph(loss: Tensor, names: Mapping[str, Any] | None = None) -> Picture:
    """A picture of the graph that `loss` was computed by.

    Leaves and the result are coloured boxes with name and shape, and the dtype if it is not float32; what was computed
    on the way is a plain box. An operator is a pill. An edge into it says how its result depends on that input:

        ∂out/∂x = y                 the local gradient, where it is elementwise
        g · ∂out/∂x = g @ mT(y)     otherwise the vector-Jacobian product, given the upstream gradient g

    It is the line that the engine runs. A Python number in it is shown with its value, as in ∂out/∂y = x = 10, until a
    backward pass has dropped what the graph saved. No gradient flows to a constant, so it is no box; an array that a
    local gradient asks for is mentioned in the pill.

    Args:
        loss: a tensor of any shape that is part of a graph.
        names: name -> tensor or module, as in `locals()` or `dict(model.named_parameters())`; anything else in it is
            passed over. None means the variables that the caller sees. The parameters of a module `model` are named
            as in "model.0.weight". The first of several names of a tensor is the one that is shown.

    Returns:
        a `graphviz.Digraph`: `.source` is its text, `.render(outfile="loss.svg")` draws it, Jupyter shows it.

    Raises:
        TypeError: `loss` is not a tensor, or `names` not a mapping.
        RuntimeError: `loss` has no graph; or, when it is to be drawn, the program `dot` is missing.

    >>> import minigrad as mg
    >>> w = mg.tensor(0.0, requires_grad=True)
    >>> picture = mg.viz.graph(10 * w)
    >>> "∂out/∂y = x = 10" in picture.source
    True
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"viz.graph: expected a tensor, not {type(loss).__name__}")
    if loss.node is None:
        raise RuntimeError(
            "viz.graph: this tensor has no graph: no tensor that it was computed from has requires_grad=True, "
            "or it was computed under no_grad"
        )
    if names is None:
        names = variables(sys._getframe(1))
    elif not isinstance(names, Mapping):
        raise TypeError(
            f"viz.graph: names must map names to tensors or modules, as locals() does, not be {names!r:.60}"
        )
    node_names: dict[Node, str] = {}
    array_names: dict[int, str] = {}
    for name, tensor in named_tensors(names):
        array_names.setdefault(id(tensor.data), name)
        if tensor.node is not None:
            node_names.setdefault(tensor.node, name)

    picture = Picture(
        "computation",
        graph_attr={"nodesep": "0.5", "ranksep": "0.35"},
        node_attr={"shape": "box", "fontname": "Arial", "height": "0.35", "margin": "0.15,0.05", "color": "#444444"},
        edge_attr={"fontname": "Arial", "fontsize": "12", "arrowsize": "0.7", "color": "#444444"},
    )
    ids: dict[Node, str] = {}
    for i, node in enumerate(reversed(newest_first([loss.node]))):  # numbered in order of creation: the same every time
        ids[node] = f"tensor{i}"
        if node.op is not None:
            picture.node(f"op{i}", operator_label(node, array_names), **OPERATOR)
            for slot, parent in enumerate(node.inputs):
                if parent is not None:
                    picture.edge(ids[parent], f"op{i}", local_gradient(node, slot))
            picture.edge(f"op{i}", f"tensor{i}")
        look = RESULT if node is loss.node else LEAF if node.op is None else INTERMEDIATE
        picture.node(f"tensor{i}", tensor_label(node, node_names.get(node)), **look)
    return picture


class Picture(graphviz.Digraph):  # type: ignore[misc]  # graphviz has no types
    """A `graphviz.Digraph` that says what to install if the program `dot`, which draws it, is missing."""

    def render(self, *args: Any, **options: Any) -> Any:
        """Draw into a file: see `graphviz.Digraph.render`."""
        with saying_what_to_install():
            return super().render(*args, **options)

    def pipe(self, *args: Any, **options: Any) -> Any:
        """Draw into bytes or, with `encoding=`, into text: see `graphviz.Digraph.pipe`. Jupyter shows what it gives."""
        with saying_what_to_install():
            return super().pipe(*args, **options)


@contextmanager
def saying_what_to_install() -> Iterator[None]:
    """Raise a RuntimeError for a missing `dot`."""
    try:
        yield
    except graphviz.ExecutableNotFound:
        raise RuntimeError(
            "drawing needs Graphviz's program dot, which was not found: install it from https://graphviz.org/download "
            "(apt install graphviz, brew install graphviz, winget install graphviz); the picture's text, .source, does "
            "without it"
        ) from None


# -- names -----------------------------------------------------------------------------------------------------------


def variables(frame: Any) -> dict[str, Any]:
    """The variables that the code in `frame` sees, its own first, but for those whose names begin with `_`."""
    seen = {**frame.f_locals, **frame.f_globals, **frame.f_locals}  # the first sets the order, the last the values
    return {name: value for name, value in seen.items() if name[:1] != "_"}  # in Jupyter, `_` is the latest result


def named_tensors(names: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """The tensors in `names`, and the parameters of the modules in it."""
    for name, value in names.items():
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, Module):
            for path, parameter in value.named_parameters():
                yield f"{name}.{path}", parameter


# -- labels: for boxes and pills in Graphviz's HTML, for edges in its plain text -------------------------------------


def tensor_label(node: Node, name: str | None) -> str:
    """The name, if it is known, and the shape."""
    small = f"<FONT {SMALL}>{described(node)}</FONT>"
    return f"<{small}>" if name is None else f"<<B>{in_html(str(name))}</B>  {small}>"


def operator_label(node: Node, array_names: dict[int, str]) -> str:
    """The operator's name, and the arrays that it was given as constants, as far as `node` has saved them."""
    op = node.op
    assert op is not None
    lines = [f"<B>{in_html(op.name)}</B>"]
    inputs = dict(zip(op.parameters, node.inputs, strict=False))
    for name, value in saved_values(node).items():
        if name in op.parameters and inputs.get(name) is None and hasattr(value, "dtype"):
            known_as = f"{array_names[id(value)]}  " if id(value) in array_names else ""
            lines.append(f"<FONT {SMALL}>{in_html(f'{name} = {known_as}{described(value)}')}</FONT>")
    return f"<{'<BR/>'.join(lines)}>"


def in_html(text: str) -> str:
    r"""`text` as it is: Graphviz gives a meaning to backslashes too, such as a box's own id to `\N`."""
    return escape(text).replace("\\", r"\\")


def described(value: Any) -> str:
    """The shape of a node or an array, and its dtype if it is not float32."""
    return f"{value.shape}" if value.dtype == np.float32 else f"{value.shape} {value.dtype}"


def local_gradient(node: Node, slot: int) -> str:
    """The text of the local gradient for the input at `slot`, and the values of the numbers in it."""
    op = node.op
    assert op is not None
    name = op.variadic or op.parameters[slot]
    gradient, formula = op.gradients[name], formulas(op)[name]
    saved = saved_values(node)
    numbers = {asked: f"{asked} = {saved[asked]}" for asked in gradient.asks if type(saved.get(asked)) in (int, float)}
    formula = numbers.pop(formula, formula)  # "x" alone becomes "x = 10"
    left = f"∂out/∂{name}[{slot}] =" if op.variadic else f"∂out/∂{name} ="
    if gradient.is_vjp:
        left = f"g · {left}"
    lines = [f"{left} {formula}"]
    if len(lines[0]) > WIDTH:
        lines = [left, *textwrap.wrap(formula, WIDTH, break_long_words=False)]
    if numbers:
        lines.append(", ".join(numbers.values()))
    return "".join(graphviz.escape(f"  {line}") + r"\l" for line in lines)  # \l ends a line that starts at the left


def saved_values(node: Node) -> dict[str, Any]:
    """What `node` has saved, by name; nothing if a backward pass has dropped it."""
    return dict(zip(node.op.asked, node.saved, strict=True)) if node.op and node.saved else {}
