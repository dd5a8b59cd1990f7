"""Simulated hardware: motion and light as arithmetic in instrument time.

Each device computes where it is from the moment it was asked and the moments it was told to move; it
never waits and never measures. A test can therefore ask about any moment, and a busy host does not
show in a measured time.
"""

from drivers.simulated.axis import AXIS_FAULTS, AxisMechanics, SimulatedAxis
from drivers.simulated.shutter import SHUTTER_FAULTS, SimulatedShutter
from drivers.simulated.telescope import SimulatedTelescope
from drivers.simulated.wheel import WHEEL_FAULTS, SimulatedWheel

__all__ = [
    "AXIS_FAULTS",
    "SHUTTER_FAULTS",
    "WHEEL_FAULTS",
    "AxisMechanics",
    "SimulatedAxis",
    "SimulatedShutter",
    "SimulatedTelescope",
    "SimulatedWheel",
]
