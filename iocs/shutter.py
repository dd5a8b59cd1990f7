"""The shutter: `python -m iocs.shutter`, prefix `LATISS:SHUTTER:`.

Commands `Command` (Close, Open) and `Expose` (s), which the shutter times itself; readbacks `State_RBV` (Closed,
Opening, Open, Closing, Fault), measured `OpenedAt_RBV`, `ClosedAt_RBV` (TAI unix s), `OpenTime_RBV` (s) and
`OpenCount_RBV`. States come in order and none is left out, however fast time runs. Closing is never refused to an
enabled shutter; it closes by itself when it is disabled, and when the camera it exposes for goes silent.
Fault code 5 is a lost link, 6 blades that do not move.
"""

from __future__ import annotations

import asyncio
import math
import time

from drivers.shutter import ShutterDriver, ShutterState, ShutterStatus
from drivers.simulated import SimulatedShutter
from iocs.ioc import AlarmSeverity, Client, IocSetup, Refused, TemplateUse, command
from iocs.launch import run_ioc
from iocs.mechanisms.camera_pulse import CameraPulse
from iocs.mechanisms.mechanism import MechanismIoc
from slitless.definition import Instrument

__all__ = ["Shutter", "main"]

BLADE_FAULT = 6
SHORTEST = 0.001
"""s; shorter than the shortest exposure, for what is left of one after a pause."""
PATIENCE = 2.0
"""s of instrument time that the blades may be late."""
CYCLE = (ShutterState.CLOSED, ShutterState.OPENING, ShutterState.OPEN, ShutterState.CLOSING)


class Shutter(MechanismIoc):
    """Opens and closes the shutter, and says when it really did."""

    device = "SHUTTER"

    @classmethod
    def templates(cls, instrument: Instrument) -> list[TemplateUse]:
        """Return the records of the shutter."""
        limits = {"SHORTEST": str(SHORTEST), "LONGEST": str(instrument.shutter.maximum_exposure)}
        return [TemplateUse("shutter.template", limits), TemplateUse("command.template", {"R": ""})]

    def __init__(self, setup: IocSetup) -> None:
        super().__init__(setup, "shutter")
        self.blades = setup.instrument.shutter
        self.driver: ShutterDriver = SimulatedShutter(self.blades, setup.clock.now)
        self._pulse = CameraPulse(self) if setup.interlock else None
        self._shown = ShutterState.CLOSED
        self._open_count = 0
        self._opening: asyncio.Task[None] | None = None
        self._lit = asyncio.Event()
        self._ordered = asyncio.Event()
        self._opens_by = self._ends_by = self._closed_by = math.inf
        self._abandoned = ""

    @command("Command")
    async def _put_command(self, value: str, client: Client) -> None:
        if value == "Close":
            await self.carry_out(self._close())
            return
        await self._start(None)
        await self.carry_out(self._until_lit())

    @command("Expose")
    async def _put_expose(self, value: float, client: Client) -> None:
        await self.carry_out(self._until_closed(await self._start(value)))

    async def enabled(self) -> None:
        """Connect, and close the shutter if it is not.

        Raises
        ------
        Refused
            If it does not answer, or does not close.
        """
        await super().enabled()
        async with self.link():
            status = await self.driver.status()
        await self._show(status)
        if status.state is not ShutterState.CLOSED:
            await self.carry_out(self._close())
        await self["State_RBV"].write(self._shown.value)

    async def stop(self) -> None:
        """Close, and end what runs in the background: no IOC leaves light on the detector."""
        await self.disabled()
        await super().stop()

    async def halt(self) -> None:
        """Close, because nobody may command the shutter from now on."""
        self._abandoned = "closed because the shutter was disabled"
        await self._order_closing()
        if self._opening is not None:
            await asyncio.wait([self._opening])

    async def look(self) -> None:
        """Show the blades, unless an opening does so already."""
        status = await self.driver.status()
        if self._opening is None:
            await self._show(status)
            if self["State_RBV"].severity == AlarmSeverity.INVALID_ALARM:
                await self["State_RBV"].write(status.state.value)

    async def show_unknown(self) -> None:
        """Show that nobody knows where the blades are."""
        await self["State_RBV"].write("Fault", severity=AlarmSeverity.INVALID_ALARM)

    async def _start(self, seconds: float | None) -> asyncio.Task[None]:
        """Start an opening, for good or for `seconds`; return the task that sees it through."""
        self.interlocks.check(self.label, camera_may=True)
        if self._opening is not None or self._shown is not ShutterState.CLOSED:
            raise Refused(f"{self.label}: it is {self._shown.value}, not Closed")
        if self._pulse is not None:
            self._pulse.expect(self.interlocks.is_camera())
        self._abandoned = ""
        self._lit, self._ordered = asyncio.Event(), asyncio.Event()
        self._opens_by = self._ends_by = self._closed_by = math.inf
        self._opening = asyncio.ensure_future(self._see_through(seconds))
        self._opening.add_done_callback(self._opening_ended)
        return self._opening

    def _opening_ended(self, task: asyncio.Task[None]) -> None:
        self._opening = None
        self._ordered.set()
        if not task.cancelled():
            task.exception()  # fetched, so that one nobody waits for is not reported as lost

    async def _until_lit(self) -> None:
        """Return when light falls; raise what went wrong if it never does."""
        lit = asyncio.ensure_future(self._lit.wait())
        opening = self._opening
        if opening is not None:
            await asyncio.wait([opening, lit], return_when=asyncio.FIRST_COMPLETED)
        if not lit.done():
            lit.cancel()
            if opening is not None:
                await opening

    async def _until_closed(self, opening: asyncio.Task[None]) -> None:
        """Return when the shutter has closed; raise what went wrong."""
        await asyncio.shield(opening)
        if self._abandoned:
            raise Refused(f"{self.label}: {self._abandoned}")

    async def _close(self) -> None:
        """Close, and return when the shutter is closed."""
        async with self.link():
            await self._order_closing()
            if self._opening is None:
                await self._follow_unattended(await self.driver.status())
            opening = self._opening
        if opening is not None:
            await asyncio.shield(opening)

    async def _follow_unattended(self, status: ShutterStatus) -> None:
        """Show blades that nobody follows, as after a fault, until they have closed."""
        if status.state is ShutterState.CLOSED:
            await self._show(status)
            return
        self._lit.set()
        self._ordered.set()
        self._ends_by = math.inf
        self._opening = asyncio.ensure_future(self._follow(None))
        self._opening.add_done_callback(self._opening_ended)

    async def _order_closing(self) -> None:
        if self._opening is not None:
            await self._ordered.wait()  # else an opening whose order is still on its way would outlive this one
        await self.driver.close()
        self._closed_by = self.clock.now() + self.blades.close_time
        self.hardware.nudge()

    def _deadline(self) -> float:
        """Return when the blades are late, TAI unix s."""
        if self._lit.is_set():
            return min(self._ends_by, self._closed_by) + PATIENCE
        closing = self._closed_by if math.isfinite(self._closed_by) else self._opens_by
        return max(self._opens_by, closing) + PATIENCE

    async def _see_through(self, seconds: float | None) -> None:
        """Open, and follow the blades until they have closed."""
        async with self.link():
            await (self.driver.open() if seconds is None else self.driver.expose(seconds))
            self._opens_by = self.clock.now() + self.blades.open_time  # the blades are not late where the order was
            self._ordered.set()
            await self._follow(seconds)

    async def _follow(self, seconds: float | None) -> None:
        """Show the blades until they have closed; blades that are late are a fault."""
        opened = False
        status = await self.driver.status()
        events = self.hardware.follow(self.driver.status, lambda s: s.next_change, self._deadline)
        async for status in events:
            opened = opened or status.open_count != self._open_count or self._shown is not ShutterState.CLOSED
            await self._show(status)
            if status.state is ShutterState.CLOSED and opened:
                return
            if status.state in (ShutterState.OPEN, ShutterState.CLOSING) and not self._lit.is_set():
                self._lit.set()
                if seconds is not None:
                    self._ends_by = (status.opened_at or self.clock.now()) + seconds + self.blades.close_time
            await self._close_if_abandoned()
        late = "close" if opened else "open"
        report = (
            f"{self.label}: it did not {late} within {PATIENCE:g} s of its time; the blades are {status.state.value}"
        )
        await self["State_RBV"].write("Fault")
        await self.fault(BLADE_FAULT, report)
        raise Refused(report)

    async def _close_if_abandoned(self) -> None:
        """Close if the camera that exposes has gone silent: nobody will read what falls on the detector."""
        if not self._abandoned and self._pulse is not None and (reason := self._pulse.lost()):
            self._abandoned = f"closed because {reason}"
            await self._order_closing()

    async def _show(self, status: ShutterStatus) -> None:
        """Write the readbacks of every state passed since the last look, each before its state."""
        whole_turn = status.state is self._shown and status.open_count != self._open_count
        while self._shown is not status.state or whole_turn:
            whole_turn, changed_at = False, self.clock.now()
            self._shown = CYCLE[(CYCLE.index(self._shown) + 1) % len(CYCLE)]
            if self._shown is ShutterState.OPEN and status.opened_at is not None:
                await self["OpenedAt_RBV"].write(status.opened_at, timestamp=self._stamp(status.opened_at))
                changed_at = status.opened_at + self.blades.open_time / 2
            elif self._shown is ShutterState.CLOSED and status.closed_at is not None:
                stamp = self._stamp(status.closed_at)
                await self["ClosedAt_RBV"].write(status.closed_at, timestamp=stamp)
                await self["OpenTime_RBV"].write(status.open_time(status.closed_at), timestamp=stamp)
                changed_at = status.closed_at + self.blades.close_time / 2
            await self["State_RBV"].write(self._shown.value, timestamp=self._stamp(changed_at))
        self._open_count = status.open_count
        await self["OpenCount_RBV"].write(status.open_count)
        if status.state is ShutterState.OPEN:
            await self["OpenTime_RBV"].write(status.open_time(self.clock.now()))

    def _stamp(self, tai_seconds: float) -> float:
        """Return the time stamp (UTC unix s) of what the shutter measured; never of the future."""
        return min(self.clock.wall_at(tai_seconds), time.time())


def main(argv: list[str] | None = None) -> int:
    """Serve the shutter until told to end; return the exit status."""
    return run_ioc(Shutter, argv)


if __name__ == "__main__":
    raise SystemExit(main())
