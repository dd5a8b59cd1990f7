"""The simulated sky: stars that stay where they are whatever the telescope does, and the glow between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slitless.definition import Instrument
from slitless.optics.beam import Beam
from slitless.optics.throughput import ab_photon_rate, band_grid, band_integral, collecting_area, orders, throughput
from slitless.seeding import generator

__all__ = ["StarField", "boresight", "pixel_of", "sky_electron_rate", "stars_around"]

CELL = 0.1  # deg, side of the sky cells that are seeded one by one
FAINTEST = 21.0  # mag, V
BRIGHTEST = 10.5  # mag, V, of the field stars
SLOPE = 0.30  # log10 of counts per mag: between Euclidean 0.6 and the flat faint end [Bahcall and Soneira 1980]
COUNT_AT_17 = 4000.0  # stars/deg^2 brighter than V = 17, a field at low galactic latitude
TARGET_MAGNITUDES = (8.5, 10.0)  # mag, V: every cell has one star bright enough for a spectrum
TEMPERATURES = (3500.0, 4500.0, 5500.0, 6500.0, 8000.0, 10000.0)  # K


@dataclass(frozen=True)
class StarField:
    """Stars of a piece of sky."""

    right_ascension: NDArray[np.float64]
    """deg."""
    declination: NDArray[np.float64]
    """deg."""
    magnitude: NDArray[np.float64]
    """AB mag at 550 nm."""
    temperature: NDArray[np.int64]
    """Index into TEMPERATURES."""

    def brightest(self) -> int:
        """Return the index of the brightest star."""
        return int(np.argmin(self.magnitude))


def stars_around(right_ascension: float, declination: float, radius: float, seed: int) -> StarField:
    """Return all stars of the simulated sky within a radius.

    Parameters
    ----------
    right_ascension, declination, radius : float
        deg.
    seed : int
        Seed of the instrument: the same seed has the same sky, pointing by pointing.
    """
    stars = np.concatenate(
        [_cell_stars(band, cell, seed) for band, cell in _cells(right_ascension, declination, radius)]
    )
    x, y = tangent_plane(stars[:, 0], stars[:, 1], right_ascension, declination)
    near = stars[np.hypot(x, y) <= radius]
    return StarField(near[:, 0], near[:, 1], near[:, 2], near[:, 3].astype(np.int64))


def _cells(right_ascension: float, declination: float, radius: float) -> list[tuple[int, int]]:
    """Return (declination band, cell along it) of every cell that a circle may touch."""
    cells = []
    last_band = round(180 / CELL) - 1
    first = max(math.floor((declination - radius + 90) / CELL), 0)
    for band in range(first, min(math.floor((declination + radius + 90) / CELL), last_band) + 1):
        along = _cells_along(band)
        furthest = min(abs((band + edge) * CELL - 90) for edge in (0, 1))
        shrink = math.cos(math.radians(min(furthest + CELL, 90.0)))
        reach = math.ceil(min(radius / max(shrink, 1e-9) / 360, 0.5) * along) + 1
        middle = math.floor(right_ascension % 360 / 360 * along)
        cells += [(band, cell) for cell in sorted({(middle + k) % along for k in range(-reach, reach + 1)})]
    return cells


def _cells_along(band: int) -> int:
    middle = math.radians((band + 0.5) * CELL - 90)
    return max(round(360 / CELL * math.cos(middle)), 1)


def _cell_stars(band: int, cell: int, seed: int) -> NDArray[np.float64]:
    """Return right ascension, declination, magnitude and temperature index of the stars of one cell."""
    random = generator(seed, "sky", band, cell)
    width = 360 / _cells_along(band)
    expected = COUNT_AT_17 * CELL**2 * (10 ** (SLOPE * (FAINTEST - 17)) - 10 ** (SLOPE * (BRIGHTEST - 17)))
    count = 1 + random.poisson(expected)
    stars = np.empty((count, 4))
    stars[:, 0] = (cell + random.random(count)) * width
    stars[:, 1] = (band + random.random(count)) * CELL - 90
    # counts grow as 10^(slope * m): the inverse of their cumulative law
    low, high = 10 ** (SLOPE * BRIGHTEST), 10 ** (SLOPE * FAINTEST)
    stars[:, 2] = np.log10(low + random.random(count) * (high - low)) / SLOPE
    stars[0, 2] = random.uniform(*TARGET_MAGNITUDES)
    stars[:, 3] = random.integers(0, len(TEMPERATURES), count)
    return stars


def tangent_plane(
    right_ascension: NDArray[np.float64], declination: NDArray[np.float64], centre_ra: float, centre_dec: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return standard coordinates (deg), east and north of a centre; far-side stars come out infinite.

    Notes
    -----
    Gnomonic projection. [Calabretta and Greisen 2002, A&A 395, 1077, sect. 5.1.3]
    """
    delta = np.radians(right_ascension - centre_ra)
    dec, dec0 = np.radians(declination), math.radians(centre_dec)
    cosine = np.sin(dec) * math.sin(dec0) + np.cos(dec) * math.cos(dec0) * np.cos(delta)
    cosine = np.where(cosine > 1e-6, cosine, np.nan)
    east = np.cos(dec) * np.sin(delta) / cosine
    north = (np.sin(dec) * math.cos(dec0) - np.cos(dec) * math.sin(dec0) * np.cos(delta)) / cosine
    return np.nan_to_num(np.degrees(east), nan=np.inf), np.nan_to_num(np.degrees(north), nan=np.inf)


def boresight(instrument: Instrument) -> tuple[float, float]:
    """Return the pixel (x, y; 1-based) where the pointing lands: the middle; (2036.5, 2000.5) on LATISS."""
    return (instrument.detector.width + 1) / 2, (instrument.detector.height + 1) / 2


def pixel_of(
    instrument: Instrument, beam: Beam, right_ascension: NDArray[np.float64], declination: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where directions land: x, y in detector pixels, 1-based as FITS counts, zeroth order.

    With the rotator at 0, north is +y and east is -x. An element displaces the image by its pointing
    offset; a telescope that moves by the same offset takes that back.
    """
    east, north = tangent_plane(right_ascension, declination, beam.right_ascension, beam.declination)
    angle = math.radians(beam.rotator)
    scale = instrument.telescope.plate_scale / 3600  # deg/pixel
    x = -(east * math.cos(angle) - north * math.sin(angle)) / scale
    y = (east * math.sin(angle) + north * math.cos(angle)) / scale
    shift_x, shift_y = (
        (f + g) / instrument.telescope.plate_scale
        for f, g in zip(beam.filter.pointing_offset, beam.grating.pointing_offset, strict=True)
    )
    centre_x, centre_y = boresight(instrument)
    return centre_x + x + shift_x, centre_y + y + shift_y


def sky_electron_rate(instrument: Instrument, beam: Beam) -> float:
    """Return the sky background, e-/pixel/s; it fills the field, so every order adds its share.

    A spectrum flat in AB at `sky_brightness` per square arcsecond, brighter by the airmass.
    """
    pixel_area = instrument.telescope.plate_scale**2
    grid = band_grid(beam)
    photons = ab_photon_rate(instrument.optics.sky_brightness, grid) * pixel_area * collecting_area(instrument)
    electrons = band_integral(photons * throughput(instrument, beam, grid), grid)
    return electrons * sum(orders(beam).values()) * beam.airmass
