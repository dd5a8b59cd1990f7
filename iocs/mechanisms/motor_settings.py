"""What puts to the fields of a motor record do that move nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from iocs.mechanisms.motor_display import MotorDisplay
from iocs.mechanisms.motor_scale import MotorScale
from iocs.mechanisms.motor_speeds import MotorSpeeds
from iocs.records.motor_record import ALARM_FIELDS, MotorRecord
from iocs.wire.client import Refused

__all__ = ["MotorSettings"]

LINKS = frozenset("OUT RDBL DOL RLNK STOO DINP RINP".split())
SWITCHES = {"SSET": ("SET", "Set"), "SUSE": ("SET", "Use"), "FOF": ("FOFF", "Frozen"), "VOF": ("FOFF", "Variable")}
"""Fields that set another one whatever is put to them."""
LEAST = {"TWV": 0.0, "SPDB": 0.0, "DLY": 0.0, "RTRY": 0, "MDEL": 0.0, "ADEL": 0.0, "NTMF": 2, "PREC": 0}
"""Lowest value of a field: what is below is brought up to it."""
MOST = {"PREC": 15}


class MotorSettings:
    """Takes puts to settings.

    Parameters
    ----------
    label : str
        What an observer calls the axis.
    motor : MotorRecord
        The record.
    scale : MotorScale
        Its scales.
    display : MotorDisplay
        Where the axis is shown.
    look : callable
        Shows where the axis is.
    """

    def __init__(
        self,
        label: str,
        motor: MotorRecord,
        scale: MotorScale,
        display: MotorDisplay,
        look: Callable[[], Awaitable[None]],
    ) -> None:
        self._label = label
        self._motor = motor
        self._scale = scale
        self._display = display
        self._look = look
        self._speeds = MotorSpeeds(label, motor, scale)

    async def start(self) -> None:
        """Bring the fields into agreement that the database text leaves to follow."""
        await self._speeds.start()
        await self._scale.show_limits()

    async def put(self, field: str, value: Any, moving: bool) -> Any:
        """Do what a client's put does; return what the field then holds.

        Raises
        ------
        Refused
            If this axis cannot have that, or not while it moves.
        """
        if field in SWITCHES:
            name, state = SWITCHES[field]
            await self._motor[name].write(state)
        elif field in MotorSpeeds.FIELDS:
            if moving and field in ("MRES", "UREV", "SREV"):
                raise Refused(f"{self._label}: {field} cannot change while the axis moves")
            await self._speeds.put(field, value)
            await self._look()
            if not moving:
                await self._display.show_target(self._motor["VAL"].value)
            return self._motor[field].value
        elif field in ("HLM", "LLM", "DHLM", "DLLM"):
            await self._scale.set_limit(field, value)
            return self._motor[field].value
        elif field in ("OFF", "DIR"):
            await self._rescale(field, value)
        elif field == "FRAC":
            return min(max(value, 0.1), 1.5)
        else:
            return await self._keep(field, value)
        return value

    async def _keep(self, field: str, value: Any) -> Any:
        """Store a value, and let follow what follows from it."""
        self._check(field, value)
        if field in LEAST:
            value = max(value, LEAST[field])
        value = min(value, MOST.get(field, value))
        await self._motor[field].write(value)
        if field in ALARM_FIELDS:
            await self._motor.change_alarm_limits()
        elif field in ("RDBD", "BDST"):
            await self._speeds.keep_retries_possible()
        elif field in ("EGU", "PREC"):
            await self._motor.show_limits()
        elif field in ("ERES", "UEIP", "HLSV"):
            await self._motor["ERES"].write(self._motor["ERES"].value or self._scale.step)
            await self._look()
        return self._motor[field].value

    def _check(self, field: str, value: Any) -> None:
        """Refuse what this axis has not: links to other records, a readback beside its encoder, an input for VAL."""
        if field in LINKS and value:
            raise Refused(f"{self._label}: {field} cannot be set: this record has no links")
        if (field, value) in (("URIP", "Yes"), ("OMSL", "closed_loop")):
            link = "RDBL" if field == "URIP" else "DOL"
            raise Refused(f"{self._label}: {field} cannot be {value}: {link} is no link")

    async def _rescale(self, field: str, value: Any) -> None:
        """Change OFF or DIR, and everything that follows; a motion under way goes on to its place on the dial."""
        user, dial = self._motor["VAL"].value, self._motor["DVAL"].value
        await self._motor[field].write(value)
        if field == "DIR" and self._motor["FOFF"].value == "Variable":
            await self._motor["OFF"].write(round(user - self._scale.sign * dial, 9))
        await self.show_scale()

    async def show_scale(self) -> None:
        """Show setpoint, readback and limits on a scale that changed."""
        dial = self._motor["DVAL"].value
        await self._display.show_target(self._scale.user(dial))
        await self._look()
        # Last, for ophyd takes the limits it knows of with every new setpoint, and asks for them after a new HLM.
        await self._scale.show_limits()
