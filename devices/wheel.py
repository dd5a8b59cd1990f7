"""A filter or grating wheel as a Bluesky device."""

from __future__ import annotations

from typing import Any

from ophyd import Component as Cpt
from ophyd import Device

from devices.command import CommandPort, CommandStatus
from devices.health import IocHealth
from devices.signals import Readback, Setting
from slitless import definition
from slitless.errors import InvalidRequest, SlitlessError

__all__ = ["Wheel", "WheelElement"]

SAME_WAVELENGTH = 1.0  # nm


class WheelElement(Device):
    """What the element in the beam is like: band, wavelength (nm), offsets, lines per mm."""

    band = Cpt(Readback, "Band_RBV", kind="normal")
    wavelength = Cpt(Readback, "Wavelength_RBV", kind="normal")
    focus_offset = Cpt(Readback, "FocusOffset_RBV", kind="normal")
    pointing_offset_x = Cpt(Readback, "PointingOffsetX_RBV", kind="normal")
    pointing_offset_y = Cpt(Readback, "PointingOffsetY_RBV", kind="normal")
    lines_per_mm = Cpt(Readback, "LinesPerMm_RBV", kind="normal")


class Wheel(Device):
    """A wheel that turns one of several named elements into the beam.

    ``set("SDSSr_65mm")`` and ``set(2)`` mean the same when the element sits in slot 2.

    Parameters
    ----------
    prefix : str
        Of the wheel's IOC, e.g. ``LATISS:FILTER:``.
    definition : slitless.definition.Wheel
        What sits in the wheel, and how long a move takes.
    """

    select = Cpt(Setting, "Select", kind="omitted")
    slot_setpoint = Cpt(Setting, "Slot", kind="omitted")
    stop_signal = Cpt(Setting, "Stop", kind="omitted")
    home_signal = Cpt(Setting, "Home", kind="omitted")

    element_name = Cpt(Readback, "Name_RBV", kind="hinted")
    slot = Cpt(Readback, "Slot_RBV", kind="normal")
    names = Cpt(Readback, "Names_RBV", kind="omitted")
    moving = Cpt(Readback, "Moving", kind="omitted")
    in_position = Cpt(Readback, "InPosition", kind="omitted")
    state = Cpt(Readback, "State_RBV", string=True, kind="omitted")
    error = Cpt(Readback, "Error_RBV", string=True, kind="omitted")
    element = Cpt(WheelElement, "", kind="omitted")

    commands = Cpt(CommandPort, "", kind="omitted")
    ioc = Cpt(IocHealth, "IOC:", kind="omitted")

    def __init__(self, prefix: str = "", *, name: str, definition: definition.Wheel, **kwargs: Any) -> None:
        self.definition = definition
        super().__init__(prefix, name=name, **kwargs)
        self.element_name.name = f"{self.name}_name"

    def check_value(self, value: str | int, **kwargs: Any) -> None:
        """Refuse a selection the wheel does not have.

        Raises
        ------
        InvalidRequest
            Listing the names and slots there are.
        """
        self.definition.slot_number(value)

    def set(self, selection: str | int) -> CommandStatus:
        """Turn an element into the beam, by name or slot (0-based).

        Raises
        ------
        InvalidRequest
            If the wheel has no such element; nothing moves.
        """
        slot = self.definition.slot_number(selection)
        what = f"{self.name}: select {self.definition.names[slot]}"
        return self._issue(self.slot_setpoint, slot, what, self.definition.move_timeout)

    @property
    def wavelengths(self) -> tuple[float, ...]:
        """Central wavelengths of the elements, nm, in slot order."""
        return tuple(slot.wavelength for slot in self.definition.slots)

    def set_wavelength(self, wavelength: float) -> CommandStatus:
        """Turn the element with that central wavelength (nm) into the beam; the first, if there are several.

        Raises
        ------
        InvalidRequest
            If no element has it within 1 nm; nothing moves.
        """
        for slot, has in enumerate(self.wavelengths):
            if abs(has - wavelength) <= SAME_WAVELENGTH:
                return self.set(slot)
        listed = ", ".join(f"{has:g}" for has in self.wavelengths)
        raise InvalidRequest(f"{self.name} wavelength", wavelength, f"it must be one of {listed} nm")

    def home(self) -> CommandStatus:
        """Find the reference position again."""
        duration = self.definition.home_time + self.definition.move_timeout
        return self._issue(self.home_signal, 1, f"{self.name}: home", duration)

    def stop(self, *, success: bool = False) -> None:
        """Stop the wheel if it moves; a command under way ends as success says."""
        if not self.commands.pending and not (self.moving.connected and self.moving.get()):
            return
        if success:
            self.commands.give_up()
        self.stop_signal.put(1)

    @property
    def position(self) -> str:
        """Name of the element in the beam; empty while unknown."""
        return self.element_name.get()

    def locate(self) -> dict[str, str]:
        """Return the element that was asked for and the one that is in the beam."""
        return {"setpoint": self.definition.names[self.slot_setpoint.get()], "readback": self.position}

    def check_names(self) -> None:
        """Compare the elements the IOC has with those of the definition.

        Raises
        ------
        SlitlessError
            If they differ: the IOC was started from another instrument definition.
        """
        served = tuple(str(name) for name in self.names.get())
        if served != self.definition.names:
            raise SlitlessError(
                f"{self.prefix}Names_RBV: the IOC has {', '.join(served)}, "
                f"the instrument definition has {', '.join(self.definition.names)}"
            )

    def _issue(self, signal: Setting, value: Any, what: str, duration: float) -> CommandStatus:
        return self.commands.issue(signal, value, what, self.ioc, duration)
