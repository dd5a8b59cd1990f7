"""The instrument as Bluesky sees it: ophyd devices over the PVs of the IOCs.

`connect()` gives all of them. The Channel Access client is caproto's unless the environment
variable ``OPHYD_CONTROL_LAYER`` says otherwise (``pyepics``).
"""

# ruff: noqa: E402  the Channel Access client is chosen before ophyd is imported

from devices.control_layer import choose_control_layer

choose_control_layer()

from devices.command import CommandFailed, CommandStatus
from devices.detector import Detector
from devices.exposure_request import ExposureRequest, FocusFrame
from devices.health import Health
from devices.shutter import Shutter
from devices.spectrograph import NotConnected, Spectrograph, connect
from devices.stage import Axis, Stage
from devices.telescope import Telescope
from devices.wheel import Wheel

__all__ = [
    "Axis",
    "CommandFailed",
    "CommandStatus",
    "Detector",
    "ExposureRequest",
    "FocusFrame",
    "Health",
    "NotConnected",
    "Shutter",
    "Spectrograph",
    "Stage",
    "Telescope",
    "Wheel",
    "connect",
]
