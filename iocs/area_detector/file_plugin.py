"""The plugin that gives arrays files of a client's choice: NDFile.

Every exposure is on disk under its own name whatever this plugin does. It adds names: for a frame of the camera a hard
link to that verified file, for what another plugin made of it a FITS file of its own. With an empty `FileName` the
frame's own file is the one it tells about, and it only counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from iocs.area_detector.array import NDArray
from iocs.area_detector.chain import Chain
from iocs.area_detector.plugin import Plugin
from iocs.binding import on_put
from iocs.wire.client import Client, Refused
from slitless.errors import SlitlessError
from slitless.fits.array_file import link_file, write_array

__all__ = ["FilePlugin", "NoFrameFile"]

MESSAGE_BYTES = 255  # of WriteMessage
Source = Path | NDArray


class NoFrameFile(SlitlessError):
    """A frame has no file; who tried to write it has said why."""


class FilePlugin(Plugin):
    """Writes arrays one by one, collects them first, or writes as they come: `FileWriteMode`."""

    def __init__(self, prefix: str, chain: Chain) -> None:
        super().__init__(prefix, chain)
        self.frame_file: Callable[[NDArray], Awaitable[Path]]
        """Returns the durable file of an array's frame; waits for it."""
        self.next_path: Callable[[], Path | None]
        """Where the next file goes; None for the frame's own."""
        self._collected: list[Source] = []
        self._captured = asyncio.Event()
        """Set while nothing is captured."""

    async def process(self, array: NDArray) -> NDArray:
        """Write or collect the array as the mode says; send it on."""
        await self.records.shape(array)
        mode, capturing = self["FileWriteMode"].value, self["Capture"].value == "Capture"
        if mode == "Single":
            if self["AutoSave"].value == "Yes":
                await self._write([array])
        elif capturing:
            await self._take(array, mode)
        return array

    async def write_file(self) -> None:
        """Write what was collected, or the latest array.

        Raises
        ------
        Refused
            If there is none, or it cannot be written.
        """
        if self["FileWriteMode"].value == "Capture":
            sources: Sequence[Source] = self._collected
            self._collected = []
        else:
            sources = [self.previous] if self.previous is not None else []
        if not sources:
            raise Refused(f"{self.prefix}WriteFile: there is no array to write")
        if not await self._write(sources):
            raise Refused(f"{self.prefix}WriteFile: {self['WriteMessage'].value}")
        await self["NumCaptured_RBV"].write(len(self._collected))

    async def _take(self, array: NDArray, mode: str) -> None:
        if mode == "Stream" and not await self._write([array]):
            return
        if mode == "Capture":
            try:
                self._collected.append(await self._source(array))
            except NoFrameFile:
                return
        captured = self["NumCaptured_RBV"].value + 1
        await self["NumCaptured_RBV"].write(captured)
        if captured == self["NumCapture"].value:
            await self._show_capturing(False)
            if mode == "Capture" and self["AutoSave"].value == "Yes":
                await self.write_file()

    async def _source(self, array: NDArray) -> Source:
        """Return what a file is made from: the file of a whole frame, so that its pixels need not be kept."""
        is_whole = self.source == self.chain.port and array.frame is not None
        return await self.frame_file(array) if is_whole else array

    async def _write(self, sources: Sequence[Source]) -> bool:
        await self["WriteFile_RBV"].write(1)
        try:
            for source in sources:
                await self._write_one(await self._source(source) if isinstance(source, NDArray) else source)
        except NoFrameFile:
            return False
        except (SlitlessError, Refused, OSError) as error:
            await self["WriteStatus"].write("Write error")
            text = str(error).encode("utf-8", "replace")[:MESSAGE_BYTES].decode("utf-8", "ignore")
            await self["WriteMessage"].write(text)
            return False
        finally:
            await self["WriteFile_RBV"].write(0)
        return True

    async def _write_one(self, source: Source) -> None:
        path = self.next_path()
        if path is None:
            if not isinstance(source, Path):
                raise Refused(f"{self.prefix}FileName is empty, and an array of {self.source} has no name of its own")
            path = source
        elif isinstance(source, Path):
            await asyncio.to_thread(link_file, source, path)
        else:
            await asyncio.to_thread(
                write_array, path, source.pixels, {**source.attributes, "unique_id": source.unique_id}
            )
        await self["FullFileName_RBV"].write(str(path))
        await self["WriteStatus"].write("Write OK")
        await self["WriteMessage"].write("")
        if path != source and self["AutoIncrement"].value == "Yes":
            await self.set("FileNumber", self["FileNumber"].value + 1)

    async def _show_capturing(self, is_capturing: bool) -> None:
        await self["Capture"].write(int(is_capturing))
        await self["Capture_RBV"].write(int(is_capturing))
        if is_capturing:
            self._captured.clear()
        else:
            self._captured.set()

    @on_put("Capture")
    async def _put_capture(self, value: str, client: Client) -> str:
        """Begin or end; as areaDetector has it, a put that begins completes when the capture is over."""
        if value == "Capture":
            if self["FileWriteMode"].value == "Single":
                raise Refused(f"{self.prefix}Capture: FileWriteMode Single writes each array; choose Capture or Stream")
            await self._forget()
            await self["WriteStatus"].write("Write OK")
            await self["WriteMessage"].write("")
            await self._show_capturing(True)
            await self._captured.wait()
            return "Done"
        await self._show_capturing(False)
        return value

    @on_put("FreeCapture")
    async def _put_free_capture(self, value: str, client: Client) -> str:
        await self._forget()
        return "Done"

    async def _forget(self) -> None:
        self._collected = []
        await self["NumCaptured_RBV"].write(0)
