"""Anomaly mode: a gradient is not a number, or cannot be computed. Where in the forward pass does it come from?

    with mg.autograd.detect_anomaly():
        loss = ...                  each node remembers the line of yours that made it
        loss.backward()             the first nan raises, and names the operator, its input and that line

It uses what the engine offers to all: a recorder sees each step of a backward pass, and a node remembers its line if
somebody wants that. Off, it costs nothing; on, a microsecond or two for each node and a look at each gradient.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from minigrad import engine, graph


class detect_anomaly:
    """Find the first nan in a backward pass, and say which line of the forward pass it comes from.

    Run forward and backward pass inside. An error that comes out of a gradient or a hook names that line as well.

    Args:
        check_nan: raise if a gradient is nan. False: only remember the lines.

    Raises:
        RuntimeError: inside, when the gradient of an operator with respect to one of its inputs has a nan. No `.grad`
            has changed then.

    >>> import minigrad as mg
    >>> x = mg.tensor([0.0, 1.0], requires_grad=True)
    >>> with detect_anomaly():
    ...     loss = (x * mg.tensor([float("nan"), 1.0])).sum()
    ...     try:
    ...         loss.backward()
    ...     except RuntimeError as error:
    ...         print(str(error).partition(";")[0])
    multiply returned nan as the gradient of its input x (position 0, shape (2,)) at 1 of 2 elements
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self._before: list[tuple[bool, bool]] = []  # several, if it is entered inside itself

    def __enter__(self) -> None:
        self._before.append(_mode.get())
        turn(True, self.check_nan)

    def __exit__(self, *error: Any) -> None:
        turn(*self._before.pop())


class set_detect_anomaly:
    """Turn anomaly mode on or off from now on; or as `with set_detect_anomaly(mode):` only inside.

    Args:
        mode: whether to look for anomalies.
        check_nan: as for `detect_anomaly`.

    >>> import minigrad as mg
    >>> x = mg.tensor(1.0, requires_grad=True)
    >>> with detect_anomaly(), set_detect_anomaly(False):
    ...     (x * float("nan")).backward()
    >>> x.grad
    tensor(nan)
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _mode.get()
        turn(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        turn(*self._before)


_mode: ContextVar[tuple[bool, bool]] = ContextVar("minigrad_anomaly", default=(False, True))


def turn(mode: bool, check_nan: bool) -> None:
    """Turn anomaly mode on or off, in this context."""
    was_on, _ = _mode.get()
    _mode.set((mode, check_nan))
    others = [see for see in engine.recorders.get() if see is not refuse_nan]
    engine.recorders.set((*others, refuse_nan) if mode and check_nan else tuple(others))
    if mode and not was_on:
        graph.line_wanted.append(refuse_nan)
    elif was_on and not mode:
        graph.line_wanted.remove(refuse_nan)


def refuse_nan(step: engine.Step) -> None:
    """Raise if the contribution of this step has a nan."""
    op, parent = step.node.op, step.node.inputs[step.slot]
    gradient, upstream = engine.as_tensor(step.contribution).data, engine.as_tensor(step.upstream).data
    wrong = gradient != gradient  # only nan differs from itself
    if not wrong.any() or op is None or parent is None:
        return
    name = f"{op.variadic}[{step.slot}]" if op.variadic else op.parameters[step.slot]
    already = "had nan already" if (upstream != upstream).any() else "had none"
    line = graph.lines.get(step.node)
    where = (
        f"ran at {line}" if line else "ran outside of detect_anomaly(): run that inside, too, to learn at which line"
    )
    raise RuntimeError(
        f"{op.name} returned nan as the gradient of its input {name} (position {step.slot}, shape {parent.shape}) "
        f"at {int(wrong.sum())} of {wrong.size} elements; the gradient that came in, of shape {upstream.shape}, "
        f"{already}. Its forward pass {where}"
    )
