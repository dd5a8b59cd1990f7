"""What stands behind an IOC: one small Protocol per kind of hardware, and drivers that fulfil it.

`wheel`, `shutter`, `axis` and `telescope` say what an IOC may ask of hardware; `simulated` answers by
arithmetic. A driver reports times in instrument time (TAI unix seconds) and knows no PV.
"""

from drivers.axis import AxisDriver, AxisStatus
from drivers.faults import FaultInjection, LinkLost
from drivers.shutter import ShutterDriver, ShutterState, ShutterStatus
from drivers.telescope import Pointing, TelescopeDriver, TelescopeStatus, Weather
from drivers.wheel import WheelDriver, WheelError, WheelState, WheelStatus

__all__ = [
    "AxisDriver",
    "AxisStatus",
    "FaultInjection",
    "LinkLost",
    "Pointing",
    "ShutterDriver",
    "ShutterState",
    "ShutterStatus",
    "TelescopeDriver",
    "TelescopeStatus",
    "Weather",
    "WheelDriver",
    "WheelError",
    "WheelState",
    "WheelStatus",
]
