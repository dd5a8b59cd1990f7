"""What must be true of the other devices before light may reach the detector."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from iocs.camera.beam import BEAM_PVS, read_beam
from iocs.wire.client import Refused
from slitless.definition import Instrument
from slitless.errors import InvalidRequest
from slitless.optics.beam import Beam

if TYPE_CHECKING:
    from iocs.ioc import Ioc

__all__ = ["Interlock"]

Rule = tuple[str, Callable[[Any], bool], str]

REST: tuple[Rule, ...] = (
    ("FILTER:Moving", lambda value: value == "No", "the filter wheel moves"),
    ("FILTER:InPosition", lambda value: value == "Yes", "the filter wheel is not in position"),
    ("GRATING:Moving", lambda value: value == "No", "the grating wheel moves"),
    ("GRATING:InPosition", lambda value: value == "Yes", "the grating wheel is not in position"),
    ("STAGE:m1.DMOV", bool, "the linear stage moves"),
    ("STAGE:Homed_RBV", lambda value: value == "Yes", "the linear stage has no zero"),
    ("TEL:Slewing", lambda value: value == "No", "the telescope slews"),
    ("TEL:focus.DMOV", bool, "the focus moves"),
)
"""PV, what it must say, and what it means if it does not."""


class Interlock:
    """Watches the devices in the light path.

    Parameters
    ----------
    ioc : Ioc
        Whose Channel Access client is used.
    instrument : Instrument
        What positions are possible.
    """

    def __init__(self, ioc: Ioc, instrument: Instrument) -> None:
        self._system = ioc.setup.system
        self._instrument = instrument
        self._peers = {suffix: ioc.watch(suffix) for suffix in (*(rule[0] for rule in REST), *BEAM_PVS)}

    def check(self, focus_moves: bool = False) -> Beam:
        """Return the beam if everything in it is known, in position and at rest.

        Parameters
        ----------
        focus_moves : bool
            Whether the focus is moved by the exposure itself.

        Raises
        ------
        Refused
            Naming the first PV that says otherwise, or whose IOC is not there.
        """
        for suffix, is_good, meaning in REST:
            if not is_good(self._known(suffix)) and not (focus_moves and suffix == "TEL:focus.DMOV"):
                raise Refused(f"{self._system}{suffix}: {meaning}")
        try:
            beam = read_beam(self._known, self._instrument)
        except InvalidRequest as error:
            raise Refused(str(error)) from error
        self._check_stage(beam.stage_position)
        return beam

    def focus(self) -> float:
        """Return where the focus is, mm.

        Raises
        ------
        Refused
            If that is not known.
        """
        return float(self._known("TEL:focus.RBV"))

    def _known(self, suffix: str) -> Any:
        peer = self._peers[suffix]
        if not peer.known:
            raise Refused(f"{self._system}{suffix}: not connected, so the light path is unknown")
        if isinstance(peer.value, float) and not math.isfinite(peer.value):
            raise Refused(f"{self._system}{suffix}: {peer.value} is no position")
        return peer.value

    def _check_stage(self, position: float) -> None:
        """Refuse a position that cannot be: a stage that lost its zero reads far outside its limits."""
        stage = self._instrument.stage
        low, high = stage.limits
        low = min(low, stage.home_position)
        if not low - stage.tolerance <= position <= high + stage.tolerance:
            raise Refused(f"{self._system}STAGE:m1.RBV: {position:g} mm is outside [{low:g}, {high:g}] mm")
