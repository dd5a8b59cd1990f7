"""A CCD camera, as the detector IOC sees it.

The IOC decides what happens when; the camera clocks the CCD and says when it did. Between operations the
CCD integrates whatever falls on it, so light and dark current are the camera's own business; only a
simulated one has to be told what light there was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from numpy import ndarray

from slitless.detector.geometry import AmplifierReadout, Window
from slitless.errors import SlitlessError
from slitless.optics.beam import Beam

__all__ = ["Camera", "CameraIdentity", "ReadoutFailed", "ReadoutResult"]


class ReadoutFailed(SlitlessError):
    """The camera did not deliver the pixels it was asked for."""


@dataclass(frozen=True)
class CameraIdentity:
    """What the camera says it is."""

    manufacturer: str
    model: str
    serial: str
    firmware: str
    is_simulated: bool


@dataclass(frozen=True)
class ReadoutResult:
    """The pixels of one readout, and when it took place (TAI unix s)."""

    layout: tuple[AmplifierReadout, ...]
    raw: Sequence[ndarray]
    """One array an amplifier of the layout: big-endian int32, ADU, as read."""
    started_at: float
    finished_at: float


class Camera(Protocol):
    """A CCD camera. Times are TAI unix s; every method raises `LinkLost` if the camera does not answer."""

    identity: CameraIdentity

    async def connect(self) -> None:
        """Open the link and make the camera ready for a first frame; harmless when it is."""
        ...

    async def flush(self, cycles: int) -> float:
        """Clear the CCD; return when it was clear and the dark time began.

        With 0 cycles nothing is cleared: what gathered since the last readout or flush stays, and that is when the dark
        time began.
        """
        ...

    def start_integration(self) -> float:
        """Hold the clocks; return since when the CCD integrates."""
        ...

    def stop_integration(self, at: float) -> float:
        """End the integration, due at `at`; return when it ended. A readout follows at once."""
        ...

    async def shift_rows(self, rows: int, at: float | None = None) -> float:
        """Move the charge towards the readout edges; return when that was done.

        Parameters
        ----------
        rows : int
            How far.
        at : float, optional
            TAI unix s at which it was due, for a camera whose charge is arithmetic; now if not given.
        """
        ...

    def readout_time(self, window: Window) -> float:
        """Return how long (s) a readout of this window takes."""
        ...

    async def read_out(self, window: Window, frame: int, progress: Callable[[int], None]) -> ReadoutResult:
        """Read the CCD.

        Parameters
        ----------
        window : Window
            What is read.
        frame : int
            Number that tells this frame from every other.
        progress : callable
            Called now and then with the number of pixels still to come.

        Raises
        ------
        ReadoutFailed
            If pixels are missing.
        """
        ...

    async def abort(self) -> None:
        """Stop clocking and forget the charge."""
        ...

    def prepare_light(self, beam: Beam) -> None:
        """Note that light of this beam begins to fall; a real camera knows without being told."""
        ...

    def record_light(self, beam: Beam, seconds: float) -> None:
        """Note that light of this beam fell for `seconds`; a real camera knows without being told."""
        ...

    async def temperature(self) -> float:
        """Ask how warm the CCD is, Celsius."""
        ...

    async def dewar_temperature(self) -> float:
        """Ask how warm the dewar's cold plate is, Celsius."""
        ...

    async def set_temperature(self, set_point: float) -> None:
        """Regulate the CCD to `set_point` Celsius."""
        ...
