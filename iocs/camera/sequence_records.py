"""What puts to the records of sequences and test exposures do, and the reset."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from iocs.binding import command
from iocs.camera.display import FrameState
from iocs.camera.request import FrameRequest, latch_sequence, latch_test
from iocs.wire.client import Client

if TYPE_CHECKING:
    from drivers.camera import Camera
    from iocs.camera.acquisition import Acquisition
    from iocs.camera.equipment import Equipment
    from iocs.camera.sequence import ClaimDesk

__all__ = ["SequenceRecords"]


class SequenceRecords:
    """The part of the detector IOC that takes sequences and test exposures by itself."""

    if TYPE_CHECKING:
        acquisition: Acquisition
        camera: Camera
        claims: ClaimDesk
        equipment: Equipment

        def _check_turn(self, client: Client) -> None: ...

        def _latched(self, how: Callable[..., FrameRequest] = ...) -> FrameRequest: ...

        async def _try(self, work: Awaitable[Any]) -> None: ...

    @command("cam1:SequenceStart", group="cam1:")
    async def _put_sequence_start(self, value: str, client: Client) -> str:
        if value == "Start":
            self._check_turn(client)
            await self.acquisition.run(self._latched(latch_sequence), self.claims.day_obs(), self.claims.owner)
        return "Done"

    @command("cam1:TestExposure", group="cam1:")
    async def _put_test_exposure(self, value: str, client: Client) -> str:
        if value == "Start":
            self._check_turn(client)
            await self.acquisition.run(self._latched(latch_test), self.claims.day_obs(), self.claims.owner)
        return "Done"

    @command("cam1:CameraReset", group="cam1:")
    async def _put_camera_reset(self, value: str, client: Client) -> str:
        if value == "Reset":
            self._check_turn(client)
            await self._try(self.camera.connect())
            await self._try(self.camera.flush(1))
            await self.equipment.display.show(FrameState.NONE, "idle")
        return "Done"
