"""What puts to the records do that areaDetector gives every camera, and that no exposure latches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iocs.binding import on_put
from iocs.wire.client import Client, Refused

if TYPE_CHECKING:
    from iocs.camera.acquisition import Acquisition
    from iocs.records.record import Record

__all__ = ["DriverRecords"]


class DriverRecords:
    """The part of the detector IOC that serves what is left of ADBase and NDArrayBase."""

    if TYPE_CHECKING:
        acquisition: Acquisition

        def __getitem__(self, name: str) -> Record: ...
        async def look(self) -> None: ...  # noqa: D102

    @on_put("cam1:Trigger")
    async def _put_trigger(self, value: str, client: Client) -> str:
        if value == "Trigger":
            self.acquisition.trigger()
        return "Done"

    @on_put("cam1:ReadStatus")
    async def _put_read_status(self, value: str, client: Client) -> str:
        if value == "Read":
            await self.look()
        return "Done"

    @on_put("cam1:PoolPollStats")
    async def _put_pool_poll_stats(self, value: str, client: Client) -> str:
        if value == "Poll":
            await self.look()
        return "Done"

    @on_put("cam1:EmptyFreeList")
    async def _put_empty_free_list(self, value: str, client: Client) -> str:
        return "Done"

    @on_put("cam1:PreAllocBuffers")
    async def _put_pre_alloc_buffers(self, value: str, client: Client) -> str:
        return "Done"

    @on_put("cam1:ShutterOpenDelay")
    async def _put_shutter_open_delay(self, value: float, client: Client) -> None:
        self._refuse_blades("ShutterOpenDelay", value)

    @on_put("cam1:ShutterCloseDelay")
    async def _put_shutter_close_delay(self, value: float, client: Client) -> None:
        self._refuse_blades("ShutterCloseDelay", value)

    @on_put("cam1:Dimensions")
    async def _put_dimensions(self, value: Any, client: Client) -> None:
        raise Refused("Dimensions: a frame has the shape that SizeX, SizeY, BinX and BinY say")

    @on_put("cam1:NDAttributesFile")
    async def _put_attributes_file(self, value: str, client: Client) -> None:
        self._refuse_attributes("NDAttributesFile", value)
        await self["cam1:NDAttributesFile_RBV"].write(value)

    @on_put("cam1:NDAttributesMacros")
    async def _put_attributes_macros(self, value: str, client: Client) -> None:
        self._refuse_attributes("NDAttributesMacros", value)

    def _refuse_blades(self, name: str, value: float) -> None:
        seconds = self[f"cam1:{name}_RBV"].value
        if value != seconds:
            raise Refused(f"{name}: {value:g} s: the blades take {seconds:g} s, whatever is put here")

    def _refuse_attributes(self, name: str, value: str) -> None:
        if value:
            raise Refused(f"{name}: attributes come with the frame, not from a file")
