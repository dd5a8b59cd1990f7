"""Shows in a plugin's records which array it got last."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from iocs.area_detector.array import NDArray

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["DIMENSIONS", "ArrayRecords"]

DIMENSIONS = 10  # that areaDetector allows
EPICS_EPOCH = 631152000  # 1990-01-01, UTC unix s


class ArrayRecords:
    """The records of NDArrayBase that tell about the latest array.

    Parameters
    ----------
    record : callable
        Returns a record of the plugin by its name, e.g. ``UniqueId_RBV``.
    """

    def __init__(self, record: Callable[[str], Record]) -> None:
        self._record = record
        self._sizes: tuple[int, ...] = ()

    async def shape(
        self, array: NDArray, sizes: tuple[int, ...] | None = None, plane: tuple[int, ...] | None = None
    ) -> None:
        """Show sizes and pixel type of an array that came.

        Parameters
        ----------
        array : NDArray
            The array.
        sizes : tuple of int, optional
            What to show as its dimensions, x first, if clients get something else of it.
        plane : tuple of int, optional
            What to show as ``ArraySizeX`` to ``Z``, the size of what is sent on; `sizes` if not given.
        """
        sizes = array.sizes if sizes is None else sizes
        if sizes != self._sizes:
            await self._show_sizes(sizes)
            self._sizes = sizes
        for axis, pixels in zip("XYZ", (*(plane or sizes), 0, 0), strict=False):
            await self._record(f"ArraySize{axis}_RBV").write(pixels)
        count = math.prod(sizes) * array.size // max(math.prod(array.sizes), 1)
        await self._record("ArraySize_RBV").write(count)
        await self._record("CompressedSize_RBV").write(count)
        await self._record("DataType_RBV").write(array.data_type)

    async def identity(self, array: NDArray) -> None:
        """Show number and time, and count it: last, since clients take the counter for the sign of something new."""
        seconds = max(array.stamp - EPICS_EPOCH, 0.0)
        await self._record("TimeStamp_RBV").write(array.timestamp, timestamp=array.stamp)
        await self._record("EpicsTSSec_RBV").write(int(seconds), timestamp=array.stamp)
        await self._record("EpicsTSNsec_RBV").write(int(seconds % 1.0 * 1e9), timestamp=array.stamp)
        await self._record("UniqueId_RBV").write(array.unique_id, timestamp=array.stamp)
        counter = self._record("ArrayCounter_RBV")
        await counter.write(counter.value + 1)

    async def _show_sizes(self, sizes: tuple[int, ...]) -> None:
        padded = np.zeros(DIMENSIONS, dtype=np.int32)
        padded[: len(sizes)] = sizes
        await self._record("NDimensions_RBV").write(len(sizes))
        await self._record("Dimensions_RBV").write(padded)
        for axis, pixels in enumerate(padded.tolist()):
            await self._record(f"ArraySize{axis}_RBV").write(pixels)
            await self._record(f"Dim{axis}SA_RBV").write(pixels)
