"""Hands a frame that was read out to the plugins, as the camera's array."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from drivers.camera import ReadoutResult
from iocs.area_detector.array import LatePixels, NDArray, SourceFrame
from iocs.area_detector.array_records import ArrayRecords
from iocs.area_detector.chain import Chain
from slitless.detector.image import image_above_overscan, image_shape
from slitless.fits.record import FrameRecord

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["FrameOutput", "frame_array"]

log = logging.getLogger(__name__)


class FrameOutput:
    """The camera's end of the chain of plugins.

    Parameters
    ----------
    record : callable
        Returns a record of the camera by its name, e.g. ``ArrayCounter_RBV``.
    chain : Chain
        The plugins.
    wall_at : callable
        Returns the wall time (UTC unix s) at an instrument time (TAI unix s), for time stamps.
    """

    def __init__(self, record: Callable[[str], Record], chain: Chain, wall_at: Callable[[float], float]) -> None:
        self._record = record
        self._wall_at = wall_at
        self._shown = ArrayRecords(record)
        self.chain = chain
        chain.on_queued = self._show_queued

    async def send(
        self, record: FrameRecord, readout: ReadoutResult, start: Mapping[str, object], end: Mapping[str, object]
    ) -> None:
        """Count a frame, show its size, and give it to the plugins; return when those that block are done.

        Nothing that goes wrong on the way of an array does any harm to the exposure.
        """
        unique_id = self._record("ArrayCounter_RBV").value + 1
        stamp = self._wall_at(record.ended_at) if record.ended_at else 0.0
        array = frame_array(unique_id, SourceFrame(record, readout, start, end), stamp)
        await self._shown.shape(array)
        await self._shown.identity(array)
        try:
            await self.chain.publish(array)
        except Exception:
            log.exception("array %d did not reach every plugin", array.unique_id)
        await self.show_memory()

    async def show_memory(self) -> None:
        """Show how many frames the plugins hold, and what they take."""
        arrays = [plugin.previous for plugin in self.chain.plugins.values() if plugin.previous is not None]
        held = {id(array.late_pixels): array.size for array in arrays}
        for name in ("PoolAllocBuffers", "PoolUsedBuffers"):
            await self._record(name).write(len(held))
        await self._record("PoolUsedMem").write(sum(held.values()) / 1e6)

    async def _show_queued(self, queued: int) -> None:
        await self._record("NumQueuedArrays").write(queued)


def frame_array(unique_id: int, frame: SourceFrame, stamp: float) -> NDArray:
    """Return the array of a frame: amplifiers put together, overscan trimmed and its level subtracted, int32.

    `stamp` is the wall time (UTC unix s) of the end of its exposure.
    """
    record, readout = frame.record, frame.readout
    ended = record.ended_at or 0.0
    window = record.window
    return NDArray(
        unique_id=unique_id,
        late_pixels=LatePixels(
            image_shape(readout.layout),
            np.dtype(np.int32),
            lambda: image_above_overscan(readout.layout, readout.raw),
        ),
        timestamp=ended,
        stamp=stamp,
        offset=(window.first_column - 1, window.first_row - 1),
        binning=(window.column_binning, window.row_binning),
        attributes={"obs_id": record.name.obs_id, "image_type": str(record.image_type)},
        frame=frame,
    )
