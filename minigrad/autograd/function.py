"""`Function`: an operator whose gradient is written as a method, the form that PyTorch gives to operators of one's own.

`@mg.op` says the same in fewer words, one local gradient for each input. This form is for code that comes from
PyTorch, for gradients of several inputs that share work, and for operators with several results.

There is no second engine. Calling a `Function` leaves an ordinary node whose operator, a `FunctionOp`, asks `backward`
for all gradients once and hands them to the engine input by input. Several results are pieces of one flat array, the
result of that node: so the engine, too, sees one result, and one upstream gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import wraps
from itertools import accumulate, repeat
from math import prod
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import Node, inside_a_rule, is_grad_enabled, recording
from minigrad.op import LocalGradient, Op
from minigrad.tensor import Tensor, wrap


class Context:
    """What `forward` leaves for `backward`: their `ctx`. Any other attribute may be set on it too.

    Attributes:
        needs_input_grad: for each argument of `apply`, whether a gradient with respect to it may be asked for.
        saved_tensors: what was given to `save_for_backward`. In a backward pass with `create_graph` those of them that
            are arguments or results are parts of the graph, so that gradients of gradients flow through them; all
            others are constants, so save no other tensor that depends on the arguments smoothly.
    """

    needs_input_grad: tuple[bool, ...] = ()
    saved_tensors: tuple[Any, ...] = ()

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._constant: tuple[Tensor, ...] = ()  # results that were marked as not differentiable
        self._parents: tuple[Node, ...] = ()  # the nodes of the arguments, in a backward pass with create_graph

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep these tensors for `backward`, where `ctx.saved_tensors` has them. Call it once, with all of them.

        Raises:
            TypeError: one of them is neither a tensor nor None: keep such things as `ctx.name = value`.
        """
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                kind = type(tensor).__name__
                raise TypeError(f"save_for_backward takes tensors, not a {kind}: write ctx.name = value for it")
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Give these results no gradient. Results that are integers or bools have none anyway."""
        self._constant = tensors


class Function:
    """An operator of your own: a subclass with two static methods, called by `apply`.

    `forward(ctx, *args)` computes the result, a tensor or a tuple of them, from the arguments of `apply`. It is not
    recorded. `backward(ctx, *grad_outputs)` is given the gradient with respect to each result and returns that with
    respect to each argument: a tensor of the argument's shape (or of one that broadcasting made from it), or None where
    there is none to be had. Written with tensor operations, it can be differentiated in its turn.

    As in PyTorch, `forward` may also be `forward(*args)`, with a third static method `setup_context(ctx, inputs,
    output)` that saves what is needed.

    Raises:
        TypeError: `forward` returns no tensor.
        RuntimeError: in a backward pass, `backward` does not return one gradient for each argument, or gives one to an
            argument that is no tensor.

    >>> import minigrad as mg
    >>> class Cube(mg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad_output):
    ...         (x,) = ctx.saved_tensors
    ...         return grad_output * 3 * x**2
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    operator: FunctionOp
    setup_context: Any = None

    def __init_subclass__(cls) -> None:
        cls.operator = FunctionOp(cls)

    @staticmethod
    def forward(*args: Any) -> Any:
        """The result, or a tuple of them; a subclass says how."""
        raise NotImplementedError("a Function defines a static method forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradient with respect to each argument, or None; a subclass says how."""
        raise NotImplementedError("a Function defines a static method backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run `forward` on these arguments and, if one of them requires grad, record it as one step."""
        ctx = Context(tuple([isinstance(arg, Tensor) and arg.requires_grad for arg in args]))
        with recording(False):
            if cls.setup_context is None:
                returned = cls.forward(ctx, *args)
            else:
                returned = cls.forward(*args)
                cls.setup_context(ctx, args, returned)
        outputs = returned if isinstance(returned, tuple) else (returned,)
        if not any(isinstance(output, Tensor) for output in outputs):
            kinds = ", ".join(type(output).__name__ for output in outputs)
            raise TypeError(f"{cls.__name__}.forward must return a tensor, or a tuple of tensors; it returned {kinds}")
        results = cls.operator.recorded(ctx, args, outputs)
        return results if isinstance(returned, tuple) else results[0]


class Form(NamedTuple):
    """What a result looks like."""

    shape: tuple[int, ...]
    dtype: Any


class Call(NamedTuple):
    """What a node saves of one call of a `Function`.

    Attributes:
        saved_tensors: the arrays given to `save_for_backward`.
        flat: the node's result, if a piece of it is among them.
        sources: for each of them, which argument (0, 1, ...) or which piece of the result (-1, -2, ...) it is, or None.
        ctx: the context, without them.
        outputs: the forms of the results; None for one that is no tensor.
        differentiable: the positions of those results that are pieces of the node's result.
        arguments: the devices of the arguments; None for one that is no tensor.
    """

    saved_tensors: tuple[Any, ...]
    flat: Any
    sources: tuple[int | None, ...]
    ctx: Context
    outputs: tuple[Form | None, ...]
    differentiable: tuple[int, ...]
    arguments: tuple[Any, ...]

    @property
    def pieces(self) -> list[Any]:
        """The forms of the pieces of the node's result."""
        return [self.outputs[i] for i in self.differentiable]


class FunctionOp(Op):
    """A `Function` as the operator of a node: what the engine asks an operator for."""

    def __init__(self, function: type[Function]) -> None:
        self.function = function
        self.name = self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.forward = function.forward
        self.variadic = "args"
        self.parameters = ("args",)
        self.gradients = {"args": Backward(function)}
        self.asked = Call._fields

    @property
    def by_slot(self) -> Any:  # type: ignore[override]
        """One gradient for all arguments; a new one for each visit of a node, for it remembers what it was told."""
        return repeat(Backward(self.function))

    def recorded(self, ctx: Context, args: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The outputs as results of `apply`: those that are differentiable become pieces of the result of one node."""
        results = [output.detach() if isinstance(output, Tensor) else output for output in outputs]
        differentiable = [
            i
            for i, output in enumerate(outputs)
            if isinstance(output, Tensor) and output.dtype.kind == "f" and place(output, ctx._constant) is None
        ]
        if not differentiable or not is_grad_enabled() or not any(ctx.needs_input_grad):
            return tuple(results)

        arrays = [outputs[i].data for i in differentiable]
        flat = arrays[0] if len(arrays) == 1 else np.concatenate([array.ravel() for array in arrays])
        saved, sources = [], []
        for tensor in ctx.saved_tensors:
            source = place(tensor, args)
            piece = place(tensor, [outputs[i] for i in differentiable])
            if source is None and piece is not None:
                source = -1 - piece
                saved.append(pieces(flat, arrays)[piece])
            else:
                saved.append(None if tensor is None else tensor.data)
            sources.append(source)
        ctx.saved_tensors = ()
        call = Call(
            saved_tensors=tuple(saved),
            flat=flat if any(source is not None and source < 0 for source in sources) else None,
            sources=tuple(sources),
            ctx=ctx,
            outputs=tuple([Form(out.shape, out.dtype) if isinstance(out, Tensor) else None for out in outputs]),
            differentiable=tuple(differentiable),
            arguments=tuple([arg.device if isinstance(arg, Tensor) else None for arg in args]),
        )
        node = Node(self, [arg.node if isinstance(arg, Tensor) else None for arg in args], call, flat)
        for i, piece_of_node in zip(differentiable, pieces(wrap(flat, node), arrays), strict=True):
            results[i] = piece_of_node
        return tuple(results)

    def saved_as_tensors(self, node: Node) -> tuple[Any, ...]:
        """What `node` saved, with the saved tensors as parts of the graph."""
        call = Call(*(node.saved or ()))
        tensors = [None if array is None else wrap(array, None) for array in call.saved_tensors]
        for k, source in enumerate(call.sources):
            if source is not None and source >= 0:
                tensors[k] = wrap(call.saved_tensors[k], node.inputs[source])
            elif source is not None:
                tensors[k] = pieces(wrap(call.flat, node), call.pieces)[-1 - source]
        ctx = copy(call.ctx)
        ctx._parents = tuple([parent for parent in node.inputs if parent is not None])
        return call._replace(saved_tensors=tuple(tensors), ctx=ctx)


class Backward(LocalGradient):
    """The gradients of one call of a `Function`: `backward` is run when the first of them is asked for."""

    may_be_none = True

    def __init__(self, function: type[Function]) -> None:
        self.name = f"{function.__name__}.backward"
        self.rule = function.backward
        self.constant = None
        self.asks = ("ctx", "g")
        self.is_vjp = True
        self._found: list[Tensor | None] = []

    def __call__(self, saved: tuple[Any, ...], g: Any, i: int) -> Any:
        """The gradient with respect to argument `i`."""
        if not self._found:
            self._found = self._run(Call(*saved), g if isinstance(g, Tensor) else wrap(g, None))
        gradient = self._found[i]
        return gradient if gradient is None or isinstance(g, Tensor) else gradient.data

    def _run(self, call: Call, upstream: Tensor) -> list[Tensor | None]:
        """Call `backward`, and check that it returns one gradient for each argument that is a tensor."""
        ctx = copy(call.ctx)  # what is unpacked for this pass must not outlive it: it may lead back to the node
        ctx.saved_tensors = tuple(
            [s if s is None or isinstance(s, Tensor) else wrap(s, None) for s in call.saved_tensors]
        )
        grad_outputs = [
            None if form is None else upstream.new_zeros(form.shape).to(form.dtype) for form in call.outputs
        ]
        for k, piece in zip(call.differentiable, pieces(upstream, call.pieces), strict=True):
            grad_outputs[k] = piece.clone()  # `backward` may write into it
        token = inside_a_rule.set(False)  # as in PyTorch, its author sees to what may be differentiated again
        try:
            returned = self.rule(ctx, *grad_outputs)
        finally:
            inside_a_rule.reset(token)

        found = list(returned) if isinstance(returned, tuple | list) else [returned]
        expected = f"{self.name} must return {len(call.arguments)} gradients, one for each argument of apply"
        surplus = found[len(call.arguments) :]
        if len(found) < len(call.arguments) or any(gradient is not None for gradient in surplus):
            raise RuntimeError(f"{expected}; it returned {len(found)}")
        for k, (gradient, device) in enumerate(zip(found, call.arguments, strict=False)):
            if gradient is not None and not isinstance(gradient, Tensor):
                raise TypeError(f"{expected}, a tensor or None; number {k} is a {type(gradient).__name__}")
            if gradient is not None and device is None:
                raise RuntimeError(f"{expected}; argument {k} is no tensor: return None for it")
            if gradient is not None and gradient.device != device:
                raise RuntimeError(f"{expected}; number {k} is on {gradient.device}, the argument on {device}")
        return found


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """For a `backward` that is not written with tensor operations: differentiating it raises, rather than be wrong.

    >>> import minigrad as mg
    >>> class Cube(mg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.array = x.detach().numpy()
    ...         return x**3
    ...
    ...     @staticmethod
    ...     @once_differentiable
    ...     def backward(ctx, grad_output):
    ...         return grad_output * 3 * ctx.array**2
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> (slope,) = mg.grad(Cube.apply(x), x, create_graph=True)
    >>> slope.item()
    12.0
    >>> try:
    ...     mg.grad(slope, x)
    ... except RuntimeError as error:
    ...     print(error)
    Cube.backward is marked once_differentiable: it has no derivative of its own
    """

    @wraps(backward)
    def once(ctx: Any, *grad_outputs: Any) -> Any:
        with recording(False):
            returned = backward(ctx, *[g.detach() if isinstance(g, Tensor) else g for g in grad_outputs])
        if not is_grad_enabled():
            return returned
        parents = [*ctx._parents, *[g.node for g in grad_outputs if isinstance(g, Tensor) and g.requires_grad]]
        found = returned if isinstance(returned, tuple | list) else [returned]
        name = ".".join(backward.__qualname__.split(".")[-2:])
        return [
            wrap(gradient.data, Node(_refusal, parents, (name,), gradient))
            if isinstance(gradient, Tensor)
            else gradient
            for gradient in found
        ]

    return once


def _refuse(g: Any, name: str) -> Any:
    raise RuntimeError(f"{name} is marked once_differentiable: it has no derivative of its own")


def _once(*results: Any, name: str) -> Any:
    return results[0]  # pragma: no cover -- only its gradient is ever asked for


_refusal = Op(_once, (), (), {"results": _refuse})


def pieces(flat: Any, forms: Sequence[Any]) -> list[Any]:
    """The flat array or tensor cut into pieces of the shapes and dtypes of `forms`; one alone never was flat."""
    if len(forms) == 1:
        return [flat]
    cut = []
    for end, form in zip(accumulate(prod(form.shape) for form in forms), forms, strict=True):
        piece = flat[end - prod(form.shape) : end].reshape(form.shape)
        cut.append(piece if piece.dtype == form.dtype else piece.astype(form.dtype))
    return cut


def place(tensor: Any, things: Sequence[Any]) -> int | None:
    """Where the very same tensor stands among `things`, None if nowhere: `==` would compare elements."""
    return next((i for i, thing in enumerate(things) if thing is tensor is not None), None)
