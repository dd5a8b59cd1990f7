"""How much of the light arrives: atmosphere, mirrors, filters, disperser orders, quantum efficiency.

Wavelengths in nm, throughputs as electrons per photon.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from slitless.definition import Instrument, Slot
from slitless.optics.beam import Beam, fixed_beam

__all__ = [
    "ab_photon_rate",
    "atmosphere",
    "band_grid",
    "band_integral",
    "collecting_area",
    "lamp_electron_rate",
    "orders",
    "reference_filter",
    "throughput",
]

Spectrum = NDArray[np.float64]
AB_PHOTONS = 5.4795e10  # photon/s/m^2 of magnitude 0 per unit ln(wavelength): 3631 Jy / h [Oke and Gunn 1983]
REFERENCE_FILTER = Slot(name="SDSSr_65mm", band="r", wavelength=623.0, passband=(552.0, 691.0), transmission=0.95)
STEP = 1.0  # nm, for integrals over a band


def ab_photon_rate(magnitude: float, wavelength: Spectrum) -> Spectrum:
    """Return the photons/s/m^2/nm of an AB magnitude above the atmosphere."""
    return AB_PHOTONS / np.asarray(wavelength) * 10 ** (-0.4 * magnitude)


def collecting_area(instrument: Instrument) -> float:
    """Return the area of the primary mirror that is not in the shadow of the secondary, m^2."""
    telescope = instrument.telescope
    return math.pi / 4 * telescope.aperture**2 * (1 - telescope.obstruction**2)


def atmosphere(wavelength: Spectrum, airmass: float, elevation: float) -> Spectrum:
    """Return the fraction of starlight that comes through the air.

    Rayleigh scattering for the pressure at the site's elevation (m), aerosol of 0.03 mag at 550 nm, and the
    oxygen bands B and A with equal-width boxes, which saturate as the square root of the airmass.

    Notes
    -----
    Rayleigh optical depth 0.00864 * lambda^-(3.916 + 0.074 lambda + 0.050/lambda) at sea level, lambda in
    micrometre. [Hansen and Travis 1974, Space Sci. Rev. 16, 527, in the form of Teillet 1990]
    """
    micron = np.asarray(wavelength, dtype=np.float64) / 1000
    pressure = math.exp(-elevation / 8000)  # of sea level; scale height 8 km
    rayleigh = pressure * 0.00864 * micron ** -(3.916 + 0.074 * micron + 0.050 / micron)
    aerosol = 0.03 / 1.086 * (micron / 0.55) ** -1.3
    oxygen = np.ones_like(micron)
    for low, high, depth in OXYGEN_BANDS:
        oxygen[(micron > low / 1000) & (micron < high / 1000)] = math.exp(-depth * math.sqrt(airmass))
    return np.exp(-(rayleigh + aerosol) * airmass) * oxygen


OXYGEN_BANDS = ((686.7, 688.4, 0.6), (759.4, 766.0, 1.2))  # nm, nm, optical depth at airmass 1: Fraunhofer's B and A


def throughput(instrument: Instrument, beam: Beam, wavelength: Spectrum) -> Spectrum:
    """Return electrons per photon at the primary mirror, all orders of a disperser together as one.

    Mirrors, both wheels' passband and transmission, quantum efficiency; not the atmosphere, not the share
    of an order.
    """
    optics = instrument.optics
    wavelength = np.asarray(wavelength, dtype=np.float64)
    efficiency = np.interp(wavelength, optics.qe_wavelength, optics.qe, left=0.0, right=0.0)
    for element in (beam.filter, beam.grating):
        low, high = element.passband
        efficiency *= np.where((wavelength >= low) & (wavelength <= high), element.transmission, 0.0)
    return optics.mirror_transmission * efficiency


def orders(beam: Beam) -> dict[int, float]:
    """Return the share of the light by diffraction order; everything in order 0 without a disperser."""
    return dict(beam.grating.order_efficiency) if beam.grating.is_disperser else {0: 1.0}


def band_integral(values: Spectrum, wavelength: Spectrum) -> float:
    """Return the integral over wavelength (nm)."""
    return float(np.trapezoid(values, wavelength)) if len(wavelength) > 1 else 0.0


def band_grid(beam: Beam) -> Spectrum:
    """Return wavelengths (nm) across what both wheels let through; empty if they exclude each other."""
    low, high = beam.passband
    return np.linspace(low, high, round((high - low) / STEP) + 1) if low < high else np.empty(0)


def reference_filter(instrument: Instrument) -> Slot:
    """Return the filter the lamp's level is quoted for: the wheel's r band, or SDSS r if it has none."""
    slots = instrument.wheels.filter.slots
    return next((slot for slot in slots if slot.band == "r"), REFERENCE_FILTER)


def lamp_electron_rate(instrument: Instrument, beam: Beam) -> float:
    """Return the level of a dome flat, e-/pixel/s averaged over the detector.

    The lamp gives the same photons per nm everywhere, and `lamp_photon_rate` ADU/s through the reference
    filter without a disperser, at the mean gain. Its light fills the field, so every order of a disperser
    adds its share.
    """
    gain = float(np.mean([amplifier.gain for amplifier in instrument.detector.amplifiers]))
    reference = reference_filter(instrument)
    bare = reference.model_copy(update={"name": "none", "passband": (200.0, 1200.0), "transmission": 1.0})
    level = instrument.optics.lamp_photon_rate * gain
    through_reference = _lamp_integral(instrument, fixed_beam(reference, bare, "lamp"))
    through_beam = _lamp_integral(instrument, beam) * sum(orders(beam).values())
    return level * through_beam / through_reference


def _lamp_integral(instrument: Instrument, beam: Beam) -> float:
    grid = band_grid(beam)
    return band_integral(throughput(instrument, beam, grid), grid)
