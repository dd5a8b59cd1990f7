"""The time series of the statistics plugin: what NDTimeSeries does for NDStats.

It is served under the names of ADCore 3 (``TS:TSAcquire`` ...) and under those of older clients (``TSControl`` ...).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from iocs.area_detector.stats_results import BASIC, CENTROID

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["TimeSeries"]

SERIES = tuple(name for name in (*BASIC, *CENTROID) if name != "Noise")


class TimeSeries:
    """Points of every statistic.

    Parameters
    ----------
    record : callable
        Returns a record of the plugin by its name, e.g. ``TSMeanValue``.
    """

    def __init__(self, record: Callable[[str], Record]) -> None:
        self._record = record
        self._points: list[list[float]] = []
        """One list a point: the statistics in the order of `SERIES`, and the time."""
        self._pending: list[list[float]] = []
        """Arrays that are still to be averaged into a point."""
        self._began = 0.0
        self._ended = asyncio.Event()
        """Set while no points are taken."""

    @property
    def is_running(self) -> bool:
        """Whether points are taken."""
        return self._record("TS:TSAcquiring").value == "Acquiring"

    async def start(self, erase: bool) -> None:
        """Take points from now on, from the first one if `erase`."""
        if erase:
            self._points.clear()
            self._began = time.monotonic()
        self._pending.clear()
        await self._show_running(True)
        await self.show()

    async def stop(self) -> None:
        """Take no more points."""
        await self._show_running(False)
        await self.show()

    async def wait(self) -> None:
        """Return once no more points are taken."""
        await self._ended.wait()

    async def add(self, values: Mapping[str, float], timestamp: float) -> None:
        """Take the results of an array, if points are taken; what was not computed is NaN."""
        if not self.is_running:
            return
        self._pending.append([*(values.get(name, math.nan) for name in SERIES), timestamp])
        if len(self._pending) < self._record("TS:TSNumAverage").value:
            return
        self._points.append(np.mean(self._pending, axis=0).tolist())
        self._pending.clear()
        wanted = self._record("TS:TSNumPoints").value
        if self._record("TS:TSAcquireMode").value == "Circ. buffer":
            del self._points[:-wanted]
        elif len(self._points) >= wanted:
            await self._show_running(False)
        await self.show()

    async def show(self) -> None:
        """Serve the points there are."""
        table = np.array(self._points, dtype=np.float64).reshape(-1, len(SERIES) + 1)
        for number, name in enumerate((*SERIES, "Timestamp")):
            await self._record(f"TS{name}").write(table[:, number])
        await self._record("TS:TSTimestamp").write(table[:, -1])
        step = self._record("TS:TSTimePerPoint").value * self._record("TS:TSNumAverage").value
        await self._record("TS:TSTimeAxis").write(step * np.arange(len(table)))
        for name in ("TSCurrentPoint", "TS:TSCurrentPoint"):
            await self._record(name).write(len(table))
        await self._record("TS:TSElapsedTime").write(time.monotonic() - self._began if self._began else 0.0)

    async def set_size(self, points: int) -> None:
        """Take over how many points a series has."""
        for name in ("TSNumPoints", "TS:TSNumPoints"):
            await self._record(name).write(points)
        del self._points[points:]
        await self.show()

    async def set_averaging(self, per_point: float, averaging: float) -> None:
        """Take over how many arrays make a point, from the time an array takes and the time to average (s)."""
        number = max(1, int(averaging / per_point + 0.5)) if per_point else 1
        await self._record("TS:TSNumAverage").write(number)

    async def _show_running(self, running: bool) -> None:
        for name in ("TSAcquiring", "TS:TSAcquiring", "TS:TSAcquire"):
            await self._record(name).write(int(running))
        if running:
            self._ended.clear()
        else:
            self._ended.set()
