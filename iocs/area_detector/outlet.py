"""Sends a plugin's output on: in order if it is told to, and not faster than it may."""

from __future__ import annotations

import asyncio
import bisect
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from iocs.area_detector.array import NDArray

if TYPE_CHECKING:
    from iocs.area_detector.chain import Chain
    from iocs.records.record import Record

__all__ = ["ByteRate", "Outlet"]


class ByteRate:
    """Lets through at most so many bytes a second, a second's worth of them at once."""

    def __init__(self) -> None:
        self._limit = 0.0
        self._available = 0.0
        self._at = 0.0

    def allows(self, size: int, limit: float, now: float) -> bool:
        """Whether `size` bytes may go at `now` (s) under a limit (B/s); 0 is no limit."""
        if limit != self._limit:
            self._limit, self._available, self._at = limit, limit, now
        self._available = min(limit, self._available + (now - self._at) * limit)
        self._at = now
        if limit and size > self._available:
            return False
        self._available -= size
        return True


class Outlet:
    """What follows on a plugin.

    An array is in order if its number is that of the one sent before it, or the next. With ``SortMode`` Sorted one
    that is not waits for its turn, at most ``SortTime``.

    Parameters
    ----------
    record : callable
        Returns a record of the plugin by its name, e.g. ``SortMode``.
    chain : Chain
        Counts the arrays that wait.
    deliver : callable
        Hands an array to the plugins that follow.
    """

    def __init__(
        self, record: Callable[[str], Record], chain: Chain, deliver: Callable[[NDArray], Awaitable[None]]
    ) -> None:
        self._record = record
        self._chain = chain
        self._deliver = deliver
        self._byte_rate = ByteRate()
        self._waiting: list[tuple[float, NDArray]] = []
        """Arrays to be sorted, by number, with the time (s, monotonic) when each came."""
        self._latest: int | None = None
        self._sorting: asyncio.Task[None] | None = None

    async def send(self, array: NDArray) -> None:
        """Send an array on, now or in its turn."""
        if self._record("ArrayCallbacks").value != "Enable":
            return
        if not self._byte_rate.allows(array.size, self._record("MaxByteRate").value, time.monotonic()):
            await self._count("DroppedOutputArrays_RBV")
        elif self._record("SortMode").value == "Sorted" and not self._is_next(array):
            await self._let_wait(array)
        else:
            await self._pass_on(array)

    async def stop(self) -> None:
        """Forget what waits."""
        if self._sorting is not None:
            self._sorting.cancel()
            await asyncio.gather(self._sorting, return_exceptions=True)

    def _is_next(self, array: NDArray) -> bool:
        return self._latest is not None and array.unique_id in (self._latest, self._latest + 1)

    async def _pass_on(self, array: NDArray) -> None:
        if self._latest is not None and not self._is_next(array):
            await self._count("DisorderedArrays_RBV")
        self._latest = array.unique_id
        await self._deliver(array)

    async def _let_wait(self, array: NDArray) -> None:
        if len(self._waiting) >= self._record("SortSize").value:
            await self._count("DroppedOutputArrays_RBV")
            return
        bisect.insort(self._waiting, (time.monotonic(), array), key=lambda entry: entry[1].unique_id)
        await self._chain.enter(array)
        await self._show_free()
        if self._sorting is None or self._sorting.done():
            self._sorting = asyncio.create_task(self._sort())

    async def _sort(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._record("SortTime").value)
            while self._waiting and self._is_due(*self._waiting[0]):
                _, array = self._waiting.pop(0)
                await self._show_free()
                try:
                    await self._pass_on(array)
                finally:
                    await self._chain.leave(array)

    def _is_due(self, since: float, array: NDArray) -> bool:
        return self._is_next(array) or time.monotonic() - since >= self._record("SortTime").value

    async def _show_free(self) -> None:
        await self._record("SortFree").write(self._record("SortSize").value - len(self._waiting))

    async def _count(self, name: str) -> None:
        record = self._record(name)
        await record.write(record.value + 1)
