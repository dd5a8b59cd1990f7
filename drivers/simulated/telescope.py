"""A simulated telescope and the weather around it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drivers.simulated.failing import LINK_LOST, NO_FAULT, Failing
from drivers.simulated.sky import airmass, local_place, local_sidereal_time, separation, wrap
from drivers.telescope import Pointing, TelescopeStatus, Weather
from slitless.definition import Instrument, Site

__all__ = ["SimulatedTelescope"]

SETTLE_TIME = 2.0
"""s from the end of a slew to a steady image; an estimate."""
LOWEST_START = 20.0
"""deg of elevation below which the direction of the start never sinks, where the latitude allows."""
MEAN_TEMPERATURE = 11.0  # Celsius; an estimate for a site in the Andes
LAPSE = 8430.0  # m, scale height of the pressure
WEATHER_PERIODS = (86400.0, 17011.0, 5413.0, 1789.0)  # s; without a common multiple
WEATHER_WEIGHTS = (0.6, 0.25, 0.1, 0.05)


@dataclass(frozen=True)
class _Slew:
    """A motion from one pointing to another at a constant rate."""

    origin: Pointing
    target: Pointing
    start: float
    end: float

    def pointing(self, now: float) -> Pointing:
        """Where the telescope looks at `now`."""
        if now >= self.end:
            return self.target
        travel_time = max(self.end - SETTLE_TIME - self.start, 1e-9)
        part = min(max((now - self.start) / travel_time, 0.0), 1.0)
        a, b = self.origin, self.target
        return Pointing(
            (a.right_ascension + part * wrap(b.right_ascension - a.right_ascension)) % 360.0,
            a.declination + part * (b.declination - a.declination),
            a.rotator + part * (b.rotator - a.rotator),
        )


class SimulatedTelescope(Failing):
    """A telescope that tracks a direction of the sky, and slews to another in the time that takes.

    Parameters
    ----------
    instrument : Instrument
        Site and slew rate.
    now : callable
        Returns instrument time, TAI unix s.
    seed : int
        Chooses the weather; the same seed gives the same weather at the same time.
    """

    def __init__(self, instrument: Instrument, now: Callable[[], float], seed: int = 0) -> None:
        super().__init__("telescope", (NO_FAULT, LINK_LOST))
        self.site = instrument.site
        self.slew_rate = instrument.telescope.slew_rate
        self.mean_seeing = instrument.optics.seeing
        self.now = now
        self._phases = np.random.default_rng(seed).uniform(0.0, 2 * math.pi, (6, len(WEATHER_PERIODS)))
        start = _start_pointing(self.site, now())
        self._slew = _Slew(start, start, -math.inf, -math.inf)
        self._lamp = False

    async def status(self) -> TelescopeStatus:
        """Say where the telescope looks."""
        self.check_link()
        now = self.now()
        slewing = now < self._slew.end
        pointing = self._slew.pointing(now)
        place = local_place(
            pointing.right_ascension, pointing.declination, now, self.site.longitude, self.site.latitude
        )
        return TelescopeStatus(
            pointing=pointing,
            azimuth=place.azimuth,
            elevation=place.elevation,
            hour_angle=place.hour_angle,
            airmass=airmass(place.elevation),
            parallactic_angle=place.parallactic_angle,
            dome_azimuth=place.azimuth,
            slewing=slewing,
            lamp=self._lamp,
            expected_end=self._slew.end if slewing else None,
        )

    async def slew(self, pointing: Pointing) -> None:
        """Start towards a target; where the telescope looks already, it takes no time."""
        self.check_link()
        now = self.now()
        here = self._slew.pointing(now)
        angle = separation(here.right_ascension, here.declination, pointing.right_ascension, pointing.declination)
        way = max(angle, abs(pointing.rotator - here.rotator))
        steady = now >= self._slew.end and way < 1e-9
        self._slew = _Slew(here, pointing, now, now if steady else now + way / self.slew_rate + SETTLE_TIME)

    async def stop(self) -> None:
        """Stop the slew and track where it is."""
        self.check_link()
        now = self.now()
        here = self._slew.pointing(now)
        self._slew = _Slew(here, here, now, now)

    async def set_lamp(self, on: bool) -> None:
        """Switch the dome lamp."""
        self.check_link()
        self._lamp = on

    async def weather(self) -> Weather:
        """Return the weather of this moment: slow, smooth, and the same for the same seed."""
        self.check_link()
        warm, heavy, moist, windy, turn, blurred = self._slow_changes(self.now())
        base = 101325.0 * math.exp(-self.site.elevation / LAPSE)
        return Weather(
            air_temperature=MEAN_TEMPERATURE + 4.0 * warm,
            pressure=base + 250.0 * heavy,
            humidity=35.0 + 20.0 * moist,
            wind_speed=6.0 + 4.0 * windy,
            wind_direction=(350.0 + 40.0 * turn) % 360.0,
            seeing=self.mean_seeing * math.exp(0.2 * blurred),
        )

    def _slow_changes(self, now: float) -> list[float]:
        """Return six independent smooth functions of time, each within [-1, 1]."""
        rates = 2 * math.pi / np.asarray(WEATHER_PERIODS)
        waves = np.asarray(WEATHER_WEIGHTS) * np.sin(rates * now + self._phases)
        return [float(value) for value in waves.sum(axis=1)]


def _start_pointing(site: Site, now: float) -> Pointing:
    """Return a direction on the meridian that never sets, so that a telescope left alone stays useful."""
    declination = math.copysign(min(90.0, 90.0 - abs(site.latitude) + LOWEST_START), site.latitude)
    right_ascension = local_sidereal_time(now, site.longitude)
    return Pointing(right_ascension, declination, 0.0)
