"""An axis behind an EPICS motor record: what puts to the fields of `db/motor.template` do.

All follows the motor record (https://epics-modules.github.io/motor/motorRecord.html); what differs is in
`docs/reference/motor-record.md`: what cannot be carried out is refused on the wire, and the put-callback of a move
that fails to arrive fails.

`serves_motor("m1")` binds the fields of record m1 to the `Motor` that an IOC keeps in ``self.motors["m1"]``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from drivers.axis import AxisDriver, AxisStatus
from iocs.ioc import Client, Refused, command, on_put
from iocs.mechanisms.mechanism import MechanismIoc
from iocs.mechanisms.motor_display import MotorDisplay
from iocs.mechanisms.motor_goals import Goal, GoalKind, NotArrived
from iocs.mechanisms.motor_legs import is_allowed
from iocs.mechanisms.motor_motion import MotorMotion
from iocs.mechanisms.motor_scale import MotorScale
from iocs.mechanisms.motor_settings import MotorSettings
from iocs.records.motor_record import WRITABLE_FIELDS, motor_record
from slitless.errors import InvalidRequest, require_range

__all__ = ["Motor", "MotorPart", "serves_motor"]

COMMANDS = frozenset("VAL DVAL RVAL RLV TWF TWR HOMF HOMR JOGF JOGR".split())
"""Puts to these are commands: refused unless Enabled, and reported by the command protocol."""
Cls = TypeVar("Cls", bound=type[MechanismIoc])


@dataclass(frozen=True)
class MotorPart:
    """One motor record of an IOC."""

    name: str
    """Of the record, relative to the prefix: "m1"."""
    label: str
    """What an observer calls the axis."""
    fault: int
    """Fault code of an axis that does not arrive."""
    travel: tuple[float, float]
    """Lowest and highest dial position it is made for."""
    camera_may_move: bool = False
    """Whether the camera's own commands are exempt from the interlocks."""


def serves_motor(name: str) -> Callable[[Cls], Cls]:
    """Bind the fields of a motor record to ``self.motors[name]`` of the IOC class."""

    def bind(cls: Cls) -> Cls:
        for field in sorted(WRITABLE_FIELDS):
            pv = f"{name}.{field}"
            mark = command(pv, group=f"{name}:") if field in COMMANDS else on_put(pv)
            setattr(cls, f"_put_{name}_{field}", mark(_handler(name, field)))
        return cls

    return bind


def _handler(name: str, field: str) -> Callable[..., Awaitable[Any]]:
    async def handle(self: Any, value: Any, client: Client) -> Any:
        return await self.motors[name].put(field, value)

    return handle


class Motor:
    """One axis under motion control.

    Parameters
    ----------
    ioc : MechanismIoc
        Whose records these are.
    part : MotorPart
        Which record, and how it behaves.
    driver : AxisDriver
        The axis.
    also : callable
        Shows what depends on the axis beyond the record; gets the status, None if there is no link.
    """

    def __init__(
        self,
        ioc: MechanismIoc,
        part: MotorPart,
        driver: AxisDriver,
        also: Callable[[AxisStatus | None], Awaitable[None]],
    ) -> None:
        self.ioc = ioc
        self.part = part
        self.driver = driver
        self.record = motor_record(ioc[part.name])
        self.scale = MotorScale(self.record, part.travel)
        self.display = MotorDisplay(self.record, self.scale, ioc.clock, also)
        self.motion = MotorMotion(part.label, self.record, self.scale, driver, self.display, ioc.clock, self._failed)
        self.settings = MotorSettings(part.label, self.record, self.scale, self.display, self.look)

    async def put(self, field: str, value: Any) -> Any:
        """Do what a client's put to a field does; return what the field then holds."""
        act = getattr(self, f"_put_{field.lower()}", None)
        if act is None:
            return await self.settings.put(field, value, self.motion.is_under_way)
        await act(value)
        return self.record[field].value

    async def show_first(self) -> None:
        """Show the axis for the first time, with the setpoint where it stands."""
        await self.settings.start()
        await self.display.show(await self.driver.status())
        await self.display.synchronize()
        await self.record["LVIO"].write(0)
        await self.display.end()

    async def look(self) -> None:
        """Show where the axis is, unless a motion does so already."""
        status = await self.driver.status()
        if not self.motion.is_under_way:
            await self.display.show(status)

    async def home(self, forward: bool = False) -> None:
        """Find the zero of the scale, and return when it is found.

        Raises
        ------
        Refused
            If it may not move now, or the zero is not found.
        """
        self._check_free()
        button = self.record["HOMF" if forward else "HOMR"]
        await button.write(1)
        await self.record["LVIO"].write(0)
        try:
            await self._pursue(Goal(GoalKind.HOME, 0.0, forward))
        finally:
            await button.write(0)

    # Puts that move the axis, or with SET say where it stands.

    async def _put_val(self, value: float) -> None:
        if not self._is_setting:
            await self._move_to(self.scale.dial(value), value)
        elif self.record["FOFF"].value == "Frozen":
            await self._define_dial(self.scale.dial(value))
        else:
            self._check_free()
            await self.record["OFF"].write(round(value - self.scale.sign * self.record["DVAL"].value, 9))
            await self._show_redefined()

    async def _put_dval(self, value: float) -> None:
        if self._is_setting:
            await self._define_dial(value)
        else:
            await self._move_to(value, self.scale.user(value))

    async def _put_rval(self, value: int) -> None:
        await self._put_dval(value * self.scale.step)

    async def _put_rlv(self, value: float) -> None:
        await self._put_val(round(self.record["VAL"].value + value, 9))

    async def _put_twf(self, value: int) -> None:
        await self._tweak("TWF", value, self.record["TWV"].value)

    async def _put_twr(self, value: int) -> None:
        await self._tweak("TWR", value, -self.record["TWV"].value)

    async def _put_homf(self, value: int) -> None:
        if value:
            await self.home(forward=True)

    async def _put_homr(self, value: int) -> None:
        if value:
            await self.home()

    async def _put_jogf(self, value: int) -> None:
        await self._jog("JOGF", bool(value))

    async def _put_jogr(self, value: int) -> None:
        await self._jog("JOGR", bool(value))

    # Puts that stop it, or let it go.

    async def _put_stop(self, value: int) -> None:
        if value:
            async with self.ioc.link():
                await self.motion.stop()

    async def _put_spmg(self, value: str) -> None:
        goes = value in ("Move", "Go")
        if goes and self.motion.is_under_way and self.record["SPMG"].value in ("Stop", "Pause"):
            self.ioc.interlocks.check_optics(self.part.label)
        await self.record["SPMG"].write(value)
        await self.record["LSPG"].write(value)
        if value == "Stop":
            await self._put_stop(1)
        self.motion.notice()

    async def _put_sync(self, value: int) -> None:
        if value and not self.motion.is_under_way:
            await self.look()
            await self.display.synchronize()

    async def _put_stup(self, value: str) -> None:
        if value == "ON":
            await self.record["STUP"].write("ON")
            await self.record["STUP"].write("BUSY")
            try:
                async with self.ioc.link():
                    await self.look()
            finally:
                await self.record["STUP"].write("OFF")

    # How it is done.

    @property
    def _is_setting(self) -> bool:
        """Whether a put to a setpoint says where the axis stands instead of moving it."""
        return self.record["SET"].value == "Set" and not self.record["IGSET"].value

    def _check_free(self) -> None:
        """Refuse a motion that an exposure, another client or DISA forbids."""
        self.ioc.interlocks.check(self.part.label, self.part.camera_may_move)
        disable = self.record["DISA"].value
        if disable == self.record["DISV"].value:
            raise Refused(f"{self.part.label}: the record is disabled: DISA is {disable}, which is DISV")

    def _check_homed(self) -> None:
        """Refuse a motion if the axis does not know where it is."""
        if not self.display.homed:
            reading = f"it reads {self.record['RBV'].value:g} {self.record['EGU'].value}"
            raise Refused(f"{self.part.label}: the zero of its scale is lost ({reading}); home it first")

    async def _check_target(self, dial: float, user: float) -> None:
        """Refuse a target outside the limits, with LVIO up."""
        self._check_free()
        self._check_homed()
        unit, label = self.record["EGU"].value, self.part.label
        limits, backlash = self.scale.dial_limits, self.record["BDST"].value
        allowed = is_allowed(dial, self.record["LDVL"].value, limits, backlash, self.scale.step)
        await self.record["LVIO"].write(int(not allowed))
        if allowed:
            return
        if not self.motion.is_under_way:
            await self.display.blink()
        try:
            require_range(label, user, *self.scale.limits, unit)
        except InvalidRequest as error:
            raise Refused(str(error)) from error
        raise Refused(f"{label}: on the way to {user:g} {unit} the backlash of {backlash:g} {unit} passes a limit")

    async def _move_to(self, dial: float, user: float) -> None:
        """Move to a target, given on both scales, and return when the axis is there."""
        await self._check_target(dial, user)
        await self.display.show_target(user)
        await self._pursue(Goal(GoalKind.MOVE, self.scale.on_step(dial)))

    async def _tweak(self, button: str, value: int, way: float) -> None:
        if value:
            await self.record[button].write(1)
            await self.record[button].write(0)
            await self._put_rlv(way)

    async def _jog(self, button: str, on: bool) -> None:
        """Go on in one direction until let go; letting go returns when the axis rests."""
        if not on:
            if self.record[button].value:
                self.motion.let_go()
                await self.motion.rest()
            return
        forward = button == "JOGF"
        end = self.scale.end(forward)
        await self._check_jog(end, forward)
        await self.record[button].write(1)
        try:
            await self._pursue(Goal(GoalKind.JOG, end, forward))
        finally:
            await self.record[button].write(0)

    async def _check_jog(self, end: float, forward: bool) -> None:
        """Refuse a jog with no way left before the limit."""
        self._check_free()
        self._check_homed()
        left = (end - self.record["DRBV"].value) * (1 if forward == (self.scale.sign > 0) else -1)
        await self.record["LVIO"].write(int(left < self.scale.step))
        if left < self.scale.step:
            raise Refused(
                f"{self.part.label}: it stands at its limit, {self.scale.user(end):g} {self.record['EGU'].value}"
            )

    async def _define_dial(self, dial: float) -> None:
        """Call the place where the axis stands `dial`, without motion; the offset follows unless it is frozen."""
        self._check_free()
        if self.motion.is_under_way:
            raise Refused(f"{self.part.label}: its position cannot be redefined while it moves")
        user = self.record["VAL"].value
        async with self.ioc.link():
            await self.driver.define_position(dial)
        if self.record["FOFF"].value == "Variable":
            await self.record["OFF"].write(round(user - self.scale.sign * dial, 9))
        await self._show_redefined()

    async def _show_redefined(self) -> None:
        """Show the axis on a changed scale; DMOV blinks, as after every put to a setpoint."""
        async with self.ioc.link():
            await self.settings.show_scale()
        if not self.motion.is_under_way:
            await self.display.synchronize()
            await self.scale.show_limits()
            await self.display.blink()

    async def _pursue(self, goal: Goal) -> None:
        try:
            async with self.ioc.link():
                await self.motion.pursue(goal)
        except NotArrived as failure:
            raise Refused(str(failure)) from failure

    async def _failed(self, report: str) -> None:
        """Take an axis that fails for a fault of the IOC."""
        if self.ioc.is_enabled:
            await self.ioc.fault(self.part.fault, report)
