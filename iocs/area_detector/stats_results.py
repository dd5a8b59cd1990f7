"""What the statistics plugin computes of one array, by the records that show it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray as Pixels

from iocs.area_detector.array import NDArray
from slitless.detector.histogram import histogram
from slitless.detector.image_statistics import border_mean, image_statistics
from slitless.detector.moments import Profiles, image_profiles, moments
from slitless.detector.statistics import overscan_noise

__all__ = ["BASIC", "CENTROID", "HISTOGRAM", "PROFILES", "StatsResults", "StatsSettings", "compute"]

BASIC = tuple("MinValue MinX MinY MaxValue MaxX MaxY MeanValue Sigma Total Net Noise".split())
CENTROID = tuple(
    "CentroidTotal CentroidX CentroidY SigmaX SigmaY SigmaXY SkewX SkewY KurtosisX KurtosisY Eccentricity "
    "Orientation".split()
)
PROFILES = tuple(f"Profile{kind}{axis}" for kind in ("Average", "Threshold", "Centroid", "Cursor") for axis in "XY")
HISTOGRAM = ("HistEntropy",)


@dataclass(frozen=True)
class StatsSettings:
    """What is to be computed, and how."""

    statistics: bool
    centroid: bool
    profiles: bool
    histogram: bool
    background_width: int
    threshold: float
    cursor: tuple[int, int]
    """Column and row, from 0."""
    bins: int
    lowest: float
    highest: float


@dataclass
class StatsResults:
    """Numbers and arrays by record, without ``_RBV``."""

    numbers: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    arrays: dict[str, Pixels[Any]] = field(default_factory=dict)


def compute(array: NDArray, settings: StatsSettings) -> StatsResults:
    """Compute what is wanted of an array; work for a thread."""
    pixels = array.pixels
    if pixels.ndim != 2:
        pixels = pixels.reshape(-1, pixels.shape[-1])
    results = StatsResults()
    if settings.statistics:
        _add_statistics(results, array, pixels, settings)
    if settings.centroid or settings.profiles:
        profiles = image_profiles(pixels, settings.threshold)
        found = moments(profiles)
        if settings.centroid:
            results.numbers |= dict(zip(CENTROID, vars(found).values(), strict=True))
        if settings.profiles:
            centre = (0.0 if math.isnan(found.x) else found.x, 0.0 if math.isnan(found.y) else found.y)
            _add_profiles(results, pixels, profiles, centre, settings)
    if settings.histogram:
        counted = histogram(pixels, settings.bins, settings.lowest, settings.highest)
        results.numbers["HistEntropy"] = counted.entropy
        results.counts |= {"HistBelow": counted.below, "HistAbove": counted.above}
        results.arrays["Histogram"] = counted.counts
    return results


def _add_statistics(results: StatsResults, array: NDArray, pixels: Pixels[Any], settings: StatsSettings) -> None:
    found = image_statistics(pixels)
    background = border_mean(pixels, settings.background_width) if settings.background_width > 0 else 0.0
    frame = array.frame
    numbers: dict[str, float] = {
        "MinValue": found.minimum,
        "MaxValue": found.maximum,
        "MeanValue": found.mean,
        "Sigma": found.sigma,
        "Total": found.total,
        "Net": found.total - background * found.count,
        "Noise": overscan_noise(frame.readout.layout, frame.readout.raw) if frame else math.nan,
    }
    numbers["MinX"], numbers["MinY"] = found.minimum_at
    numbers["MaxX"], numbers["MaxY"] = found.maximum_at
    results.numbers |= numbers


def _add_profiles(
    results: StatsResults,
    pixels: Pixels[Any],
    profiles: Profiles,
    centre: tuple[float, float],
    settings: StatsSettings,
) -> None:
    rows, columns = pixels.shape
    row, column = _within(int(centre[1] + 0.5), rows), _within(int(centre[0] + 0.5), columns)
    cursor_row, cursor_column = _within(settings.cursor[1], rows), _within(settings.cursor[0], columns)
    results.arrays |= {
        "ProfileAverageX": profiles.all_x / rows,
        "ProfileAverageY": profiles.all_y / columns,
        "ProfileThresholdX": profiles.bright_x / rows,
        "ProfileThresholdY": profiles.bright_y / columns,
        "ProfileCentroidX": pixels[row].astype(np.float64),
        "ProfileCentroidY": pixels[:, column].astype(np.float64),
        "ProfileCursorX": pixels[cursor_row].astype(np.float64),
        "ProfileCursorY": pixels[:, cursor_column].astype(np.float64),
    }
    results.numbers["CursorVal"] = float(pixels[cursor_row, cursor_column])
    results.counts |= {"ProfileSizeX": columns, "ProfileSizeY": rows}


def _within(place: int, size: int) -> int:
    return min(max(place, 0), size - 1)
