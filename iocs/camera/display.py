"""Shows how a frame goes: states, progress and results, each PV in one place.

Two vocabularies say the same: `FrameState_RBV` is ours, `DetectorState_RBV` is areaDetector's.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from slitless.fits.record import FrameRecord
from slitless.identifiers import ExposureName

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["Display", "ExposureFlag", "FrameState", "shortened"]

TEXT_BYTES = 1023  # of the 1024 in FrameReason_RBV and HeaderProblems_RBV


class FrameState(StrEnum):
    """How far a frame got."""

    NONE = "None"
    RESERVED = "Reserved"
    FLUSHING = "Flushing"
    INTEGRATING = "Integrating"
    HELD = "Held"
    READING = "Reading"
    WRITING = "Writing"
    WRITTEN = "Written"
    FAILED = "Failed"
    ABORTED = "Aborted"


DETECTOR_STATE = {
    FrameState.NONE: "Idle",
    FrameState.RESERVED: "Initializing",
    FrameState.FLUSHING: "Initializing",
    FrameState.INTEGRATING: "Acquire",
    FrameState.HELD: "Waiting",
    FrameState.READING: "Readout",
    FrameState.WRITING: "Saving",
    FrameState.WRITTEN: "Idle",
    FrameState.FAILED: "Error",
    FrameState.ABORTED: "Aborted",
}


class ExposureFlag(StrEnum):
    """States of an exposure as AzCam names and, in this order from 0, numbers them."""

    NONE = "NONE"
    EXPOSING = "EXPOSING"
    ABORT = "ABORT"
    """Was aborted; stays until the next exposure."""
    PAUSE = "PAUSE"
    """Asked to hold."""
    RESUME = "RESUME"
    """Asked to go on."""
    READ = "READ"
    """Asked to end now and read out."""
    PAUSED = "PAUSED"
    READOUT = "READOUT"
    SETUP = "SETUP"
    WRITING = "WRITING"
    GUIDEERROR = "GUIDEERROR"
    """Never here: there is no guider."""
    ERROR = "ERROR"
    """Failed; stays until the next exposure."""


EXPOSURE_FLAG = {
    FrameState.NONE: ExposureFlag.NONE,
    FrameState.RESERVED: ExposureFlag.SETUP,
    FrameState.FLUSHING: ExposureFlag.SETUP,
    FrameState.INTEGRATING: ExposureFlag.EXPOSING,
    FrameState.HELD: ExposureFlag.PAUSED,
    FrameState.READING: ExposureFlag.READOUT,
    FrameState.WRITING: ExposureFlag.WRITING,
    FrameState.WRITTEN: ExposureFlag.NONE,
    FrameState.FAILED: ExposureFlag.ERROR,
    FrameState.ABORTED: ExposureFlag.ABORT,
}


class Display:
    """Writes the PVs that say how a frame goes.

    Parameters
    ----------
    record : callable
        Returns a record of the camera by its name, e.g. ``FrameState_RBV``.
    wall_at : callable
        Returns the wall time (UTC unix s) at an instrument time (TAI unix s), for time stamps.
    """

    def __init__(self, record: Callable[[str], Record], wall_at: Callable[[float], float]) -> None:
        self._record = record
        self._wall_at = wall_at
        self.state = FrameState.NONE
        self._flag = ExposureFlag.NONE
        self.pixels_total = 0
        """Pixels of the frame that is read."""

    async def show(self, state: FrameState, message: str) -> None:
        """Show a state, with words for it."""
        self.state = state
        await self._record("Held_RBV").write("Yes" if state is FrameState.HELD else "No")
        await self._record("FrameState_RBV").write(state.value)
        await self._record("DetectorState_RBV").write(DETECTOR_STATE[state])
        await self._record("StatusMessage_RBV").write(shortened(message, 255))
        await self.flag(EXPOSURE_FLAG[state])

    async def flag(self, flag: ExposureFlag) -> None:
        """Show a state, or a request under way, in AzCam's terms."""
        self._flag = flag
        await self._record("ExposureFlag_RBV").write(flag.value)

    async def asked(self, flag: ExposureFlag) -> None:
        """Show a client's request to a running exposure until the next state follows from it."""
        if self.state in (FrameState.RESERVED, FrameState.FLUSHING, FrameState.INTEGRATING, FrameState.HELD):
            await self.flag(flag)

    async def sequence(self, count: int, total: int) -> None:
        """Show which frame of a sequence is taken, from 1; 0 of 0 when none is."""
        await self._record("SequenceTotal_RBV").write(total)
        await self._record("SequenceCount_RBV").write(count)

    async def about(self, title: str, is_test: bool, spends_title: bool) -> None:
        """Show what the new exposure is of, and spend the title, which holds for one Acquire."""
        await self._record("ImageTitle_RBV").write(title)
        await self._record("ImageTest_RBV").write("Yes" if is_test else "No")
        if self._record("ImageTitle").value and spends_title:
            await self._record("ImageTitle").write("")

    async def reserved(self, name: ExposureName) -> None:
        """Show the name of a new exposure, and nothing of the one before."""
        await self._record("ExposureId_RBV").write(name.obs_id)
        await self._record("ExposureNumber_RBV").write(float(name.exposure_id))
        await self._record("DayObs_RBV").write(name.day_obs)
        await self._record("SeqNum_RBV").write(name.seq_num)
        for cleared in ("ExposureStart_RBV", "ExposureEnd_RBV", "ExposureTime_RBV", "ShutterTime_RBV", "DarkTime_RBV"):
            await self._record(cleared).write(0.0)
        await self.exposures_done(0)
        await self._record("FrameReason_RBV").write("")
        await self._record("HeaderProblems_RBV").write("")
        await self.show(FrameState.RESERVED, f"{name.obs_id} reserved")

    async def integrating(self, remaining: float) -> None:
        """Show that the exposure clock runs, with `remaining` s to go."""
        await self._record("TimeRemaining_RBV").write(remaining)
        if self.state is not FrameState.INTEGRATING:
            await self.show(FrameState.INTEGRATING, "integrating")
        elif self._flag is ExposureFlag.RESUME:
            await self.flag(ExposureFlag.EXPOSING)

    async def waiting(self, message: str) -> None:
        """Show that the next frame waits: for its time, or for a trigger."""
        await self._record("DetectorState_RBV").write("Waiting")
        await self._record("StatusMessage_RBV").write(message)

    async def at_rest(self) -> None:
        """Show again how the last frame ended, after waiting for one that did not come."""
        if self._record("DetectorState_RBV").value == "Waiting":
            await self._record("DetectorState_RBV").write(DETECTOR_STATE[self.state])
            await self._record("StatusMessage_RBV").write("idle")

    async def exposures_done(self, done: int) -> None:
        """Show how many exposures of this frame are done."""
        await self._record("NumExposuresCounter_RBV").write(done)

    async def held(self) -> None:
        """Show that the exposure is paused."""
        await self.show(FrameState.HELD, "paused, shutter closed")

    async def pixels_remaining(self, pixels: int) -> None:
        """Show how many pixels are still to be read."""
        await self._record("NumPixelsRemaining_RBV").write(pixels)

    async def optics_locked(self, locked: bool) -> None:
        """Tell the mechanisms whether they must stand still."""
        await self._record("OpticsLocked_RBV").write("Yes" if locked else "No")

    async def integrated(self, record: FrameRecord) -> None:
        """Show when the integration was and how long, as measured, each with the time of what it speaks of."""
        await self._record("TimeRemaining_RBV").write(0.0)
        for name, value, at in (
            ("ExposureStart_RBV", record.started_at, record.started_at),
            ("ExposureEnd_RBV", record.ended_at, record.ended_at),
            ("ExposureTime_RBV", record.exposure_time, record.ended_at),
            ("ShutterTime_RBV", record.shutter_time, record.ended_at),
            ("DarkTime_RBV", record.dark_time, record.read_out_at),
        ):
            await self._record(name).write(value or 0.0, timestamp=self._wall_at(at) if at else None)

    async def problems(self, problems: list[str]) -> None:
        """Show what the header could not say."""
        await self._record("HeaderProblems_RBV").write(shortened("; ".join(problems)))

    async def ended_badly(self, state: FrameState, reason: str) -> None:
        """Show that there is no frame, and why."""
        await self._record("TimeRemaining_RBV").write(0.0)
        await self.pixels_remaining(0)
        await self._record("FrameReason_RBV").write(shortened(reason))
        await self.show(state, reason)


def shortened(text: str, size: int = TEXT_BYTES) -> str:
    """Return text cut to at most `size` bytes of UTF-8, no character halved."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
