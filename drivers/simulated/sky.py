"""Where a star stands in the sky of a site.

Mean places: precession is applied, nutation, aberration, polar motion and refraction are not, which is
right to 0.02 deg. Angles in deg, times in TAI unix s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from slitless.instrument_time import tai_minus_utc

__all__ = ["LocalPlace", "airmass", "local_place", "local_sidereal_time", "separation", "wrap"]

J2000 = 946727967.816
"""TAI unix s of 2000-01-01T12:00:00 TT."""
SECONDS_A_CENTURY = 86400.0 * 36525.0
LOWEST_ELEVATION = 0.0
"""deg; below it the airmass stays what it is there."""


@dataclass(frozen=True)
class LocalPlace:
    """A direction as seen from a site, deg."""

    azimuth: float
    """North 0, east 90."""
    elevation: float
    hour_angle: float
    """In [-180, 180), west positive."""
    parallactic_angle: float


def wrap(angle: float) -> float:
    """Return an angle (deg) in [-180, 180)."""
    return (angle + 180.0) % 360.0 - 180.0


def local_sidereal_time(time: float, longitude: float) -> float:
    """Return the mean sidereal time (deg) at an east longitude (deg); UT1 is taken as UTC."""
    days = (time - tai_minus_utc(time - 37.0) - 946728000.0) / 86400.0  # UTC days since 2000-01-01T12:00
    rotation = 360.0 * (0.7790572732640 + 0.00273781191135448 * days + days % 1.0)  # IAU 2000
    return (rotation + _precession_in_right_ascension(_centuries(time)) + longitude) % 360.0


def local_place(
    right_ascension: float, declination: float, time: float, longitude: float, latitude: float
) -> LocalPlace:
    """Return where an ICRS direction stands at a time over a site."""
    ra, dec = _of_date(right_ascension, declination, _centuries(time))
    hour_angle = wrap(local_sidereal_time(time, longitude) - ra)
    h, d, p = math.radians(hour_angle), math.radians(dec), math.radians(latitude)
    north = math.cos(p) * math.sin(d) - math.sin(p) * math.cos(d) * math.cos(h)
    east = -math.cos(d) * math.sin(h)
    up = math.sin(p) * math.sin(d) + math.cos(p) * math.cos(d) * math.cos(h)
    parallactic = math.atan2(
        math.sin(h) * math.cos(p), math.sin(p) * math.cos(d) - math.cos(p) * math.sin(d) * math.cos(h)
    )
    return LocalPlace(
        math.degrees(math.atan2(east, north)) % 360.0,
        math.degrees(math.asin(min(max(up, -1.0), 1.0))),
        hour_angle,
        math.degrees(parallactic),
    )


def airmass(elevation: float) -> float:
    """Return the airmass at an elevation (deg): 1 at zenith, 38 at the horizon and below.

    Notes
    -----
    Kasten and Young 1989, Applied Optics 28, 4735.
    """
    height = max(elevation, LOWEST_ELEVATION)
    value = 1.0 / (math.sin(math.radians(height)) + 0.50572 * (height + 6.07995) ** -1.6364)
    return max(1.0, value)


def separation(ra_1: float, dec_1: float, ra_2: float, dec_2: float) -> float:
    """Return the angle (deg) between two directions."""
    d1, d2 = math.radians(dec_1), math.radians(dec_2)
    half_dec, half_ra = (d2 - d1) / 2, math.radians(ra_2 - ra_1) / 2
    squared = math.sin(half_dec) ** 2 + math.cos(d1) * math.cos(d2) * math.sin(half_ra) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(squared))))


def _centuries(time: float) -> float:
    return (time - J2000) / SECONDS_A_CENTURY


def _precession_in_right_ascension(centuries: float) -> float:
    """Return mean sidereal time minus Earth rotation angle, deg (IAU 2006)."""
    return (0.014506 + 4612.156534 * centuries + 1.3915817 * centuries**2) / 3600.0


def _of_date(right_ascension: float, declination: float, centuries: float) -> tuple[float, float]:
    """Precess a J2000 direction to the mean equator and equinox of date (Lieske 1977); deg."""
    t = centuries
    zeta = math.radians((2306.2181 * t + 0.30188 * t**2) / 3600.0)
    z = math.radians((2306.2181 * t + 1.09468 * t**2) / 3600.0)
    theta = math.radians((2004.3109 * t - 0.42665 * t**2) / 3600.0)
    ra, dec = math.radians(right_ascension), math.radians(declination)
    a = math.cos(dec) * math.sin(ra + zeta)
    b = math.cos(theta) * math.cos(dec) * math.cos(ra + zeta) - math.sin(theta) * math.sin(dec)
    c = math.sin(theta) * math.cos(dec) * math.cos(ra + zeta) + math.cos(theta) * math.sin(dec)
    return math.degrees(math.atan2(a, b) + z) % 360.0, math.degrees(math.asin(min(max(c, -1.0), 1.0)))
