"""What puts to the records of the header file do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from iocs.binding import on_put
from iocs.camera.files import Destinations
from iocs.wire.client import Client, Refused
from slitless.fits.header_file import HeaderFileWrong, OwnCard, parse_header_file, shown

if TYPE_CHECKING:
    from iocs.camera.acquisition import Acquisition
    from iocs.records.record import Record

__all__ = ["HeaderRecords"]

MAXIMUM_SIZE = 65_536  # bytes


class HeaderRecords:
    """The part of the detector IOC that keeps the observer's own keywords."""

    own_cards: tuple[OwnCard, ...] = ()
    """Keywords of the next frames."""

    if TYPE_CHECKING:
        acquisition: Acquisition
        destinations: Destinations

        def __getitem__(self, name: str) -> Record: ...

    @on_put("cam1:HeaderFile")
    async def _put_header_file(self, value: str, client: Client) -> None:
        self._check_idle("HeaderFile")
        if not value.strip():
            await self._take_cards("", ())
            return
        path = self.destinations.inside(value.strip())
        try:
            cards = parse_header_file(await asyncio.to_thread(_text_of, path))
            await self._take_cards(str(path), cards)
        except HeaderFileWrong as error:
            raise Refused(f"{path}: {error}") from None

    @on_put("cam1:HeaderClear")
    async def _put_header_clear(self, value: str, client: Client) -> str:
        if value == "Clear":
            self._check_idle("HeaderClear")
            await self._take_cards("", ())
            await self["cam1:HeaderFile"].write("")
        return "Done"

    async def _take_cards(self, path: str, cards: tuple[OwnCard, ...]) -> None:
        text = json.dumps(shown(cards), ensure_ascii=False)
        room = self["cam1:HeaderCards_RBV"].max_length
        if len(text.encode()) > room:
            raise HeaderFileWrong(f"header file: its keywords take {len(text.encode())} bytes, more than {room}")
        self.own_cards = cards
        await self["cam1:HeaderCards_RBV"].write(text)
        await self["cam1:HeaderFile_RBV"].write(path)

    def _check_idle(self, name: str) -> None:
        if self.acquisition.is_running:
            raise Refused(f"{name}: latched, {self.acquisition.description} runs")


def _text_of(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(MAXIMUM_SIZE + 1)
        if len(content) > MAXIMUM_SIZE:
            raise HeaderFileWrong(f"header file: it is longer than {MAXIMUM_SIZE} bytes")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise HeaderFileWrong(f"header file: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise HeaderFileWrong(f"header file: byte {error.start} is no UTF-8") from None
