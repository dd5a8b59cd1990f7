"""Sees an axis from goal to goal: stops, pauses, new goals on the way.

From the first goal to the rest after the last one is one motion for the record: DMOV is 0 from end to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from drivers.axis import AxisDriver
from drivers.faults import LinkLost
from iocs.mechanisms.motor_display import MotorDisplay
from iocs.mechanisms.motor_goals import Goal, GoalRun
from iocs.mechanisms.motor_scale import MotorScale
from iocs.records.motor_record import MotorRecord
from iocs.wire.client import Curtailed
from slitless.instrument_time import InstrumentClock

__all__ = ["MotorMotion"]


class MotorMotion:
    """Sees an axis through its motions.

    Parameters
    ----------
    label : str
        What an observer calls the axis.
    motor : MotorRecord
        Says how fast, how far off, how often again.
    scale : MotorScale
        Its scales.
    driver : AxisDriver
        The axis.
    display : MotorDisplay
        Where it is shown.
    clock : InstrumentClock
        Instrument time.
    failed : callable
        Gets the message of a `NotArrived`, also when nobody waits for the motion any more.
    """

    def __init__(
        self,
        label: str,
        motor: MotorRecord,
        scale: MotorScale,
        driver: AxisDriver,
        display: MotorDisplay,
        clock: InstrumentClock,
        failed: Callable[[str], Awaitable[None]],
    ) -> None:
        self._label = label
        self._motor = motor
        self._driver = driver
        self._display = display
        self._run = GoalRun(label, motor, scale, driver, display, clock, failed)
        self._orders = self._run.orders
        self._task: asyncio.Task[tuple[Goal, str]] | None = None
        self._ending = False

    def abandon(self) -> None:
        """Follow the axis no more, for the IOC ends."""
        if self._task is not None:
            self._task.cancel()

    @property
    def is_under_way(self) -> bool:
        """Whether a motion has not ended; a paused one has not."""
        return self._task is not None

    async def pursue(self, goal: Goal) -> None:
        """See the axis to a goal, from rest or from the middle of another motion; return when it rests.

        While SPMG is Stop or Pause the axis waits, and DMOV is 0.

        Raises
        ------
        Curtailed
            If it was stopped, or told to do something else.
        NotArrived
            If the axis failed.
        LinkLost
            If the hardware does not answer.
        """
        while self._ending and self._task is not None:  # this motion's DMOV is to fall after that one's has risen
            await asyncio.wait([self._task])
        self._orders.goal = goal
        self._orders.called_off = self._orders.released = False
        if self._task is None:
            self._task = asyncio.ensure_future(self._see_through())
            self._task.add_done_callback(_note_result)
        self.notice()
        last, curtailed = await asyncio.shield(self._task)
        if goal is not last:
            curtailed = "superseded by another motion"
        if curtailed:
            raise Curtailed(f"{self._label}: {curtailed}")

    def notice(self) -> None:
        """Look at once at what has changed, SPMG for one."""
        self._orders.notice()

    async def stop(self) -> None:
        """Stop, and return when the axis has heard of it; the setpoint becomes where it rests."""
        if self._task is not None and not self._ending:
            self._orders.called_off = True
            await self._driver.stop()
            self.notice()

    def let_go(self) -> None:
        """End a jog."""
        self._orders.released = True
        self.notice()

    async def rest(self) -> None:
        """Return when no motion is under way."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _see_through(self) -> tuple[Goal, str]:
        """Pursue goals until the axis rests for good; return the last, and why it was given up, empty if reached."""
        await self._display.begin()
        try:
            while True:
                curtailed = await self._attend()
                if curtailed is not None:
                    self._ending = True
                    return self._orders.goal, curtailed
        except LinkLost:
            self._ending = True
            await self._display.show_no_link()
            raise
        finally:
            self._ending = True
            await self._display.end()
            self._task = None
            self._ending = False

    async def _attend(self) -> str | None:
        """Do what is due next; return None if more is."""
        orders = self._orders
        goal = orders.goal
        orders.news.clear()
        if orders.called_off:
            status = await self._run.come_to_rest()
            if orders.called_off:
                await self._display.synchronize()
            # It may have been told to do something else meanwhile.
            return f"stopped; {self._run.place(status)}" if orders.called_off else None
        if orders.is_held:
            await self._run.come_to_rest()
            if orders.is_held and goal is orders.goal and not orders.called_off:
                await orders.news.wait()
            return None
        reached = await self._run.carry_out(goal)
        if reached and self._motor["SPMG"].value == "Move":
            await self._motor["SPMG"].write("Pause")
            await self._motor["LSPG"].write("Pause")
        return "" if reached and goal is orders.goal and not orders.called_off else None


def _note_result(task: asyncio.Task[tuple[Goal, str]]) -> None:
    """Fetch the outcome, so that one nobody waits for is not reported as lost."""
    if not task.cancelled():
        task.exception()
