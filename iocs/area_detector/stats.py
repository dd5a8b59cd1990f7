"""The plugin that computes statistics: NDStats.

Results belong to the array of ``UniqueId_RBV``. When a frame of the camera cannot get here, because this plugin or one
before it is disabled or failed, they become NaN: nobody shall take them for those of the new frame.
"""

from __future__ import annotations

import asyncio
import math

from iocs.area_detector.array import NDArray
from iocs.area_detector.plugin import Plugin
from slitless.detector.image_statistics import ImageStatistics, border_mean, image_statistics
from slitless.detector.statistics import overscan_noise

__all__ = ["StatsPlugin"]

BASIC = "MinValue MaxValue MeanValue Sigma Total Net Noise MinX MinY MaxX MaxY".split()


class StatsPlugin(Plugin):
    """Computes what its switches ask for."""

    async def process(self, array: NDArray) -> NDArray:
        """Compute and show statistics; send the array on."""
        await self.records.shape(array)
        if self["ComputeStatistics"].value == "Yes":
            basic = await asyncio.to_thread(_basic, array, self["BgdWidth"].value)
            await self._show(basic, array.stamp)
        return array

    async def missed(self) -> None:
        """Show no statistics."""
        await self._show(dict.fromkeys(BASIC, math.nan))

    async def _show(self, values: dict[str, float], stamp: float | None = None) -> None:
        for name, value in values.items():
            await self[f"{name}_RBV"].write(float(value), timestamp=stamp)


def _basic(array: NDArray, background_width: int) -> dict[str, float]:
    pixels = array.pixels if array.pixels.ndim == 2 else array.pixels.reshape(1, -1)
    found: ImageStatistics = image_statistics(pixels)
    background = border_mean(array.pixels, background_width) if background_width > 0 else 0.0
    frame = array.frame
    return {
        "MinValue": found.minimum,
        "MaxValue": found.maximum,
        "MeanValue": found.mean,
        "Sigma": found.sigma,
        "Total": found.total,
        "Net": found.total - background * found.count,
        "Noise": overscan_noise(frame.readout.layout, frame.readout.raw) if frame else math.nan,
        "MinX": found.minimum_at[0],
        "MinY": found.minimum_at[1],
        "MaxX": found.maximum_at[0],
        "MaxY": found.maximum_at[1],
    }
