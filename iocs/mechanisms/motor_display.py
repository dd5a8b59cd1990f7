"""What a motor record shows of its axis: readbacks, switches, status bits, alarms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import IntFlag
from typing import Any

from drivers.axis import AxisStatus
from iocs.ioc import AlarmSeverity, AlarmStatus, Record
from iocs.mechanisms.motor_scale import MotorScale

__all__ = ["MotorDisplay", "StatusBit"]

LENGTHS = "VAL RBV DVAL DRBV OFF HLM LLM DHLM DLLM RLV TWV DIFF BDST RDBD SPDB".split()
SPEEDS = "VELO HVEL JVEL VBAS VMAX BVEL".split()


class StatusBit(IntFlag):
    """Bits of MSTA that are used here; https://epics-modules.github.io/motor/motorRecord.html."""

    FORWARD = 0x1
    DONE = 0x2
    PLUS_SWITCH = 0x4
    HOME_SWITCH = 0x8
    POSITION = 0x20
    AT_HOME = 0x80
    ENCODER = 0x100
    PROBLEM = 0x200
    MOVING = 0x400
    NO_LINK = 0x1000
    MINUS_SWITCH = 0x2000
    HOMED = 0x4000


class MotorDisplay:
    """Writes the readback fields of a motor record.

    Parameters
    ----------
    field : callable
        Returns a field of the motor record by its name.
    scale : MotorScale
        Its scales.
    also : callable
        Shows what depends on the axis beyond the record; gets the status, None if there is no link.
    """

    def __init__(
        self,
        field: Callable[[str], Record],
        scale: MotorScale,
        also: Callable[[AxisStatus | None], Awaitable[None]],
    ) -> None:
        self._field = field
        self._scale = scale
        self._also = also
        self.homed = False
        """Whether the zero of the scale is known."""

    async def begin(self) -> None:
        """Show that a motion begins: DMOV falls, which every motion shows, however short."""
        await self._field("DMOV").write(0)
        await self._field("MOVN").write(1)

    async def end(self) -> None:
        """Show that a motion has ended: DMOV rises, last of all."""
        await self._field("MOVN").write(0)
        await self._field("DMOV").write(1)

    async def show_target(self, user: float) -> None:
        """Write where the axis is to go, in all three scales."""
        dial = self._scale.dial(user)
        await self._field("VAL").write(user)
        await self._field("DVAL").write(dial)
        await self._field("RVAL").write(self._scale.steps(dial))

    async def synchronize(self) -> None:
        """Let the setpoints say what the readbacks say."""
        await self.show_target(self._field("RBV").value)

    async def show(self, status: AxisStatus) -> None:
        """Write what the axis reports."""
        self.homed = status.homed
        user = self._scale.user(status.position)
        high, low = status.high_switch, status.low_switch
        if self._scale.sign < 0:
            high, low = low, high
        await self._field("MSTA").write(_bits(status))
        await self._field("TDIR").write(int(status.forward))
        await self._field("HLS").write(int(high))
        await self._field("LLS").write(int(low))
        await self._field("ATHM").write(int(status.at_home))
        await self._field("DRBV").write(status.position)
        await self._field("RRBV").write(self._scale.steps(status.position))
        await self._field("DIFF").write(self._field("DVAL").value - status.position)
        await self._field("RDIF").write(self._field("RVAL").value - self._field("RRBV").value)
        await self._field("RBV").write(user, **_alarm(status))
        await self._show_alarm(**_alarm(status))
        if not status.moving:
            await self._field("MOVN").write(0)
        await self._also(status)

    async def show_failure(self, status: AxisStatus) -> None:
        """Write what an axis reports that did not arrive, whether it complains or not."""
        await self.show(replace(status, problem=status.problem or "it did not arrive"))
        await self.synchronize()

    async def show_no_link(self) -> None:
        """Show that nobody knows where the axis is."""
        await self._field("MSTA").write(int(StatusBit.DONE | StatusBit.PROBLEM | StatusBit.NO_LINK))
        rbv = self._field("RBV")
        await rbv.write(rbv.value, severity=AlarmSeverity.INVALID_ALARM, status=AlarmStatus.COMM)
        await self._show_alarm(severity=AlarmSeverity.INVALID_ALARM, status=AlarmStatus.COMM)
        await self._also(None)

    async def _show_alarm(self, **alarm: Any) -> None:
        """Give the record the alarm of its readback: screens look at SEVR, and a motor record has one alarm."""
        setpoint = self._field("VAL")
        await setpoint.write(setpoint.value, **alarm)

    async def set_units(self, units: str) -> None:
        """Set the unit of every length, and of the speeds."""
        for name in LENGTHS:
            await self._field(name).set_units(units)
        for name in SPEEDS:
            await self._field(name).set_units(f"{units}/s")

    async def set_precision(self, precision: int) -> None:
        """Set the decimals of every length and speed."""
        for name in (*LENGTHS, *SPEEDS):
            await self._field(name).set_precision(precision)


def _bits(status: AxisStatus) -> int:
    flags = {
        StatusBit.FORWARD: status.forward,
        StatusBit.DONE: not status.moving,
        StatusBit.PLUS_SWITCH: status.high_switch,
        StatusBit.HOME_SWITCH: status.at_home,
        StatusBit.AT_HOME: status.at_home,
        StatusBit.ENCODER: True,
        StatusBit.PROBLEM: bool(status.problem) or not status.homed,
        StatusBit.MOVING: status.moving,
        StatusBit.MINUS_SWITCH: status.low_switch,
        StatusBit.HOMED: status.homed,
    }
    return int(sum(bit for bit, is_set in flags.items() if is_set))


def _alarm(status: AxisStatus) -> dict[str, AlarmSeverity | AlarmStatus]:
    """Return the alarm of the readback: a position without a zero is no position."""
    if not status.homed:
        return {"severity": AlarmSeverity.INVALID_ALARM, "status": AlarmStatus.STATE}
    if status.problem:
        return {"severity": AlarmSeverity.MAJOR_ALARM, "status": AlarmStatus.STATE}
    if status.high_switch or status.low_switch:
        return {"severity": AlarmSeverity.MINOR_ALARM, "status": AlarmStatus.HWLIMIT}
    return {}
