"""An axis behind an EPICS motor record: what puts to the fields of `db/motor.template` do.

User and dial coordinates, limits and LVIO, SET and OFF, DIR, tweak, jog, relative moves, homing, STOP and SPMG
follow the motor record (https://epics-modules.github.io/motor/motorRecord.html). Other than there, a put that cannot
be carried out is refused on the wire, and the put-callback of a move that does not arrive fails.

`serves_motor("m1")` binds the fields of record m1 to the `Motor` that an IOC keeps in ``self.motors["m1"]``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from drivers.axis import AxisDriver, AxisStatus
from iocs.ioc import Client, Record, Refused, command, on_put
from iocs.mechanisms.mechanism import MechanismIoc
from iocs.mechanisms.motor_display import MotorDisplay
from iocs.mechanisms.motor_motion import MotorMotion, NotArrived
from iocs.mechanisms.motor_scale import MotorScale
from iocs.records.menus import MOTOR_FIELDS
from slitless.errors import InvalidRequest, require_range

__all__ = ["Motor", "MotorPart", "serves_motor"]

COMMANDS = frozenset("VAL DVAL RVAL RLV TWF TWR HOMF HOMR JOGF JOGR".split())
"""Puts to these are commands: refused unless Enabled, and reported by the command protocol."""
SETTINGS = frozenset("STOP SPMG SET OFF DIR HLM LLM DHLM DLLM VELO HVEL JVEL ACCL TWV SYNC EGU PREC".split())
"""Puts to these act at once."""
KEPT = frozenset("DESC FOFF RDBD RTRY DLY PREM POST INIT BDST BVEL BACC FRAC".split())
"""A client may set these; only FOFF and RDBD mean something here."""
BUTTONS = frozenset("TWF TWR HOMF HOMR STOP SYNC RLV".split())
"""These fall back to 0 by themselves."""
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
        for field in sorted(COMMANDS | SETTINGS):
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
        self.scale = MotorScale(self.field, part.label, part.travel)
        self.display = MotorDisplay(self.field, self.scale, also)
        unit = self.field("EGU").value
        self.motion = MotorMotion(
            part.label, unit, driver, self.display, ioc.clock, lambda: self.field("RDBD").value, self._failed
        )
        for name in set(MOTOR_FIELDS) - COMMANDS - SETTINGS - KEPT:
            self.field(name).is_read_only = True

    def field(self, name: str) -> Record:
        """Return one field of the record."""
        return self.ioc[f"{self.part.name}.{name}"]

    async def put(self, field: str, value: Any) -> Any:
        """Do what a client's put to a field does; return what the field then holds."""
        await getattr(self, f"_put_{field.lower()}")(value)
        if field in BUTTONS:
            return 0
        kept = field in ("VAL", "DVAL", "RVAL", "HLM", "LLM", "DHLM", "DLLM", "SPMG", "JOGF", "JOGR")
        return self.field(field).value if kept else value

    async def show_first(self) -> None:
        """Show the axis for the first time, with the setpoint where it stands."""
        await self.display.set_units(self.field("EGU").value)
        await self.display.set_precision(self.field("PREC").value)
        await self.scale.show_limits()
        await self.display.show(await self.driver.status())
        await self.display.synchronize()

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
        speed, ramp = self.field("HVEL").value, self.field("ACCL").value
        button = self.field("HOMF" if forward else "HOMR")
        way = self.scale.span + abs(self.field("DRBV").value)
        await button.write(1)
        try:
            await self._go(lambda: self.driver.home(forward, speed, ramp), way / speed + 2 * ramp, None)
        finally:
            await button.write(0)

    # Puts that move the axis.

    async def _put_val(self, value: float) -> None:
        await (self._redefine(value) if self.field("SET").value == "Set" else self._move_to(value))

    async def _put_dval(self, value: float) -> None:
        await self._put_val(self.scale.user(value))

    async def _put_rval(self, value: int) -> None:
        await self._put_dval(value * self.field("MRES").value)

    async def _put_rlv(self, value: float) -> None:
        await self._put_val(self.field("VAL").value + value)

    async def _put_twf(self, value: int) -> None:
        if value:
            await self._put_rlv(self.field("TWV").value)

    async def _put_twr(self, value: int) -> None:
        if value:
            await self._put_rlv(-self.field("TWV").value)

    async def _put_homf(self, value: int) -> None:
        if value:
            await self.home(forward=True)

    async def _put_homr(self, value: int) -> None:
        if value:
            await self.home()

    async def _put_jogf(self, value: int) -> None:
        await self._jog("JOGF", self.field("HLM").value, bool(value))

    async def _put_jogr(self, value: int) -> None:
        await self._jog("JOGR", self.field("LLM").value, bool(value))

    # Puts that stop it, or let it go.

    async def _put_stop(self, value: int) -> None:
        if value:
            async with self.ioc.link():
                await self.motion.stop()

    async def _put_spmg(self, value: str) -> None:
        await self.field("SPMG").write(value)
        async with self.ioc.link():
            if value == "Stop":
                await self.motion.stop()
            elif value == "Pause":
                await self.motion.pause()
            else:
                self.motion.resume()

    # Puts that set something.

    async def _put_set(self, value: str) -> None:
        self._check_at_rest("SET")

    async def _put_sync(self, value: int) -> None:
        if value:
            self._check_at_rest("SYNC")
            await self.display.synchronize()

    async def _put_off(self, value: float) -> None:
        self._check_at_rest("OFF")
        await self._rescale("OFF", value)

    async def _put_dir(self, value: str) -> None:
        self._check_at_rest("DIR")
        await self._rescale("DIR", value)

    async def _put_hlm(self, value: float) -> None:
        await self.scale.set_limit("HLM", value)

    async def _put_llm(self, value: float) -> None:
        await self.scale.set_limit("LLM", value)

    async def _put_dhlm(self, value: float) -> None:
        await self.scale.set_limit("DHLM", value)

    async def _put_dllm(self, value: float) -> None:
        await self.scale.set_limit("DLLM", value)

    async def _put_velo(self, value: float) -> None:
        self._check("speed", value, self.field("VMAX").value / 1000, self.field("VMAX").value, f"{self._unit}/s")

    _put_hvel = _put_velo
    _put_jvel = _put_velo

    async def _put_accl(self, value: float) -> None:
        self._check("acceleration time", value, 0.0, 60.0, "s")

    async def _put_twv(self, value: float) -> None:
        self._check("tweak", value, 0.0, self.scale.span, self._unit)

    async def _put_egu(self, value: str) -> None:
        await self.display.set_units(value)

    async def _put_prec(self, value: int) -> None:
        self._check("PREC", value, 0, 15, "decimals")
        await self.display.set_precision(value)

    # How it is done.

    @property
    def _unit(self) -> str:
        return self.field("EGU").value

    def _check(self, what: str, value: float, low: float, high: float, unit: str) -> None:
        try:
            require_range(f"{self.part.label} {what}", value, low, high, unit)
        except InvalidRequest as error:
            raise Refused(str(error)) from error

    def _check_at_rest(self, field: str) -> None:
        if self.motion.is_under_way:
            raise Refused(f"{self.part.label}: {field} cannot change while the axis moves")

    def _check_free(self) -> None:
        """Refuse a motion that an exposure, another client or SPMG forbids."""
        self.ioc.interlocks.check(self.part.label, self.part.camera_may_move)
        if self.field("SPMG").value in ("Stop", "Pause"):
            raise Refused(f"{self.part.label}: SPMG is {self.field('SPMG').value}; put Go to move")

    async def _check_target(self, target: float) -> None:
        """Refuse a target outside the limits, with LVIO up, or any if the axis does not know where it is."""
        self._check_free()
        if not self.display.homed:
            reading = f"it reads {self.field('RBV').value:g} {self._unit}"
            raise Refused(f"{self.part.label}: the zero of its scale is lost ({reading}); home it first")
        try:
            require_range(self.part.label, target, *self.scale.limits, self._unit)
        except InvalidRequest as error:
            await self.field("LVIO").write(1)
            raise Refused(str(error)) from error
        await self.field("LVIO").write(0)

    async def _move_to(self, target: float) -> None:
        """Move to `target` (user), and return when the axis is there."""
        target = round(target, 9)  # tweaks add up: 0.1 + 0.2 is to be 0.3
        await self._check_target(target)
        dial = self.scale.on_step(self.scale.dial(target))
        await self.display.show_target(target)
        await self._drive(dial, "VELO", dial)

    async def _jog(self, button: str, end: float, on: bool) -> None:
        """Start towards a limit, or stop; returns at once."""
        if on:
            await self._check_target(end)
            self.ioc.background(self._jog_until_let_go(button, end))
        elif self.field(button).value:
            await self._put_stop(1)

    async def _jog_until_let_go(self, button: str, end: float) -> None:
        await self.field(button).write(1)
        try:
            await self._drive(self.scale.dial(end), "JVEL", None)
        except Refused:
            return  # let go before the limit, as most jogs end
        finally:
            await self.field(button).write(0)

    async def _drive(self, dial: float, speed_field: str, target: float | None) -> None:
        speed, ramp = self.field(speed_field).value, self.field("ACCL").value
        way = abs(dial - self.field("DRBV").value)
        await self._go(lambda: self.driver.move(dial, speed, ramp), way / speed + 2 * ramp, target)

    async def _go(self, start: Callable[[], Awaitable[None]], duration: float, target: float | None) -> None:
        """See a motion through."""
        try:
            async with self.ioc.link():
                await self.motion.go(start, duration, target)
        except NotArrived as failure:
            raise Refused(str(failure)) from failure
        finally:
            if self.field("SPMG").value == "Move":
                await self.field("SPMG").write("Pause")

    async def _failed(self, report: str) -> None:
        """Take an axis that fails for a fault of the IOC."""
        if self.ioc.is_enabled:
            await self.ioc.fault(self.part.fault, report)

    async def _redefine(self, value: float) -> None:
        """Call the place where the axis stands `value`, without motion."""
        self._check_free()
        self._check_at_rest("the scale")
        if self.field("FOFF").value == "Frozen":
            async with self.ioc.link():
                await self.driver.define_position(self.scale.dial(value))
                await self.look()
            await self.display.synchronize()
        else:
            await self._rescale("OFF", round(value - self.scale.sign * self.field("DRBV").value, 9))

    async def _rescale(self, field: str, value: Any) -> None:
        """Change OFF or DIR, and everything that follows from it."""
        await self.field(field).write(value)
        async with self.ioc.link():
            await self.look()
        await self.display.synchronize()
        # Last, for ophyd takes the limits it knows of with every new setpoint, and asks for them after a new HLM.
        await self.scale.show_limits()
