"""Chapter 1: the computation graph.

Running `y = w * x` computes a value and, if `w` requires grad, leaves a `Node` behind: which operator ran, which
nodes it read, and the few values that its local gradients will ask for. Nodes point only backwards, from a result to
what it was made of, so a graph is freed by reference counting alone the moment its last result is dropped.

This file knows nothing of derivatives: it says what a node is, who wants to see its gradient, whether recording is on,
and whether a value that a node has saved was written over since.

Next: `op.py`, what an operator is.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minigrad.op import Op

# The one knot of the house: an operator wraps its result in a Tensor, and Tensor's methods are operators.
# Chapter 5 ties it when it is imported, by setting these two names.
Tensor: Any = None
wrap: Callable[[Any, Node | None], Any]

_tickets = count(1)


class Node:
    """One step of a computation: the result of an operator, or a leaf.

    Attributes:
        op: the operator that ran; None for a leaf.
        inputs: for each argument of `op`, the node it came from, or None where no gradient flows. Empty for a leaf.
        saved: what the local gradients asked for, in the order of `op.asked`; None once a backward pass has dropped it.
        shape, dtype: of the result.
        ticket: creation order. A node is always younger than what it read, so "newest first" is a topological order.
        tensor: a weak reference to the Tensor whose `.grad` is to be filled: a leaf, or one with `retain_grad()`; for
            all others None. Weak, for a graph must not keep its own leaves alive.
        hooks: called with the gradient when it is complete, to return what takes its place; see `autograd/hooks.py`.
    """

    __slots__ = ("__weakref__", "dtype", "hooks", "inputs", "op", "saved", "shape", "tensor", "ticket")

    op: Op | None
    inputs: Sequence[Node | None]
    saved: tuple[Any, ...] | None
    shape: tuple[int, ...]
    dtype: Any
    ticket: int
    tensor: weakref.ref[Tensor] | None
    hooks: Callable[[Node, Any], Any] | None

    def __init__(self, op: Op | None, inputs: Sequence[Node | None], saved: tuple[Any, ...], out: Any) -> None:
        self.op = op
        self.inputs = inputs
        self.saved = saved
        self.shape = out.shape
        self.dtype = out.dtype
        self.ticket = next(_tickets)
        self.tensor = None
        self.hooks = None
        if line_wanted:
            lines[self] = user_line()

    @classmethod
    def leaf(cls, tensor: Tensor) -> Node:
        """The node of a tensor that nobody computed: where gradients end and `.grad` is filled."""
        node = cls(None, (), (), tensor.data)
        node.tensor = weakref.ref(tensor)
        return node

    def __repr__(self) -> str:
        name = self.op.name if self.op else "leaf"
        line = f", made at {lines[self]}" if self in lines else ""
        return f"<Node {self.ticket}: {name}, {self.dtype} {self.shape}{line}>"


# Whoever wants new nodes to remember the user's line that made them, as anomaly mode does; and node -> its line.
line_wanted: list[Any] = []
lines: weakref.WeakKeyDictionary[Node, str] = weakref.WeakKeyDictionary()


# ---------------------------------------------------------------------------------------------------------------------
# The recording switch. A context variable rather than a global: each thread and each async task has its own.

_recording: ContextVar[bool] = ContextVar("minigrad_recording", default=True)
_outside: ContextVar[Any] = ContextVar("minigrad_outside", default=())  # what held around each `with`: (this, rest)
is_grad_enabled, set_recording = _recording.get, _recording.set


class recording:
    """Record inside `with recording(True):`, or not. What users write, `no_grad()`, is in `autograd/grad_mode.py`.

    It holds no state of its own, so one object may be entered again, also inside itself or by several threads.
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __enter__(self) -> None:
        _outside.set((_recording.get(), _outside.get()))
        _recording.set(self.enabled)

    def __exit__(self, *error: Any) -> None:
        before, rest = _outside.get() or (True, ())  # empty if this is left in another context than it was entered in
        _recording.set(before)
        _outside.set(rest)


# Whether a local gradient is being computed on tensors. Its text must not leave the graph then: what math.cos(x) gives
# has no derivative, and gradients of gradients would be silently wrong.
inside_a_rule: ContextVar[bool] = ContextVar("minigrad_inside_a_rule", default=False)


# ---------------------------------------------------------------------------------------------------------------------
# Version stamps. A node saves arrays without copying them. Should someone write into such an array before the backward
# pass, the gradient would be silently wrong. So every in-place write through minigrad takes a ticket too, noted for the
# memory that it went to (views share it): a value is stale if its memory was written after its node was made.

_writes: dict[int, tuple[weakref.ref[Any], int, str]] = {}
last_write = 0
_clock = Lock()


def owner_of(array: Any) -> Any:
    """The array that owns the memory: the end of the chain of views."""
    while hasattr(array.base, "base"):  # a sliding window's base is no array, but leads to one
        array = array.base
    return array


def note_write(*arrays: Any) -> None:
    """Remember that these arrays are being written in place, and by which line."""
    global last_write
    with _clock:  # another thread must not set the clock back
        last_write = next(_tickets)
    line = user_line()
    for array in arrays:
        owner = owner_of(array)
        key = id(owner)
        known = _writes.get(key)
        alive = known[0] if known else weakref.ref(owner, partial(_writes.pop, key))  # when it dies, forget it
        _writes[key] = (alive, last_write, line)


def check_not_stale(node: Node) -> None:
    """Raise if a value that `node` saved was overwritten after the node was made.

    In ordinary training every write is older than every node: compare `node.ticket` with `last_write` first.
    """
    op: Any = node.op
    for name, saved in zip(op.asked if op else (), node.saved or (), strict=True):
        for value in saved if isinstance(saved, tuple) else [saved]:
            write = _writes.get(id(owner_of(value))) if hasattr(value, "base") else None
            if write and write[1] > node.ticket:
                raise RuntimeError(
                    f"{op.name}: its {name} (shape {value.shape}), which the backward pass needs, was overwritten in "
                    f"place at {write[2]}, after the forward pass had read it. Call backward() before you write, or "
                    f"write into a copy: t.clone()"
                )


def user_line() -> str:
    """`file:line` of the innermost caller outside minigrad."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "minigrad":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
