"""Lets light, or darkness, onto the detector for a time; can be held, resumed and ended early."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Protocol

from drivers.camera import Camera
from iocs.camera.control import ExposureControl
from iocs.camera.shutter_control import Opening, ShutterControl
from iocs.camera.stutter import RowShift
from slitless.definition import Shutter
from slitless.instrument_time import InstrumentClock
from slitless.optics.beam import Beam

__all__ = ["Integration", "IntegrationDisplay"]

SHORTEST_REST = 0.001  # s of exposure that an opening of its own is worth
PERIOD = 0.1  # wall s between looks at the shutter's link and updates of the time remaining


class IntegrationDisplay(Protocol):
    """Shows how an integration goes."""

    async def integrating(self, remaining: float) -> None:
        """Show that the exposure clock runs, with `remaining` s to go."""
        ...

    async def held(self) -> None:
        """Show that the exposure is paused."""
        ...


class Integration:
    """One integration: from the end of the flush to the start of the readout.

    Parameters
    ----------
    camera : Camera
        Whose clocks stand meanwhile.
    shutter : ShutterControl
        What lets the light in.
    blades : Shutter
        Times of the shutter.
    clock : InstrumentClock
        Instrument time.
    control : ExposureControl
        What clients ask for meanwhile.
    display : IntegrationDisplay
        Where progress is shown.
    """

    def __init__(
        self,
        camera: Camera,
        shutter: ShutterControl,
        blades: Shutter,
        clock: InstrumentClock,
        control: ExposureControl,
        display: IntegrationDisplay,
    ) -> None:
        self._camera = camera
        self._shutter = shutter
        self._blades = blades
        self._clock = clock
        self._control = control
        self._display = display
        self.flushed_at = camera.start_integration()
        """TAI unix s at which the dark time began."""
        self.started_at: float | None = None
        """First light, or the start of a dark; TAI unix s."""
        self.ended_at: float | None = None
        self.shutter_time = 0.0
        """Time (s) every pixel saw light, all openings together."""
        self.elapsed = 0.0
        """Exposure time (s) so far, holds not counted."""
        self.to_follow = 0.0
        """Exposure time (s) that further exposures of the frame will add."""
        self._stops_at = self.flushed_at
        self._beam: Beam | None = None
        self._lit_since = self.flushed_at

    @property
    def ended_early(self) -> bool:
        """Whether a client asked to read out now."""
        return self._control.ended

    async def dark(self, seconds: float) -> None:
        """Keep the shutter closed for `seconds`; a hold stops the exposure clock, not the dark current."""
        since = self._stops_at
        self.started_at = self.started_at if self.started_at is not None else since
        target = self.elapsed + seconds
        while not self._control.ended and self.elapsed < target:
            if self._control.hold:
                await self._wait_while_held()
                since = self._clock.now()
                continue
            due = since + target - self.elapsed
            if await self._wait_until(due):
                now = min(self._clock.now(), due)
                self.elapsed, since = self.elapsed + max(now - since, 0.0), now
            else:
                self.elapsed, since = target, due
        self._stops_at = self.ended_at = since

    async def light(self, seconds: float, beam: Beam, shifts: Sequence[RowShift] = ()) -> None:
        """Open the shutter for `seconds` in all, shifting charge on the way.

        After a hold, what is left is made up for, unless it is too short for any blade.

        Raises
        ------
        ShutterFailed
            If the shutter does not obey.
        """
        waiting = deque(shifts)
        done = 0.0
        while not self._control.ended and (done == 0.0 or seconds - done >= SHORTEST_REST):
            if self._control.hold:
                await self._wait_while_held()
                continue
            opening = await self._shutter.expose(seconds - done)
            self.started_at = self.started_at if self.started_at is not None else opening.opened_at
            await self._follow(opening, seconds, done, beam, waiting)
            done += opening.open_time
        if self.started_at is None:
            self.started_at = self.ended_at = self._stops_at = self._clock.now()

    async def by_hand(self, beam: Beam | None, limit: float, finished: asyncio.Event) -> None:
        """Integrate until told that it is over, with the shutter open if there is a beam; at most `limit` s."""
        if beam is None:
            self.started_at = self.flushed_at
            await self._tick_until(finished, self.flushed_at + limit)
            self.ended_at = self._stops_at = self._clock.now()
            self.elapsed = self.ended_at - self.started_at
            return
        self.started_at = await self._shutter.open()
        self._lit_since, self._beam = self.started_at, beam
        await self._tick_until(finished, self.started_at + limit)
        await self._shutter.close()
        self.ended_at = self._shutter.closed_at
        self._camera.record_light(beam, max(self.ended_at - self._lit_since, 0.0))
        self.shutter_time = self.elapsed = self._shutter.open_time
        self._stops_at = self.ended_at + self._blades.close_time / 2

    async def shift_by_hand(self, rows: int) -> None:
        """Shift charge in an integration that runs by hand."""
        if self._beam is not None:
            now = self._clock.now()
            self._camera.record_light(self._beam, max(now - self._lit_since, 0.0))
            self._lit_since = now
        await self._camera.shift_rows(rows)

    def finish(self) -> float:
        """End the integration; return when it ended, which is when the readout starts."""
        return self._camera.stop_integration(self._stops_at)

    async def _follow(self, opening: Opening, total: float, done: float, beam: Beam, waiting: deque[RowShift]) -> None:
        """Stay with one opening until the shutter has closed."""
        recorded, closing = 0.0, False
        self._camera.prepare_light(beam)
        while True:
            due = waiting[0].after - done if waiting else None
            remaining = total - done - max(self._clock.now() - opening.opened_at, 0.0)
            await self._display.integrating(max(remaining, 0.0) + self.to_follow)
            closed = await self._wait_for_event(opening, None if closing else due)
            # A busy host may look late, even when the shutter has closed: a shift that was due before is made up for.
            light_until = opening.open_time if closed else self._clock.now() - opening.opened_at
            while (closed or not closing) and waiting and (due := waiting[0].after - done) <= light_until:
                self._camera.record_light(beam, due - recorded)
                recorded = due
                await self._camera.shift_rows(waiting.popleft().rows, opening.opened_at + due)
            if closed:
                break
            if (self._control.hold or self._control.ended) and not closing:
                closing = True
                await opening.close_early()
        self._camera.record_light(beam, max(opening.open_time - recorded, 0.0))
        self.shutter_time += opening.open_time
        self.elapsed += opening.open_time
        self.ended_at = opening.closed_at
        self._stops_at = opening.closed_at + self._blades.close_time / 2

    async def _wait_for_event(self, opening: Opening, due: float | None) -> bool:
        """Wait for the next shift, request, look at the link, or the end; return whether the shutter has closed."""
        patience = PERIOD
        if due is not None:
            patience = min(patience, self._clock.wall_seconds(opening.opened_at + due - self._clock.now()))
        asked = asyncio.ensure_future(self._control.asked())
        closed = asyncio.ensure_future(opening.wait_closed(patience))
        try:
            await asyncio.wait([asked, closed], return_when=asyncio.FIRST_COMPLETED)
            return closed.done() and closed.result()
        finally:
            asked.cancel()
            closed.cancel()

    async def _wait_while_held(self) -> None:
        await self._display.held()
        while self._control.hold:
            await self._control.asked()

    async def _wait_until(self, due: float) -> bool:
        """Wait for a moment; return whether a client asked for something before."""
        while (rest := due - self._clock.now()) > 0:
            await self._display.integrating(rest + self.to_follow)
            if await self._control.asked(min(self._clock.wall_seconds(rest), PERIOD)):
                return True
        return False

    async def _tick_until(self, finished: asyncio.Event, due: float) -> None:
        """Show that the integration goes on until `finished`, a stop, or `due`."""
        while not (finished.is_set() or self._control.ended or self._clock.now() >= due):
            await self._display.integrating(max(due - self._clock.now(), 0.0))
            await _first(finished.wait(), self._control.asked(PERIOD))


async def _first(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
