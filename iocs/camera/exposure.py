"""One frame, from its checks to its file.

Everything is checked before anything happens; from then on whatever goes wrong closes the shutter, is written
into the ledger and leaves the camera ready for the next exposure.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from drivers.camera import ReadoutResult
from iocs.camera.control import ExposureControl
from iocs.camera.display import FrameState
from iocs.camera.equipment import Equipment, ExposureAborted, ExposureFailed
from iocs.camera.focus_run import expose_focus_frame
from iocs.camera.integration import Integration
from iocs.camera.request import FrameRequest
from iocs.camera.stutter import stutter_schedule, stutter_seconds
from iocs.wire.client import Refused
from slitless.errors import SlitlessError
from slitless.fits.record import FrameRecord
from slitless.identifiers import ExposureName
from slitless.optics.beam import Beam

__all__ = ["Exposure"]

log = logging.getLogger(__name__)
READOUT_PATIENCE = 30.0  # wall s beyond what a readout takes, after which the camera is taken for dead
Result = TypeVar("Result")


class Exposure:
    """One frame.

    Parameters
    ----------
    equipment : Equipment
        What it works with.
    request : FrameRequest
        What is wanted, latched.
    control : ExposureControl
        What clients ask for while it runs.
    day_obs : int
        Day it belongs to.
    owner : str
        Who holds the sequence claim.
    by_hand : asyncio.Event or None
        Set when an integration that a client ends by hand is over; None for one that ends by itself.
    """

    def __init__(
        self,
        equipment: Equipment,
        request: FrameRequest,
        control: ExposureControl,
        day_obs: int,
        owner: str = "",
        by_hand: asyncio.Event | None = None,
    ) -> None:
        self._with = equipment
        self._control = control
        self._day_obs = day_obs
        self._owner = owner
        self._by_hand = by_hand
        self._written: Path | None = None
        self.request = request
        self.name: ExposureName | None = None
        """None until an exposure id is reserved."""
        self.integration: Integration | None = None
        """None until the flush is over."""
        self.rows_shifted: list[int] = []
        """Row shifts made by hand."""
        self.abort_reason = "aborted"

    async def run(self) -> None:
        """Take the frame; return when its file is durable.

        Raises
        ------
        Refused
            If it may not begin; no exposure id was spent.
        ExposureFailed, ExposureAborted
            If it began and gave no frame.
        """
        try:
            await self._with.display.optics_locked(self.request.is_light)
            await self.check()
            await uninterrupted(self._reserve())
            await self._take()
        except (Exception, asyncio.CancelledError) as error:
            await self._end_badly(error)

    async def shift_by_hand(self, rows: int) -> None:
        """Shift charge towards the readout edges while the integration runs."""
        if self.integration is None:
            raise Refused("DiscardRows: the integration has not started")
        await self.integration.shift_by_hand(rows)
        self.rows_shifted.append(rows)

    async def check(self) -> None:
        """Refuse what cannot be, before an exposure id is spent or anything moves."""
        equipment, request = self._with, self.request
        if request.is_light or equipment.asks_shutter:
            equipment.shutter.check_ready(request.is_light)
        if request.is_light:
            equipment.interlock.check()
        if request.focus_frame:
            request.focus_frame.positions(equipment.interlock.focus(), equipment.instrument)
        self._check_temperature(await equipment.camera.temperature())
        await asyncio.to_thread(self._check_destination, equipment.names.next)

    def _check_temperature(self, temperature: float) -> None:
        low, high = self._with.instrument.detector.set_point_limits
        if not low <= temperature <= high:
            raise Refused(
                f"CCD temperature: {temperature:g} C is outside [{low:g}, {high:g}] C, so the sensor is wrong"
            )

    def _check_destination(self, name: Callable[[int], ExposureName]) -> None:
        self._with.destinations.check(name(self._day_obs), self.request.bytes_needed(self._with.instrument))

    async def _reserve(self) -> None:
        """Spend an exposure id; its ledger line says what start-up and the night log need if no more follows."""
        request, destinations = self.request, self._with.destinations
        target = self._with.headers.snapshot().get("TEL:Target")
        object_name = request.object_name or (target if isinstance(target, str) else "")
        facts = {
            "image_type": str(request.image_type),
            "exposure_time": request.exposure_time,
            "group_id": request.group_id,
            "program": request.program,
            "object_name": object_name,
        }

        def destination(name: ExposureName) -> str:
            return destinations.relative(destinations.path(name))

        now = self._with.clock.now()
        self.name = await asyncio.to_thread(self._with.names.spend, self._day_obs, now, destination, **facts)
        await self._with.display.about(object_name, request.is_test, request.spends_title)
        await self._with.display.reserved(self.name)

    async def _take(self) -> None:
        """Do all that follows the reservation, in order."""
        equipment, display = self._with, self._with.display
        await display.show(FrameState.FLUSHING, "flushing")
        flushed_at = await equipment.camera.flush(self.request.flush_cycles)
        start = equipment.headers.snapshot()
        record = await self._integrate(flushed_at)
        end = equipment.headers.snapshot()
        await display.optics_locked(False)
        await display.integrated(record)
        frame = await self._read_out(record)
        await self._write(record, frame, start, end)

    async def _integrate(self, flushed_at: float) -> FrameRecord:
        equipment, request = self._with, self.request
        integration = self.integration = Integration(
            equipment.camera,
            equipment.shutter,
            equipment.instrument.shutter,
            equipment.clock,
            self._control,
            equipment.display,
        )
        record = self._new_record(flushed_at)
        beam = None
        if request.is_light:
            equipment.shutter.check_ready(for_light=True)
            beam = equipment.interlock.check()
        await self._let_light_fall(integration, beam, record)
        if request.exposures == 1:
            await equipment.display.exposures_done(1)
        if request.is_light and not equipment.shutter.is_closed:
            await equipment.shutter.close()
        record.read_out_at = integration.finish()
        record.started_at, record.ended_at = integration.started_at, integration.ended_at
        record.shutter_time = integration.shutter_time
        record.dark_time = record.read_out_at - flushed_at
        is_plain = request.stutter is None and request.focus_frame is None
        if self._by_hand or (self._control.ended and is_plain):
            record.exposure_time = integration.elapsed
        record.temperature = await equipment.camera.temperature()
        return record

    async def _let_light_fall(self, integration: Integration, beam: Beam | None, record: FrameRecord) -> None:
        request, instrument = self.request, self._with.instrument
        if self._by_hand:
            limit = instrument.shutter.maximum_exposure if beam else instrument.detector.maximum_dark
            await integration.by_hand(beam, limit, self._by_hand)
            self._note_hand_shifts(record)
        elif beam is None:
            await self._accumulate(integration, record, lambda: integration.dark(request.exposure_time))
        elif request.stutter:
            timing = (request.stutter, request.exposure_time, instrument.detector.row_shift_time)
            await integration.light(stutter_seconds(*timing), beam, stutter_schedule(*timing))
        elif request.focus_frame:
            await expose_focus_frame(
                request.focus_frame,
                request.exposure_time,
                beam,
                integration,
                self._with.camera,
                self._with.focus,
                record,
            )
        else:
            await self._accumulate(integration, record, lambda: integration.light(request.exposure_time, beam))

    async def _accumulate(
        self, integration: Integration, record: FrameRecord, expose: Callable[[], Awaitable[None]]
    ) -> None:
        """Let the CCD add up as many exposures as the frame has."""
        count = self.request.exposures
        for done in range(count):
            integration.to_follow = (count - done - 1) * self.request.exposure_time
            await expose()
            record.exposures = done + 1
            await self._with.display.exposures_done(done + 1)
            if self._control.ended:
                break

    def _note_hand_shifts(self, record: FrameRecord) -> None:
        if self.rows_shifted:
            record.stutter_rows, record.stutter_shifts = self.rows_shifted[-1], len(self.rows_shifted) + 1

    def _new_record(self, flushed_at: float) -> FrameRecord:
        request, equipment = self.request, self._with
        record = FrameRecord(
            name=self._reserved_name(),
            image_type=request.image_type,
            window=request.window,
            exposure_time=request.exposures * request.exposure_time,
            flushed_at=flushed_at,
            group_id=request.group_id,
            test_type=request.test_type,
            reason=request.reason,
            program=request.program,
            note=request.note,
            object_name=request.object_name,
            observer=request.observer,
            snap_index=request.snap_index,
            snap_count=request.snap_count,
            exposures=request.exposures,
            set_point=equipment.set_point(),
            simulated=equipment.camera.identity.is_simulated,
            software_version=equipment.software_version,
            sequence_owner=self._owner,
            own_cards=request.own_cards,
        )
        if request.stutter:
            stutter = request.stutter
            slices = {"stutter_rows": stutter.row_shift, "stutter_shifts": stutter.n_shift}
            return replace(record, stutter_delay=request.exposure_time, **slices)
        return record

    async def _read_out(self, record: FrameRecord) -> ReadoutResult:
        camera, display, window = self._with.camera, self._with.display, self.request.window
        remaining = self.request.pixels(self._with.instrument)
        display.pixels_total = remaining
        await display.pixels_remaining(remaining)
        await display.show(FrameState.READING, "reading out")

        def progress(pixels: int) -> None:
            nonlocal remaining
            remaining = pixels

        patience = self._with.clock.wall_seconds(1.5 * camera.readout_time(window)) + READOUT_PATIENCE
        reading = asyncio.ensure_future(camera.read_out(window, record.name.exposure_id, progress))
        try:
            async with asyncio.timeout(patience):
                while not reading.done():
                    await asyncio.wait([reading], timeout=0.05)
                    await display.pixels_remaining(remaining)
        except TimeoutError:
            raise ExposureFailed(f"camera: the readout did not end within {patience:.1f} s") from None
        finally:
            reading.cancel()
        return reading.result()

    async def _write(
        self, record: FrameRecord, frame: ReadoutResult, start: dict[str, object], end: dict[str, object]
    ) -> None:
        equipment = self._with
        await equipment.display.show(FrameState.WRITING, "writing")
        record.created_at = equipment.clock.now()
        path = equipment.destinations.path(record.name)
        equipment.plugins.expect(record.name.obs_id)
        shown = asyncio.ensure_future(equipment.output.send(record, frame, start, end))
        try:
            problems = await uninterrupted(self._to_disk(path, record, frame, start, end))
        finally:
            equipment.plugins.settle(record.name.obs_id, self._written)
            await shown
        file = equipment.destinations.relative(path)
        await uninterrupted(asyncio.to_thread(equipment.ledger.written, record.name, equipment.clock.now(), file))
        await equipment.display.problems(problems)
        await equipment.display.show(FrameState.WRITTEN, f"{record.name.obs_id} written")

    async def _to_disk(
        self,
        path: Path,
        record: FrameRecord,
        frame: ReadoutResult,
        start: dict[str, object],
        end: dict[str, object],
    ) -> list[str]:
        problems = await self._with.plugins.write(path, record, frame, start, end)
        self._written = path
        return problems

    async def _end_badly(self, error: BaseException) -> None:
        """Leave everything as an idle camera has it, and say what became of the exposure."""
        is_abort = isinstance(error, asyncio.CancelledError)
        reason = self.abort_reason if is_abort else str(error) or type(error).__name__
        if not is_abort and not isinstance(error, (SlitlessError, Refused, OSError)):
            log.error("exposure failed", exc_info=error)
        if self.name is None:
            await self._with.display.optics_locked(False)
            if is_abort:
                await self._with.display.ended_badly(FrameState.ABORTED, reason)
                raise ExposureAborted(reason) from None
            raise Refused(reason) from error
        reason += await self._make_dark()
        if is_abort and self._written is not None:
            await self._with.plugins.discard(self._written)
        await self._enter_in_ledger(is_abort, reason)
        await self._with.display.ended_badly(FrameState.ABORTED if is_abort else FrameState.FAILED, reason)
        if is_abort:
            raise ExposureAborted(f"{self.name.obs_id}: {reason}") from None
        raise ExposureFailed(f"{self.name.obs_id}: {reason}") from error

    async def _make_dark(self) -> str:
        """Close the shutter if it may be open, and let go of the optics; return words for what went wrong."""
        try:
            if self.request.is_light and not self._with.shutter.is_closed:
                await self._with.shutter.close()
            await self._with.display.optics_locked(False)
            await self._with.camera.abort()
        except SlitlessError as error:
            log.error("exposure %s: %s", self._reserved_name().obs_id, error)
            return f"; and then: {error}"
        return ""

    async def _enter_in_ledger(self, is_abort: bool, reason: str) -> None:
        entry = self._with.ledger.aborted if is_abort else self._with.ledger.failed
        try:
            await asyncio.to_thread(entry, self._reserved_name(), self._with.clock.now(), reason)
        except OSError as error:
            log.error("exposure ledger: %s", error)  # start-up closes what has no end

    def _reserved_name(self) -> ExposureName:
        if self.name is None:
            raise RuntimeError("an exposure went on without a reserved id")
        return self.name


async def uninterrupted(work: Coroutine[Any, Any, Result]) -> Result:
    """Let work finish that must not be left half done; a cancellation takes effect after it."""
    task: asyncio.Task[Result] = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
