"""The durable file of a frame, which the exposure itself writes whatever plugins do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.camera import ReadoutResult
from iocs.area_detector.array import NDArray
from iocs.area_detector.file_plugin import NoFrameFile
from iocs.camera.display import shortened
from iocs.camera.files import Destinations
from slitless.definition import Instrument
from slitless.durable import sync_folder
from slitless.errors import SlitlessError
from slitless.fits.header import primary_header
from slitless.fits.record import FrameRecord
from slitless.fits.verify import integrity_problems
from slitless.fits.writer import FrameNotWritten, write_frame

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["Plugins", "UnsavedFrame"]

REMEMBERED = 100  # frames whose files a plugin may still ask for


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
        self._files: dict[str, asyncio.Future[Path]] = {}

    def expect(self, obs_id: str) -> None:
        """Begin to expect the file of a frame; older ones are forgotten."""
        self._files = dict(list(self._files.items())[-REMEMBERED:])
        self._files[obs_id] = asyncio.get_running_loop().create_future()

    def settle(self, obs_id: str, path: Path | None) -> None:
        """Say that the file of a frame is durable, or (None) that there is none."""
        file = self._files.get(obs_id)
        if file is not None and not file.done():
            if path is None:
                file.cancel()
            else:
                file.set_result(path)

    async def frame_file(self, array: NDArray) -> Path:
        """Return the durable file of an array's frame; wait until it is there.

        Raises
        ------
        NoFrameFile
            If there is none.
        """
        obs_id = str(array.attributes.get("obs_id", ""))
        file = self._files.get(obs_id)
        if file is not None:
            await asyncio.wait([file])
            if not file.cancelled():
                return file.result()
        raise NoFrameFile(f"{obs_id or 'the array'}: its frame has no file")

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
        await self._record("cam1:FrameFile_RBV").write("")
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
        await self._record("cam1:FrameFile_RBV").write(str(path))
        await self._record("FITS1:FullFileName_RBV").write(str(path))
        await self._record("FITS1:WriteStatus").write("Write OK")
        await self._record("FITS1:WriteMessage").write("")
        await self._add("FITS1:WrittenCount_RBV", 1)

    async def _add(self, name: str, number: int) -> None:
        record = self._record(name)
        await record.write(record.value + number)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
