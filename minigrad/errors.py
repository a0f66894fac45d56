"""Errors that say what was called with what, and the names by which PyTorch calls the same things.

Nothing here is about gradients: a room to look things up in, used by all chapters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from minigrad.backend import APART, apart, on_host

# What bad arguments raise. An error of NumPy's may be an IndexError and a ValueError at once: the first here is taken.
MISTAKES = (IndexError, ValueError, OverflowError, ZeroDivisionError, TypeError, AttributeError, RecursionError)


def explained(error: Exception, function: Any, arguments: dict[str, Any]) -> Exception:
    """The error, with the function that was called, its arguments, and the lines that it has come through."""
    given = ", ".join(f"{name}: {described(value)}" for name, value in arguments.items())
    kind: type[Exception] = next((k for k in MISTAKES if k is not AttributeError and isinstance(error, k)), TypeError)
    problem = getattr(error, "problem", str(error).strip())  # without what an operator inside has said of itself
    if apart(arguments.values()):
        kind, problem = RuntimeError, APART
    usage = (function.__doc__ or "").partition("\n")[0]
    new: Any = kind(f"{function.__name__}({given}): {problem}" + (f". It computes: {usage}" if usage else ""))
    new.problem = problem
    return new if isinstance(error, RecursionError) else new.with_traceback(error.__traceback__)


def described(value: Any) -> str:
    """An argument, in an error: of an array the dtype and the shape."""
    if hasattr(value, "dtype") and not isinstance(value, type):
        there = getattr(value, "is_cuda", not on_host(value))
        return f"{value.dtype} {value.shape}" + " on cuda:0" * there
    if isinstance(value, list | tuple) and any(hasattr(part, "dtype") for part in value):
        return f"[{', '.join(map(described, value[:4]))}{', ...' if len(value) > 4 else ''}]"
    return f"{value!r:.60}"


# -- names -----------------------------------------------------------------------------------------------------------


def missing(module: str, names: Iterable[str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module, which Python asks for what is not there: an error with the nearest name."""

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"{module} has no {name!r}{nearest(name, names)}")

    return __getattr__


def nearest(name: str, names: Iterable[str]) -> str:
    """What an error about a missing name adds: the nearest that there is."""
    near = get_close_matches(name, list(names), n=1, cutoff=0.7)
    return f"; the nearest name is {near[0]!r}" if near else ""


TORCH_NAMES = {  # what PyTorch calls an argument -> what it is called here, in one function or another
    "dim": ["axis"],
    "dims": ["axis", "axes", "repeats"],
    "dim1": ["axis1"],
    "dim2": ["axis2"],
    "keepdim": ["keepdims"],
    "input": ["x", "logits"],
    "other": ["y"],
    "unbiased": ["correction"],
}


def numpy_names(kwargs: dict[str, Any], parameters: tuple[str, ...]) -> dict[str, Any]:
    """Keyword arguments that PyTorch calls otherwise (`dim`, `keepdim` ...) under the names that `parameters` has."""
    named: dict[str, Any] = {}
    for name, value in kwargs.items():
        ours = name if name in parameters else next((n for n in TORCH_NAMES.get(name, ()) if n in parameters), name)
        if ours in named or (ours != name and ours in kwargs):
            raise TypeError(f"{name!r} and {ours!r} mean the same: give one of them")
        named[ours] = value
    return named
