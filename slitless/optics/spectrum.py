"""Spectra of the simulated stars, and where a disperser puts every part of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slitless.definition import Instrument
from slitless.optics.beam import Beam
from slitless.optics.grating import offset
from slitless.optics.sky import TEMPERATURES
from slitless.optics.throughput import (
    ab_photon_rate,
    atmosphere,
    band_grid,
    band_integral,
    collecting_area,
    orders,
    throughput,
)

__all__ = ["BALMER_LINES", "Trace", "star_photon_rate", "traces"]

HC_PER_K = 1.438777e7  # nm K, second radiation constant [CODATA 2018]
REFERENCE_WAVELENGTH = 550.0  # nm, where magnitudes are quoted
BALMER_LINES = (656.28, 486.13, 434.05, 410.17)  # nm, in air [NIST ASD]
BALMER_WIDTH = 1.2  # nm, sigma, as in an A star
BALMER_DEPTH = {8000.0: 0.5, 10000.0: 0.7, 6500.0: 0.2}  # central depth by temperature (K)
SAMPLING = 0.5  # pixel between neighbouring points of a spectrum


@dataclass(frozen=True)
class Trace:
    """One order: where its light lands relative to the star, and how much of it, by kind of star."""

    order: int
    dx: NDArray[np.float64]
    """Pixels, one for each point."""
    dy: NDArray[np.float64]
    weight: NDArray[np.float32]
    """Shape (kinds, points): e-/s at magnitude 0."""


def star_photon_rate(temperature: float, wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return photons/s/m^2/nm of a star of AB magnitude 0 at 550 nm, above the atmosphere.

    A black body in photons, lambda^-4 / (exp(hc / lambda k T) - 1), with Balmer lines in hot stars.
    """

    def planck(at: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(at) ** -4.0 / np.expm1(HC_PER_K / (np.asarray(at) * temperature))

    lines = np.ones_like(wavelength)
    for centre in BALMER_LINES:
        depth = BALMER_DEPTH.get(temperature, 0.0)
        lines *= 1 - depth * np.exp(-0.5 * ((wavelength - centre) / BALMER_WIDTH) ** 2)
    level = float(ab_photon_rate(0.0, np.array(REFERENCE_WAVELENGTH)))
    return level * planck(wavelength) / planck(REFERENCE_WAVELENGTH) * lines


def traces(instrument: Instrument, beam: Beam) -> list[Trace]:
    """Return every order of the beam that gets light; only order 0, a point, without a disperser."""
    grid = band_grid(beam)
    if not len(grid):
        return []
    return [
        _point(instrument, beam, share, grid) if order == 0 else _dispersed(instrument, beam, order, share)
        for order, share in sorted(orders(beam).items())
        if share > 0
    ]


def _electrons(instrument: Instrument, beam: Beam, wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return e-/s/nm at magnitude 0, shape (kinds, wavelengths), all orders together."""
    arriving = throughput(instrument, beam, wavelength) * collecting_area(instrument)
    arriving *= atmosphere(wavelength, beam.airmass, instrument.site.elevation)
    return np.stack([star_photon_rate(kind, wavelength) * arriving for kind in TEMPERATURES])


def _point(instrument: Instrument, beam: Beam, share: float, grid: NDArray[np.float64]) -> Trace:
    totals = [share * band_integral(kind, grid) for kind in _electrons(instrument, beam, grid)]
    return Trace(0, np.zeros(1), np.zeros(1), np.array(totals, dtype=np.float32)[:, np.newaxis])


def _dispersed(instrument: Instrument, beam: Beam, order: int, share: float) -> Trace:
    """Return one order, in steps of half a pixel along the dispersion."""
    geometry = (
        order,
        beam.grating.lines_per_mm,
        instrument.stage.disperser_distance(beam.stage_position),
        instrument.detector.pixel_size,
    )
    low, high = beam.passband
    fine = np.linspace(low, high, 4096)
    where = offset(fine, *geometry)
    exists = np.isfinite(where) & (np.abs(where) < 2 * instrument.detector.height)
    fine, where = fine[exists], where[exists]
    if len(fine) < 2:
        return Trace(order, np.empty(0), np.empty(0), np.empty((len(TEMPERATURES), 0), dtype=np.float32))
    count = math.ceil(abs(where[-1] - where[0]) / SAMPLING) + 1
    along = np.linspace(where[0], where[-1], count + 1)
    edges = np.interp(along, where, fine) if order > 0 else np.interp(-along, -where, fine)
    centres = (edges[:-1] + edges[1:]) / 2
    landing = offset(centres, *geometry)
    angle = math.radians(instrument.optics.dispersion_angle)
    weight = share * _electrons(instrument, beam, centres) * np.diff(edges)
    return Trace(order, landing * math.cos(angle), landing * math.sin(angle), weight.astype(np.float32))
