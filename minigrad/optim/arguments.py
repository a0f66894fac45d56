"""Arguments asked for by name: what a rule or a schedule names after the star, its constructor takes and checks."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

INTERVALS: dict[Any, Callable[[float], bool]] = {
    "[0, inf)": lambda x: 0 <= x < math.inf,
    "(0, inf)": lambda x: 0 < x < math.inf,
    "[0, 1)": lambda x: 0 <= x < 1,
    "[0, 1]": lambda x: 0 <= x <= 1,
    "(0, 1]": lambda x: 0 < x <= 1,
}


def signature(first: str, method: Callable[..., Any], last: inspect.Parameter) -> inspect.Signature:
    """That of a constructor: `first`, what `method` names after the star, and `last`."""
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    asked = [p for p in inspect.signature(method).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return inspect.Signature([inspect.Parameter(first, either), *[p.replace(kind=either) for p in asked], last])


def bound(owner: str, signature: inspect.Signature, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """All arguments by name."""
    try:
        arguments = signature.bind(*args, **named)
    except TypeError as error:
        raise TypeError(f"{owner}: {error}; it takes {signature}") from None
    arguments.apply_defaults()
    return arguments.arguments


def checked(owner: str, name: str, value: Any, wanted: Mapping[str, Any]) -> Any:
    """The value, if it is what is wanted by that name; a number as Python's own, which never promotes float32.

    `wanted` has the interval of a number, the least of a whole number, the choices of a word. Other names are free.
    """
    want = wanted.get(name)
    if value.__class__ is bool or (value.__class__ is float and want in INTERVALS and INTERVALS[want](value)):
        return value
    if name == "betas":
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise ValueError(f"{owner}: betas must be two numbers, not {value!r:.60}")
        return tuple([checked(owner, f"beta{i}", beta, wanted) for i, beta in enumerate(value, 1)])
    if name == "milestones":
        epochs = [epoch.item() if hasattr(epoch, "item") else epoch for epoch in value]
        if not all(isinstance(epoch, int) and epoch > 0 for epoch in epochs) or epochs != sorted(set(epochs)):
            raise ValueError(f"{owner}: milestones must be whole numbers above 0 that increase, not {value!r:.60}")
        return epochs
    value = value.item() if hasattr(value, "item") else value
    if isinstance(want, tuple) and value not in want:
        raise ValueError(f"{owner}: {name} must be one of {want}, not {value!r:.60}")
    if isinstance(want, int) and not (isinstance(value, int) and value >= want):
        raise ValueError(f"{owner}: {name} must be a whole number of at least {want}, not {value!r:.60}")
    if not isinstance(want, str):
        return value
    if not isinstance(value, int | float):
        raise TypeError(f"{owner}: {name} must be a number, not {value!r:.60}")
    if not INTERVALS[want](value):
        raise ValueError(f"{owner}: {name} must be in {want}, not {value}")
    return float(value)
