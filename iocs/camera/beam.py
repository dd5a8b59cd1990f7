"""The beam in front of a simulated detector, as the other IOCs describe it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from slitless.definition import Instrument
from slitless.optics.beam import Beam

__all__ = ["BEAM_PVS", "read_beam"]

BEAM_PVS = (
    "FILTER:Name_RBV",
    "GRATING:Name_RBV",
    "STAGE:m1.RBV",
    "TEL:RightAscension_RBV",
    "TEL:Declination_RBV",
    "TEL:Rotator_RBV",
    "TEL:Airmass_RBV",
    "TEL:Seeing_RBV",
    "TEL:Lamp",
    "TEL:focus.RBV",
)
"""PVs that a beam is read from, behind the system prefix."""


def read_beam(known: Callable[[str], Any], instrument: Instrument) -> Beam:
    """Put a beam together.

    Parameters
    ----------
    known : callable
        Returns the value of a PV of `BEAM_PVS`, and raises if it is not known.
    instrument : Instrument
        Whose wheels hold the elements.
    """
    source: Literal["sky", "lamp"] = "lamp" if known("TEL:Lamp") == "On" else "sky"
    return Beam(
        filter=instrument.wheels.filter.slot(str(known("FILTER:Name_RBV"))),
        grating=instrument.wheels.grating.slot(str(known("GRATING:Name_RBV"))),
        stage_position=float(known("STAGE:m1.RBV")),
        right_ascension=float(known("TEL:RightAscension_RBV")),
        declination=float(known("TEL:Declination_RBV")),
        rotator=float(known("TEL:Rotator_RBV")),
        airmass=float(known("TEL:Airmass_RBV")),
        focus=float(known("TEL:focus.RBV")),
        seeing=float(known("TEL:Seeing_RBV")),
        source=source,
    )
