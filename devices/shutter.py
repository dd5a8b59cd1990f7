"""The shutter as a Bluesky device."""

from __future__ import annotations

from typing import Any

from ophyd import Component as Cpt
from ophyd import Device

from devices.command import CommandPort, CommandStatus
from devices.health import IocHealth
from devices.signals import Readback, Setting
from slitless import definition
from slitless.errors import choose, require_range

__all__ = ["Shutter"]

COMMANDS = ("Close", "Open")
"""In the order of the record's states."""


class Shutter(Device):
    """A shutter that says when it really opened and closed; ``set("Open")``, ``set("Close")``.

    Exposures do not use it: the camera's IOC commands the shutter itself. Stopping it closes it.

    Parameters
    ----------
    prefix : str
        Of the shutter's IOC, e.g. ``LATISS:SHUTTER:``.
    definition : slitless.definition.Shutter
        Travel times and bounds.
    """

    command = Cpt(Setting, "Command", kind="omitted")
    expose_signal = Cpt(Setting, "Expose", kind="omitted")

    state = Cpt(Readback, "State_RBV", string=True, kind="hinted")
    opened_at = Cpt(Readback, "OpenedAt_RBV", kind="normal")
    closed_at = Cpt(Readback, "ClosedAt_RBV", kind="normal")
    open_time = Cpt(Readback, "OpenTime_RBV", kind="normal")
    open_count = Cpt(Readback, "OpenCount_RBV", kind="normal")

    commands = Cpt(CommandPort, "", kind="omitted")
    ioc = Cpt(IocHealth, "IOC:", kind="omitted")

    def __init__(self, prefix: str = "", *, name: str, definition: definition.Shutter, **kwargs: Any) -> None:
        self.definition = definition
        super().__init__(prefix, name=name, **kwargs)

    def check_value(self, value: str, **kwargs: Any) -> None:
        """Refuse anything but Open and Close.

        Raises
        ------
        InvalidRequest
            Listing what is valid.
        """
        choose(self.name, value, COMMANDS)

    def set(self, value: str) -> CommandStatus:
        """Open or close the shutter; done when it has."""
        self.check_value(value)
        travel = self.definition.open_time + self.definition.close_time
        return self._issue(self.command, COMMANDS.index(value), f"{self.name}: {value.lower()}", travel)

    def expose(self, seconds: float) -> CommandStatus:
        """Let every pixel see light for exactly `seconds`; done when the shutter is closed again.

        Raises
        ------
        InvalidRequest
            If the shutter cannot do so short or so long an exposure.
        """
        shutter = self.definition
        require_range(f"{self.name}: expose", seconds, shutter.minimum_exposure, shutter.maximum_exposure, "s")
        duration = seconds + shutter.open_time + shutter.close_time
        return self._issue(self.expose_signal, seconds, f"{self.name}: expose {seconds:g} s", duration)

    def stop(self, *, success: bool = False) -> None:
        """Close the shutter if this client has it open; a command under way ends as `success` says."""
        if not self.commands.pending and self.state.get() in ("Closed", "Closing"):
            return
        if success:
            self.commands.give_up()
        self.set("Close")

    @property
    def is_open(self) -> bool:
        """Whether light can pass: anything but closed."""
        return self.state.get() != "Closed"

    def _issue(self, signal: Setting, value: Any, what: str, duration: float) -> CommandStatus:
        return self.commands.issue(signal, value, what, self.ioc, duration)
