"""Settings of the detector: those an exposure latches, those that are one way here, and their readbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from iocs.binding import bindings_of, on_put
from iocs.camera.display import shortened
from iocs.camera.format_records import FORMAT_RECORDS, ROI_RECORDS
from iocs.wire.client import Client, Refused
from slitless.exposure import ImageType

if TYPE_CHECKING:
    from iocs.camera.acquisition import Acquisition
    from iocs.camera.sequence import ClaimDesk
    from iocs.ioc import IocSetup
    from iocs.records.record import Put, Record

__all__ = ["SettingRecords"]

LATCHED = frozenset(
    "AcquireTime AcquirePeriod NumImages NumExposures ImageMode TriggerMode FrameType ImageType "
    "BinX BinY MinX MinY SizeX SizeY FlushCycles "
    "TestType GroupId Reason Program Note ObjectName ImageTitle Observer SnapIndex SnapCount "
    "SerialUnderscan SerialOverscan ParallelOverscan SequenceNumber SequenceFlush SequenceDelay TestTime TestShutter "
    "StutterShifts StutterRows FocusFrame FocusSteps FocusStep FocusShift".split()
)
"""Records of the camera that an exposure reads once, when it starts."""
FIXED = {
    "cam1:Gain": 1.0,
    "cam1:DataType": "Int32",
    "cam1:ColorMode": "Mono",
    "cam1:NDimensions": 2,
    "cam1:NumPreAllocBuffers": 0,
    "cam1:ReverseX": "No",
    "cam1:ReverseY": "No",
    "cam1:ShutterMode": "EPICS PV",
    "FITS1:DeleteDriverFile": "No",
    "FITS1:TempSuffix": "",
}
"""Settings that areaDetector has and that are one way here."""
UNCLAIMED = frozenset(
    "cam1:SequenceClaim cam1:SequenceRelease cam1:CommandId cam1:Pause cam1:Resume cam1:StopExposure cam1:Abort "
    "cam1:ParName cam1:ParValue cam1:SimFault".split()
)
"""Records of camera and files that anybody may put while a sequence is claimed: the claim desk's own, those that
interrupt, for safety is everybody's, those that ask the record they mean, and the faults of a simulation."""
FRAME_TYPES = {"Normal": ImageType.OBJECT, "Background": ImageType.DARK, "FlatField": ImageType.FLAT}


class SettingRecords:
    """The part of the detector IOC that keeps settings."""

    if TYPE_CHECKING:
        acquisition: Acquisition
        claims: ClaimDesk
        setup: IocSetup
        records: Mapping[str, Record]

        async def show_roi(self) -> None:
            """Publish the region."""

        async def show_format(self) -> None:
            """Publish the format."""

        def __getitem__(self, name: str) -> Record: ...

    @on_put("cam1:FrameType")
    async def _put_frame_type(self, value: str, client: Client) -> None:
        """Choose the image type that an areaDetector client means."""
        self._check_latched("FrameType")
        if value not in FRAME_TYPES:
            raise Refused(f"FrameType: {value} is not one of {', '.join(FRAME_TYPES)}")
        for name in ("ImageType", "ImageType_RBV"):
            await self[f"cam1:{name}"].write(FRAME_TYPES[value].value)
        await self["cam1:FrameType_RBV"].write(value)

    def mirror_settings(self) -> None:
        """Let settings without a behaviour of their own show in their readbacks."""
        prefix = self.setup.prefix
        commands = {prefix + binding.record for binding in bindings_of(type(self)) if binding.group is not None}
        for name, record in self.records.items():
            short = name.removeprefix(prefix)
            if record.client_put is None and not record.is_read_only:
                record.client_put = self._setting(short, f"{name}_RBV" in self.records)
            if record.client_put is not None and name not in commands:
                if short.startswith(("cam1:", "FITS1:")) and short not in UNCLAIMED:
                    record.client_put = self._claimed(record.client_put)
                record.client_put = self._telling_why(record.client_put)

    def _claimed(self, put: Put) -> Put:
        """Let a setting obey the owner of the sequence only: frames of one sequence are alike."""

        async def put_if_allowed(record: Record, value: Any, client: Client) -> None:
            self.claims.check_setting(client)
            await put(record, value, client)

        return put_if_allowed

    def _telling_why(self, put: Put) -> Put:
        """Let a refused setting say why where refused commands do: the wire carries no reason."""

        async def put_or_tell(record: Record, value: Any, client: Client) -> None:
            try:
                await put(record, value, client)
            except Refused as refusal:
                await self["cam1:CommandError_RBV"].write(shortened(refusal.reason, 1000))
                raise

        return put_or_tell

    def _setting(self, name: str, has_readback: bool) -> Put:
        async def put(record: Record, value: Any, client: Client) -> None:
            if name in FIXED and value != FIXED[name]:
                raise Refused(f"{name}: it is always {FIXED[name]}")
            if name.startswith("cam1:"):
                self._check_latched(name.removeprefix("cam1:"))
            await record.write(value)
            if has_readback:
                await self[f"{name}_RBV"].write(value)
            if name == "cam1:ImageType":
                await self._show_frame_type(value)
            if name in ROI_RECORDS:
                await self.show_roi()
            if name in FORMAT_RECORDS:
                await self.show_format()

        return put

    async def _show_frame_type(self, image_type: str) -> None:
        kind = ImageType(image_type)
        shown = "FlatField" if kind.is_flat_field else "Normal" if kind.opens_shutter else "Background"
        for name in ("FrameType", "FrameType_RBV"):
            await self[f"cam1:{name}"].write(shown)

    def _check_latched(self, name: str) -> None:
        if name in LATCHED and self.acquisition.is_running:
            raise Refused(f"{name}: latched, {self.acquisition.description} runs")
