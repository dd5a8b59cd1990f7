"""Says when an acquisition is over: `Acquire`, `AcquireBusy`, and whether plugins are waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["AcquireBusy"]


class AcquireBusy:
    """What the camera's records say of an acquisition as a whole, as areaDetector has them.

    `Acquire` is 1 until the last frame is durable and the plugins that block are done with it. `AcquireBusy` is 1 as
    long, or with `WaitForPlugins` until no plugin works on any frame.

    Parameters
    ----------
    record : callable
        Returns a record of the camera by its name, e.g. ``AcquireBusy``.
    drained : callable
        Returns when no array is under way in a plugin.
    background : callable
        Runs a coroutine beside everything else.
    """

    def __init__(
        self,
        record: Callable[[str], Record],
        drained: Callable[[], Awaitable[None]],
        background: Callable[[Coroutine[Any, Any, Any]], object],
    ) -> None:
        self._record = record
        self._drained = drained
        self._background = background
        self._idle = asyncio.Event()
        self._idle.set()
        self._acquiring = False

    async def wait(self) -> None:
        """Wait until it is over: what a put to `Acquire` completes with."""
        await self._idle.wait()

    async def begin(self) -> None:
        """Show that frames are being taken."""
        self._acquiring = True
        self._idle.clear()
        await self._show_busy(True)
        await self._show_acquiring(True)

    async def end(self) -> None:
        """Show that no more frames are taken."""
        self._acquiring = False
        await self._show_acquiring(False)
        if self._record("WaitForPlugins").value == "Yes":
            self._background(self._end_when_drained())
        else:
            await self._end_busy()

    async def _end_when_drained(self) -> None:
        await self._drained()
        await self._end_busy()

    async def _end_busy(self) -> None:
        if not self._acquiring:  # else another acquisition began while plugins were waited for
            await self._show_busy(False)
            self._idle.set()

    async def _show_acquiring(self, is_acquiring: bool) -> None:
        for name in ("Acquire_RBV", "Acquire", "SetAcquireBusy"):
            await self._record(name).write(int(is_acquiring))

    async def _show_busy(self, is_busy: bool) -> None:
        for name in ("AcquireBusy", "AcquireBusyCB", "ClearAcquireBusy"):
            await self._record(name).write(int(is_busy))
