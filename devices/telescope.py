"""The telescope as far as the spectrograph needs it: pointing, focus, weather, readiness."""

from __future__ import annotations

import threading
from typing import Any

from ophyd import Component as Cpt
from ophyd import Device
from ophyd.status import Status

from devices.command import CommandFailed, CommandPort, CommandStatus
from devices.health import IocHealth
from devices.settings import SettingsStatus
from devices.signals import Readback, Setting, TextSetting
from devices.stage import Axis
from slitless import definition
from slitless.errors import require_range

__all__ = ["Mount", "Readiness", "Telescope", "Weather"]


class Weather(Device):
    """Weather at the telescope."""

    air_temperature = Cpt(Readback, "AirTemperature_RBV", kind="normal")
    pressure = Cpt(Readback, "Pressure_RBV", kind="normal")
    humidity = Cpt(Readback, "Humidity_RBV", kind="normal")
    wind_speed = Cpt(Readback, "WindSpeed_RBV", kind="normal")
    wind_direction = Cpt(Readback, "WindDirection_RBV", kind="normal")
    seeing = Cpt(Readback, "Seeing_RBV", kind="normal")


class Mount(Device):
    """Where the telescope stands, beyond right ascension and declination."""

    rotator = Cpt(Readback, "Rotator_RBV", kind="normal")
    azimuth = Cpt(Readback, "Azimuth_RBV", kind="normal")
    elevation = Cpt(Readback, "Elevation_RBV", kind="normal")
    hour_angle = Cpt(Readback, "HourAngle_RBV", kind="normal")
    parallactic_angle = Cpt(Readback, "ParallacticAngle_RBV", kind="normal")
    dome_azimuth = Cpt(Readback, "DomeAzimuth_RBV", kind="normal")


class Readiness(Device):
    """Whether the telescope is ready for data; triggering it waits until it is.

    `timeout` is in s of instrument time.
    """

    ready = Cpt(Readback, "Ready_RBV", kind="normal")
    timeout = 30.0

    def trigger(self) -> Status:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return a status that is done when the telescope is ready, and fails after `timeout`."""
        telescope: Any = self.parent
        return _ReadyStatus(self, telescope.ioc.wall_seconds(self.timeout))


class _ReadyStatus(Status):
    def __init__(self, readiness: Readiness, wall_seconds: float) -> None:
        super().__init__(readiness)
        self._ready, self._prefix = readiness.ready, readiness.prefix
        self._guard = threading.RLock()
        reason = f"not ready to take data within {readiness.timeout:g} s"
        self._timer = threading.Timer(wall_seconds, self._end, [reason])
        self._timer.daemon = True
        self._timer.start()
        self._ready.subscribe(self._changed, run=False)
        self._changed(self._ready.get())

    def _changed(self, value: Any, **_: Any) -> None:
        if value:
            self._end(None)

    def _end(self, reason: str | None) -> None:
        with self._guard:
            if self.done:
                return
            self._timer.cancel()
            self._ready.clear_sub(self._changed)
            if reason is None:
                self.set_finished()
            else:
                self.set_exception(CommandFailed(f"telescope: {reason} ({self._prefix}Ready_RBV)"))


class _Slew(Status):
    """Done when both coordinates are; fails with the reason of the first that does not arrive."""

    def __init__(self, *parts: CommandStatus) -> None:
        super().__init__(parts[0].obj)
        self._guard = threading.RLock()
        self._running = set(parts)
        for part in parts:
            part.add_callback(self._ended)

    def _ended(self, part: CommandStatus) -> None:
        with self._guard:
            self._running.discard(part)
            if self.done:
                return
            if not part.success:
                self.set_exception(part.exception())
            elif not self._running:
                self.set_finished()


class Telescope(Device):
    """The telescope; angles in deg, focus in mm.

    Parameters
    ----------
    prefix : str
        Of the telescope's IOC, e.g. ``LATISS:TEL:``.
    definition : slitless.definition.Telescope
        Slew rate, focus range and speed.
    """

    right_ascension = Cpt(Readback, "RightAscension_RBV", kind="normal")
    declination = Cpt(Readback, "Declination_RBV", kind="normal")
    airmass = Cpt(Readback, "Airmass_RBV", kind="normal")
    slewing = Cpt(Readback, "Slewing", kind="omitted")

    right_ascension_setpoint = Cpt(Setting, "RightAscension", kind="omitted")
    declination_setpoint = Cpt(Setting, "Declination", kind="omitted")
    rotator_setpoint = Cpt(Setting, "Rotator", kind="omitted")
    target = Cpt(TextSetting, "Target", kind="omitted")
    observer = Cpt(TextSetting, "Observer", kind="omitted")
    lamp = Cpt(Setting, "Lamp", kind="omitted")
    ready_setpoint = Cpt(Setting, "Ready", kind="omitted")

    readiness = Cpt(Readiness, "", kind="omitted")
    mount = Cpt(Mount, "", kind="omitted")
    weather = Cpt(Weather, "", kind="omitted")
    focus = Cpt(Axis, "focus", kind="omitted", limits_of_travel=(0.0, 0.0), speed=1.0)
    commands = Cpt(CommandPort, "", kind="omitted")
    ioc = Cpt(IocHealth, "IOC:", kind="omitted")

    def __init__(self, prefix: str = "", *, name: str, definition: definition.Telescope, **kwargs: Any) -> None:
        self.definition = definition
        super().__init__(prefix, name=name, **kwargs)
        self.focus.limits_of_travel = definition.focus_limits
        self.focus.speed = definition.focus_speed
        # events call it plainly "focus"
        self.focus.name = self.focus.user_readback.name = "focus"
        self.focus.user_setpoint.name = "focus_user_setpoint"

    def point(self, right_ascension: float, declination: float) -> Status:
        """Slew to a position (deg, ICRS); done when the telescope tracks it.

        Raises
        ------
        InvalidRequest
            If an angle is out of range.
        """
        self.check_value((right_ascension, declination))
        return _Slew(
            self._slew(self.right_ascension_setpoint, float(right_ascension), "right ascension"),
            self._slew(self.declination_setpoint, float(declination), "declination"),
        )

    def check_value(self, value: tuple[float, float], **kwargs: Any) -> None:
        """Refuse a position (right ascension, declination; deg) that is none.

        Raises
        ------
        InvalidRequest
            Naming the angle.
        """
        right_ascension, declination = value
        require_range("right ascension", right_ascension, 0.0, 360.0, "deg")
        require_range("declination", declination, -90.0, 90.0, "deg")

    def set(self, position: tuple[float, float]) -> Status:
        """Slew to (right ascension, declination), deg; as `point`."""
        return self.point(*position)

    def prepare(self, target: str) -> SettingsStatus:
        """Name the object that is pointed at next; done when the telescope has taken the name."""
        return SettingsStatus(self, {self.target: target})

    def rotate(self, angle: float) -> CommandStatus:
        """Turn the rotator to `angle` (deg)."""
        return self._slew(self.rotator_setpoint, require_range("rotator", angle, -360.0, 360.0, "deg"), "rotator")

    def _slew(self, signal: Setting, angle: float, what: str) -> CommandStatus:
        duration = 360.0 / self.definition.slew_rate
        return self.commands.issue(signal, angle, f"telescope: {what} to {angle:g} deg", self.ioc, duration)
