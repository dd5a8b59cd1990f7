"""Statistics of a raw frame, straight from the big-endian pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import HAVE_NUMBA, compiled, in_threads
from slitless.detector.geometry import AmplifierReadout

__all__ = ["FrameStatistics", "frame_statistics", "overscan_levels", "overscan_noise"]

Moments = tuple[int, float, float, float, float]
"""Count, mean, sum of squared deviations, minimum, maximum."""


@dataclass(frozen=True)
class FrameStatistics:
    """What the imaging pixels of a frame say, after each amplifier's overscan level is subtracted; ADU."""

    mean: float
    sigma: float
    minimum: float
    maximum: float
    total: float
    noise: float
    """Median over the amplifiers of the rms of the serial overscan."""


def frame_statistics(layout: Sequence[AmplifierReadout], raw: Sequence[NDArray[np.int32]]) -> FrameStatistics:
    """Return the statistics of a raw frame.

    Parameters
    ----------
    layout : sequence of AmplifierReadout
        What each raw array is.
    raw : sequence of ndarray, dtype '>i4'
        Pixels as read, ADU.
    """
    sections = [
        pixels[section]
        for readout, pixels in zip(layout, raw, strict=True)
        for section in (readout.data_slice, readout.overscan_slice)
    ]
    results = _moments_of(sections)
    data, overscan = results[0::2], results[1::2]
    levels = [mean if count else 0.0 for count, mean, *_ in overscan]
    count = sum(each[0] for each in data)
    means = [each[1] - level for each, level in zip(data, levels, strict=True)]
    total = sum(each[0] * mean for each, mean in zip(data, means, strict=True))
    mean = total / count
    squares = sum(each[2] + each[0] * (own - mean) ** 2 for each, own in zip(data, means, strict=True))
    return FrameStatistics(
        mean=mean,
        sigma=math.sqrt(squares / count),
        minimum=min(each[3] - level for each, level in zip(data, levels, strict=True)),
        maximum=max(each[4] - level for each, level in zip(data, levels, strict=True)),
        total=total,
        noise=_median_rms(overscan),
    )


def overscan_levels(layout: Sequence[AmplifierReadout], raw: Sequence[NDArray[np.int32]]) -> list[float]:
    """Return the mean of each amplifier's serial overscan, ADU; 0 for one read without."""
    return [mean if count else 0.0 for count, mean, *_ in _overscan(layout, raw)]


def overscan_noise(layout: Sequence[AmplifierReadout], raw: Sequence[NDArray[np.int32]]) -> float:
    """Return the median over the amplifiers of the rms of the serial overscan, ADU."""
    return _median_rms(_overscan(layout, raw))


def _overscan(layout: Sequence[AmplifierReadout], raw: Sequence[NDArray[np.int32]]) -> list[Moments]:
    return _moments_of([pixels[readout.overscan_slice] for readout, pixels in zip(layout, raw, strict=True)])


def _median_rms(overscan: Sequence[Moments]) -> float:
    return float(np.median([math.sqrt(each[2] / each[0]) if each[0] else 0.0 for each in overscan]))


def _moments_of(sections: Sequence[NDArray[np.int32]]) -> list[Moments]:
    moments = _moments if HAVE_NUMBA else _moments_in_numpy
    swapped = [(np.asarray(section, dtype=">i4").view(np.uint32),) for section in sections]
    return in_threads(moments, swapped)


@compiled
def _moments(pixels: NDArray[np.uint32]) -> Moments:
    """Return count, mean, sum of squared deviations, minimum, maximum of byte-swapped pixels."""
    rows, columns = pixels.shape
    count = rows * columns
    lowest, highest = np.int32(2**31 - 1), np.int32(-(2**31))
    total, squares = np.int64(0), 0.0
    origin = np.int64(0)
    for r in range(rows):
        for c in range(columns):
            swapped = pixels[r, c]
            value = np.int32(
                (swapped >> 24) | ((swapped >> 8) & 0xFF00) | ((swapped << 8) & 0xFF0000) | (swapped << 24)
            )
            if r == 0 and c == 0:
                origin = np.int64(value)  # sums about a typical pixel lose no digits
            lowest, highest = min(lowest, value), max(highest, value)
            deviation = np.int64(value) - origin
            total += deviation
            squares += float(deviation) * float(deviation)
    if count == 0:
        return 0, 0.0, 0.0, 0.0, 0.0
    offset = total / count
    return count, origin + offset, max(squares - offset * total, 0.0), float(lowest), float(highest)


def _moments_in_numpy(pixels: NDArray[np.uint32]) -> Moments:
    values = pixels.view(">i4").astype(np.float64)
    if values.size == 0:
        return 0, 0.0, 0.0, 0.0, 0.0
    return values.size, values.mean(), values.var() * values.size, values.min(), values.max()
