"""Hooks: functions that see, and may change, the gradient of a tensor as soon as it is complete."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from minigrad.backend import check_beside
from minigrad.engine import as_tensor
from minigrad.graph import Node
from minigrad.tensor import Tensor, add_methods


class Hooks(OrderedDict["RemovableHandle", Callable[[Tensor], Any]]):
    """The hooks of one node, in the order in which they were registered; the engine calls it with the gradient."""

    def __call__(self, node: Node, gradient: Any) -> Any:
        """The gradient as the hooks leave it. Each sees a copy: it may write into it, and may keep it."""
        tensor = as_tensor(gradient).clone()
        for hook in list(self.values()):
            returned = hook(tensor)
            if returned is not None:
                if not isinstance(returned, Tensor):
                    raise TypeError(f"the hook {hook} must return a tensor or None, not a {type(returned).__name__}")
                if (returned.shape, returned.dtype) != (node.shape, node.dtype):
                    given = f"a gradient of {node.dtype} {node.shape} and returned {returned.dtype} {returned.shape}"
                    raise RuntimeError(f"the hook {hook} was given {given}: it must keep both dtype and shape")
                check_beside(tensor, returned, f"what the hook {hook} returned")
                tensor = returned
        tensor = tensor.clone()
        return tensor if isinstance(gradient, Tensor) else tensor.data


def register_hook(x: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call `hook` with the gradient with respect to x whenever a backward pass knows it completely.

    Args:
        hook: takes the gradient, a tensor of x's shape and dtype. Returns None, or another such tensor, with
            which the pass goes on in its place. Hooks run in the order in which they were added; then `.grad` is
            filled.

    Returns:
        a handle: `handle.remove()` takes the hook away.

    Raises:
        RuntimeError: the tensor does not require grad.

    >>> w = Tensor(2.0, requires_grad=True)
    >>> handle = w.register_hook(lambda gradient: 10 * gradient)
    >>> (w * w).backward()
    >>> w.grad
    tensor(40.)
    """
    if x.node is None:
        raise RuntimeError("register_hook: this tensor does not require grad: no gradient ever reaches it")
    if not isinstance(x.node.hooks, Hooks):
        x.node.hooks = Hooks()
    return RemovableHandle(x.node.hooks, hook)


class RemovableHandle:
    """What registering a hook gives: `handle.remove()` takes the hook away, and so does leaving `with handle:`."""

    def __init__(self, hooks: OrderedDict[RemovableHandle, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self._hooks = weakref.ref(hooks)
        hooks[self] = hook

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        (self._hooks() or OrderedDict()).pop(self, None)

    def __reduce__(self) -> Any:  # the copy of a handle, in a copied or pickled model, is one that nobody holds
        return object.__new__, (RemovableHandle,)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: Any) -> None:
        self.remove()


add_methods({"register_hook": register_hook})
