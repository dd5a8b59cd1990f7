"""Being stopped by the observer: an error of its own, and signals that mean the same as Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from slitless.errors import SlitlessError

__all__ = ["Interrupted", "signals_interrupt"]


class Interrupted(SlitlessError):
    """The observer stopped it; what ran is closed and recorded as aborted."""


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end us as Ctrl-C does, through every clean-up."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
