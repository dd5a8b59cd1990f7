"""One frame as a plan asks the detector for it."""

from __future__ import annotations

from dataclasses import dataclass

from slitless.definition import Instrument
from slitless.exposure import ImageType, Stutter

__all__ = ["ExposureRequest", "FocusFrame"]

FOCUS_SETTLES = 2.0
"""s for a step of the focus to start and settle; an estimate."""


@dataclass(frozen=True)
class FocusFrame:
    """Several focus positions on one frame, shifted against each other."""

    steps: int
    """Sub-images."""
    step: float
    """mm of focus between them."""
    shift: int
    """Rows between them."""


@dataclass(frozen=True, eq=False)
class ExposureRequest:
    """Everything the detector must know for one frame.

    A request is one frame: preparing and triggering the same request again, as the RunEngine does
    after a pause, goes on with that frame and never makes a second one.
    """

    image_type: ImageType
    exposure_time: float
    """s."""
    group_id: str = ""
    test_type: str = ""
    reason: str = ""
    program: str = ""
    note: str = ""
    title: str = ""
    """What OBJECT says; empty: what the camera's ObjectName or the telescope says."""
    flush_cycles: int | None = None
    """Flushes before it; as the camera is set if None."""
    snap_index: int = 1
    """From 1."""
    snap_count: int = 1
    stutter: Stutter | None = None
    focus_frame: FocusFrame | None = None

    def duration(self, instrument: Instrument, flush_cycles: int) -> float:
        """Return the s of instrument time that the frame should take, readout included and generous."""
        detector, shutter = instrument.detector, instrument.shutter
        slices, rows, moving = 1, 0, 0.0
        if self.stutter is not None:
            slices, rows = self.stutter.n_shift, self.stutter.row_shift
        elif self.focus_frame is not None:
            slices, rows = self.focus_frame.steps, self.focus_frame.shift
            moving = abs(self.focus_frame.step) / instrument.telescope.focus_speed + FOCUS_SETTLES
        travel = shutter.open_time + shutter.close_time
        one = self.exposure_time + travel + 2 * rows * detector.row_shift_time + moving
        return flush_cycles * detector.flush_time + slices * one + 2 * detector.readout_time

    def __str__(self) -> str:
        return f"{self.image_type} {self.exposure_time:g} s"
