"""What stands in the light path at one moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from slitless.definition import Instrument, Slot

__all__ = ["Beam", "best_focus", "fixed_beam"]


@dataclass(frozen=True)
class Beam:
    """Everything that decides what light reaches the detector."""

    filter: Slot
    """Element in the filter wheel."""
    grating: Slot
    """Element in the grating wheel; a filter may sit there."""
    stage_position: float
    """mm, linear stage that carries the disperser."""
    right_ascension: float
    """deg."""
    declination: float
    """deg."""
    rotator: float
    """deg, position angle of the detector's +y axis, north through east."""
    airmass: float
    focus: float
    """mm, hexapod z."""
    seeing: float
    """arcsec FWHM at zenith."""
    source: Literal["sky", "lamp", "dark"]

    @property
    def passband(self) -> tuple[float, float]:
        """Wavelengths (nm) that both wheels let through; empty if the first is not below the second."""
        low = max(self.filter.passband[0], self.grating.passband[0])
        return low, min(self.filter.passband[1], self.grating.passband[1])

    def rounded(self) -> Beam:
        """Return the beam to the precision that can be seen in a frame, without what does not matter.

        A tracking telescope's readbacks flicker in the last digits; the light does not change with them.
        """
        if self.source != "sky":
            return fixed_beam(self.filter, self.grating, self.source)
        return replace(
            self,
            stage_position=round(self.stage_position, 3) if self.grating.is_disperser else 0.0,
            right_ascension=round(self.right_ascension % 360.0, 6),
            declination=round(self.declination, 6),
            rotator=round(self.rotator % 360.0, 3),
            airmass=round(self.airmass, 2),
            focus=round(self.focus, 3),
            seeing=round(self.seeing, 2),
        )


def fixed_beam(filter_element: Slot, grating_element: Slot, source: Literal["lamp", "dark"]) -> Beam:
    """Return a beam of light that does not come from the sky: pointing, focus and stage do not matter."""
    return Beam(
        filter=filter_element,
        grating=grating_element,
        stage_position=0.0,
        right_ascension=0.0,
        declination=0.0,
        rotator=0.0,
        airmass=1.0,
        focus=0.0,
        seeing=1.0,
        source=source,
    )


def best_focus(instrument: Instrument, beam: Beam) -> float:
    """Return the hexapod z (mm) where images are sharpest with these elements in the beam.

    The offsets of both wheels add (ATAOS adds them likewise; ts_config_latiss, focusOffset).
    """
    return instrument.telescope.best_focus + beam.filter.focus_offset + beam.grating.focus_offset
