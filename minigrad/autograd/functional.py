"""Derivatives of functions of tensors: Jacobians, Hessians, and their products with vectors.

A backward pass computes vᵀJ, one row of the Jacobian at a time. The transpose trick turns it round: vᵀJ is linear in
v, so its derivative with respect to v, in direction u, is J u: two backward passes make a forward one.

All functions here take `func` and its `inputs`, a tensor or a tuple of them, and are called as in PyTorch. Inputs need
not require grad, and no `.grad` is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.engine import grad
from minigrad.graph import recording
from minigrad.ops.elementwise import clone
from minigrad.rearrange import stack
from minigrad.tensor import Tensor, wrap

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """vᵀJ: the product of a vector with the Jacobian of `func`, one backward pass.

    Args:
        func: takes the inputs, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        v: for each output a tensor of its shape; may be left out if the only output has one element.
        create_graph: record, so that both results can be differentiated.
        strict: raise if the outputs do not depend on an input; otherwise its gradient is 0.

    Returns:
        the outputs of `func`, and for each input a tensor of its shape; tuples where `func` has several.

    Raises:
        TypeError: inputs, outputs or v are not tensors.
        RuntimeError: v is missing, or does not fit; or, if `strict`, an input has no influence.

    >>> import minigrad as mg
    >>> vjp(lambda x: x**2, mg.tensor([1.0, 2.0]), mg.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    xs, outputs, ys = evaluated("vjp", func, inputs, create_graph, strict)
    vs = vectors("vjp", v, ys, "output of the function")
    found = gradients("vjp", ys, xs, vs, create_graph, strict)
    return finished((outputs, like(inputs, found)), create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """J v: the product of the Jacobian of `func` with a vector, the derivative in direction v, by two backward passes.

    Args:
        func, inputs, create_graph, strict: as for `vjp`.
        v: for each input a tensor of its shape; may be left out if the only input has one element.

    Returns:
        the outputs of `func`, and for each output a tensor of its shape; tuples where `func` returns a tuple.

    Raises:
        TypeError, RuntimeError: as `vjp`.

    >>> import minigrad as mg
    >>> jvp(lambda x: x**2, mg.tensor([1.0, 2.0]), mg.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    xs, outputs, ys = evaluated("jvp", func, inputs, create_graph, strict)
    vs = vectors("jvp", v, xs, "input")
    with recording(True):
        weights = [y.new_zeros(y.shape).requires_grad_() for y in ys]
        rows = gradients("jvp", ys, xs, weights, True, strict)  # linear in the weights, so their value is all one
    found = gradients("jvp", rows, weights, vs, create_graph, strict)
    return finished((outputs, like(outputs, found)), create_graph)


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False) -> Any:
    """The Jacobian of `func`, ∂output[i] / ∂input[j] for all elements: one backward pass for each of the output's.

    Args:
        func, inputs, create_graph, strict: as for `vjp`.

    Returns:
        a tensor of shape (*output.shape, *input.shape); with several inputs a tuple of them, one for each; with several
        outputs a tuple of those, so that `result[i][j]` belongs to output i and input j.

    Raises:
        TypeError, RuntimeError: as `vjp`.

    >>> import minigrad as mg
    >>> jacobian(lambda x: x**2, mg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    >>> by_x, by_y = jacobian(lambda x, y: x * y.sum(), (mg.ones(2), mg.ones(3)))
    >>> by_x.shape, by_y.shape
    ((2, 2), (2, 3))
    """
    xs, outputs, ys = evaluated("jacobian", func, inputs, create_graph, strict)
    result = []
    for y in ys:
        rows: list[list[Any]] = [[] for _ in xs]
        for index in np.ndindex(y.shape):
            unit = np.zeros_like(y.data)
            unit[index] = 1
            found = gradients("jacobian", [y], xs, [wrap(unit, None)], create_graph, strict, retain_graph=True)
            for row, gradient in zip(rows, found, strict=True):
                row.append(gradient)
        blocks = [
            stack(row).reshape(*y.shape, *x.shape) if row else x.new_zeros(*y.shape, *x.shape)
            for row, x in zip(rows, xs, strict=True)
        ]
        result.append(like(inputs, blocks))
    return finished(like(outputs, result), create_graph)


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False) -> Any:
    """The Hessian of `func`, which returns one number: ∂²func / ∂input[i] ∂input[j] for all elements.

    Args:
        func, inputs, create_graph, strict: as for `vjp`; `func` returns a tensor of one element.

    Returns:
        a tensor of shape (*input.shape, *input.shape); with several inputs a tuple of tuples, `result[i][j]` of shape
        (*inputs[i].shape, *inputs[j].shape).

    Raises:
        TypeError, RuntimeError: as `vjp`; and `func` does not return one number.

    >>> import minigrad as mg
    >>> hessian(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    def slopes(*xs: Any) -> Any:
        y = one_number("hessian", func(*xs))
        found = gradients("hessian", [y], list(xs), [None], True, strict)
        return tuple(found) if isinstance(inputs, tuple | list) else found[0]

    return jacobian(slopes, inputs, create_graph, strict)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """vᵀH: the product of a vector with the Hessian of `func`, which returns one number, without computing the Hessian.

    Args:
        func, inputs, create_graph, strict: as for `hessian`.
        v: for each input a tensor of its shape; may be left out if the only input has one element.

    Returns:
        the output of `func`, and for each input a tensor of its shape.

    Raises:
        TypeError, RuntimeError: as `hessian`.

    >>> import minigrad as mg
    >>> vhp(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 10.0]))
    (tensor(9.), tensor([  6., 120.]))
    """
    xs, outputs, _ = evaluated("vhp", func, inputs, create_graph, strict)
    y = one_number("vhp", outputs)
    vs = vectors("vhp", v, xs, "input")
    slopes = gradients("vhp", [y], xs, [None], True, strict)
    found = gradients("vhp", slopes, xs, vs, create_graph, strict)
    return finished((outputs, like(inputs, found)), create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """H v: the product of the Hessian of `func` with a vector. The Hessian is symmetric, so this is `vhp`.

    Takes, returns and raises what `vhp` does.

    >>> import minigrad as mg
    >>> hvp(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 10.0]))
    (tensor(9.), tensor([  6., 120.]))
    """
    return vhp(func, inputs, v, create_graph, strict)


# -- steps that they share -------------------------------------------------------------------------------------------


def evaluated(
    caller: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool
) -> tuple[list[Tensor], Any, list[Tensor]]:
    """The inputs as tensors of a graph of their own, what `func` returns for them, and that as a list.

    With `create_graph` they hang on the graph of the inputs given, so that gradients can flow back into it.
    """
    xs = []
    with recording(True):
        for i, x in enumerate(listed(inputs)):
            if not isinstance(x, Tensor):
                raise TypeError(f"{caller}: input {i} is a {type(x).__name__}, not a tensor")
            xs.append(clone(x) if create_graph and x.requires_grad else Tensor(x, requires_grad=True))
        outputs = func(*xs)
    ys = listed(outputs)
    for i, y in enumerate(ys):
        if not isinstance(y, Tensor):
            raise TypeError(f"{caller}: output {i} of the function is a {type(y).__name__}, not a tensor")
        if strict and not y.requires_grad:
            raise RuntimeError(f"{caller}: output {i} of the function does not depend on the inputs, says the graph")
    return xs, outputs, ys


def gradients(
    caller: str,
    ys: Sequence[Any],
    xs: Sequence[Any],
    vs: Sequence[Any],
    create_graph: bool,
    strict: bool,
    retain_graph: bool | None = None,
) -> list[Tensor]:
    """vᵀ ∂ys/∂xs, one tensor for each x: zeros where there is no influence, or, if `strict`, an error."""
    tracked = [i for i, y in enumerate(ys) if y.requires_grad]
    found: Sequence[Tensor | None] = [None] * len(xs)
    if tracked:
        upstream = [vs[i] for i in tracked]
        found = grad([ys[i] for i in tracked], xs, upstream, retain_graph, create_graph, allow_unused=True)
    for i, gradient in enumerate(found):
        if strict and gradient is None:
            raise RuntimeError(f"{caller}: what is differentiated does not depend on input {i}, says the graph")
    return [x.new_zeros(x.shape) if g is None else g for x, g in zip(xs, found, strict=True)]


def vectors(caller: str, v: Any, wanted: list[Tensor], what: str) -> list[Any]:
    """v as a list of tensors like those in `wanted`; 1 if it is left out for a single number."""
    if v is None:
        if len(wanted) != 1 or wanted[0].numel() != 1:
            raise RuntimeError(f"{caller}: v may be left out only if the only {what} has one element")
        return [wanted[0].new_ones(wanted[0].shape)]
    vs = listed(v)
    if len(vs) != len(wanted):
        raise RuntimeError(f"{caller}: v has {len(vs)} tensors; it needs one for each {what}: {len(wanted)}")
    for i, (vector, like_this) in enumerate(zip(vs, wanted, strict=True)):
        if not isinstance(vector, Tensor):
            raise TypeError(f"{caller}: v[{i}] is a {type(vector).__name__}, not a tensor")
        if vector.shape != like_this.shape:
            raise RuntimeError(f"{caller}: v[{i}] has shape {vector.shape}, the {what} {like_this.shape}")
    return vs


def one_number(caller: str, output: Any) -> Tensor:
    """The output, if it is a tensor of one element."""
    ys = listed(output)
    if len(ys) != 1 or not isinstance(ys[0], Tensor) or ys[0].numel() != 1:
        shown = ys[0].shape if len(ys) == 1 and isinstance(ys[0], Tensor) else f"{len(ys)} outputs"
        raise RuntimeError(f"{caller}: the function must return one number; it returned {shown}")
    return ys[0]


def listed(tensors: Any) -> list[Any]:
    """A list of what may be one tensor."""
    return list(tensors) if isinstance(tensors, tuple | list) else [tensors]


def like(model: Any, tensors: list[Any]) -> Any:
    """A tuple if `model` is several tensors, otherwise the only one."""
    return tuple(tensors) if isinstance(model, tuple | list) else tensors[0]


def finished(result: Any, create_graph: bool) -> Any:
    """The result; without its graph, unless that was asked for."""
    if create_graph:
        return result
    return tuple([finished(part, False) for part in result]) if isinstance(result, tuple | list) else result.detach()
