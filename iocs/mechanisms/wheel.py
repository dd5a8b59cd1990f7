"""A wheel of filters or gratings behind process variables; `filter_wheel` and `grating_wheel` are the two there are.

Records (`db/wheel.template`): commands `Select` (by name), `Slot` (from 0), `Home`; `Stop`; readbacks `Name_RBV`,
`Slot_RBV` (-1 while unknown), `Moving`, `InPosition`, `State_RBV`, `Error_RBV`, and what the element in the beam is
like. `InPosition` falls with every command and rises last.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from drivers.simulated import SimulatedWheel
from drivers.wheel import WheelDriver, WheelError, WheelState, WheelStatus
from iocs.ioc import AlarmSeverity, Client, IocSetup, Refused, TemplateUse, command, on_put
from iocs.mechanisms.mechanism import MechanismIoc
from slitless.definition import Instrument, Wheel
from slitless.errors import InvalidRequest

__all__ = ["WheelIoc"]

NOWHERE = -1
INVALID = AlarmSeverity.INVALID_ALARM


class WheelIoc(MechanismIoc):
    """Turns the wheel, watches it, and says which element is in the beam."""

    part: ClassVar[Literal["filter", "grating"]]
    move_fault: ClassVar[int]
    """Fault code of a wheel that does not arrive."""

    @classmethod
    def templates(cls, instrument: Instrument) -> list[TemplateUse]:
        """Return the records of the wheel, with the elements it holds."""
        wheel = cls.definition(instrument)
        names = {f"S{i}": name for i, name in enumerate(wheel.names)}
        macros = {"LABEL": wheel.label[:1].upper() + wheel.label[1:], "LAST": str(len(wheel.slots) - 1), **names}
        return [TemplateUse("wheel.template", macros), TemplateUse("command.template", {"R": ""})]

    @classmethod
    def definition(cls, instrument: Instrument) -> Wheel:
        """Return what sits in the wheel."""
        return instrument.wheels.filter if cls.part == "filter" else instrument.wheels.grating

    def __init__(self, setup: IocSetup) -> None:
        self.wheel = self.definition(setup.instrument)
        super().__init__(setup, self.wheel.label)
        self.driver: WheelDriver = SimulatedWheel(self.wheel, setup.clock.now)
        self._destination: str | None = None
        self._stopped = False

    @command("Select")
    async def _put_select(self, value: str, client: Client) -> None:
        await self._select(value)

    @command("Slot")
    async def _put_slot(self, value: int, client: Client) -> None:
        await self._select(value)

    @command("Home")
    async def _put_home(self, value: str, client: Client) -> str:
        if value == "Home":
            await self._check_free()
            await self.carry_out(self._turn(0, homing=True))
        return "Idle"

    @on_put("Stop")
    async def _put_stop(self, value: str, client: Client) -> str:
        if value == "Stop":
            async with self.link():
                await self.halt()
        return "Idle"

    async def started(self) -> None:
        """Show what is in the wheel, and go on watching it."""
        await self["Names_RBV"].write(self.wheel.names)
        await super().started()

    async def enabled(self) -> None:
        """Connect; a wheel that rests between slots is homed.

        Raises
        ------
        Refused
            If it does not answer, or the homing fails.
        """
        await super().enabled()
        async with self.link():
            status = await self.driver.status()
        await self._show(status)
        if status.slot is None:
            await self.carry_out(self._turn(0, homing=True))

    async def halt(self) -> None:
        """Stop the wheel where it is; the command that turned it ends in error."""
        if self._destination is not None:
            self._stopped = True
            await self.driver.stop()
            self.hardware.nudge()

    async def look(self) -> None:
        """Show what the wheel is doing, unless a command does so already."""
        status = await self.driver.status()
        if self._destination is None:
            await self._show(status)

    async def show_unknown(self) -> None:
        """Show that nobody knows which element is in the beam."""
        await self._show_element(None)
        await self["InPosition"].write("No")
        await self["State_RBV"].write(WheelState.NOT_IN_POSITION.value, severity=INVALID)

    async def _select(self, selection: str | int) -> None:
        try:
            slot = self.wheel.slot_number(selection)
        except InvalidRequest as error:
            raise Refused(str(error)) from error
        await self._check_free()
        await self.carry_out(self._turn(slot))

    async def _check_free(self) -> None:
        """Refuse a motion while there is one, or while an exposure or another client forbids it."""
        self.interlocks.check(self.label)
        if self._destination is not None:
            await self["Error_RBV"].write(WheelError.BUSY.value)
            raise Refused(f"{self.label}: busy: it is on its way to {self._destination}")

    async def _turn(self, slot: int, homing: bool = False) -> None:
        """Move, and return when the wheel is in `slot`."""
        self._destination = "the reference mark" if homing else self.wheel.names[slot]
        self._stopped = False
        duration = self.wheel.home_time if homing else self.wheel.move_time
        try:
            async with self.link():
                await self._set_out(slot, homing)
                status = await self._follow(self.clock.now() + max(duration, self.wheel.move_timeout))
                await self._arrive(slot, status)
        finally:
            self._destination = None

    async def _set_out(self, slot: int, homing: bool) -> None:
        leaves = homing or (await self.driver.status()).slot != slot
        await self["InPosition"].write("No")
        await self["Error_RBV"].write(WheelError.NONE.value)
        if leaves:
            await self._show_element(None)
        await self["Select"].write(slot)
        await self["Slot"].write(slot)
        await self["State_RBV"].write((WheelState.HOMING if homing else WheelState.MOVING).value)
        await self["Moving"].write("Yes")
        await (self.driver.home() if homing else self.driver.move(slot))

    async def _follow(self, deadline: float) -> WheelStatus:
        """Wait for the end of the motion; return the status then, or when patience ends."""
        status = await self.driver.status()
        async for status in self.hardware.follow(self.driver.status, lambda s: s.expected_end, lambda: deadline):
            if not status.is_moving:
                break
        return status

    async def _arrive(self, slot: int, status: WheelStatus) -> None:
        """Show where the motion ended; anything but `slot` ends the command in error."""
        target = self.wheel.names[slot]
        if status.slot == slot:
            await self._show(status)
            return
        if self._stopped:
            await self._show(status)
            raise Refused(f"{self.label}: stopped between slots on the way to {self._destination}; Home recovers it")
        if status.is_moving:
            await self.driver.stop()
            status = WheelStatus(WheelState.NOT_IN_POSITION, None, WheelError.MOVE_TIMEOUT)
        await self._show(status)
        report = f"{self.label}: did not reach {target} within {self.wheel.move_timeout:g} s"
        await self.fault(self.move_fault, report)
        raise Refused(report)

    async def _show(self, status: WheelStatus) -> None:
        """Write the readbacks, `InPosition` last."""
        await self._show_element(status.slot)
        await self["Error_RBV"].write(status.error.value)
        await self["State_RBV"].write(status.state.value)
        await self["Moving"].write("Yes" if status.is_moving else "No")
        await self["InPosition"].write("No" if status.slot is None else "Yes")

    async def _show_element(self, slot: int | None) -> None:
        """Write which element is in the beam and what it is like; None for unknown."""
        values: dict[str, Any]
        if slot is None:
            numbers = ("Wavelength", "FocusOffset", "PointingOffsetX", "PointingOffsetY", "LinesPerMm")
            values = {"Slot": NOWHERE, "Name": "", "Band": "", **dict.fromkeys(numbers, math.nan)}
        else:
            element = self.wheel.slots[slot]
            values = {
                "Slot": slot,
                "Name": element.name,
                "Band": element.band,
                "Wavelength": element.wavelength,
                "FocusOffset": element.focus_offset,
                "PointingOffsetX": element.pointing_offset[0],
                "PointingOffsetY": element.pointing_offset[1],
                "LinesPerMm": element.lines_per_mm,
            }
        for name, value in values.items():
            unknown = isinstance(value, float) and math.isnan(value)
            await self[f"{name}_RBV"].write(value, severity=INVALID if unknown else None)
