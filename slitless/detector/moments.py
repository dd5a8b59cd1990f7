"""Profiles of an image and the moments of its bright pixels, as areaDetector defines them.

Sizes are those of an image whose pixels below a threshold count nothing and whose other pixels weigh what they hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import HAVE_NUMBA, compiled, in_threads
from slitless.detector.image import row_bands

__all__ = ["Moments", "Profiles", "image_profiles", "moments"]

Profile = NDArray[np.float64]


@dataclass(frozen=True)
class Profiles:
    """Sums of an image along its columns and its rows."""

    shape: tuple[int, int]
    all_x: Profile
    """Of all pixels of each column."""
    all_y: Profile
    bright_x: Profile
    """Of the pixels of each column that are not below the threshold."""
    bright_y: Profile
    bright_xy: float
    """Sum of pixel times column times row, of the same pixels."""


@dataclass(frozen=True)
class Moments:
    """Where the bright pixels are and how they spread; pixels from 0."""

    total: float
    x: float
    y: float
    sigma_x: float
    sigma_y: float
    sigma_xy: float
    """Covariance over the product of the sigmas: -1 to 1."""
    skew_x: float
    skew_y: float
    kurtosis_x: float
    """In excess of a Gaussian's."""
    kurtosis_y: float
    eccentricity: float
    """0 is round, 1 is a line."""
    orientation: float
    """Degrees of the long axis from x towards y."""


def image_profiles(image: NDArray[Any], threshold: float) -> Profiles:
    """Return the sums of an image of shape (rows, columns) along its axes."""
    bands = [(image[first:last], first, float(threshold)) for first, last in row_bands(image.shape[0])]
    compiles = HAVE_NUMBA and image.dtype == np.int32
    results = in_threads(_band_profiles if compiles else _band_in_numpy, bands)
    return Profiles(
        shape=(image.shape[0], image.shape[1]),
        all_x=np.sum([each[0] for each in results], axis=0),
        all_y=np.concatenate([each[1] for each in results]),
        bright_x=np.sum([each[2] for each in results], axis=0),
        bright_y=np.concatenate([each[3] for each in results]),
        bright_xy=sum(each[4] for each in results),
    )


def moments(profiles: Profiles) -> Moments:
    """Return the moments of the bright pixels; NaN where there is nothing to take them of."""
    total = float(profiles.bright_x.sum())
    if total <= 0:
        return Moments(total, *[math.nan] * 11)
    x, variance_x, skew_x, kurtosis_x = _along(profiles.bright_x, total)
    y, variance_y, skew_y, kurtosis_y = _along(profiles.bright_y, total)
    covariance = profiles.bright_xy / total - x * y
    sigma_x, sigma_y = math.sqrt(max(variance_x, 0.0)), math.sqrt(max(variance_y, 0.0))
    spread = variance_x + variance_y
    return Moments(
        total=total,
        x=x,
        y=y,
        sigma_x=sigma_x,
        sigma_y=sigma_y,
        sigma_xy=covariance / (sigma_x * sigma_y) if sigma_x and sigma_y else math.nan,
        skew_x=skew_x,
        skew_y=skew_y,
        kurtosis_x=kurtosis_x,
        kurtosis_y=kurtosis_y,
        eccentricity=((variance_x - variance_y) ** 2 + 4 * covariance**2) / spread**2 if spread else math.nan,
        orientation=math.degrees(0.5 * math.atan2(2 * covariance, variance_x - variance_y)),
    )


def _along(profile: Profile, total: float) -> tuple[float, float, float, float]:
    """Return centre, variance, skewness and excess kurtosis of a profile."""
    place = np.arange(len(profile), dtype=np.float64)
    centre = float(profile @ place) / total
    deviation = place - centre
    second, third, fourth = (float(profile @ deviation**power) / total for power in (2, 3, 4))
    if second <= 0:
        return centre, second, math.nan, math.nan
    return centre, second, third / second**1.5, fourth / second**2 - 3.0


Sums = tuple[Profile, Profile, Profile, Profile, float]


@compiled
def _band_profiles(image: NDArray[np.int32], first: int, threshold: float) -> Sums:
    rows, columns = image.shape
    all_x, bright_x = np.zeros(columns), np.zeros(columns)
    all_y, bright_y = np.zeros(rows), np.zeros(rows)
    bright_xy = 0.0
    for r in range(rows):
        along, bright, weighted = 0.0, 0.0, 0.0
        for c in range(columns):
            value = float(image[r, c])
            all_x[c] += value
            along += value
            if value >= threshold:
                bright_x[c] += value
                bright += value
                weighted += value * c
        all_y[r], bright_y[r] = along, bright
        bright_xy += weighted * (first + r)
    return all_x, all_y, bright_x, bright_y, bright_xy


def _band_in_numpy(image: NDArray[Any], first: int, threshold: float) -> Sums:
    values = image.astype(np.float64)
    bright = np.where(values >= threshold, values, 0.0)
    columns = np.arange(image.shape[1], dtype=np.float64)
    rows = np.arange(first, first + image.shape[0], dtype=np.float64)
    return (
        values.sum(axis=0),
        values.sum(axis=1),
        bright.sum(axis=0),
        bright.sum(axis=1),
        float(rows @ bright @ columns),
    )
