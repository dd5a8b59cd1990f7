"""What an exposure works with, and how it can end without a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.camera import Camera
from iocs.camera.display import Display
from iocs.camera.files import Destinations
from iocs.camera.focus_run import FocusMotor
from iocs.camera.frame_output import FrameOutput
from iocs.camera.header_watch import HeaderWatch
from iocs.camera.interlock import Interlock
from iocs.camera.plugins import Plugins
from iocs.camera.sequence import ExposureNames
from iocs.camera.shutter_control import ShutterControl
from slitless.definition import Instrument
from slitless.errors import SlitlessError
from slitless.instrument_time import InstrumentClock
from slitless.ledger import Ledger

__all__ = ["Equipment", "ExposureAborted", "ExposureFailed"]


class ExposureFailed(SlitlessError):
    """An exposure gave no frame; the message says why."""


class ExposureAborted(SlitlessError):
    """An exposure was given up on request."""


@dataclass
class Equipment:
    """What an exposure works with."""

    instrument: Instrument
    clock: InstrumentClock
    camera: Camera
    shutter: ShutterControl
    focus: FocusMotor
    interlock: Interlock
    headers: HeaderWatch
    names: ExposureNames
    ledger: Ledger
    destinations: Destinations
    plugins: Plugins
    output: FrameOutput
    display: Display
    set_point: Callable[[], float]
    software_version: str
    asks_shutter: bool = True
    """Whether a frame that keeps the shutter closed needs to know that it is; off on a bench without one."""
