"""Histogram of an image, as areaDetector bins it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import HAVE_NUMBA, compiled, in_threads
from slitless.detector.image import row_bands

__all__ = ["Histogram", "bin_starts", "histogram"]


@dataclass(frozen=True)
class Histogram:
    """How many pixels hold what."""

    counts: NDArray[np.float64]
    below: int
    above: int
    entropy: float
    """Minus the sum of n log n over the bins, by the number of pixels of the image."""


def histogram(image: NDArray[Any], size: int, low: float, high: float) -> Histogram:
    """Return the histogram of an image.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Any numbers.
    size : int
        Bins; the first is centred on `low` and the last on `high`.
    low, high : float
        Pixels outside are counted as below or above; if they do not rise, `high` is `low` + 1.
    """
    high = high if high > low else low + 1.0
    compiles = HAVE_NUMBA and image.dtype == np.int32
    bands = [(image[first:last], size, float(low), float(high)) for first, last in row_bands(image.shape[0])]
    results = in_threads(_band_counts if compiles else _band_in_numpy, bands)
    counts = np.sum([each[0] for each in results], axis=0).astype(np.float64)
    filled = counts[counts > 0]
    return Histogram(
        counts=counts,
        below=int(sum(each[1] for each in results)),
        above=int(sum(each[2] for each in results)),
        entropy=-float(filled @ np.log(filled)) / image.size,
    )


def bin_starts(size: int, low: float, high: float) -> NDArray[np.float64]:
    """Return the abscissa that areaDetector gives each bin: `low`, and from there in steps of the range by `size`."""
    return low + np.arange(size, dtype=np.float64) * np.float64((high - low) / size)


@compiled
def _band_counts(image: NDArray[np.int32], size: int, low: float, high: float) -> tuple[NDArray[np.int64], int, int]:
    counts = np.zeros(size, dtype=np.int64)
    below, above = 0, 0
    scale = (size - 1) / (high - low)
    rows, columns = image.shape
    for r in range(rows):
        for c in range(columns):
            value = float(image[r, c])
            if value < low:
                below += 1
            elif value > high:
                above += 1
            else:
                counts[int((value - low) * scale + 0.5)] += 1
    return counts, below, above


def _band_in_numpy(image: NDArray[Any], size: int, low: float, high: float) -> tuple[NDArray[np.int64], int, int]:
    values = image.astype(np.float64).ravel()
    inside = values[(values >= low) & (values <= high)]
    bins = ((inside - low) * ((size - 1) / (high - low)) + 0.5).astype(np.int64)
    counts = np.bincount(bins, minlength=size)
    return counts, int(np.count_nonzero(values < low)), int(np.count_nonzero(values > high))
