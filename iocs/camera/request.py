"""What an Acquire asks for, latched from the records when it starts and checked as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from iocs.camera.focus_frame import FocusFrame
from slitless.definition import Instrument
from slitless.detector.geometry import Window, readout_layout
from slitless.detector.readout_format import ReadoutFormat
from slitless.errors import InvalidRequest
from slitless.exposure import TEST_TITLE, TEST_TYPE, ImageType, SequenceFlush, Stutter, check_exposure_time
from slitless.fits.header_file import OwnCard

__all__ = ["FrameRequest", "latch", "latch_sequence", "latch_test"]


@dataclass(frozen=True)
class FrameRequest:
    """One checked Acquire; a frame keeps its own copy, so that later puts cannot change it."""

    image_type: ImageType
    exposure_time: float
    """s; of one slice or sub-exposure where there are several."""
    window: Window
    images: int | None
    """Frames to take; None until stopped."""
    period: float
    """s from start to start; 0 for as fast as possible."""
    flush_cycles: int
    exposures: int = 1
    """How many exposures the CCD adds up in a frame."""
    waits_for_trigger: bool = False
    """Whether each frame waits for a trigger."""
    stutter: Stutter | None = None
    focus_frame: FocusFrame | None = None
    snap_index: int = 1
    snap_count: int = 1
    group_id: str = ""
    test_type: str = ""
    reason: str = ""
    program: str = ""
    note: str = ""
    object_name: str = ""
    observer: str = ""
    own_cards: tuple[OwnCard, ...] = ()
    """Keywords of the observer's own."""
    is_sequence: bool = False
    """Whether frames follow each other as a sequence: each an exposure, not a snap of one."""
    sequence_flush: SequenceFlush = SequenceFlush.EACH
    delay: float = 0.0
    """s from the end of a frame to the start of the next."""
    is_test: bool = False
    spends_title: bool = True
    """Whether it uses up the title that was set for the next Acquire."""

    @property
    def is_light(self) -> bool:
        """Whether the shutter opens."""
        return self.image_type.opens_shutter

    def frame(self, index: int) -> FrameRequest:
        """Return the request of the frame of that index (from 0): frames of a Multiple are each other's snaps."""
        if self.is_sequence:
            return replace(self, flush_cycles=self.flush_cycles * self.sequence_flush.holds_for(index))
        if self.images is None or self.images == 1:
            return self
        return replace(self, snap_index=index + 1, snap_count=self.images)

    def pixels(self, instrument: Instrument) -> int:
        """Return how many pixels are read, overscan included."""
        shapes = (readout.raw_shape for readout in readout_layout(instrument.detector, self.window))
        return sum(rows * columns for rows, columns in shapes)

    def bytes_needed(self, instrument: Instrument) -> int:
        """Return the bytes its pixels take in a file."""
        return 4 * self.pixels(instrument)


def latch(value: Callable[[str], Any], instrument: Instrument) -> FrameRequest:
    """Read and check everything an exposure depends on, but for other devices.

    Parameters
    ----------
    value : callable
        Returns the value of a record of the camera by its name, e.g. ``AcquireTime``.
    instrument : Instrument
        What is possible.

    Raises
    ------
    InvalidRequest
        Naming the first setting that is not valid, its value and what would be.
    """
    image_type = ImageType.named(value("ImageType"))
    exposure_time = check_exposure_time(image_type, value("AcquireTime"), instrument)
    modes = {"Single": 1, "Multiple": int(value("NumImages")), "Continuous": None}
    if modes[value("ImageMode")] == 0:
        raise InvalidRequest("NumImages", 0, "a Multiple needs at least 1")
    index, count = int(value("SnapIndex")), int(value("SnapCount"))
    if index > count:
        raise InvalidRequest("SnapIndex", index, f"it must not be above SnapCount, {count}")
    request = FrameRequest(
        image_type=image_type,
        exposure_time=exposure_time,
        window=_window(value, instrument),
        images=modes[value("ImageMode")],
        period=float(value("AcquirePeriod")),
        flush_cycles=int(value("FlushCycles")),
        exposures=int(value("NumExposures")),
        waits_for_trigger=value("TriggerMode") == "External",
        stutter=_stutter(value, image_type, instrument),
        focus_frame=_focus_frame(value, image_type, instrument),
        snap_index=index,
        snap_count=count,
        group_id=value("GroupId"),
        test_type=value("TestType"),
        reason=value("Reason"),
        program=value("Program"),
        note=value("Note"),
        object_name=value("ImageTitle") or value("ObjectName"),
        observer=value("Observer"),
        is_test=value("TestType") == TEST_TYPE,
    )
    _check_open_time(request, instrument)
    return request


def latch_sequence(value: Callable[[str], Any], instrument: Instrument) -> FrameRequest:
    """Read and check a sequence: its frames are those of the present settings.

    Raises
    ------
    InvalidRequest
        As `latch`.
    """
    return replace(
        latch(value, instrument),
        images=int(value("SequenceNumber")),
        period=0.0,
        is_sequence=True,
        sequence_flush=SequenceFlush(value("SequenceFlush")),
        delay=float(value("SequenceDelay")),
    )


def latch_test(value: Callable[[str], Any], instrument: Instrument) -> FrameRequest:
    """Read and check a test exposure: an OBJECT or a DARK whose settings are not those of other frames.

    Raises
    ------
    InvalidRequest
        As `latch`.
    """
    overrides = {
        "ImageType": (ImageType.OBJECT if value("TestShutter") == "Open" else ImageType.DARK).value,
        "AcquireTime": value("TestTime"),
        "ImageMode": "Single",
        "NumExposures": 1,
        "TriggerMode": "Internal",
        "ImageTitle": TEST_TITLE,
        "TestType": TEST_TYPE,
        "FocusFrame": "No",
        "SnapIndex": 1,
        "SnapCount": 1,
    }
    request = latch(lambda name: overrides[name] if name in overrides else value(name), instrument)
    return replace(request, spends_title=False)


def _window(value: Callable[[str], Any], instrument: Instrument) -> Window:
    """Return the window of MinX ... BinY: areaDetector counts pixels from 0, the detector from 1."""
    first_column, first_row = int(value("MinX")) + 1, int(value("MinY")) + 1
    counts = (int(value("SerialUnderscan")), int(value("SerialOverscan")), int(value("ParallelOverscan")))
    beside = ReadoutFormat(*counts)
    window = Window(
        first_column,
        first_column + int(value("SizeX")) - 1,
        first_row,
        first_row + int(value("SizeY")) - 1,
        int(value("BinX")),
        int(value("BinY")),
        None if beside == ReadoutFormat.of(instrument.detector) else beside,
    )
    window.check(instrument.detector)
    return window


def _stutter(value: Callable[[str], Any], image_type: ImageType, instrument: Instrument) -> Stutter | None:
    if image_type is not ImageType.STUTTERED:
        return None
    stutter = Stutter(int(value("StutterShifts")), int(value("StutterRows")))
    stutter.check(instrument.detector)
    return stutter


def _focus_frame(value: Callable[[str], Any], image_type: ImageType, instrument: Instrument) -> FocusFrame | None:
    if value("FocusFrame") != "Yes":
        return None
    if image_type is not ImageType.FOCUS:
        raise InvalidRequest("FocusFrame", "Yes", f"it belongs to FOCUS frames, not to {image_type}")
    focus_frame = FocusFrame(int(value("FocusSteps")), float(value("FocusStep")), int(value("FocusShift")))
    focus_frame.check(instrument)
    return focus_frame


def _check_open_time(request: FrameRequest, instrument: Instrument) -> None:
    """Refuse a frame whose slices or exposures together keep the shutter open longer than it may."""
    parts, what = request.exposures, "NumExposures"
    if request.exposures > 1 and (request.stutter or request.focus_frame or not request.exposure_time):
        bound = "a bias, stuttered or focus frame is one exposure"
        raise InvalidRequest("NumExposures", request.exposures, bound)
    if request.stutter is not None:
        parts, what = request.stutter.n_shift, "stutter"
    detector, shutter = instrument.detector, instrument.shutter
    longest = shutter.maximum_exposure if request.is_light else detector.maximum_dark
    if parts > 1 and parts * request.exposure_time > longest:
        bound = f"all of them together must not be above {longest:g} s"
        raise InvalidRequest(what, f"{parts} of {request.exposure_time:g} s", bound)
