"""Calling what the observer handed in, whatever kind of callable it is; waiting for statuses without the RunEngine."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bluesky import plan_stubs as bps
from bluesky.protocols import Status
from bluesky.run_engine import WaitForTimeoutError
from bluesky.utils import MsgGenerator, Plan

from slitless.errors import InvalidRequest, SlitlessError

__all__ = ["all_ended", "call_hook", "check_hook", "ended_well"]


def check_hook(argument: str, hook: object) -> None:
    """Refuse a hook that cannot be called; None is no hook.

    Raises
    ------
    InvalidRequest
        Naming the argument.
    """
    if hook is not None and not callable(hook):
        raise InvalidRequest(argument, hook, "it must be a plan, a coroutine function or a plain function")


def call_hook(
    hook: Callable[..., Any], *arguments: object, timeout: float | None = None, waiting_for: str = ""
) -> MsgGenerator[Any]:
    """Call a plan, a coroutine function or a plain function, and wait until it is through; a status it returns too.

    Parameters
    ----------
    hook : callable
        Whatever it raises goes to the caller unchanged.
    timeout : float, optional
        Wall seconds that a coroutine or a status may take.
    waiting_for : str
        What is waited for, for the message of a timeout.
    """
    outcome: Any = hook(*arguments)
    if inspect.isgenerator(outcome) or isinstance(outcome, Plan):
        plan: MsgGenerator[Any] = outcome  # type: ignore[assignment]
        return (yield from plan)
    if not inspect.isawaitable(outcome) and not isinstance(outcome, Status):
        return outcome
    outcomes = [outcome]

    def wait() -> Awaitable[Any]:  # the RunEngine calls it again after a pause
        present = outcomes.pop() if outcomes else hook(*arguments)
        return ended_well(present) if isinstance(present, Status) else present

    try:
        tasks = yield from bps.wait_for([wait], timeout=timeout)
    except WaitForTimeoutError as error:
        raise SlitlessError(f"{waiting_for} not within {timeout:g} s") from error
    return tasks[0].result() if tasks else None


async def all_ended(statuses: Sequence[Status]) -> None:
    """Wait until all statuses are done, well or not."""
    loop = asyncio.get_running_loop()
    events = [asyncio.Event() for _ in statuses]
    for status, event in zip(statuses, events, strict=True):
        status.add_callback(_setter(loop, event))
    for event in events:
        await event.wait()


def _setter(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> Callable[[Status], None]:
    def set_event(_: Status) -> None:
        loop.call_soon_threadsafe(event.set)

    return set_event


async def ended_well(status: Status) -> None:
    """Wait until a status is done; raise what it failed with."""
    await all_ended([status])
    error = status.exception()
    if error is not None:
        raise error
