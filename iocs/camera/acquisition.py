"""At most one Acquire at a time: frames one after the other, and what stops them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from iocs.camera.control import ExposureControl
from iocs.camera.equipment import Equipment, ExposureAborted, ExposureFailed
from iocs.camera.exposure import Exposure
from iocs.camera.request import FrameRequest
from iocs.wire.client import Refused
from slitless.identifiers import GroupIds

__all__ = ["Acquisition"]

Show = Callable[[bool, int], Awaitable[None]]


class Acquisition:
    """Runs exposures in a task of its own, so that they outlive the client that started them.

    Parameters
    ----------
    equipment : Equipment
        What exposures work with.
    show : callable
        Publishes whether an Acquire runs, and how many of its frames are done.
    """

    def __init__(self, equipment: Equipment, show: Show) -> None:
        self._equipment = equipment
        self._show = show
        self._group_ids = GroupIds()
        self._task: asyncio.Task[None] | None = None
        self._control = ExposureControl()
        self._exposure: Exposure | None = None
        self._by_hand: asyncio.Event | None = None
        self._armed = False
        self._aborting = False

    @property
    def is_running(self) -> bool:
        """Whether an exposure runs."""
        return self._task is not None and not self._task.done()

    @property
    def description(self) -> str:
        """The running exposure in words."""
        name = self._exposure.name if self._exposure else None
        return name.obs_id if name else "an exposure that is about to start"

    def check_free(self) -> None:
        """Refuse a second exposure on top of a first.

        Raises
        ------
        Refused
            Naming the one that runs.
        """
        if self.is_running:
            raise Refused(f"camera: busy: {self.description} runs")

    async def run(self, request: FrameRequest, day_obs: int, owner: str) -> None:
        """Take all frames of a request; return when the last is durable.

        Raises
        ------
        Refused
            If an exposure runs already, may not begin, fails or is aborted.
        """
        await self._wait(self._start(request, day_obs, owner, None))

    async def start_by_hand(self, request: FrameRequest, day_obs: int, owner: str) -> None:
        """Start a frame that `end_by_hand` ends; return when it integrates."""
        self._by_hand = asyncio.Event()
        task = self._start(
            replace(request, images=1, exposures=1, waits_for_trigger=False), day_obs, owner, self._by_hand
        )
        while not task.done() and not self._integrates():
            await asyncio.wait([task], timeout=0.01)
        if task.done():
            await self._wait(task)

    async def end_by_hand(self) -> None:
        """End a frame that was started by hand; return when it is durable."""
        task = self._task
        if self._by_hand is None or task is None or task.done():
            raise Refused("EndImage: no image was started")
        self._by_hand.set()
        await self._wait(task)

    async def shift_by_hand(self, rows: int) -> None:
        """Shift charge in a frame that was started by hand."""
        if self._by_hand is None or not self.is_running or self._exposure is None:
            raise Refused("DiscardRows: no image was started")
        await self._exposure.shift_by_hand(rows)

    def trigger(self) -> None:
        """Start the frame that waits for a trigger.

        Raises
        ------
        Refused
            If none does.
        """
        if not self._armed:
            raise Refused("Trigger: no frame waits for one; Acquire with TriggerMode External makes one wait")
        self._armed = False
        self._control.go()

    def pause(self) -> None:
        """Hold the exposure as soon as it integrates.

        Raises
        ------
        Refused
            If there is none, or its integration is over.
        """
        state = self._equipment.display.state
        if not self.is_running:
            raise Refused("Pause: no exposure runs")
        if self._armed:
            raise Refused("Pause: the frame waits for its trigger and cannot be held")
        if state.value in ("Reading", "Writing", "Written") or self._by_hand is not None:
            raise Refused(f"Pause: {self.description} is {state.value} and cannot be held")
        self._control.pause()

    def resume(self) -> None:
        """Let a held exposure go on; harmless when none is held."""
        self._control.resume()

    def stop(self) -> None:
        """End the integration now and read out; frames that should follow are dropped."""
        self._control.stop()
        if self._by_hand is not None:
            self._by_hand.set()

    async def abort(self, reason: str) -> None:
        """Give the exposure up, and return when the shutter is closed and all is idle; harmless when none runs."""
        task = self._task
        if task is None or task.done():
            return
        if self._exposure is not None:
            self._exposure.abort_reason = reason
        if not self._aborting:
            self._aborting = True
            task.cancel()
        await asyncio.wait([task])

    def _integrates(self) -> bool:
        exposure = self._exposure
        started = exposure is not None and exposure.integration is not None
        return started and exposure.integration.started_at is not None  # type: ignore[union-attr]

    def _start(
        self, request: FrameRequest, day_obs: int, owner: str, by_hand: asyncio.Event | None
    ) -> asyncio.Task[None]:
        self.check_free()
        self._by_hand = by_hand
        self._control = ExposureControl()
        self._exposure = None
        self._aborting = False
        self._task = asyncio.create_task(self._take_all(request, day_obs, owner))
        return self._task

    async def _wait(self, task: asyncio.Task[None]) -> None:
        try:
            await asyncio.shield(task)
        except (ExposureFailed, ExposureAborted) as error:
            raise Refused(str(error)) from error
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            raise Refused("aborted between two frames") from None

    async def _take_all(self, request: FrameRequest, day_obs: int, owner: str) -> None:
        if not request.group_id:
            request = replace(request, group_id=self._group_ids.next(self._equipment.clock.now()))
        done = 0
        try:
            await self._show(True, 0)
            while request.images is None or done < request.images:
                began = self._equipment.clock.now()
                if request.is_sequence:
                    await self._equipment.display.sequence(done + 1, request.images or 0)
                self._exposure = Exposure(
                    self._equipment, request.frame(done), self._control, day_obs, owner, self._by_hand
                )
                if request.waits_for_trigger and not await self._wait_for_trigger(self._exposure):
                    break
                await self._exposure.run()
                done += 1
                await self._show(True, done)
                if self._control.ended or not await self._wait_for_next(request, began, done):
                    break
        finally:
            self._by_hand = None
            if request.is_sequence:
                await self._equipment.display.sequence(0, 0)
            self._armed = False
            await self._equipment.display.at_rest()
            await self._show(False, done)

    async def _wait_for_trigger(self, exposure: Exposure) -> bool:
        """Wait until the frame may begin; return whether it may, or the acquisition is to end without it."""
        await exposure.check()
        await self._equipment.display.waiting("waiting for a trigger")
        self._armed = True
        while not (self._control.ended or self._control.triggered):
            await self._control.asked()
        self._armed = self._control.triggered = False
        return not self._control.ended

    async def _wait_for_next(self, request: FrameRequest, began: float, done: int) -> bool:
        """Keep the period from start to start, or the delay from end to start; return whether there is a next frame."""
        if request.images is not None and done >= request.images:
            return False
        due = max(began + request.period, self._equipment.clock.now() + request.delay)
        while not self._control.ended:
            rest = self._equipment.clock.wall_seconds(due - self._equipment.clock.now())
            if rest <= 0:
                return True
            await self._equipment.display.waiting("waiting for the next frame")
            await self._control.asked(rest)
        return False
