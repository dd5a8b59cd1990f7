"""The telescope: `python -m iocs.telescope`, prefix `LATISS:TEL:`.

Commands `RightAscension`, `Declination`, `Rotator` (deg), each done when the slew has ended; `Stop`; `Target`,
`Observer`; the dome `Lamp`; readbacks of pointing, dome and weather; `Ready_RBV`, which is No while it slews and
while `Ready` is No. `focus` is an EPICS motor record (`iocs.mechanisms.motor`, mm), its commands in group ``focus:``.
Fault code 5 is a lost link, 7 a focus that does not arrive, 8 a slew that does not end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

from drivers.axis import AxisDriver, AxisStatus
from drivers.simulated import AxisMechanics, SimulatedAxis, SimulatedTelescope
from drivers.telescope import Pointing, TelescopeDriver, TelescopeStatus, Weather
from iocs.ioc import AlarmSeverity, AlarmStatus, Client, IocSetup, Refused, TemplateUse, command, on_put
from iocs.launch import run_ioc
from iocs.mechanisms.mechanism import MechanismIoc
from iocs.mechanisms.motor import Motor, MotorPart, serves_motor
from slitless.definition import Instrument

__all__ = ["Telescope", "main"]

FOCUS_FAULT = 7
SLEW_FAULT = 8
PATIENCE = 60.0
"""s of instrument time that a slew may be late."""
LOWEST = 15.0
"""deg of elevation below which an alarm is raised."""
DEGREES_AN_HOUR = 15.0
FOCUS_RESOLUTION = 0.0001  # mm
FOCUS_TOLERANCE = 0.001  # mm; a tenth of the shift that a good seeing lets one notice
READBACKS = (
    "RightAscension Declination Rotator Azimuth Elevation HourAngle ParallacticAngle DomeAzimuth Airmass".split()
)
WEATHER = "AirTemperature Pressure Humidity WindSpeed WindDirection Seeing".split()


@serves_motor("focus")
class Telescope(MechanismIoc):
    """A stand-in for the observatory around the instrument."""

    device = "TEL"

    @classmethod
    def templates(cls, instrument: Instrument) -> list[TemplateUse]:
        """Return the records of the telescope and of its focus."""
        low, high = instrument.telescope.focus_limits
        focus = {
            "M": "focus",
            "LABEL": "Focus",
            "EGU": "mm",
            "PREC": "4",
            "SPEED": str(instrument.telescope.focus_speed),
            "RAMP": "0.1",
            "RESOLUTION": str(FOCUS_RESOLUTION),
            "LOW": str(low),
            "HIGH": str(high),
            "TOLERANCE": str(FOCUS_TOLERANCE),
            "STEP": "0.1",
        }
        return [
            TemplateUse("telescope.template", {"LOWEST": str(LOWEST)}),
            TemplateUse("command.template", {"R": ""}),
            TemplateUse("motor.template", focus),
            TemplateUse("command.template", {"R": "focus:"}),
        ]

    def __init__(self, setup: IocSetup) -> None:
        super().__init__(setup, "telescope")
        now, optics = setup.clock.now, setup.instrument.telescope
        self.driver: TelescopeDriver = SimulatedTelescope(setup.instrument, now, setup.seed)
        focus: AxisDriver = SimulatedAxis(AxisMechanics.of_focus(optics), now)
        part = MotorPart("focus", "focus", FOCUS_FAULT, optics.focus_limits, camera_may_move=True)
        self.motors = {"focus": Motor(self, part, focus, self._show_nothing_more)}
        self._slew: asyncio.Task[None] | None = None
        self._target = Pointing(0.0, 0.0, 0.0)
        self._asked: Counter[str] = Counter()
        self._due = 0.0
        self._stopped = False

    @command("RightAscension")
    async def _put_right_ascension(self, value: float, client: Client) -> float:
        await self._point("RightAscension", right_ascension=value % 360.0)
        return value % 360.0

    @command("Declination")
    async def _put_declination(self, value: float, client: Client) -> None:
        await self._point("Declination", declination=value)

    @command("Rotator")
    async def _put_rotator(self, value: float, client: Client) -> None:
        await self._point("Rotator", rotator=value)

    @on_put("Stop")
    async def _put_stop(self, value: str, client: Client) -> str:
        if value == "Stop":
            async with self.link():
                await self._stop_slew()
        return "Idle"

    @command("Lamp")
    async def _put_lamp(self, value: str, client: Client) -> None:
        self.interlocks.check_optics("dome lamp")
        async with self.link():
            await self.driver.set_lamp(value == "On")

    @on_put("Ready")
    async def _put_ready(self, value: str, client: Client) -> None:
        await self["Ready"].write(value)
        await self._show_ready()

    async def started(self) -> None:
        """Show where the telescope points, and go on watching it."""
        await self.motors["focus"].show_first()
        await self._show_setpoints((await self.driver.status()).pointing)
        await super().started()

    async def stop(self) -> None:
        """End what runs in the background."""
        self.motors["focus"].motion.abandon()
        if self._slew is not None:
            self._slew.cancel()
        await super().stop()

    async def halt(self) -> None:
        """Stop the slew and the focus."""
        await self._stop_slew()
        await self.motors["focus"].motion.stop()

    def drivers(self) -> tuple[object, ...]:
        """Return the mount and the focus."""
        return self.driver, self.motors["focus"].driver

    async def look(self) -> None:
        """Show where the telescope points, the focus and the weather."""
        status = await self.driver.status()
        if self._slew is None:
            await self._show(status)
        await self._show_weather(await self.driver.weather())
        await self.motors["focus"].look()

    async def show_unknown(self) -> None:
        """Show that nobody knows where the telescope points."""
        for name in (*READBACKS, *WEATHER):
            record = self[f"{name}_RBV"]
            await record.write(record.value, severity=AlarmSeverity.INVALID_ALARM, status=AlarmStatus.COMM)
        await self["Ready_RBV"].write("No")
        await self.motors["focus"].display.show_no_link()

    async def _point(self, name: str, **change: float) -> None:
        """Change one coordinate of the target, and return when the telescope tracks it."""
        self.interlocks.check(self.label)
        self._asked[name] += 1
        number = self._asked[name]
        self._target = replace(self._target, **change)
        self._stopped = False
        async with self.link():
            await self[name].write(getattr(self._target, next(iter(change))))
            await self.driver.slew(self._target)
            self._due = ((await self.driver.status()).expected_end or self.clock.now()) + PATIENCE
        if self._slew is None:
            self._slew = asyncio.ensure_future(self._follow_slew())
        self.hardware.nudge()
        await self.carry_out(self._end_of(self._slew))
        if self._asked[name] != number:
            raise Refused(f"{self.label}: {name} was superseded by {self[name].value:g} deg")

    async def _end_of(self, slew: asyncio.Task[None]) -> None:
        await slew

    async def _follow_slew(self) -> None:
        """Show the slew until the telescope tracks; raise Refused if it does not come to that."""
        try:
            async with self.link():
                asked = self._asked.total()
                await self["Slewing"].write("Yes")
                await self._show_ready()
                status = await self._wait_for_tracking()
                while self._asked.total() != asked:
                    asked = self._asked.total()
                    status = await self._wait_for_tracking()
                if self._stopped:
                    self._target = status.pointing
                    await self._show_setpoints(status.pointing)
        finally:
            self._slew = None
        await self["Slewing"].write("No")
        await self._show_ready()
        if self._stopped:
            raise Refused(f"{self.label}: the slew was stopped")

    async def _wait_for_tracking(self) -> TelescopeStatus:
        status = await self.driver.status()
        events = self.hardware.follow(self.driver.status, lambda s: s.expected_end, lambda: self._due)
        async for status in events:
            await self._show(status)
            if not status.slewing:
                return status
        report = f"{self.label}: the slew did not end within {PATIENCE:g} s of its time"
        await self.fault(SLEW_FAULT, report)
        raise Refused(report)

    async def _stop_slew(self) -> None:
        if self._slew is not None:
            self._stopped = True
            await self.driver.stop()
            self.hardware.nudge()

    async def _show_setpoints(self, pointing: Pointing) -> None:
        self._target = pointing
        await self["RightAscension"].write(pointing.right_ascension)
        await self["Declination"].write(pointing.declination)
        await self["Rotator"].write(pointing.rotator)

    async def _show_ready(self) -> None:
        ready = self["Ready"].value == "Yes" and self._slew is None and self["Slewing"].value == "No"
        await self["Ready_RBV"].write("Yes" if ready else "No")

    async def _show(self, status: TelescopeStatus) -> None:
        pointing = status.pointing
        values = {
            "RightAscension": pointing.right_ascension,
            "Declination": pointing.declination,
            "Rotator": pointing.rotator,
            "Azimuth": status.azimuth,
            "Elevation": status.elevation,
            "HourAngle": status.hour_angle / DEGREES_AN_HOUR,
            "ParallacticAngle": status.parallactic_angle,
            "DomeAzimuth": status.dome_azimuth,
        }
        for name in READBACKS[:-1]:
            await self[f"{name}_RBV"].write(values[name])
        # Below the horizon there is no airmass: the number stays, but not as a good one.
        below = AlarmSeverity.INVALID_ALARM if status.elevation < 0 else None
        await self["Airmass_RBV"].write(status.airmass, severity=below)
        if self._slew is None:
            await self["Slewing"].write("Yes" if status.slewing else "No")
            await self._show_ready()

    async def _show_weather(self, weather: Weather) -> None:
        values = {
            "AirTemperature": weather.air_temperature,
            "Pressure": weather.pressure,
            "Humidity": weather.humidity,
            "WindSpeed": weather.wind_speed,
            "WindDirection": weather.wind_direction,
            "Seeing": weather.seeing,
        }
        for name in WEATHER:
            await self[f"{name}_RBV"].write(values[name])

    async def _show_nothing_more(self, status: AxisStatus | None) -> None:
        """Nothing beyond its record depends on the focus."""


def main(argv: list[str] | None = None) -> int:
    """Serve the telescope until told to end; return the exit status."""
    return run_ioc(Telescope, argv)


if __name__ == "__main__":
    raise SystemExit(main())
