"""One motion of an axis after the other: started, changed on the way, paused, stopped, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from drivers.axis import AxisDriver, AxisStatus
from drivers.faults import LinkLost
from iocs.ioc import Refused
from iocs.mechanisms.hardware_watch import HardwareWatch
from iocs.mechanisms.motor_display import MotorDisplay
from slitless.instrument_time import InstrumentClock

__all__ = ["MotorMotion", "NotArrived"]

PATIENCE = 10.0
"""s beyond twice what a motion should take."""


class NotArrived(Exception):
    """The axis failed to do what it was told; the message says where it is."""


class MotorMotion:
    """Sees an axis through its motions.

    Parameters
    ----------
    label : str
        What an observer calls the axis.
    unit : str
        Of its positions.
    driver : AxisDriver
        The axis.
    display : MotorDisplay
        Where it is shown.
    clock : InstrumentClock
        Instrument time.
    tolerance : callable
        Returns how far from its target an axis may rest.
    failed : callable
        Gets the message of a `NotArrived`, also when nobody waits for the motion any more.
    """

    def __init__(
        self,
        label: str,
        unit: str,
        driver: AxisDriver,
        display: MotorDisplay,
        clock: InstrumentClock,
        tolerance: Callable[[], float],
        failed: Callable[[str], Awaitable[None]],
    ) -> None:
        self._label = label
        self._unit = unit
        self._driver = driver
        self._display = display
        self._clock = clock
        self._tolerance = tolerance
        self._failed = failed
        self._watch = HardwareWatch(clock)
        self._request = 0
        self._task: asyncio.Task[None] | None = None
        self._deadline = 0.0
        self._target: float | None = None
        self._start: Callable[[], Awaitable[None]] | None = None
        self._stopped = False
        self._ordering = asyncio.Lock()  # the end of a motion is not judged while another is being started
        self._going = asyncio.Event()
        self._going.set()

    def abandon(self) -> None:
        """Follow the axis no more, for the IOC ends."""
        if self._task is not None:
            self._task.cancel()

    @property
    def is_under_way(self) -> bool:
        """Whether a motion has not ended; a paused one has not."""
        return self._task is not None

    async def go(self, start: Callable[[], Awaitable[None]], duration: float, target: float | None) -> None:
        """Start a motion, or change the one under way, and return when the axis rests where this one goes.

        Parameters
        ----------
        start : callable
            Tells the driver.
        duration : float
            s that it should take.
        target : float or None
            Dial position where it ends; None if that is not known before.

        Raises
        ------
        Refused
            If it was stopped, or superseded by another motion.
        NotArrived
            If the axis failed.
        LinkLost
            If the hardware does not answer.
        """
        async with self._ordering:
            self._request += 1
            request = self._request
            self._stopped = False
            self._going.set()
            await start()
            self._start, self._target = start, target
            self._deadline = self._clock.now() + 2 * duration + PATIENCE
        if self._task is None:
            self._task = asyncio.ensure_future(self._see_through())
            self._task.add_done_callback(_note_result)
        self._watch.nudge()
        await asyncio.shield(self._task)
        if request != self._request:
            raise Refused(f"{self._label}: superseded by another motion")

    async def stop(self) -> None:
        """Stop; the command that moved the axis ends in error."""
        if self._task is not None:
            self._stopped = True
            self._going.set()
            await self._driver.stop()
            self._watch.nudge()

    async def pause(self) -> None:
        """Stop until `resume`; the command that moved the axis waits."""
        if self._task is not None:
            self._going.clear()
            await self._driver.stop()
            self._watch.nudge()

    def resume(self) -> None:
        """Go on to where a paused motion was going."""
        self._going.set()

    async def _see_through(self) -> None:
        """Follow the axis until it rests for good; raise what `go` raises."""
        await self._display.begin()
        try:
            while True:
                request = self._request
                status = await self._rest()
                if not self._going.is_set():
                    await self._wait_and_restart()
                    continue
                async with self._ordering:
                    if request == self._request:
                        await self._judge(status)
                        break
        except LinkLost:
            await self._display.show_no_link()
            raise
        finally:
            self._task = None
            await self._display.end()

    async def _rest(self) -> AxisStatus:
        """Show the axis on its way; return its status at rest, or when patience ends."""
        status = await self._driver.status()
        events = self._watch.follow(self._driver.status, lambda s: s.expected_end, lambda: self._deadline)
        async for status in events:
            await self._display.show(status)
            if not status.moving:
                break
        return status

    async def _wait_and_restart(self) -> None:
        paused_at = self._clock.now()
        await self._going.wait()
        if not self._stopped and self._start is not None:
            self._deadline += self._clock.now() - paused_at
            await self._start()

    async def _judge(self, status: AxisStatus) -> None:
        """Compare where the axis rests with where it was to go."""
        here = f"it stands at {status.position:g} {self._unit}"
        if status.moving:
            await self._driver.stop()
        elif self._stopped:
            await self._display.synchronize()
            raise Refused(f"{self._label}: stopped; {here}")
        elif not status.problem and self._is_there(status):
            if self._target is None:
                await self._display.synchronize()
            return
        await self._display.show_failure(await self._driver.status())
        goal = "the end of its motion" if self._target is None else f"{self._target:g} {self._unit}"
        report = f"{self._label}: did not reach {goal}; {here}"
        await self._failed(report)
        raise NotArrived(report)

    def _is_there(self, status: AxisStatus) -> bool:
        return self._target is None or abs(status.position - self._target) <= self._tolerance()


def _note_result(task: asyncio.Task[None]) -> None:
    """Fetch the outcome, so that one nobody waits for is not reported as lost."""
    if not task.cancelled():
        task.exception()
