"""The telescope and its surroundings, as an IOC sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Pointing", "TelescopeDriver", "TelescopeStatus", "Weather"]


@dataclass(frozen=True)
class Pointing:
    """Where a telescope looks: ICRS right ascension and declination, and rotator angle; deg."""

    right_ascension: float
    declination: float
    rotator: float


@dataclass(frozen=True)
class TelescopeStatus:
    """A telescope at one moment; angles in deg."""

    pointing: Pointing
    azimuth: float
    """North 0, east 90."""
    elevation: float
    hour_angle: float
    """In [-180, 180), west positive."""
    airmass: float
    parallactic_angle: float
    dome_azimuth: float
    slewing: bool
    lamp: bool
    """Whether the dome lamp is on."""
    expected_end: float | None = None
    """TAI unix s at which the slew ends; None when tracking or when the hardware cannot say."""


@dataclass(frozen=True)
class Weather:
    """The air around the telescope."""

    air_temperature: float
    """Celsius."""
    pressure: float
    """Pa."""
    humidity: float
    """%."""
    wind_speed: float
    """m/s."""
    wind_direction: float
    """deg, where it blows from, north 0, east 90."""
    seeing: float
    """arcsec FWHM at zenith."""


class TelescopeDriver(Protocol):
    """A telescope. Every method raises `LinkLost` if it does not answer."""

    async def connect(self) -> None:
        """Open the link; harmless when it is open."""
        ...

    async def status(self) -> TelescopeStatus:
        """Ask where the telescope looks."""
        ...

    async def slew(self, pointing: Pointing) -> None:
        """Start towards a target and track it from then on; a telescope that slews changes course."""
        ...

    async def stop(self) -> None:
        """Stop the slew and track where it is."""
        ...

    async def set_lamp(self, on: bool) -> None:
        """Switch the dome lamp."""
        ...

    async def weather(self) -> Weather:
        """Ask the weather station."""
        ...
