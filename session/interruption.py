"""Being stopped by the observer, at places of our choosing.

A signal handler that raises may do so inside a lock of another library, which then stays locked for
good. So the handlers here only take note, and the waits of this room look at the note.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from slitless.errors import SlitlessError

__all__ = ["SIGNALS", "Interrupted", "check_interrupted", "note_signal", "pause", "signals_noted"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, an orderly end, a closed terminal: all mean the same."""

_asked = Event()


class Interrupted(SlitlessError):
    """The observer stopped it; what ran is closed and recorded as aborted."""


def note_signal(_number: int, _frame: object) -> None:
    """Take note that the observer wants to stop; raise KeyboardInterrupt if he says so twice."""
    if _asked.is_set():
        raise KeyboardInterrupt
    _asked.set()


@contextmanager
def signals_noted() -> Iterator[None]:
    """Take note of signals instead of being interrupted by them anywhere."""
    _asked.clear()
    previous = {number: signal.signal(number, note_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        _asked.clear()


def check_interrupted() -> None:
    """Raise Interrupted if the observer wants to stop."""
    if _asked.is_set():
        raise Interrupted("interrupted by the observer")


def pause(seconds: float) -> None:
    """Wait; raise Interrupted as soon as the observer wants to stop."""
    _asked.wait(seconds)
    check_interrupted()
