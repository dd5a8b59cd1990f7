"""What an exposure is: image types and the rules that hold for each.

The rules are those of the LATISS class of ts_observatory_control, decided where its code and its
documentation disagree: everything is checked before anything moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from slitless.definition import Detector, Instrument
from slitless.errors import InvalidRequest, choose, require_range, require_whole

__all__ = [
    "MAXIMUM_IMAGES",
    "TEST_TITLE",
    "TEST_TYPE",
    "ExposurePlan",
    "ImageType",
    "SequenceFlush",
    "Stutter",
    "check_count",
    "check_exposure_time",
]

MAXIMUM_IMAGES = 9999
"""Images in one call; a longer run is a mistake, and a night has room for 99999 in all."""


class ImageType(StrEnum):
    """What a frame is for; the value is what IMGTYPE says."""

    BIAS = "BIAS"
    DARK = "DARK"
    FLAT = "FLAT"
    OBJECT = "OBJECT"
    ENGTEST = "ENGTEST"
    ACQ = "ACQ"
    CWFS = "CWFS"
    FOCUS = "FOCUS"
    STUTTERED = "STUTTERED"
    INDOME = "INDOME"
    CBP = "CBP"
    SFLAT = "SFLAT"
    DFLAT = "DFLAT"

    @property
    def opens_shutter(self) -> bool:
        """Whether light reaches the detector."""
        return self not in (ImageType.BIAS, ImageType.DARK)

    @property
    def is_flat_field(self) -> bool:
        """Whether the detector is lit evenly."""
        return self in (ImageType.FLAT, ImageType.SFLAT, ImageType.DFLAT)

    @property
    def sets_up_optics(self) -> bool:
        """Whether filter, grating and stage may be moved for it."""
        return self.opens_shutter

    @property
    def waits_for_telescope(self) -> bool:
        """Whether the telescope must say it is ready before the exposure."""
        return self in (ImageType.OBJECT, ImageType.ENGTEST, ImageType.ACQ, ImageType.CWFS)

    @classmethod
    def named(cls, name: str) -> ImageType:
        """Return the image type of that name.

        Raises
        ------
        InvalidRequest
            If there is none; the message lists the valid ones.
        """
        return cls(choose("image type", str(name), [member.value for member in cls]))


TEST_TITLE = "test image"
TEST_TYPE = "TEST"
"""TESTTYPE of a test exposure."""


class SequenceFlush(StrEnum):
    """Which frames of a sequence are flushed before they integrate; AzCam's modes 0, 1 and 2."""

    EACH = "Each"
    FIRST = "First"
    NEVER = "Never"

    def holds_for(self, index: int) -> bool:
        """Whether the frame of that index (from 0) is flushed."""
        return self is SequenceFlush.EACH or (self is SequenceFlush.FIRST and index == 0)


@dataclass(frozen=True)
class Stutter:
    """A stuttered exposure: `n_shift` slices on one frame, `row_shift` rows apart."""

    n_shift: int
    row_shift: int

    def check(self, detector: Detector) -> None:
        """Refuse a stutter that does not fit on the detector.

        Raises
        ------
        InvalidRequest
            If a number is below 1, or the slices need more rows than an amplifier has.
        """
        check_count("n_shift", self.n_shift)
        check_count("row_shift", self.row_shift)
        rows = (self.n_shift - 1) * self.row_shift
        if rows >= detector.rows:
            raise InvalidRequest(
                "stutter",
                f"{self.n_shift} slices {self.row_shift} rows apart",
                f"(n_shift - 1) * row_shift = {rows} must be below {detector.rows} rows",
            )


def check_count(argument: str, value: int) -> int:
    """Return `value` if it is a whole number in [1, 9999].

    Raises
    ------
    InvalidRequest
        If it is not.
    """
    return require_whole(argument, value, 1, MAXIMUM_IMAGES)


def check_exposure_time(image_type: ImageType, exposure_time: float, instrument: Instrument) -> float:
    """Return the exposure time (s) that a frame of this type gets: 0 for a bias, else as asked.

    Raises
    ------
    InvalidRequest
        If it is no finite number, negative, below what the shutter can do, or above the maximum.
    """
    if image_type is ImageType.BIAS:
        require_range("exposure time", exposure_time, 0.0, math.inf, "s")
        return 0.0
    if image_type is ImageType.DARK:
        return require_range("exposure time", exposure_time, 0.0, instrument.detector.maximum_dark, "s")
    shutter = instrument.shutter
    return require_range("exposure time", exposure_time, shutter.minimum_exposure, shutter.maximum_exposure, "s")


@dataclass(frozen=True)
class ExposurePlan:
    """One checked request for `n` x `n_snaps` frames of a kind."""

    image_type: ImageType
    exposure_time: float
    """s."""
    n: int = 1
    n_snaps: int = 1
    stutter: Stutter | None = None

    @classmethod
    def checked(
        cls,
        instrument: Instrument,
        image_type: ImageType,
        exposure_time: float,
        n: int = 1,
        n_snaps: int = 1,
        stutter: Stutter | None = None,
    ) -> ExposurePlan:
        """Return the request if every part of it is valid for this instrument.

        Raises
        ------
        InvalidRequest
            Naming the first part that is not, its value and what would be.
        """
        check_count("n", n)
        check_count("n_snaps", n_snaps)
        time = check_exposure_time(image_type, exposure_time, instrument)
        if (stutter is not None) != (image_type is ImageType.STUTTERED):
            raise InvalidRequest(
                "stutter", stutter, "n_shift and row_shift belong to STUTTERED frames, and each needs both"
            )
        if stutter is not None:
            stutter.check(instrument.detector)
        return cls(image_type, time, n, n_snaps, stutter)
