"""Chapter 10: are the gradients right? The derivative from its definition, against the one that backprop found.

f'(x) ≈ (f(x + ε) − f(x − ε)) / 2ε          central difference: its error shrinks with ε²

Next: `viz/`, pictures of graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.engine import grad
from minigrad.graph import no_grad
from minigrad.tensor import Tensor


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

    Several outputs, or one of several elements, are first weighed by fixed random numbers and summed: so errors in two
    of them cannot cancel.

    Args:
        function: takes `inputs`, returns a tensor or several.
        inputs: a tensor or several; those that require grad are checked and must be float64.
        eps: ε of the difference.
        atol, rtol: two numbers agree if |analytic − numeric| ≤ atol + rtol · |numeric|.
        raise_exception: raise if they do not agree; otherwise return False.

    Raises:
        GradientError: they disagree. It names the input, the element, both numbers, and a kink if there is one.
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
        outputs = function(*arguments)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        if len(outputs) == 1 and outputs[0].shape == ():
            return outputs[0]
        weights = np.random.default_rng(0)
        return sum((weights.uniform(0.5, 1.5, y.shape) * y).sum() for y in outputs)

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
            left, right = slopes[:, *index]
            numeric = (left + right) / 2
            ours = found.data[index] if found is not None else 0.0
            if not abs(ours - numeric) <= atol + rtol * abs(numeric):
                if not raise_exception:
                    return False
                message = (
                    f"gradcheck: input {i}, element {list(index)} = {inputs[i].data[index]:.6g}: the gradient is "
                    f"{ours:.8g}, the difference quotient {numeric:.8g}"
                )
                if abs(right - left) > 2 * (atol + rtol * abs(numeric)):
                    message += f". The point sits on a kink: slope {left:.6g} to its left, {right:.6g} to its right"
                raise GradientError(message)
    return True


def gradgradcheck(function: Callable[..., Any], inputs: Any, **options: Any) -> bool:
    """Compare second derivatives with differences of first ones: `gradcheck` of the gradient of `function`.

    Takes and raises what `gradcheck` does.

    >>> import minigrad as mg
    >>> gradgradcheck(lambda x: x.tanh(), mg.randn(3, dtype=mg.float64, requires_grad=True))
    True
    """
    inputs = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    with no_grad():
        outputs = function(*[Tensor(x) if isinstance(x, Tensor) else x for x in inputs])
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    random = np.random.default_rng(1)
    upstreams = [Tensor(random.uniform(0.5, 1.5, y.shape), requires_grad=True) for y in outputs]

    def gradients(*arguments: Any) -> Sequence[Any]:
        xs, gs = arguments[: len(inputs)], arguments[len(inputs) :]
        xs = tuple(
            x.requires_grad_() if isinstance(x, Tensor) and i.requires_grad else x
            for x, i in zip(xs, inputs, strict=True)
        )
        ys = function(*xs)
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
            slopes[side, *index] = (float(function(*inputs[:i], Tensor(moved), *inputs[i + 1 :])) - here) / (sign * eps)
    return slopes
