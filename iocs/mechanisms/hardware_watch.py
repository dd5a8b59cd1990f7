"""Asks hardware what it is doing, as often as is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from slitless.instrument_time import InstrumentClock

__all__ = ["HardwareWatch"]

Status = TypeVar("Status")

PERIOD = 0.1
"""Wall s between questions to hardware that moves."""
SHORTEST = 0.001
"""Wall s; a timer may fire a little early, and asking again at once would only spin."""


class HardwareWatch:
    """Follows one piece of hardware through a motion.

    Parameters
    ----------
    clock : InstrumentClock
        Instrument time.
    """

    def __init__(self, clock: InstrumentClock) -> None:
        self._clock = clock
        self._nudge = asyncio.Event()

    def nudge(self) -> None:
        """Ask again now: something was commanded."""
        self._nudge.set()

    async def follow(
        self,
        ask: Callable[[], Awaitable[Status]],
        next_event: Callable[[Status], float | None],
        deadline: Callable[[], float],
    ) -> AsyncIterator[Status]:
        """Yield the status now and again, for the last time one that was asked for after `deadline`.

        A host that stalls, or a time that runs fast, must not make hardware late that is not.

        Parameters
        ----------
        ask : callable
            Returns the status.
        next_event : callable
            Says from a status when, in TAI unix s, the hardware expects it to change; None if it cannot say.
        deadline : callable
            Says when, in TAI unix s, patience ends; asked each time, since it may be put off.
        """
        while True:
            asked_at = self._clock.now()
            status = await ask()
            yield status
            if asked_at > deadline():
                return
            await self._wait(next_event(status))

    async def _wait(self, event: float | None) -> None:
        patience = PERIOD
        if event is not None:
            patience = min(PERIOD, max(SHORTEST, self._clock.wall_seconds(event - self._clock.now())))
        try:
            await asyncio.wait_for(self._nudge.wait(), patience)
        except TimeoutError:
            return
        self._nudge.clear()
