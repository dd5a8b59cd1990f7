"""One frame as a plan asks the detector for it."""

from __future__ import annotations

from dataclasses import dataclass

from slitless.exposure import ImageType, Stutter

__all__ = ["ExposureRequest", "FocusFrame"]


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
    snap_index: int = 1
    """From 1."""
    snap_count: int = 1
    stutter: Stutter | None = None
    focus_frame: FocusFrame | None = None

    def __str__(self) -> str:
        return f"{self.image_type} {self.exposure_time:g} s"
