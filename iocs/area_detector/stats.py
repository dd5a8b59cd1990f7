"""The plugin that computes statistics: NDStats.

Results belong to the array of ``UniqueId_RBV``. When a frame of the camera cannot get here, because this plugin or one
before it is disabled or failed, they become NaN: nobody shall take them for those of the new frame.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from iocs.area_detector.array import NDArray
from iocs.area_detector.chain import Chain
from iocs.area_detector.plugin import Plugin
from iocs.area_detector.stats_results import (
    BASIC,
    CENTROID,
    HISTOGRAM,
    PROFILES,
    StatsResults,
    StatsSettings,
    compute,
)
from iocs.area_detector.time_series import TimeSeries
from iocs.binding import on_put
from iocs.wire.client import Client
from slitless.detector.histogram import bin_starts

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["StatsPlugin"]

NOTHING = np.zeros(0)
WITHOUT_READBACK = ("CursorVal",)
SHAPE = ("Eccentricity", "Orientation")


class StatsPlugin(Plugin):
    """Computes what its switches ask for.

    Parameters
    ----------
    prefix : str
        Relative to the IOC's, e.g. ``Stats1:``.
    chain : Chain
        What it takes part in.
    """

    def __init__(self, prefix: str, chain: Chain) -> None:
        super().__init__(prefix, chain)
        self._is_blank = False
        self._series = TimeSeries(self.__getitem__)

    async def start(self) -> None:
        """Show what follows from settings that records got without a put."""
        await super().start()
        await self._show_bins(self["HistSize"].value, self["HistMin"].value, self["HistMax"].value)
        await self._series.set_size(self["TSNumPoints"].value)

    async def process(self, array: NDArray) -> NDArray:
        """Compute and show statistics; send the array on."""
        await self.records.shape(array)
        results = await asyncio.to_thread(compute, array, self._settings())
        await self._show(results, array.stamp)
        await self._series.add(results.numbers, array.timestamp)
        self._is_blank = False
        return array

    async def missed(self) -> None:
        """Show no results."""
        if not self._is_blank:
            await self._blank((*BASIC, *CENTROID, *HISTOGRAM, "CursorVal"), (*PROFILES, "Histogram"))
            self._is_blank = True

    def _settings(self) -> StatsSettings:
        return StatsSettings(
            statistics=self["ComputeStatistics"].value == "Yes",
            centroid=self["ComputeCentroid"].value == "Yes",
            profiles=self["ComputeProfiles"].value == "Yes",
            histogram=self["ComputeHistogram"].value == "Yes",
            background_width=self["BgdWidth"].value,
            threshold=self["CentroidThreshold"].value,
            cursor=(self["CursorX"].value, self["CursorY"].value),
            bins=self["HistSize"].value,
            lowest=self["HistMin"].value,
            highest=self["HistMax"].value,
        )

    async def _show(self, results: StatsResults, stamp: float | None = None) -> None:
        if "ProfileSizeX" in results.counts:
            for axis in "XY":
                await self[f"MaxSize{axis}"].write(results.counts[f"ProfileSize{axis}"])
        for name, value in (*results.counts.items(), *results.arrays.items()):
            await self[f"{name}_RBV"].write(value, timestamp=stamp)
        for name, value in results.numbers.items():
            await self._number(name).write(float(value), timestamp=stamp)

    def _number(self, name: str) -> Record:
        return self[name if name in WITHOUT_READBACK else f"{name}_RBV"]

    async def _blank(self, numbers: Iterable[str], arrays: Iterable[str] = (), value: float = math.nan) -> None:
        for name in numbers:
            await self._number(name).write(value)
        for name in arrays:
            await self[f"{name}_RBV"].write(NOTHING)

    # Switches: what is not computed any more is not shown any more.

    @on_put("ComputeStatistics")
    async def _put_compute_statistics(self, value: str, client: Client) -> None:
        if value == "No":
            await self._blank(BASIC)

    @on_put("ComputeCentroid")
    async def _put_compute_centroid(self, value: str, client: Client) -> None:
        if value == "No":
            await self._blank(CENTROID)

    @on_put("ComputeProfiles")
    async def _put_compute_profiles(self, value: str, client: Client) -> None:
        if value == "No":
            await self._blank(("CursorVal",), PROFILES)

    @on_put("ComputeHistogram")
    async def _put_compute_histogram(self, value: str, client: Client) -> None:
        if value == "No":
            await self._blank(HISTOGRAM, ("Histogram",))

    @on_put("HistSize")
    async def _put_hist_size(self, value: int, client: Client) -> None:
        await self._show_bins(value, self["HistMin"].value, self["HistMax"].value)

    @on_put("HistMin")
    async def _put_hist_min(self, value: float, client: Client) -> None:
        await self._show_bins(self["HistSize"].value, value, self["HistMax"].value)

    @on_put("HistMax")
    async def _put_hist_max(self, value: float, client: Client) -> None:
        await self._show_bins(self["HistSize"].value, self["HistMin"].value, value)

    async def _show_bins(self, size: int, low: float, high: float) -> None:
        await self["HistogramX_RBV"].write(bin_starts(size, low, high))

    # Resets.

    @on_put("SigmaValue")
    async def _put_sigma_value(self, value: float, client: Client) -> None:
        await self["Sigma_RBV"].write(value)

    @on_put("Reset")
    async def _put_reset(self, value: str, client: Client) -> str:
        await self._blank((*BASIC, *CENTROID, *HISTOGRAM), value=0.0)
        await self._reset_counts()
        return "Done"

    @on_put("Reset1")
    async def _put_reset_moments(self, value: str, client: Client) -> str:
        await self._blank((*CENTROID, *HISTOGRAM), value=0.0)
        await self._reset_counts()
        return "Done"

    @on_put("Reset2")
    async def _put_reset_shape(self, value: str, client: Client) -> str:
        await self._blank((*SHAPE, *HISTOGRAM), value=0.0)
        await self._reset_counts()
        return "Done"

    async def _reset_counts(self) -> None:
        for name in ("HistBelow_RBV", "HistAbove_RBV"):
            await self[name].write(0)

    # Time series.

    @on_put("TSControl")
    async def _put_series_control(self, value: str, client: Client) -> None:
        match value:
            case "Erase/Start" | "Start":
                await self._series.start(erase=value == "Erase/Start")
            case "Stop":
                await self._series.stop()
            case _:
                await self._series.show()

    @on_put("TS:TSAcquire")
    async def _put_series_acquire(self, value: str, client: Client) -> str:
        """Begin or end; as areaDetector has it, a put that begins completes when the series is whole."""
        if value == "Acquire":
            await self._series.start(erase=True)
            await self._series.wait()
        else:
            await self._series.stop()
        return "Done"

    @on_put("TSRead")
    @on_put("TS:TSRead")
    async def _put_series_read(self, value: str, client: Client) -> str:
        await self._series.show()
        return "Done"

    @on_put("TSNumPoints")
    @on_put("TS:TSNumPoints")
    async def _put_series_size(self, value: int, client: Client) -> None:
        await self._series.set_size(value)

    @on_put("TS:TSTimePerPoint")
    async def _put_series_step(self, value: float, client: Client) -> None:
        await self._series.set_averaging(value, self["TS:TSAveragingTime"].value)

    @on_put("TS:TSAveragingTime")
    async def _put_series_averaging(self, value: float, client: Client) -> None:
        await self._series.set_averaging(self["TS:TSTimePerPoint"].value, value)
