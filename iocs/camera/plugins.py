"""What happens to a frame that was read: file, statistics, preview, counters."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivers.camera import ReadoutResult
from iocs.camera.display import shortened
from iocs.camera.files import Destinations
from slitless.definition import Instrument
from slitless.detector.statistics import FrameStatistics, frame_statistics, preview
from slitless.errors import SlitlessError
from slitless.fits.header import primary_header
from slitless.fits.record import FrameRecord
from slitless.fits.verify import integrity_problems
from slitless.fits.writer import FrameNotWritten, write_frame

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["PLUGINS", "Plugins", "UnsavedFrame", "dimensions"]

PLUGINS = ("image1:", "Stats1:", "ROI1:", "FITS1:")
PREVIEW_FACTOR = 8  # pixels averaged along each axis; 509 x 500 of 4072 x 4000


@dataclass(frozen=True)
class UnsavedFrame:
    """A frame whose writing failed, kept so that it can be tried again."""

    path: Path
    record: FrameRecord
    frame: ReadoutResult
    start: dict[str, object]
    end: dict[str, object]


class Plugins:
    """Serves the plugins' results.

    Parameters
    ----------
    record : callable
        Returns a record of the IOC by its name, e.g. ``Stats1:MeanValue_RBV``.
    instrument : Instrument
        For the headers.
    destinations : Destinations
        Where files go.
    """

    def __init__(self, record: Callable[[str], Record], instrument: Instrument, destinations: Destinations) -> None:
        self._record = record
        self._instrument = instrument
        self._destinations = destinations
        self._count = 0
        self.unsaved: UnsavedFrame | None = None
        """The latest frame that could not be written."""

    async def show(self, record: FrameRecord, frame: ReadoutResult) -> None:
        """Publish statistics and preview of a frame, and count it."""
        self._count += 1
        wants_statistics = self._is_on("Stats1:")
        statistics, picture = await asyncio.to_thread(
            _reduce, frame, wants_statistics, self._is_on("image1:") and self._is_on("cam1:")
        )
        await self._show_statistics(statistics)
        if picture is not None:
            await self._record("image1:ArrayData").write(picture.ravel())
            await self._show_size("image1:", picture.shape[1], picture.shape[0])
        columns, rows = dimensions(frame)
        for plugin in ("Stats1:", "ROI1:", "FITS1:"):
            await self._show_size(plugin, columns, rows)
        for plugin in PLUGINS:
            await self._count_frame(plugin, record)
        await self._show_camera_size(columns, rows)

    async def write(
        self,
        path: Path,
        record: FrameRecord,
        frame: ReadoutResult,
        start: dict[str, object],
        end: dict[str, object],
    ) -> list[str]:
        """Write a frame; return what its header could not say.

        Raises
        ------
        FrameNotWritten
            If the disk does not take it, or does not give it back whole; the frame is kept in `unsaved`.
        """
        await self._record("FITS1:WriteFile_RBV").write(1)
        try:
            problems, size = await asyncio.to_thread(self._to_disk, path, record, frame, start, end)
        except SlitlessError as error:
            self.unsaved = UnsavedFrame(path, record, frame, start, end)
            await self._record("FITS1:WriteStatus").write("Write error")
            await self._record("FITS1:WriteMessage").write(shortened(str(error), 255))
            raise
        finally:
            await self._record("FITS1:WriteFile_RBV").write(0)
        await self._show_file(path, size)
        return problems

    async def discard(self, path: Path) -> None:
        """Remove the file of a frame that was aborted when it had just been written."""
        await asyncio.to_thread(_remove, path)
        await self._record("FITS1:FullFileName_RBV").write("")
        await self._add("FITS1:WrittenCount_RBV", -1)

    async def show_free_space(self) -> None:
        """Publish the free space below the data root."""
        free = await asyncio.to_thread(self._destinations.free_gigabytes)
        await self._record("FITS1:FreeSpace_RBV").write(free)

    def _to_disk(
        self,
        path: Path,
        record: FrameRecord,
        frame: ReadoutResult,
        start: dict[str, object],
        end: dict[str, object],
    ) -> tuple[list[str], int]:
        record = replace(record, file_name=path.name)
        header, problems = primary_header(self._instrument, record, start, end)
        written = write_frame(path, self._instrument, header, frame.layout, frame.raw)
        if faults := integrity_problems(path, self._instrument):
            aside = path.with_name(f"{path.name}.unverified")
            path.rename(aside)
            raise FrameNotWritten(f"{path}: does not read back as written, kept as {aside.name}: {'; '.join(faults)}")
        return problems, written.size

    async def _show_file(self, path: Path, size: int) -> None:
        await self._record("FITS1:FullFileName_RBV").write(str(path))
        await self._record("FITS1:WriteStatus").write("Write OK")
        await self._record("FITS1:WriteMessage").write("")
        await self._add("FITS1:WrittenCount_RBV", 1)
        if self._record("FITS1:FileName").value and self._record("FITS1:AutoIncrement").value == "Yes":
            await self._add("FITS1:FileNumber", 1)
            await self._add("FITS1:FileNumber_RBV", 1)
        if self._record("FITS1:Capture").value == "Capture":
            await self._count_captured()

    async def _count_captured(self) -> None:
        await self._add("FITS1:NumCaptured_RBV", 1)
        wanted = self._record("FITS1:NumCapture").value
        if wanted and self._record("FITS1:NumCaptured_RBV").value >= wanted:
            await self._record("FITS1:Capture").write(0)
            await self._record("FITS1:Capture_RBV").write(0)

    async def _show_statistics(self, statistics: FrameStatistics | None) -> None:
        """Write the statistics; NaN when the plugin is off, so that nobody takes an old frame's for the new one's."""
        names = ("Mean", "Sigma", "Min", "Max", "Total", "Net", "Noise")
        if statistics is None:
            values = dict.fromkeys(names, math.nan)
        else:
            s = statistics
            numbers = (s.mean, s.sigma, s.minimum, s.maximum, s.total, s.total, s.noise)
            values = dict(zip(names, numbers, strict=True))
        for name, value in values.items():
            suffix = f"{name}Value" if name in ("Mean", "Min", "Max") else name
            await self._record(f"Stats1:{suffix}_RBV").write(float(value))

    async def _count_frame(self, plugin: str, record: FrameRecord) -> None:
        if self._is_on(plugin):
            await self._add(f"{plugin}ArrayCounter_RBV", 1)
            await self._record(f"{plugin}UniqueId_RBV").write(self._count)
            await self._record(f"{plugin}TimeStamp_RBV").write(record.ended_at or 0.0)

    async def _show_size(self, plugin: str, columns: int, rows: int) -> None:
        await self._record(f"{plugin}ArraySize0_RBV").write(columns)
        await self._record(f"{plugin}ArraySize1_RBV").write(rows)
        await self._record(f"{plugin}Dimensions_RBV").write(np.array([columns, rows, 0], dtype=np.int32))

    async def _show_camera_size(self, columns: int, rows: int) -> None:
        await self._record("cam1:ArraySizeX_RBV").write(columns)
        await self._record("cam1:ArraySizeY_RBV").write(rows)
        await self._record("cam1:ArraySize_RBV").write(4 * columns * rows)
        await self._add("cam1:ArrayCounter_RBV", 1)

    async def _add(self, name: str, number: int) -> None:
        record = self._record(name)
        await record.write(record.value + number)

    def _is_on(self, plugin: str) -> bool:
        name = "ArrayCallbacks" if plugin == "cam1:" else "EnableCallbacks"
        return self._record(f"{plugin}{name}").value == "Enable"


def dimensions(frame: ReadoutResult) -> tuple[int, int]:
    """Return columns and rows of the assembled, trimmed image."""
    columns = {readout.detector_slice[1].start: readout.data_columns for readout in frame.layout}
    rows = {readout.detector_slice[0].start: readout.data_rows for readout in frame.layout}
    return sum(columns.values()), sum(rows.values())


def _reduce(
    frame: ReadoutResult, wants_statistics: bool, wants_preview: bool
) -> tuple[FrameStatistics | None, NDArray[Any] | None]:
    statistics = frame_statistics(frame.layout, frame.raw) if wants_statistics else None
    return statistics, preview(frame.layout, frame.raw, PREVIEW_FACTOR) if wants_preview else None


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
