"""A focus frame: several images of the field on one frame, each at another focus and shifted by some rows.

The rows between the last two images are doubled, so that a reader can tell which end is which.
"""

from __future__ import annotations

from dataclasses import dataclass

from slitless.definition import Instrument
from slitless.errors import InvalidRequest, require_range

__all__ = ["FocusFrame"]


@dataclass(frozen=True)
class FocusFrame:
    """`steps` sub-exposures, the focus moved by `step` mm and the charge shifted by `shift` rows between them."""

    steps: int
    step: float
    shift: int

    @property
    def rows(self) -> int:
        """Rows by which the first image is shifted in the end: one gap counts double."""
        return self.steps * self.shift

    def check(self, instrument: Instrument) -> None:
        """Refuse a focus frame that does not fit on the detector.

        Raises
        ------
        InvalidRequest
            If there are fewer than two steps, the step is 0, or the images need more rows than an amplifier has.
        """
        if self.steps < 2:
            raise InvalidRequest("FocusSteps", self.steps, "a focus frame needs at least 2 sub-exposures")
        if self.step == 0:
            raise InvalidRequest("FocusStep", self.step, "it must not be 0 mm")
        if self.shift < 1 or self.rows >= instrument.detector.rows:
            bound = f"FocusSteps * FocusShift = {self.rows} must be below {instrument.detector.rows} rows"
            raise InvalidRequest("FocusShift", self.shift, bound)

    def positions(self, start: float, instrument: Instrument) -> list[float]:
        """Return the focus (mm) of each sub-exposure, beginning with `start`.

        Raises
        ------
        InvalidRequest
            If one of them is outside the limits of the focus.
        """
        positions = [start + number * self.step for number in range(self.steps)]
        for position in positions:
            require_range("focus", position, *instrument.telescope.focus_limits, "mm")
        return positions

    def shifts(self) -> list[int]:
        """Return the rows to shift before each sub-exposure."""
        return [0] + [self.shift] * (self.steps - 2) + [2 * self.shift]
