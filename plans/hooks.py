"""Calling what the observer handed in, whatever kind of callable it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from bluesky import plan_stubs as bps
from bluesky.run_engine import WaitForTimeoutError
from bluesky.utils import MsgGenerator

from slitless.errors import SlitlessError

__all__ = ["call_hook"]


def call_hook(
    hook: Callable[..., Any], *arguments: object, timeout: float | None = None, waiting_for: str = ""
) -> MsgGenerator[Any]:
    """Call a plan, a coroutine function or a plain function, and wait until it is through.

    Parameters
    ----------
    hook : callable
        Whatever it raises goes to the caller unchanged.
    timeout : float, optional
        Wall seconds that a coroutine may take.
    waiting_for : str
        What the coroutine waits for, for the message of a timeout.
    """
    outcome = hook(*arguments)
    if inspect.isgenerator(outcome):
        return (yield from outcome)
    if not inspect.isawaitable(outcome):
        return outcome
    try:
        tasks = yield from bps.wait_for([lambda: outcome], timeout=timeout)
    except WaitForTimeoutError as error:
        raise SlitlessError(f"{waiting_for} not within {timeout:g} s") from error
    return tasks[0].result() if tasks else None
