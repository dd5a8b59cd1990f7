"""What a motor record shows of its axis: readbacks, switches, status bits, alarms."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import IntFlag

from drivers.axis import AxisStatus
from iocs.ioc import AlarmSeverity, AlarmStatus
from iocs.mechanisms.motor_scale import MotorScale
from iocs.records.alarms import severity_named
from iocs.records.motor_record import MotorRecord
from slitless.instrument_time import InstrumentClock

__all__ = ["MotorDisplay", "Phase", "StatusBit"]

QUIET = (AlarmStatus.NO_ALARM, AlarmSeverity.NO_ALARM)


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


class Phase(IntFlag):
    """Bits of MIP that are used here: what a motion is for."""

    DONE = 0x0
    JOG_FORWARD = 0x1
    JOG_REVERSE = 0x2
    HOME_FORWARD = 0x8
    HOME_REVERSE = 0x10
    MOVE = 0x20
    RETRY = 0x40
    BACKLASH = 0x100
    STOP = 0x200
    SETTLE = 0x400


class MotorDisplay:
    """Writes the readback fields of a motor record.

    Parameters
    ----------
    motor : MotorRecord
        The record.
    scale : MotorScale
        Its scales.
    clock : InstrumentClock
        Instrument time.
    also : callable
        Shows what depends on the axis beyond the record; gets the status, None if there is no link.
    """

    def __init__(
        self,
        motor: MotorRecord,
        scale: MotorScale,
        clock: InstrumentClock,
        also: Callable[[AxisStatus | None], Awaitable[None]],
    ) -> None:
        self._motor = motor
        self._scale = scale
        self._clock = clock
        self._also = also
        self._began = time.time()
        self._stamp = self._began
        self._failure = ""
        self.homed = False
        """Whether the zero of the scale is known."""

    async def begin(self) -> None:
        """Show that a motion begins: DMOV falls, which every motion shows, however short."""
        self._failure = ""
        await self._motor["DMOV"].write(0)

    async def end(self) -> None:
        """Show that a motion has ended: DMOV rises, last of all."""
        await self.show_phase(Phase.DONE)
        await self._motor["MOVN"].write(0, timestamp=self._stamp)
        await self._motor["RVEL"].write(0, timestamp=self._stamp)
        await self._motor["DMOV"].write(1, timestamp=self._stamp)

    async def blink(self) -> None:
        """Show that a put moved nothing: DMOV falls and rises, as a motor record's does."""
        await self._motor["DMOV"].write(0)
        await self._motor["DMOV"].write(1)

    async def show_phase(self, phase: Phase, speed: float = 0.0) -> None:
        """Write what a motion is for, and how fast it is to be, in steps."""
        await self._motor["MIP"].write(int(phase))
        if speed:
            await self._motor["RVEL"].write(round(speed / self._scale.step))

    async def show_target(self, user: float) -> None:
        """Write where the axis is to go, in all three scales."""
        dial = self._scale.dial(user)
        for value, last, position in (
            ("VAL", "LVAL", user),
            ("DVAL", "LDVL", dial),
            ("RVAL", "LRVL", self._scale.steps(dial)),
        ):
            await self._motor[value].write(position)
            await self._motor[last].write(position)
        await self._show_difference(self._motor["DRBV"].value, time.time())

    async def synchronize(self) -> None:
        """Let the setpoints say what the readbacks say."""
        await self.show_target(self._motor["RBV"].value)

    async def show(self, status: AxisStatus) -> None:
        """Write what the axis reports, with the time at which it was so."""
        self.homed = status.homed
        if self._failure:
            status = replace(status, problem=self._failure)
        self._stamp = self._time_of(status)
        high, low = status.high_switch, status.low_switch
        user_high, user_low = (high, low) if self._scale.sign > 0 else (low, high)
        self._motor.set_state(*self._alarm(status, user_high, user_low))
        encoder_step = self._motor["ERES"].value
        counted = encoder_step if self._motor["UEIP"].value == "Yes" else self._scale.step
        values = {
            "MSTA": _bits(status),
            "TDIR": int(status.forward),
            "CDIR": int(status.forward),
            "HLS": int(user_high),
            "LLS": int(user_low),
            "RHLS": int(high),
            "RLLS": int(low),
            "ATHM": int(status.at_home),
            "RMP": self._scale.steps(status.position),
            "REP": round(status.position / encoder_step),
            "RRBV": round(status.position / counted),
            "DRBV": status.position,
        }
        for name, value in values.items():
            await self._motor[name].write(value, timestamp=self._stamp)
        await self._show_difference(status.position, self._stamp)
        await self._show_readback(self._scale.user(status.position))
        await self._motor["MOVN"].write(int(status.moving), timestamp=self._stamp)
        await self._also(status)

    async def show_failure(self, status: AxisStatus, reason: str) -> None:
        """Write what an axis reports that did not do what it was told; the alarm stays until the next motion."""
        self._failure = status.problem or reason
        await self.show(status)

    async def show_no_link(self) -> None:
        """Show that nobody knows where the axis is."""
        self._stamp = time.time()
        await self._motor["MSTA"].write(int(StatusBit.DONE | StatusBit.PROBLEM | StatusBit.NO_LINK))
        self._motor.set_state(AlarmStatus.COMM, AlarmSeverity.INVALID_ALARM)
        await self._show_readback(self._motor["RBV"].value)
        await self._motor["MOVN"].write(0)
        await self._also(None)

    async def _show_readback(self, user: float) -> None:
        readback = self._motor["RBV"]
        self._motor.settle_alarm(user)
        await readback.write(user, timestamp=self._stamp)
        await self._motor["MLST"].write(readback.monitored)
        await self._motor["ALST"].write(readback.archived)
        await self._motor.show_alarm()

    async def _show_difference(self, dial: float, stamp: float) -> None:
        difference = self._motor["DVAL"].value - dial
        await self._motor["DIFF"].write(round(difference, 9), timestamp=stamp)
        await self._motor["RDIF"].write(self._scale.steps(difference), timestamp=stamp)

    def _time_of(self, status: AxisStatus) -> float:
        """Return the UTC unix s of a status: now, or when the axis came to rest where it is."""
        now = time.time()
        if status.rests_since is None:
            return now
        return min(now, max(self._began, now - self._clock.wall_seconds(self._clock.now() - status.rests_since)))

    def _alarm(self, status: AxisStatus, high: bool, low: bool) -> tuple[AlarmStatus, AlarmSeverity]:
        """Return what is wrong with the axis: a position without a zero is no position."""
        if not status.homed:
            return AlarmStatus.STATE, AlarmSeverity.INVALID_ALARM
        if status.problem:
            return AlarmStatus.STATE, AlarmSeverity.MAJOR_ALARM
        severity = severity_named(self._motor["HLSV"].value)
        if severity and high:
            return AlarmStatus.HIGH, severity
        if severity and low:
            return AlarmStatus.LOW, severity
        return QUIET


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
