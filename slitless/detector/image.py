"""A frame as a picture: amplifiers put together, each one's overscan level taken out, and averaged over blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import CORES, HAVE_NUMBA, compiled, in_threads
from slitless.detector.geometry import AmplifierReadout, assemble
from slitless.detector.statistics import overscan_levels

__all__ = ["block_mean", "image_above_overscan", "image_shape", "row_bands", "smallest_factor"]


def image_shape(layout: Sequence[AmplifierReadout]) -> tuple[int, int]:
    """Return rows and columns of the assembled, trimmed image."""
    columns = {readout.detector_slice[1].start: readout.data_columns for readout in layout}
    rows = {readout.detector_slice[0].start: readout.data_rows for readout in layout}
    return sum(rows.values()), sum(columns.values())


def image_above_overscan(layout: Sequence[AmplifierReadout], raw: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Return the assembled, trimmed image, each amplifier's overscan level subtracted.

    Parameters
    ----------
    layout : sequence of AmplifierReadout
        What each raw array is.
    raw : sequence of ndarray, dtype '>i4'
        Pixels as read, ADU.

    Returns
    -------
    ndarray, int32, shape (rows, columns)
        ADU. Levels are rounded, so that pixels stay whole numbers.
    """
    return assemble(layout, raw, bias=overscan_levels(layout, raw)).astype(np.int32, copy=False)


def smallest_factor(shape: tuple[int, int], most: int) -> int:
    """Return the smallest number of pixels to average along each axis so that at most `most` blocks remain."""
    rows, columns = shape
    factor = 1
    while (rows // factor) * (columns // factor) > most:
        factor += 1
    return factor


def block_mean(image: NDArray[Any], factor: int) -> NDArray[Any]:
    """Return an image averaged over blocks of `factor` squared pixels.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Any numbers.
    factor : int
        Pixels of a block along both axes; incomplete blocks at the top and right edges are dropped.

    Returns
    -------
    ndarray, shape (rows // factor, columns // factor)
        Of the image's type, rounded if that is an integer type.
    """
    if factor == 1:
        return image
    rows, columns = image.shape[0] // factor, image.shape[1] // factor
    if HAVE_NUMBA and image.dtype == np.int32:
        means = np.empty((rows, columns), dtype=np.int32)
        in_threads(_block_means, [(image, factor, means, first, last) for first, last in row_bands(rows)])
        return means
    blocks = image[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    means = blocks.mean(axis=(1, 3), dtype=np.float64)
    return (np.rint(means) if image.dtype.kind in "iu" else means).astype(image.dtype)


def row_bands(rows: int) -> list[tuple[int, int]]:
    """Return first and one-past-last row of bands, one a core, that together are all rows."""
    height = max(math.ceil(rows / CORES), 1)
    return [(first, min(first + height, rows)) for first in range(0, rows, height)]


@compiled
def _block_means(image: NDArray[np.int32], factor: int, means: NDArray[np.int32], first: int, last: int) -> None:
    """Fill rows `first` to `last` of the means."""
    columns = means.shape[1]
    sums = np.empty(columns, dtype=np.int64)
    for row in range(first, last):
        sums[:] = 0
        for r in range(row * factor, (row + 1) * factor):
            for column in range(columns):
                total = np.int64(0)
                for c in range(factor):
                    total += image[r, column * factor + c]
                sums[column] += total
        for column in range(columns):
            means[row, column] = np.int32(np.rint(sums[column] / (factor * factor)))
