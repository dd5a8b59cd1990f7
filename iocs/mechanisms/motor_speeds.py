"""Speeds, accelerations and resolutions of a motor record, and how each follows from the others.

The rules are those of the record's `special` (https://github.com/epics-modules/motor): EGU/s and revolutions/s agree,
speeds are brought between VBAS and VMAX, a new resolution keeps the revolutions. A speed of 0 is refused, though: an
axis told to move so would never arrive.
"""

from __future__ import annotations

from iocs.mechanisms.motor_scale import MotorScale
from iocs.records.motor_record import MotorRecord
from iocs.wire.client import Refused

__all__ = ["MotorSpeeds"]

REVOLUTIONS = {"VELO": "S", "BVEL": "SBAK", "VBAS": "SBAS", "VMAX": "SMAX"}
"""Speeds in EGU/s, and the fields that hold the same in revolutions/s."""
LINEAR = {revolutions: speed for speed, revolutions in REVOLUTIONS.items()}
SPEEDS = ("VELO", "BVEL", "JVEL", "HVEL")
"""Speeds that lie between VBAS and VMAX."""
SHORTEST_RAMP = 0.1  # s; what the record makes of one that is not positive
STEPS_PER_REVOLUTION = 200  # what the record makes of a number that is not positive


class MotorSpeeds:
    """Keeps the speeds of a motor record in agreement.

    Parameters
    ----------
    label : str
        What an observer calls the axis.
    motor : MotorRecord
        The record.
    scale : MotorScale
        Its scales, which MRES changes.
    """

    FIELDS = frozenset((*SPEEDS, *REVOLUTIONS, *LINEAR, "ACCL", "ACCS", "ACCU", "BACC", "JAR", "MRES", "UREV", "SREV"))
    """What `put` takes."""

    def __init__(self, label: str, motor: MotorRecord, scale: MotorScale) -> None:
        self._label = label
        self._motor = motor
        self._scale = scale

    async def start(self) -> None:
        """Fill in what the database text leaves to follow."""
        await self._write("UREV", self._value("MRES") * self._value("SREV"))
        for name in ("BVEL", "JVEL", "HVEL"):
            await self._write(name, self._within(self._value(name) or self._value("VELO")))
        await self._write("JAR", self._value("JAR") or self._value("VELO") / self._value("ACCL"))
        await self._write("ERES", self._value("ERES") or self._value("MRES"))
        await self._write("RRES", self._value("RRES") or self._value("MRES"))
        await self._show_revolutions()
        await self._agree_on_acceleration()
        await self.keep_retries_possible()

    async def put(self, field: str, value: float | str) -> None:
        """Do what a client's put to one of `FIELDS` does.

        Raises
        ------
        Refused
            If the axis could not move at that speed, or cannot have that resolution.
        """
        if field == "ACCU":
            await self._motor["ACCU"].write(value)
            await self._agree_on_acceleration()
            return
        number = float(value)
        if field in ("MRES", "UREV", "SREV"):
            await self._change_resolution(field, number)
        elif field in ("ACCL", "ACCS", "BACC", "JAR"):
            await self._change_acceleration(field, number)
        elif LINEAR.get(field, field) in SPEEDS:
            await self._change_speed(LINEAR.get(field, field), self._linear(field, number))
        else:
            await self._change_bound(LINEAR.get(field, field), self._linear(field, number))
        await self._show_revolutions()
        await self._agree_on_acceleration()
        await self._motor.show_limits()

    async def keep_retries_possible(self) -> None:
        """Keep the dead band of retries at a step or more."""
        await self._write("RDBD", max(self._value("RDBD"), self._scale.step))

    def _value(self, field: str) -> float:
        return self._motor[field].value

    async def _write(self, field: str, value: float) -> None:
        await self._motor[field].write(value)

    def _linear(self, field: str, value: float) -> float:
        return value * abs(self._value("UREV")) if field in LINEAR else value

    def _within(self, speed: float) -> float:
        highest = self._value("VMAX") or speed
        return min(max(speed, self._value("VBAS")), highest)

    async def _change_speed(self, field: str, speed: float) -> None:
        speed = self._within(speed)
        if speed <= 0:
            unit = self._motor[field].limits.units
            raise Refused(f"{self._label}: {field} {speed:g} {unit} is no speed; it must be above 0 {unit}")
        await self._write(field, speed)

    async def _change_bound(self, field: str, speed: float) -> None:
        """Change VBAS or VMAX, and with it the other and the speeds between them."""
        speed = max(speed, 0.0)
        await self._write(field, speed)
        if 0 < self._value("VMAX") < self._value("VBAS"):
            await self._write("VBAS" if field == "VMAX" else "VMAX", speed)
        for name in SPEEDS:
            await self._write(name, self._within(self._value(name)))

    async def _change_acceleration(self, field: str, value: float) -> None:
        if field == "JAR":
            await self._write("JAR", value if value > 0 else self._value("JVEL") / SHORTEST_RAMP)
        elif field == "ACCS":
            if value > 0:
                await self._write("ACCS", value)
                await self._write("ACCL", self._gain() / value)
        else:
            await self._write(field, value if value > 0 else SHORTEST_RAMP)
            if field == "ACCL":
                await self._write("ACCS", self._gain() / self._value("ACCL"))

    def _gain(self) -> float:
        """Return by how much the axis speeds up."""
        speed, base = self._value("VELO"), self._value("VBAS")
        return speed - base if speed > base else speed

    async def _agree_on_acceleration(self) -> None:
        """Let ACCS follow VELO and ACCL, or ACCL follow ACCS, as ACCU says."""
        if self._motor["ACCU"].value == "Use ACCS" and self._value("ACCS") > 0:
            await self._write("ACCL", self._gain() / self._value("ACCS"))
        else:
            await self._write("ACCS", self._gain() / self._value("ACCL"))

    async def _change_resolution(self, field: str, value: float) -> None:
        if field == "SREV":
            await self._write("SREV", value if value > 0 else STEPS_PER_REVOLUTION)
            await self._write("MRES", self._value("UREV") / self._value("SREV"))
        else:
            if value <= 0:
                unit = self._motor[field].limits.units
                raise Refused(f"{self._label}: {field} {value:g} {unit} must be above 0: this axis counts upwards")
            turn = value if field == "UREV" else value * self._value("SREV")
            await self._write("UREV", turn)
            await self._write("MRES", turn / self._value("SREV") if field == "UREV" else value)
            for speed, revolutions in REVOLUTIONS.items():
                await self._write(speed, turn * self._value(revolutions))
            for limit, raw in (("DHLM", "RHLM"), ("DLLM", "RLLM")):
                await self._write(limit, self._value(raw) * self._scale.step)
        await self.keep_retries_possible()
        await self._scale.show_limits()

    async def _show_revolutions(self) -> None:
        for speed, revolutions in REVOLUTIONS.items():
            await self._write(revolutions, self._value(speed) / abs(self._value("UREV")))
