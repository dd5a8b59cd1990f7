"""The description of an exposure that `LATISS.expose` takes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CameraExposure"]


@dataclass
class CameraExposure:
    """What a series of exposures is to be like; fields and their order are those of ts_observatory_control."""

    exp_time: float
    """s."""
    shutter: bool
    """Whether it opens; the image type decides, and this must agree with it."""
    image_type: str
    group_id: str
    n: int
    n_snaps: int = 1
    n_shift: int | None = None
    row_shift: int | None = None
    test_type: str | None = None
    reason: str | None = None
    program: str | None = None
    sensors: str | None = None
    note: str | None = None

    def get_key_value_map(self) -> str:
        """Return what the camera of LATISS is told of an exposure besides its time, as text."""
        pairs = {
            "imageType": self.image_type,
            "groupId": self.group_id,
            "testType": self.test_type if self.test_type is not None else self.image_type,
            "stutterRows": self.get_row_shift(),
            "stutterNShifts": self.get_n_shift(),
            "stutterDelay": self.get_stutter_delay(),
        }
        further = {"reason": self.reason, "program": self.program}
        pairs |= {name: value for name, value in further.items() if value is not None}
        return ", ".join(f"{name}: {value}" for name, value in pairs.items())

    def is_stutter(self) -> bool:
        """Return whether it is a stuttered exposure."""
        return self.image_type == "STUTTERED"

    def get_n_shift(self) -> int:
        """Return the number of slices, 0 if it is not stuttered."""
        return self._of_stutter("n_shift", self.n_shift)

    def get_row_shift(self) -> int:
        """Return the rows between slices, 0 if it is not stuttered."""
        return self._of_stutter("row_shift", self.row_shift)

    def get_stutter_delay(self) -> float:
        """Return the time (s) of a slice, 0 if it is not stuttered."""
        return self.exp_time if self.is_stutter() else 0.0

    def _of_stutter(self, name: str, value: int | None) -> int:
        if not self.is_stutter():
            return 0
        if value is None:
            raise AssertionError(f"{name}: a stuttered exposure needs it")
        return value
