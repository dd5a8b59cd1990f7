"""Runs a focus frame: expose, step the focus, shift the charge, and put the focus back in the end."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from drivers.camera import Camera
from iocs.camera.focus_frame import FocusFrame
from iocs.camera.integration import Integration
from iocs.camera.shutter_control import ANSWER_TIME, CAMERA
from iocs.wire.peers import PeerError
from slitless.definition import Telescope
from slitless.errors import SlitlessError
from slitless.fits.record import FrameRecord
from slitless.optics.beam import Beam

if TYPE_CHECKING:
    from iocs.ioc import Ioc

__all__ = ["FocusFailed", "FocusMotor", "expose_focus_frame"]

log = logging.getLogger(__name__)
IN_PLACE = 0.005  # mm, well below the depth of focus


class FocusFailed(SlitlessError):
    """The focus did not go where a focus frame needs it."""


class FocusMotor:
    """The telescope's focus, commanded over Channel Access.

    Parameters
    ----------
    ioc : Ioc
        Whose Channel Access client is used.
    telescope : Telescope
        Speed of the focus.
    """

    def __init__(self, ioc: Ioc, telescope: Telescope) -> None:
        self._ioc = ioc
        self._speed = telescope.focus_speed
        self._position = ioc.watch("TEL:focus.RBV")
        self._numbers = count(1)
        self._returning: set[asyncio.Task[None]] = set()

    @property
    def position(self) -> float:
        """Where the focus is, mm."""
        return float(self._position.value)

    async def move(self, position: float) -> None:
        """Move to `position` (mm); return when the readback says that it is there.

        Raises
        ------
        FocusFailed
            If it refuses or does not arrive.
        """
        distance = abs(position - self.position) if self._position.known else 0.0
        patience = self._ioc.clock.wall_seconds(2 * distance / self._speed + 5.0) + ANSWER_TIME
        try:
            await self._ioc.put("TEL:focus:CommandId", f"{CAMERA}:f{next(self._numbers)}")
            await self._ioc.put("TEL:focus", position, timeout=patience)
            await self._position.until(lambda value: abs(value - position) <= IN_PLACE, ANSWER_TIME)
        except PeerError as error:
            raise FocusFailed(f"focus to {position:g} mm: {error}") from error

    def send_back(self, position: float) -> None:
        """Move to `position` (mm) without waiting, after an abort."""
        task = asyncio.create_task(self._move_quietly(position))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _move_quietly(self, position: float) -> None:
        try:
            await self.move(position)
        except FocusFailed as error:
            log.error("the focus was not put back: %s", error)


async def expose_focus_frame(
    frame: FocusFrame,
    seconds: float,
    beam: Beam,
    integration: Integration,
    camera: Camera,
    focus: FocusMotor,
    record: FrameRecord,
) -> None:
    """Take the sub-exposures of a focus frame; the shutter is closed while the focus moves.

    Raises
    ------
    FocusFailed, ShutterFailed
        If a device does not obey; the focus goes back all the same.
    """
    start = focus.position
    record.focus_start, record.focus_step = start, frame.step
    record.focus_shift, record.focus_steps = frame.shift, frame.steps
    try:
        for number, rows in enumerate(frame.shifts()):
            position = start + number * frame.step
            if number:
                await focus.move(position)
                await camera.shift_rows(rows)
            await integration.light(seconds, replace(beam, focus=position))
            if integration.ended_early:
                break
    except (SlitlessError, asyncio.CancelledError):
        focus.send_back(start)
        raise
    await focus.move(start)
