"""Chapter 10: are the gradients right? The derivative from its definition, against the one that backprop found.

f'(x) ≈ (f(x + ε) − f(x − ε)) / 2ε          central difference: its error shrinks with ε²

Next: `viz/`, pictures of graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.backend import to_numpy
from minigrad.engine import as_list, grad
from minigrad.graph import recording
from minigrad.tensor import Tensor, beside, wrap


class GradientError(AssertionError):
    """A gradient disagrees with its finite difference."""


def gradcheck(
    function: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the gradients of `function` with central differences, element by element.

    Several outputs, or one of several elements, are weighed by fixed random numbers and summed: so one backward pass
    checks them all, and errors in two of them cannot cancel. Only if the sums disagree are they looked at one by one.

    Args:
        function: takes `inputs`, returns a tensor or several.
        inputs: a tensor or several; those that require grad are checked and must be float64.
        eps: ε of the difference.
        atol, rtol: two numbers agree if |analytic − numeric| ≤ atol + rtol · |numeric|.
        raise_exception: raise if they do not agree; otherwise return False.

    Raises:
        GradientError: they disagree. It names the element of the input, that of the output, both numbers, and a kink
            if there is one.
        ValueError: nothing to check, or an input that is not float64: float32 is too coarse for differences.

    >>> import minigrad as mg
    >>> gradcheck(lambda x: x.tanh(), mg.randn(3, dtype=mg.float64, requires_grad=True))
    True
    """
    inputs = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck: none of the inputs requires grad")
    for i in checked:
        if inputs[i].dtype != np.float64:
            raise ValueError(f"gradcheck: input {i} is {inputs[i].dtype}; differences need float64, write x.double()")

    def value(*arguments: Any) -> Any:
        outputs = as_list(function(*arguments))
        if len(outputs) == 1 and outputs[0].shape == ():
            return outputs[0]
        weights = np.random.default_rng(0)
        return sum((beside(weights.uniform(0.5, 1.5, y.shape), y) * y).sum() for y in outputs)

    fresh = [Tensor(x, requires_grad=i in checked) if isinstance(x, Tensor) else x for i, x in enumerate(inputs)]
    total = value(*fresh)
    analytic: Sequence[Any] = [None]
    if isinstance(total, Tensor) and total.requires_grad:
        analytic = grad(total, [fresh[i] for i in checked], allow_unused=True)
    if all(found is None for found in analytic):
        raise ValueError("gradcheck: the outputs do not depend on the inputs, as far as the graph knows")
    for i, found in zip(checked, analytic, strict=True):
        slopes = differences(value, fresh, i, eps)
        for index in np.ndindex(inputs[i].shape):
            ours = found.data[index].item() if found is not None else 0.0
            if not agree(ours, slopes[:, *index], atol, rtol):
                if not raise_exception:
                    return False
                which, ours, (left, right) = worst_output(function, fresh, i, index, eps)
                element = f"element {list(index)} = {inputs[i].data[index].item():.6g}"
                message = f"gradcheck: input {i}, {element}{which}: the "
                message += f"gradient is {ours:.8g}, the difference quotient {(left + right) / 2:.8g}"
                if abs(right - left) > 2 * atol + rtol * abs(left + right):
                    message += f". The point sits on a kink: slope {left:.6g} to its left, {right:.6g} to its right"
                raise GradientError(message)
    return True


def agree(ours: float, slopes: Any, atol: float, rtol: float) -> bool:
    """Whether a derivative is the mean of the slopes on both sides; nan agrees with nothing."""
    numeric = sum(slopes) / 2
    return bool(abs(ours - numeric) <= atol + rtol * abs(numeric))


def worst_output(
    function: Callable[..., Any], inputs: Sequence[Any], i: int, index: tuple[int, ...], eps: float
) -> tuple[str, float, Any]:
    """The element of the outputs whose derivative by element `index` of input `i` is furthest from its differences.

    Returns:
        its name ("" if it is the only one), its derivative as backprop has it, and its slopes to the left and right.
    """
    outputs = as_list(function(*inputs))
    here = [to_numpy(y.data).copy() for y in outputs]
    sides = []
    for sign in (-1, 1):
        moved = inputs[i].data.copy()
        moved[index] += sign * eps
        there = as_list(function(*inputs[:i], wrap(moved, None), *inputs[i + 1 :]))
        sides.append([(to_numpy(y.data) - y0) / (sign * eps) for y, y0 in zip(there, here, strict=True)])
    found = []
    for k, y in enumerate(outputs):
        for place in np.ndindex(y.shape):
            ours = 0.0
            if isinstance(y, Tensor) and y.requires_grad:
                unit = np.zeros_like(y.data)
                unit[place] = 1
                (gradient,) = grad(y, inputs[i], unit, retain_graph=True, allow_unused=True)
                ours = 0.0 if gradient is None else gradient.data[index].item()
            slopes = sides[0][k][place], sides[1][k][place]
            only = len(outputs) == 1 and y.shape == ()
            found.append(("" if only else f", output {k}, element {list(place)}", ours, slopes))
    return max(found, key=lambda entry: np.nan_to_num(abs(entry[1] - sum(entry[2]) / 2), nan=np.inf))


def gradgradcheck(function: Callable[..., Any], inputs: Any, **options: Any) -> bool:
    """Compare second derivatives with differences of first ones: `gradcheck` of the gradient of `function`.

    Takes and raises what `gradcheck` does.

    >>> import minigrad as mg
    >>> gradgradcheck(lambda x: x.tanh(), mg.randn(3, dtype=mg.float64, requires_grad=True))
    True
    """
    inputs = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    with recording(False):
        outputs = function(*[Tensor(x) if isinstance(x, Tensor) else x for x in inputs])
    outputs = as_list(outputs)
    random = np.random.default_rng(1)
    upstreams = [wrap(beside(random.uniform(0.5, 1.5, y.shape), y), None).requires_grad_() for y in outputs]

    def gradients(*arguments: Any) -> Sequence[Any]:
        xs, gs = arguments[: len(inputs)], arguments[len(inputs) :]
        xs = tuple(
            x.requires_grad_() if isinstance(x, Tensor) and i.requires_grad else x
            for x, i in zip(xs, inputs, strict=True)
        )
        tracked = [(y, g) for y, g in zip(as_list(function(*xs)), gs, strict=True) if y.requires_grad]
        if not tracked:
            raise ValueError("gradgradcheck: the outputs do not depend on the inputs, as far as the graph knows")
        ys, gs = zip(*tracked, strict=True)
        wanted = [x for x in xs if isinstance(x, Tensor) and x.requires_grad]
        found = grad(ys, wanted, gs, create_graph=True, allow_unused=True)
        return [g for g in found if g is not None]

    return gradcheck(gradients, (*inputs, *upstreams), **options)


def differences(function: Callable[..., Any], inputs: Sequence[Any], i: int, eps: float) -> Any:
    """Slopes of `function`, which gives one number, to the left and to the right of each element of input `i`."""
    x = inputs[i].data
    slopes = np.zeros((2, *x.shape))
    here = float(function(*inputs))
    for index in np.ndindex(x.shape):
        for side, sign in enumerate((-1, 1)):
            moved = x.copy()
            moved[index] += sign * eps
            slopes[side, *index] = (float(function(*inputs[:i], wrap(moved, None), *inputs[i + 1 :])) - here) / (
                sign * eps
            )
    return slopes
