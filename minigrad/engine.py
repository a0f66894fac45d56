"""Chapter 4: reverse-mode automatic differentiation. The chain rule, written once.

A backward pass visits the nodes of a graph from the newest to the oldest. At each node it knows `upstream`, the
gradient of the output with respect to the node's result, complete because everything that read the result is younger
and has been visited. For each input it multiplies upstream by the local gradient and adds the product to what the
input has received so far:

    b = a + a          a feeds b twice, and b feeds c twice. Were b's inputs visited before both contributions
    c = b + b          had reached b, half of the gradient would be lost: this is why order matters.

The same loop runs on arrays, and on tensors when the gradient is to be differentiated again (`create_graph`).

Next: `tensor.py`, the object that users hold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from minigrad import graph
from minigrad.graph import Node

if TYPE_CHECKING:
    from minigrad.op import LocalGradient
    from minigrad.tensor import Tensor


def backpropagate(
    nodes: list[Node],
    seed: dict[Node, Any],
    retain_graph: bool,
    create_graph: bool,
    targets: Collection[Node],
    prune: bool = False,
) -> dict[Node, Any]:
    """The gradients of the outputs in `seed`, each weighed by the upstream gradient that it starts with.

    Args:
        nodes: all that the outputs depend on, newest first.
        seed: output -> upstream gradient, of the node's shape and dtype: arrays, or tensors if `create_graph`.
        retain_graph: keep what the nodes have saved, so that the graph can be used again.
        create_graph: compute on tensors, so that the gradients have a graph of their own.
        targets: the nodes whose gradients are wanted.
        prune: go only where that leads to a target. All leaves as targets need no pruning: everything leads to one.

    Returns:
        node -> gradient, for those of the targets that the outputs depend on.

    Raises:
        RuntimeError: the graph was used already, or a value that it saved was overwritten. Nothing has changed then.
            An error that comes out of a gradient or a hook says at which node; the nodes visited until then have
            dropped what they saved, unless `retain_graph`.
    """
    wanted = set(targets)
    useful = None
    ends: set[Node] = set()  # targets at which the pass ends: it does not use them, it only wants their gradient
    if prune:
        nodes = leading_to(targets, nodes)
        useful = wanted.union(nodes)
        ends = wanted.difference(nodes)
    check_usable(nodes)
    watchers = recorders.get()
    rule = chain_rule_on_tensors if create_graph else chain_rule

    gradients = dict(seed)  # node -> the sum of what has reached it so far; local to this pass
    own_buffer: set[Node] = set()  # nodes whose sum is an array that this pass has made, safe to add into
    try:
        for node in nodes:
            if node not in gradients:  # a `Function` has said that what was computed from it has no influence
                continue
            if node.hooks:
                gradients[node] = node.hooks(node, gradients[node])
            if node.op is None:
                continue
            upstream = gradients[node] if node in wanted else gradients.pop(node)
            saved = node.op.saved_as_tensors(node) if create_graph else node.saved
            for slot, (parent, gradient) in enumerate(zip(node.inputs, node.op.by_slot)):  # noqa: B905 -- *arrays: no end
                if parent is None or (useful is not None and parent not in useful):
                    continue
                contribution = rule(node, slot, gradient, saved, upstream)
                if contribution is None:
                    continue
                before = gradients.get(parent)
                if before is None:
                    gradients[parent] = contribution
                elif parent in own_buffer and not create_graph and not watchers:
                    gradients[parent] += contribution
                else:
                    gradients[parent] = before + contribution
                    own_buffer.add(parent)
                if watchers:
                    step = Step(node, slot, upstream, contribution, before, gradients[parent])
                    for see in watchers:
                        see(step)
            if not retain_graph:
                node.saved = None
        for node in ends.intersection(gradients):
            if node.hooks:
                gradients[node] = node.hooks(node, gradients[node])
    except Exception as error:
        hint = "" if node in graph.lines else "; inside autograd.detect_anomaly() this says by which line it was made"
        error.add_note(f"This happened in a backward pass, at {node}{hint}.")
        raise
    return gradients


def chain_rule(node: Node, slot: int, gradient: LocalGradient, saved: Any, upstream: Any) -> Any:
    """Upstream gradient times local gradient, in the shape and dtype of the input at `slot`."""
    if gradient.constant is not None:
        contribution = upstream if gradient.constant == 1 else upstream * gradient.constant
    elif gradient.is_vjp:
        contribution = gradient(saved, upstream, slot)
    else:
        contribution = gradient.times_upstream(saved, upstream, slot)
    if contribution is None and gradient.may_be_none:
        return None
    parent: Any = node.inputs[slot]
    if contribution.shape != parent.shape:
        contribution = unbroadcast(node, contribution, parent.shape)
    if contribution.dtype != parent.dtype:
        contribution = contribution.astype(parent.dtype)
    return contribution


def chain_rule_on_tensors(*step: Any) -> Any:
    """`chain_rule`, where the local gradient must not leave the graph."""
    token = graph.inside_a_rule.set(True)
    try:
        return chain_rule(*step)
    finally:
        graph.inside_a_rule.reset(token)


def unbroadcast(node: Any, gradient: Any, shape: tuple[int, ...]) -> Any:
    """Undo broadcasting: an element that was used many times gets the sum of the gradients of its uses."""
    added = gradient.ndim - len(shape)
    stretched = [axis + added for axis, size in enumerate(shape) if size == 1]
    if added < 0 or any(size not in (1, gradient.shape[axis + added]) for axis, size in enumerate(shape)):
        raise RuntimeError(f"{node.op.name}: a local gradient has shape {gradient.shape}, its input {shape}")
    summed = graph.Tensor.sum(gradient, (*range(added), *stretched))  # the operator: for arrays and tensors alike
    return summed if summed.shape == shape else summed.reshape(shape)


def check_usable(nodes: list[Node]) -> None:
    """Raise if one of the nodes has dropped what it saved, or saved what was overwritten since."""
    for node in nodes:
        if node.saved is None:
            cure = "run the forward pass again, or pass retain_graph=True the first time"
            raise RuntimeError(f"backward: this graph was used already, and {node} has dropped what it saved: {cure}")
        if node.ticket < graph.last_write:
            graph.check_not_stale(node)


def newest_first(outputs: Iterable[Node]) -> list[Node]:
    """All nodes that `outputs` depend on, newest first: a topological order, found without recursion."""
    seen = set(outputs)
    to_visit = list(seen)
    while to_visit:
        for parent in to_visit.pop().inputs:
            if parent is not None and parent not in seen:
                seen.add(parent)
                to_visit.append(parent)
    return sorted(seen, key=attrgetter("ticket"), reverse=True)


def leading_to(targets: Iterable[Node], nodes: list[Node]) -> list[Node]:
    """Those of `nodes` (newest first) that read one of `targets`, or read what was computed from one."""
    useful = set(targets)
    leading = []
    for node in reversed(nodes):
        if any(parent in useful for parent in node.inputs):
            useful.add(node)
            leading.append(node)
    return leading[::-1]


# -- a recorder may watch --------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """What a recorder is told: one contribution to the gradient of one input."""

    node: Node
    slot: int
    upstream: Any
    contribution: Any
    before: Any
    after: Any


recorders: ContextVar[tuple[Callable[[Step], None], ...]] = ContextVar("minigrad_recorders", default=())


@contextmanager
def record(see: Callable[[Step], None]) -> Iterator[None]:
    """Call `see(step)` for every step of the backward passes inside: `with record(steps.append): loss.backward()`."""
    token = recorders.set((*recorders.get(), see))
    try:
        yield
    finally:
        recorders.reset(token)


# -- two front doors: `.grad` of the leaves, or gradients returned ---------------------------------------------------


def backward(
    output: Tensor, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False
) -> None:
    """Add to `.grad` of every leaf that `output` depends on the gradient of `output`; see `Tensor.backward`."""
    seed = seeds("backward", [output], [gradient], create_graph)
    nodes = newest_first(seed)
    to_fill = {node: node.tensor() for node in nodes if node.tensor is not None}
    for tensor in to_fill.values():
        if tensor is not None and tensor.grad is not None and not fits(tensor.grad, tensor):
            found = f"{tensor.grad!r:.60}"
            raise ValueError(f"backward: a tensor of shape {tensor.shape} has a .grad that does not fit: {found}")
    retain_graph = create_graph if retain_graph is None else retain_graph
    with graph.recording(create_graph):
        gradients = backpropagate(nodes, seed, retain_graph, create_graph, to_fill)
        for node, new in separate(gradients, seed).items():
            tensor = to_fill[node]
            if tensor is not None:
                if new.is_cuda != tensor.is_cuda:  # the leaf has moved since the graph was made
                    new = new.to(tensor.device)
                tensor.grad = new if tensor.grad is None else tensor.grad + new


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of `outputs` with respect to `inputs`. No `.grad` is touched.

    Args:
        outputs: a tensor, or several.
        inputs: the tensor or tensors, leaves or not, to differentiate by.
        grad_outputs: upstream gradients, one for each output and of its shape; may be left out for outputs of one
            element.
        retain_graph: keep the graph for another pass; None means the same as `create_graph`.
        create_graph: record the computation of the gradients, so that they can be differentiated again.
        only_inputs: accepted for PyTorch's scripts; no `.grad` is ever touched.
        allow_unused: give None for an input that the outputs do not depend on, rather than raise.

    Returns:
        a tuple with one tensor for each input, of the input's shape and dtype.

    Raises:
        RuntimeError: an output or an input has no graph, an input is unused, or the graph was used already.
        TypeError: an output or an input is not a tensor.
        ValueError: not one of `grad_outputs` for each output, or one of another shape.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (slope,) = mg.grad(x**3, x, create_graph=True)
    >>> slope, *mg.grad(slope, x)
    (tensor(27., grad_fn=<multiply>), tensor(18.))
    """
    outputs, inputs = as_list(outputs), as_list(inputs)
    grad_outputs = [None] * len(outputs) if grad_outputs is None else as_list(grad_outputs)
    if len(grad_outputs) != len(outputs):
        raise ValueError(f"grad: {len(outputs)} outputs but {len(grad_outputs)} grad_outputs")
    seed = seeds("grad", outputs, grad_outputs, create_graph)
    nodes = newest_first(seed)
    reached = set(nodes)
    targets = []
    for i, tensor in enumerate(inputs):
        if not isinstance(tensor, graph.Tensor):
            raise TypeError(f"grad: input {i} is a {type(tensor).__name__}, not a tensor")
        targets.append(tensor.node)
        if tensor.node is None:
            raise RuntimeError(f"grad: input {i} does not require grad; make it with requires_grad=True")
        if tensor.node not in reached and not allow_unused:
            raise RuntimeError(f"grad: the outputs do not depend on input {i}; allow_unused=True gives None for it")
    retain_graph = create_graph if retain_graph is None else retain_graph
    with graph.recording(create_graph):
        gradients = backpropagate(nodes, seed, retain_graph, create_graph, targets, prune=True)
        found = separate({node: gradients[node] for node in targets if node in gradients}, seed)
        repeated = len(set(targets)) < len(targets)
        return tuple([found[n].clone() if n in found and repeated else found.get(n) for n in targets])


def fits(gradient: Any, tensor: Tensor) -> bool:
    """Whether gradients of this tensor can be added to this one: a tensor of the same shape on the same device."""
    return all(getattr(gradient, what, None) == getattr(tensor, what) for what in ("shape", "is_cuda"))


def as_list(tensors: Any) -> list[Any]:
    """A list of what may be a single tensor, array or number."""
    return list(tensors) if isinstance(tensors, list | tuple | Iterator) else [tensors]


def seeds(caller: str, outputs: Sequence[Tensor], gradients: Sequence[Any], as_tensors: bool) -> dict[Node, Any]:
    """Where a backward pass starts: the node of each output, with its upstream gradient."""
    start: dict[Node, Any] = {}
    for i, (output, gradient) in enumerate(zip(outputs, gradients, strict=True)):
        if not isinstance(output, graph.Tensor):
            raise TypeError(f"{caller}: output {i} is a {type(output).__name__}, not a tensor")
        if output.node is None:
            cure = "make a leaf with requires_grad=True, or ask autograd.why_no_grad where the path to it ended"
            raise RuntimeError(f"{caller}: the output does not require grad: {cure}")
        if gradient is None:
            if output.numel() != 1:
                cure = f"reduce it first, as in output.sum(), or give a gradient of shape {output.shape}"
                raise RuntimeError(f"{caller}: the output is no single number but has shape {output.shape}: {cure}")
            gradient = output.new_ones(output.shape)
        if not isinstance(gradient, graph.Tensor):
            gradient = graph.Tensor(gradient, output.dtype, device=output.device)
        if gradient.shape != output.shape:
            raise ValueError(f"{caller}: the output has shape {output.shape}, the gradient given {gradient.shape}")
        if gradient.is_cuda != output.is_cuda:
            problem = f"the output is on {output.device}, the gradient given on {gradient.device}"
            raise RuntimeError(f"{caller}: {problem}: see t.to(...)")
        gradient = gradient.astype(output.dtype) if gradient.dtype != output.dtype else gradient
        gradient = gradient if as_tensors else gradient.data
        start[output.node] = start[output.node] + gradient if output.node in start else gradient
    return start


def separate(gradients: dict[Node, Any], seed: dict[Node, Any]) -> dict[Node, Tensor]:
    """The gradients as tensors that share no memory: not with each other, the graph, the seed or a recorder's steps."""
    shown = bool(recorders.get())
    taken = {id(as_tensor(gradient).data) for gradient in seed.values()}
    tensors = {}
    for node, gradient in gradients.items():
        tensor = as_tensor(gradient)
        array = tensor.data
        tensors[node] = tensor.clone() if shown or id(array) in taken or array.base is not None else tensor
        taken.add(id(array))
    return tensors


def as_tensor(gradient: Any) -> Tensor:
    """A tensor around an array; a tensor as it is."""
    return gradient if isinstance(gradient, graph.Tensor) else graph.wrap(gradient, None)
