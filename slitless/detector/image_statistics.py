"""Statistics of an image of any size and pixel type."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import HAVE_NUMBA, compiled, in_threads
from slitless.detector.image import row_bands

__all__ = ["ImageStatistics", "border_mean", "image_statistics"]


@dataclass(frozen=True)
class ImageStatistics:
    """What the pixels of an image say, in its unit; places are (x, y), from 0, of the first such pixel."""

    count: int
    minimum: float
    minimum_at: tuple[int, int]
    maximum: float
    maximum_at: tuple[int, int]
    mean: float
    sigma: float
    """Of the population: divided by the number of pixels."""
    total: float


def image_statistics(image: NDArray[Any]) -> ImageStatistics:
    """Return the statistics of an image.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        At least one pixel.
    """
    columns = image.shape[1]
    bands = row_bands(image.shape[0])
    if HAVE_NUMBA and image.dtype == np.int32:
        results = in_threads(_band_statistics, [(image[first:last],) for first, last in bands])
    else:
        results = in_threads(_band_in_numpy, [(image[first:last],) for first, last in bands])
    starts = [first * columns for first, _ in bands]
    low = min(range(len(bands)), key=lambda band: results[band][3])
    high = max(range(len(bands)), key=lambda band: results[band][5])
    at = [divmod(starts[low] + results[low][4], columns), divmod(starts[high] + results[high][6], columns)]
    count = sum(each[0] for each in results)
    mean = sum(each[0] * each[1] for each in results) / count
    squares = sum(each[2] + each[0] * (each[1] - mean) ** 2 for each in results)
    return ImageStatistics(
        count=count,
        minimum=float(results[low][3]),
        minimum_at=(int(at[0][1]), int(at[0][0])),
        maximum=float(results[high][5]),
        maximum_at=(int(at[1][1]), int(at[1][0])),
        mean=mean,
        sigma=math.sqrt(squares / count),
        total=mean * count,
    )


def border_mean(image: NDArray[Any], width: int) -> float:
    """Return the mean of the pixels within `width` of an edge, those near a corner counted twice.

    That is how areaDetector weighs them: the strips along y and along x are summed one after the other.
    """
    total, count = 0.0, 0
    for axis, size in enumerate(image.shape):
        first = np.take(image, range(min(width, size)), axis=axis)
        last = np.take(image, range(max(0, size - width), size), axis=axis)
        total += float(first.sum(dtype=np.float64)) + float(last.sum(dtype=np.float64))
        count += first.size + last.size
    return total / count


@compiled
def _band_statistics(image: NDArray[np.int32]) -> tuple[int, float, float, float, int, float, int]:
    """Return count, mean, sum of squared deviations, minimum and its place, maximum and its place."""
    rows, columns = image.shape
    origin = np.int64(image[0, 0])  # sums about a typical pixel lose no digits
    lowest, highest = image[0, 0], image[0, 0]
    low_row, high_row = 0, 0
    total, squares = np.int64(0), 0.0
    for r in range(rows):
        low, high = image[r, 0], image[r, 0]
        for c in range(columns):
            value = image[r, c]
            low, high = min(low, value), max(high, value)
            deviation = np.int64(value) - origin
            total += deviation
            squares += float(deviation) * float(deviation)
        if low < lowest:
            lowest, low_row = low, r
        if high > highest:
            highest, high_row = high, r
    low_column, high_column = 0, 0
    while image[low_row, low_column] != lowest:
        low_column += 1
    while image[high_row, high_column] != highest:
        high_column += 1
    count = rows * columns
    offset = total / count
    return (
        count,
        origin + offset,
        max(squares - offset * total, 0.0),
        float(lowest),
        low_row * columns + low_column,
        float(highest),
        high_row * columns + high_column,
    )


def _band_in_numpy(image: NDArray[Any]) -> tuple[int, float, float, float, int, float, int]:
    values = image.astype(np.float64)
    low, high = int(values.argmin()), int(values.argmax())
    mean = float(values.mean())
    squares = float(np.square(values - mean).sum())
    return values.size, mean, squares, float(values.flat[low]), low, float(values.flat[high]), high
