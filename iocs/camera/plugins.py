"""The durable file of a frame, which the exposure itself writes whatever plugins do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.camera import ReadoutResult
from iocs.camera.display import shortened
from iocs.camera.files import Destinations
from slitless.definition import Instrument
from slitless.errors import SlitlessError
from slitless.fits.header import primary_header
from slitless.fits.record import FrameRecord
from slitless.fits.verify import integrity_problems
from slitless.fits.writer import FrameNotWritten, write_frame

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["Plugins", "UnsavedFrame"]


@dataclass(frozen=True)
class UnsavedFrame:
    """A frame whose writing failed, kept so that it can be tried again."""

    path: Path
    record: FrameRecord
    frame: ReadoutResult
    start: dict[str, object]
    end: dict[str, object]


class Plugins:
    """Writes frames.

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
        self.unsaved: UnsavedFrame | None = None
        """The latest frame that could not be written."""

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

    async def _add(self, name: str, number: int) -> None:
        record = self._record(name)
        await record.write(record.value + number)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
