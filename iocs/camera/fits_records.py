"""What puts to the FITS plugin's records do."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from iocs.binding import on_put
from iocs.camera.files import DEFAULT_TEMPLATE, Destinations, filled, make_folder
from iocs.wire.client import Client, Refused
from slitless.errors import SlitlessError
from slitless.identifiers import day_obs_at

if TYPE_CHECKING:
    from iocs.area_detector.file_plugin import FilePlugin
    from iocs.camera.acquisition import Acquisition
    from iocs.camera.equipment import Equipment
    from iocs.records.record import Record
    from slitless.instrument_time import InstrumentClock

__all__ = ["FitsRecords"]


class FitsRecords:
    """The part of the detector IOC that serves `FITS1:`."""

    if TYPE_CHECKING:
        acquisition: Acquisition
        equipment: Equipment
        destinations: Destinations
        clock: InstrumentClock
        file_plugin: FilePlugin

        def __getitem__(self, name: str) -> Record: ...

    @on_put("FITS1:FilePath")
    async def _put_file_path(self, value: str, client: Client) -> None:
        self._check_unlatched("FITS1:FilePath")
        if value.strip():
            folder = self.destinations.folder(day_obs_at(self.clock.now()), value)
            await asyncio.to_thread(make_folder, folder, int(self["FITS1:CreateDirectory"].value))
        await self.show_folder(value)

    @on_put("FITS1:FileName")
    async def _put_file_name(self, value: str, client: Client) -> None:
        self._check_unlatched("FITS1:FileName")
        if os.sep in value:
            raise Refused(f"FileName: {value!r} holds a {os.sep}; folders belong to FilePath")
        await self["FITS1:FileName_RBV"].write(value)

    @on_put("FITS1:FileTemplate")
    async def _put_file_template(self, value: str, client: Client) -> None:
        self._check_unlatched("FITS1:FileTemplate")
        if value:
            filled(value, "/", "name", 1)
        await self["FITS1:FileTemplate_RBV"].write(value)

    @on_put("FITS1:WriteFile")
    async def _put_write_file(self, value: str, client: Client) -> str:
        if value == "Write":
            await self._write_again()
        return "Done"

    @on_put("FITS1:ReadFile")
    async def _put_read_file(self, value: str, client: Client) -> None:
        if value == "Read":
            raise Refused("ReadFile: files are not read back")

    async def show_fits_settings(self) -> None:
        """Publish what the plugin starts with."""
        await self["FITS1:DataRoot_RBV"].write(str(self.destinations.root))
        await self["FITS1:FileTemplate"].write(DEFAULT_TEMPLATE)
        await self["FITS1:FileTemplate_RBV"].write(DEFAULT_TEMPLATE)
        await self.show_folder("")

    async def show_folder(self, path: str) -> None:
        """Publish the folder that a FilePath setting means.

        Raises
        ------
        Refused
            If it lies outside the data root.
        """
        folder = self.destinations.folder(day_obs_at(self.clock.now()), path)
        exists = folder.is_dir() if path.strip() else self.destinations.root.is_dir()
        await self["FITS1:FilePath_RBV"].write(f"{folder}/")
        await self["FITS1:FilePathExists_RBV"].write("Yes" if exists else "No")

    async def _write_again(self) -> None:
        """Write the frame that could not be written, now that the disk may take it; else what the plugin holds."""
        unsaved = self.equipment.plugins.unsaved
        if unsaved is None:
            await self.file_plugin.write_file()
            return
        self.acquisition.check_free()
        try:
            await self.equipment.plugins.write(unsaved.path, unsaved.record, unsaved.frame, unsaved.start, unsaved.end)
        except SlitlessError as error:
            raise Refused(str(error)) from error
        self.equipment.plugins.unsaved = None
        file = self.destinations.relative(unsaved.path)
        self.equipment.ledger.written(unsaved.record.name, self.clock.now(), file)

    def _check_unlatched(self, name: str) -> None:
        if self.acquisition.is_running:
            raise Refused(f"{name}: latched, {self.acquisition.description} runs")
