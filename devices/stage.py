"""Motor-record axes, the linear stage and the telescope focus, on ophyd's stock EpicsMotor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ophyd import Component as Cpt
from ophyd import EpicsMotor
from ophyd import FormattedComponent as FCpt
from ophyd.status import wait as wait_for_status

from devices.command import CommandPort, CommandStatus, Pulse
from devices.health import IocHealth
from devices.signals import Readback, Setting
from slitless.errors import require_range

__all__ = ["Axis", "Stage"]


class Axis(EpicsMotor):
    """An EPICS motor whose moves obey the completion contract.

    Parameters
    ----------
    prefix : str
        Of the motor record, e.g. ``LATISS:TEL:focus``.
    limits_of_travel : tuple of float
        Lowest and highest position (mm) by the instrument definition.
    speed : float
        mm/s, from which the time a move may take is derived.
    """

    motor_stop = Cpt(Setting, ".STOP", kind="omitted")
    commands = Cpt(CommandPort, ":", kind="omitted")
    ioc = FCpt(Pulse, "{self.station}IOC:", kind="omitted")

    def __init__(
        self, prefix: str = "", *, name: str, limits_of_travel: tuple[float, float], speed: float, **kwargs: Any
    ) -> None:
        self.station = prefix.rpartition(":")[0] + ":"
        self.limits_of_travel = limits_of_travel
        self.speed = speed
        super().__init__(prefix, name=name, **kwargs)

    def check_value(self, pos: float) -> None:
        """Refuse a position the axis cannot reach.

        Raises
        ------
        InvalidRequest
            If it is outside the travel, or no finite number.
        """
        require_range(self.name, pos, *self.limits_of_travel, "mm")
        if self.user_setpoint.connected:
            low, high = self.user_setpoint.limits or (0.0, 0.0)
            if low < high:  # equal limits mean no soft limits
                require_range(f"{self.name} (soft limits)", pos, low, high, "mm")

    def move(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        position: float,
        wait: bool = True,
        *,
        moved_cb: Callable[..., Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> CommandStatus:
        """Move to `position` (mm); done when the record says it is there.

        Raises
        ------
        InvalidRequest
            If the axis cannot go there; nothing moves.
        """
        self.check_value(position)
        low, high = self.limits_of_travel
        duration = timeout if timeout is not None else 2 * (high - low) / self.speed
        what = f"{self.name}: move to {position:g} mm"
        status = self.commands.issue(self.user_setpoint, float(position), what, self.ioc, duration)
        if moved_cb is not None:
            status.add_callback(lambda _: moved_cb(obj=self))
        if wait:
            wait_for_status(status)
        return status

    def stop(self, *, success: bool = False) -> None:
        """Stop the axis if it moves; a command under way ends as `success` says."""
        if not self.commands.pending and not (self.motor_done_move.connected and not self.motor_done_move.get()):
            return
        if success:
            self.commands.give_up()
        self.motor_stop.put(1)

    def locate(self) -> dict[str, float]:
        """Return the position that was asked for and the one that is, mm."""
        return {"setpoint": float(self.user_setpoint.get()), "readback": float(self.user_readback.get())}


class Stage(Axis):
    """The linear stage that carries the disperser; position in mm."""

    ioc = FCpt(IocHealth, "{self.station}IOC:", kind="omitted")
    homed = FCpt(Readback, "{self.station}Homed_RBV", kind="omitted")
    disperser_distance = FCpt(Readback, "{self.station}DisperserDistance_RBV", kind="omitted")
    home_signal = FCpt(Setting, "{self.station}Home", kind="omitted")

    def home_axis(self) -> CommandStatus:
        """Find the zero of the scale again."""
        low, high = self.limits_of_travel
        duration = 4 * max(abs(high), high - low) / self.speed
        return self.commands.issue(self.home_signal, 1, f"{self.name}: home", self.ioc, duration)
