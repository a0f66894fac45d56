"""Why is my parameter's `.grad` None? The function here answers, with the line where the path ended.

A gradient flows back along the nodes of the graph. A tensor that has left the graph remembers nothing, so of a finished
loss one can only say which parameters it does not depend on. To learn more, the loss is computed once more while Python
reports every call of an operator and every way out of the graph (`detach`, `item`, `numpy` ...). So values are followed
where gradients cannot go. `sys.setprofile` reports that to us: while nobody asks, it costs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from minigrad.autograd.function import Function
from minigrad.engine import newest_first
from minigrad.graph import Node, is_grad_enabled, owner_of, user_line
from minigrad.op import Op
from minigrad.tensor import Tensor


def why_no_grad(loss: Any, parameters: Any) -> Missing:
    """Explain which parameters get no gradient from a loss, and why.

    Args:
        loss: a function without arguments that computes the loss, to be called once and watched, such as
            `lambda: cost(model(x), y)`. Or the loss itself: then the names are told, but not the reasons.
        parameters: a module, a dict of name -> tensor, or several tensors.

    Returns:
        a dict: name -> why there is no gradient. Printed, it is a text. Empty if every parameter gets one.

    Raises:
        TypeError: the loss is no tensor, or a parameter is none.

    >>> import minigrad as mg
    >>> w = mg.tensor(2.0, requires_grad=True)
    >>> unused = mg.tensor(3.0, requires_grad=True)
    >>> why_no_grad(lambda: (w * w).detach() + w, {"w": w, "unused": unused})
    unused gets no gradient: it was never used while the loss was computed
    """
    names = named(parameters)
    watcher = Watcher({tensor: name for name, tensor in names.items()})
    watched = callable(loss) and not isinstance(loss, Tensor)
    output = watcher.watch(loss) if watched else loss
    if not isinstance(output, Tensor):
        cure = "the loss must stay a tensor until backward(): drop .item(), float() or .numpy()"
        raise TypeError(f"why_no_grad: expected the loss as a tensor, got a {type(output).__name__}; {cure}")
    reached = newest_first([output.node]) if output.node is not None else []
    leaves = {node for node in reached if node.op is None}
    reasons = {}
    for name, tensor in names.items():
        if tensor.node is None:
            reasons[name] = "its requires_grad is False"
        elif tensor.node not in leaves and tensor.node not in reached:
            reasons[name] = watcher.why(name, output) if watched else UNKNOWN
    return Missing(reasons)


UNKNOWN = "the loss does not depend on it, says the graph; to learn why, pass a function that computes the loss"


class Missing(dict[str, str]):
    """Name of a parameter -> why it gets no gradient."""

    def __str__(self) -> str:
        together: dict[str, list[str]] = {}
        for name, reason in self.items():
            together.setdefault(reason, []).append(name)
        lines = [
            f"{', '.join(names)} {'gets' if len(names) == 1 else 'get'} no gradient: {reason}"
            for reason, names in together.items()
        ]
        return "\n".join(lines) or "every parameter gets a gradient from this loss"

    __repr__ = __str__


class Flow(NamedTuple):
    """Which parameters the values in some memory were computed from.

    Attributes:
        memory: the array that owns it, kept so that no other takes its place.
        alive: the names of those that a graph leads to, from a tensor in this memory.
        ended: the names of those that it led to once -> what ended it, and where.
    """

    memory: Any
    alive: set[str]
    ended: dict[str, str]


class Watcher:
    """Follows values from the parameters on, through operators and out of the graph, while a function runs."""

    def __init__(self, names: dict[Tensor, str]) -> None:
        self.leaves = {tensor.node: name for tensor, name in names.items()}
        self.reach: dict[Node, set[str]] = {}  # node -> the parameters that it was computed from
        self.flows: dict[int, Flow] = {}  # id of memory -> what is known about the values in it
        self.used: dict[str, str] = {}  # name -> where an operator first read it
        self.left: dict[str, str] = {}  # name -> where values computed from it became plain numbers or arrays
        self.detached: dict[int, str] = {}  # id of memory -> where a tensor in it was detached
        for tensor, name in names.items():
            self.flow(tensor.data).alive.add(name)
        self.seen: dict[Any, Callable[[dict[str, Any], Any], None]] = {
            Op._run.__code__: lambda local, out: self.operator(local["self"], local["args"], out),
            Function.apply.__func__.__code__: lambda local, out: self.operator(  # type: ignore[attr-defined]
                local["cls"].operator, local["args"], out
            ),
            Tensor.detach.__code__: lambda local, out: self.detach(local["self"]),
            Tensor.item.__code__: lambda local, out: self.leave(local["self"], ".item()"),
            Tensor.tolist.__code__: lambda local, out: self.leave(local["self"], ".tolist()"),
            Tensor.numpy.__code__: lambda local, out: self.leave(local["self"], ".numpy()"),
            Tensor.__init__.__code__: lambda local, out: self.copy(local["data"], local["self"], "mg.tensor(...)"),
            Tensor.__setitem__.__code__: lambda local, out: self.copy(local["value"], local["self"], "t[...] = value"),
        }

    def watch(self, function: Callable[[], Any]) -> Any:
        """Run the function, and see what it does."""

        def see(frame: Any, event: str, out: Any) -> None:
            if event == "return" and frame.f_code in self.seen:
                sys.setprofile(None)  # what is looked at here is not to be seen itself
                self.seen[frame.f_code](frame.f_locals, out)
                sys.setprofile(see)

        before = sys.getprofile()
        sys.setprofile(see)
        try:
            return function()
        finally:
            sys.setprofile(before)
            self.seen.clear()  # these functions refer to this object, and would keep it alive

    # -- what is seen ---------------------------------------------------------------------------------------------

    def operator(self, op: Op, args: tuple[Any, ...], out: Any) -> None:
        """An operator has read `args` and returned `out`; None if it raised an error."""
        line = user_line()
        alive: set[str] = set()
        ended: dict[str, str] = {}
        for arg in args:
            if not hasattr(arg, "dtype"):
                continue
            flow = self.flow(arg)
            if isinstance(arg, Tensor) and arg.node is not None:
                alive |= self.computed_from(arg.node)
            else:
                history = f"{op.name} at {line} was given it without its graph (t.data, t.detach() or t.numpy())"
                ended = {name: self.detached.get(id(flow.memory), history) for name in flow.alive} | ended
            ended = flow.ended | ended  # of two reasons the first stays
        for name in alive | ended.keys():
            self.used.setdefault(name, f"{op.name} at {line}")
        for result in out if isinstance(out, tuple) else (out,):
            if isinstance(result, Tensor) and result.node is not None:
                self.reach[result.node] = alive
                self.flow(result).alive.update(alive)
            elif hasattr(result, "dtype"):
                reason = f"{op.name} ran under no_grad"
                if not op.gradients:
                    reason = f"{op.name} has no gradient"
                elif result.dtype.kind != "f":
                    reason = f"no gradient flows through the {result.dtype} that {op.name} gives"
                elif is_grad_enabled():
                    reason = f"a result of {op.name} is marked as not differentiable"
                self.flow(result).ended.update(dict.fromkeys(alive, f"{reason}, at {line}"))
            else:
                continue
            self.flow(result).ended.update(ended)

    def detach(self, tensor: Tensor) -> None:
        if tensor.node is not None:
            self.detached[id(self.flow(tensor).memory)] = f"detach() at {user_line()} took it out of the graph"

    def leave(self, tensor: Tensor, how: str) -> None:
        line = user_line()
        for name in self.behind(tensor):
            self.left.setdefault(name, f"{how} at {line} made plain numbers of what was computed from it")

    def copy(self, source: Any, tensor: Tensor, how: str) -> None:
        if hasattr(source, "dtype") and hasattr(tensor, "data"):
            reason = f"{how} at {user_line()} copies values without their graph"
            self.flow(tensor).ended.update(
                {name: self.flow(source).ended.get(name, reason) for name in self.behind(source)}
            )

    # -- what is known --------------------------------------------------------------------------------------------

    def flow(self, value: Any) -> Flow:
        """What is known about the memory of a tensor or an array."""
        memory = owner_of(value.data if isinstance(value, Tensor) else value) if hasattr(value, "ndim") else value
        return self.flows.setdefault(id(memory), Flow(memory, set(), {}))

    def computed_from(self, node: Node) -> set[str]:
        """The names of the parameters that a node depends on."""
        if node not in self.reach:  # a leaf, or older than the watch
            self.reach[node] = {self.leaves[leaf] for leaf in newest_first([node]) if leaf in self.leaves}
        return self.reach[node]

    def behind(self, value: Any) -> set[str]:
        """The names of the parameters whose values went into this value, by graph or not."""
        node = value.node if isinstance(value, Tensor) else None
        flow = self.flow(value)
        return (self.computed_from(node) if node is not None else flow.alive) | flow.ended.keys()

    def why(self, name: str, loss: Tensor) -> str:
        """The reason that there is no path from the loss to this parameter."""
        flow = self.flow(loss)
        if name in flow.ended:
            return flow.ended[name]
        if name in flow.alive:  # the loss shares its memory with a tensor of the graph, but not its node
            return self.detached.get(id(flow.memory), "the loss itself was taken out of the graph")
        if name in self.left:
            return self.left[name]
        if name in self.used:
            return f"{self.used[name]} used it, but nothing computed from it went into the loss"
        return "it was never used while the loss was computed"


def named(parameters: Any) -> dict[str, Tensor]:
    """The parameters by name: those of a module, of a dict, or numbered."""
    if hasattr(parameters, "named_parameters"):
        found = dict(parameters.named_parameters())
    elif isinstance(parameters, Mapping):
        found = {str(name): tensor for name, tensor in parameters.items()}
    else:
        several = (
            parameters if isinstance(parameters, Iterable) and not isinstance(parameters, Tensor) else [parameters]
        )
        found = {f"parameter {i}": tensor for i, tensor in enumerate(several)}
    for name, tensor in found.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"why_no_grad: {name} is a {type(tensor).__name__}, not a tensor")
    return found
