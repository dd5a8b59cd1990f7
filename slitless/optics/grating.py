"""The grating equation at normal incidence: where each wavelength of each order lands."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["dispersion", "offset", "wavelength_at"]

NM_PER_MM = 1e6


def offset(
    wavelength: ArrayLike, order: int, lines_per_mm: float, distance: float, pixel_size: float
) -> NDArray[np.float64]:
    """Return how far from the zeroth order light lands, in pixels along the dispersion.

    Parameters
    ----------
    wavelength : array_like
        nm.
    order : int
        Diffraction order; negative on the other side of the zeroth.
    lines_per_mm : float
        1/mm.
    distance : float
        Disperser to detector, mm.
    pixel_size : float
        mm.

    Returns
    -------
    ndarray
        Pixels; NaN where the order does not exist.

    Notes
    -----
    sin(theta) = m * wavelength * N; offset = distance * tan(theta).
    [Palmer, Diffraction Grating Handbook, eq. 2-1, incidence angle 0]
    """
    sine = order * np.asarray(wavelength, dtype=np.float64) * lines_per_mm / NM_PER_MM
    sine = np.where(np.abs(sine) < 1.0, sine, np.nan)
    return distance * sine / np.sqrt(1.0 - sine**2) / pixel_size


def wavelength_at(
    offset_pixels: ArrayLike, order: int, lines_per_mm: float, distance: float, pixel_size: float
) -> NDArray[np.float64]:
    """Return the wavelength (nm) that lands at an offset from the zeroth order; the inverse of `offset`.

    Raises
    ------
    ValueError
        For order 0, which holds every wavelength in one place.
    """
    if order == 0:
        raise ValueError("order 0 is not dispersed: every wavelength lands in one place")
    tangent = np.asarray(offset_pixels, dtype=np.float64) * pixel_size / distance
    return tangent / np.sqrt(1.0 + tangent**2) * NM_PER_MM / (order * lines_per_mm)


def dispersion(wavelength: float, order: int, lines_per_mm: float, distance: float, pixel_size: float) -> float:
    """Return the dispersion (nm/pixel) at a wavelength (nm): d(wavelength)/d(offset).

    Notes
    -----
    d(offset)/d(wavelength) = distance * m * N / cos^3(theta), from the grating equation.
    """
    sine = order * wavelength * lines_per_mm / NM_PER_MM
    if not 0 < abs(sine) < 1:
        return math.nan
    return pixel_size * (1.0 - sine**2) ** 1.5 * NM_PER_MM / (distance * order * lines_per_mm)
