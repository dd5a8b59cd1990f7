"""Waiting for what the IOCs publish."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["wait_for"]


def wait_for(condition: Callable[[], object], timeout: float) -> bool:
    """Return whether a condition on monitored values came true within `timeout` wall seconds."""
    deadline = time.monotonic() + timeout
    tick = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        tick.wait(0.002)
    return True
