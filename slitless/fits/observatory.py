"""Where the observatory is, in the coordinates that FITS asks for."""

from __future__ import annotations

import math

from slitless.definition import Site

__all__ = ["observatory_coordinates"]

Ellipsoid = tuple[float, float]
WGS_84: Ellipsoid = (6378137.0, 1 / 298.257223563)  # semi-major axis in m, flattening; NGA.STND.0036
IAU_1976: Ellipsoid = (6378140.0, 1 / 298.2577)  # that of OBSGEO-B, -L, -H; FITS 4.0, 8.4.1


def observatory_coordinates(site: Site) -> dict[str, float]:
    """Return x, y and z (m from the centre of the Earth, ITRS), and b, l (deg) and h (m) on the IAU 1976 ellipsoid.

    The site itself is on WGS 84; the two heights differ by about 3 m.
    """
    x, y, z = _geocentric(site, WGS_84)
    latitude, height = _geodetic(math.hypot(x, y), z, IAU_1976)
    metres = {"x": round(x, 2), "y": round(y, 2), "z": round(z, 2), "h": round(height, 2)}
    return metres | {"l": site.longitude, "b": round(latitude, 7)}


def _geocentric(site: Site, ellipsoid: Ellipsoid) -> tuple[float, float, float]:
    longitude, latitude = math.radians(site.longitude), math.radians(site.latitude)
    normal = _normal(latitude, ellipsoid)
    across = (normal + site.elevation) * math.cos(latitude)
    along = (normal * (1 - _eccentricity2(ellipsoid)) + site.elevation) * math.sin(latitude)
    return across * math.cos(longitude), across * math.sin(longitude), along


def _geodetic(across: float, along: float, ellipsoid: Ellipsoid) -> tuple[float, float]:
    """Return latitude (deg) and height (m) of a point `across` from the axis and `along` it."""
    eccentricity2 = _eccentricity2(ellipsoid)
    latitude = math.atan2(along, across * (1 - eccentricity2))
    for _ in range(5):  # each step gains a factor of 300
        latitude = math.atan2(along + eccentricity2 * _normal(latitude, ellipsoid) * math.sin(latitude), across)
    flat = _normal(latitude, ellipsoid) * (1 - eccentricity2 * math.sin(latitude) ** 2)
    height = across * math.cos(latitude) + along * math.sin(latitude) - flat
    return math.degrees(latitude), height


def _eccentricity2(ellipsoid: Ellipsoid) -> float:
    return ellipsoid[1] * (2 - ellipsoid[1])


def _normal(latitude: float, ellipsoid: Ellipsoid) -> float:
    """Return the radius of curvature across the meridian, m."""
    return ellipsoid[0] / math.sqrt(1 - _eccentricity2(ellipsoid) * math.sin(latitude) ** 2)
