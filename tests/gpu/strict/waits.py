"""What makes the host wait for the device: counted, and forbidden where a program must not do it."""

import contextlib
import contextvars
import sys
import types


class MadeToWait(RuntimeError):
    """Inside `no_waits()` something made the host wait for the device."""


class Counts(types.SimpleNamespace):
    """What was done since `reset()`.

    Attributes:
        calls: ufuncs, functions and methods that computed something. Each is one kernel launch or a few on a GPU.
        waits: times that the host had to wait for the device; among them
        downloads: those in which data came back, as by `float()`.
        uploads: host data that was copied to the device.
    """

    def reset(self):
        self.calls = self.waits = self.downloads = self.uploads = 0


counts = Counts()
counts.reset()
_allowed = contextvars.ContextVar("waits_allowed", default=True)


@contextlib.contextmanager
def counting():
    """What is done inside, as Counts that are filled in at the end."""
    before, inside = vars(counts).copy(), Counts()
    inside.reset()
    try:
        yield inside
    finally:
        vars(inside).update({name: count - before[name] for name, count in vars(counts).items()})


@contextlib.contextmanager
def no_waits(allowed=False):
    """Inside, whatever makes the host wait raises MadeToWait, with the line that asked for it.

    >>> from tests.gpu.strict import cupy
    >>> with no_waits():
    ...     float(cupy.ones(1).sum())
    Traceback (most recent call last):
    tests.gpu.strict.waits.MadeToWait: float() makes the host wait for the device, at ...
    """
    token = _allowed.set(allowed)
    try:
        yield counts
    finally:
        _allowed.reset(token)


def wait(what, download=False):
    """The host waits because of `what`."""
    counts.waits += 1
    counts.downloads += download
    if not _allowed.get():
        raise MadeToWait(f"{what} makes the host wait for the device, at {asking_line()}")


def asking_line():
    """`file:line` of the innermost caller outside the stand-in and NumPy."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(("tests.gpu.strict.", "numpy", "contextlib")):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
