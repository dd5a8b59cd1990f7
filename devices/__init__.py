"""The instrument as Bluesky sees it: ophyd devices over the PVs of the IOCs.

`connect()` gives all of them. The Channel Access client is caproto's unless the environment
variable ``OPHYD_CONTROL_LAYER`` says otherwise (``pyepics``).
"""

import os

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")

import ophyd

if ophyd.cl.name != os.environ["OPHYD_CONTROL_LAYER"]:  # ophyd was imported first, and took what it found
    ophyd.set_cl(os.environ["OPHYD_CONTROL_LAYER"])

from devices.command import CommandFailed, CommandStatus
from devices.detector import Detector
from devices.exposure_request import ExposureRequest, FocusFrame
from devices.health import Health
from devices.quiet_exit import quiet_after_exit
from devices.shutter import Shutter
from devices.spectrograph import NotConnected, Spectrograph, connect
from devices.stage import Axis, Stage
from devices.telescope import Telescope
from devices.wheel import Wheel

quiet_after_exit()

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
