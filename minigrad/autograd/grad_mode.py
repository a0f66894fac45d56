"""The recording switch as users write it: regions, decorators, and a setting that stays.

    with mg.no_grad():              nothing inside is recorded
        w -= 0.1 * w.grad

    @mg.no_grad()                   nothing in its body is, be it a function, a generator or a coroutine
    def accuracy(model, data): ...

    mg.set_grad_enabled(False)      nothing is from here on

The switch itself, one context variable, is in `graph.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, TypeVar, cast, overload

from minigrad import graph

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Mode(graph.recording):
    """A region in which recording is on or off, or a decorator that makes the body of a function such a region."""

    def __call__(self, function: Decorated) -> Decorated:
        return cast(Decorated, self._decorated(function))

    def _decorated(self, function: Callable[..., Any]) -> Any:
        if isasyncgenfunction(function):
            raise TypeError(f"{function.__name__} is an asynchronous generator: write `with mg.no_grad():` in its body")
        if iscoroutinefunction(function):
            return wraps(function)(self._coroutine(function))
        if isgeneratorfunction(function):
            return wraps(function)(self._generator(function))

        @wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return decorated

    def _coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:  # while it waits others run, but each task has a context of its own
                return await function(*args, **kwargs)

        return decorated

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The switch is turned while the body runs; between two of its values it is as the caller wants it."""

        def decorated(*args: Any, **kwargs: Any) -> Any:
            body = function(*args, **kwargs)
            try:
                with self:
                    result = next(body)
                while True:
                    try:
                        sent = yield result
                    except BaseException as error:  # close() too: it throws GeneratorExit
                        with self:
                            result = body.throw(error)
                    else:
                        with self:
                            result = body.send(sent)
            except StopIteration as end:
                return end.value

        return decorated


@overload
def no_grad(function: Decorated) -> Decorated: ...
@overload
def no_grad(function: None = None) -> Mode: ...
def no_grad(function: Any = None) -> Any:
    """Record nothing inside `with no_grad():`, or inside a function decorated with `@no_grad` or `@no_grad()`.

    >>> import minigrad as mg
    >>> w = mg.tensor(2.0, requires_grad=True)
    >>> with mg.no_grad():
    ...     (w * w).requires_grad
    False
    """
    return Mode(False) if function is None else Mode(False)(function)


@overload
def enable_grad(function: Decorated) -> Decorated: ...
@overload
def enable_grad(function: None = None) -> Mode: ...
def enable_grad(function: Any = None) -> Any:
    """Record again, inside a region or a function where `no_grad` holds; used as `no_grad` is."""
    return Mode(True) if function is None else Mode(True)(function)


def inference_mode(mode: Any = True) -> Any:
    """`no_grad` by its other name in PyTorch; `inference_mode(False)` records again, as `enable_grad`."""
    return Mode(False)(mode) if callable(mode) else Mode(not mode)


class set_grad_enabled(Mode):
    """Record or not from now on; or only inside, as `with set_grad_enabled(mode):` and as a decorator.

    Args:
        mode: whether to record.

    >>> import minigrad as mg
    >>> training = False
    >>> with mg.autograd.set_grad_enabled(training):
    ...     mg.is_grad_enabled()
    False
    >>> mg.is_grad_enabled()
    True
    """

    def __init__(self, mode: bool) -> None:
        self.before: bool | None = graph.is_grad_enabled()
        super().__init__(bool(mode))
        graph.set_recording(self.enabled)

    def __enter__(self) -> None:
        self._undo()
        super().__enter__()

    def __call__(self, function: Decorated) -> Decorated:
        self._undo()
        return Mode(self.enabled)(function)

    def _undo(self) -> None:
        """What holds only inside a region or a function must not hold now. Once: the next use finds nothing to undo."""
        if self.before is not None:
            graph.set_recording(self.before)
        self.before = None
