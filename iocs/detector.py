"""The detector: `python -m iocs.detector --data-root DATA`, prefix `LATISS:CAM:`.

`cam1:` is an areaDetector camera (`db/ad_base.template`) with what a science CCD needs beyond it (`db/ccd.template`),
`FITS1:` writes every frame, `Stats1:` and `image1:` show the latest, `ROI1:` keeps a region for displays
(`db/*_plugin.template`). What an exposure does, step by step, is in `iocs.camera.exposure`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from drivers.camera import Camera
from drivers.faults import FaultInjection, LinkLost
from drivers.simulated.camera import SimulatedCamera
from iocs.area_detector.file_plugin import FilePlugin
from iocs.area_detector.rates import watch_rates
from iocs.camera.acquisition import Acquisition
from iocs.camera.busy import AcquireBusy
from iocs.camera.display import Display, ExposureFlag, FrameState
from iocs.camera.driver_records import DriverRecords
from iocs.camera.equipment import Equipment
from iocs.camera.files import Destinations
from iocs.camera.fits_records import FitsRecords
from iocs.camera.focus_run import FocusMotor
from iocs.camera.format_records import FormatRecords
from iocs.camera.frame_output import FrameOutput
from iocs.camera.header_records import HeaderRecords
from iocs.camera.header_watch import HeaderWatch
from iocs.camera.interlock import Interlock
from iocs.camera.parameters import ParameterRecords, parameter_names
from iocs.camera.plugin_table import PLUGINS, make_chain
from iocs.camera.plugins import Plugins
from iocs.camera.recover import close_open_exposures
from iocs.camera.request import FrameRequest, latch
from iocs.camera.sequence import ClaimDesk, ExposureNames
from iocs.camera.sequence_records import SequenceRecords
from iocs.camera.setting_records import SettingRecords
from iocs.camera.shutter_control import ShutterControl, ShutterFailed
from iocs.camera.status import StatusRecord
from iocs.camera.templates import detector_templates
from iocs.ioc import Client, Ioc, IocSetup, Peer, Refused, TemplateUse, command, on_put
from iocs.launch import run_ioc
from slitless import __version__
from slitless.definition import Instrument
from slitless.errors import SlitlessError
from slitless.fits.keywords import watched_pvs
from slitless.identifiers import SequenceRegister
from slitless.ledger import Ledger

__all__ = ["DetectorIoc", "main"]

log = logging.getLogger(__name__)
LINK_FAULT = 5
LOOK_PERIOD = 1.0  # wall s between looks at temperature and disk


class DetectorIoc(
    DriverRecords, FitsRecords, FormatRecords, HeaderRecords, ParameterRecords, SequenceRecords, SettingRecords, Ioc
):
    """The camera, its plugins and its exposures."""

    device = "CAM"

    @classmethod
    def templates(cls, instrument: Instrument) -> list[TemplateUse]:
        """Return the records of camera and plugins for this detector."""
        return detector_templates(instrument)

    def __init__(self, setup: IocSetup) -> None:
        super().__init__(setup)
        instrument, clock = setup.instrument, setup.clock
        root = (setup.data_root or Path("data")).absolute()
        self.camera: Camera = SimulatedCamera(instrument, clock, setup.seed)
        self.claims = ClaimDesk(clock.now)
        self.destinations = Destinations(root, instrument.identifiers, lambda name: self[f"FITS1:{name}"].value)
        self.chain = make_chain(self.__getitem__)
        ledger = Ledger(root / "register")
        self.equipment = Equipment(
            instrument=instrument,
            clock=clock,
            camera=self.camera,
            shutter=ShutterControl(self, instrument.shutter),
            focus=FocusMotor(self, instrument.telescope),
            interlock=Interlock(self, instrument),
            headers=HeaderWatch(self, watched_pvs()),
            names=ExposureNames(instrument.identifiers, SequenceRegister(root / "register"), ledger),
            ledger=ledger,
            destinations=self.destinations,
            plugins=Plugins(self.__getitem__, instrument, self.destinations),
            output=FrameOutput(lambda name: self[f"cam1:{name}"], self.chain, clock.wall_at),
            display=Display(lambda name: self[f"cam1:{name}"], clock.wall_at),
            set_point=lambda: float(self["cam1:Temperature_RBV"].value),
            software_version=__version__,
            asks_shutter=setup.interlock,
        )
        self.acquisition = Acquisition(self.equipment, self._show_acquiring)
        self.status = StatusRecord(self.__getitem__, self._facts)
        self.file_plugin = self._file_plugin()
        self.busy = AcquireBusy(lambda name: self[f"cam1:{name}"], self.chain.drained, self.background)
        self.on_client_gone(self._client_gone)
        self.on_client_gone(self.forget_parameter)
        self.mirror_settings()

    # The exposure.

    @command("cam1:Acquire", group="cam1:")
    async def _put_acquire(self, value: str, client: Client) -> str:
        if value == "Acquire":
            self._check_turn(client)
            await self.acquisition.run(self._latched(), self.claims.day_obs(), self.claims.owner)
            await self.busy.wait()
        else:
            self.acquisition.stop()
        return "Acquire" if self.acquisition.is_running else "Done"

    @command("cam1:StartImage", group="cam1:")
    async def _put_start_image(self, value: str, client: Client) -> str:
        if value == "Start":
            self._check_turn(client)
            await self.acquisition.start_by_hand(self._latched(), self.claims.day_obs(), self.claims.owner)
        return "Done"

    @command("cam1:DiscardRows", group="cam1:")
    async def _put_discard_rows(self, value: int, client: Client) -> None:
        self.claims.check_turn(client, self.command_id)
        await self.acquisition.shift_by_hand(value)

    @command("cam1:EndImage", group="cam1:")
    async def _put_end_image(self, value: str, client: Client) -> str:
        if value == "End":
            self.claims.check_turn(client, self.command_id)
            await self.acquisition.end_by_hand()
        return "Done"

    @command("cam1:Flush", group="cam1:")
    async def _put_flush(self, value: str, client: Client) -> str:
        if value == "Flush":
            self._check_turn(client)
            await self._try(self.camera.flush(max(int(self["cam1:FlushCycles"].value), 1)))
        return "Done"

    @on_put("cam1:Pause")
    async def _put_pause(self, value: str, client: Client) -> str:
        if value == "Pause":
            self.acquisition.pause()
            await self.equipment.display.asked(ExposureFlag.PAUSE)
        return "Done"

    @on_put("cam1:Resume")
    async def _put_resume(self, value: str, client: Client) -> str:
        if value == "Resume":
            is_held = self.equipment.display.state is FrameState.HELD
            self.acquisition.resume()
            if is_held:
                await self.equipment.display.asked(ExposureFlag.RESUME)
        return "Done"

    @on_put("cam1:StopExposure")
    async def _put_stop_exposure(self, value: str, client: Client) -> str:
        if value == "Stop":
            self.acquisition.stop()
            if self.acquisition.is_running:
                await self.equipment.display.asked(ExposureFlag.READ)
        return "Done"

    @on_put("cam1:Abort")
    async def _put_abort(self, value: str, client: Client) -> str:
        if value == "Abort":
            await self.acquisition.abort(f"aborted by {client}")
        return "Done"

    # Sequences.

    @on_put("cam1:SequenceClaim")
    async def _put_sequence_claim(self, value: str, client: Client) -> str:
        text = self.claims.claim(value, client)
        await self._show_owner()
        return text

    @on_put("cam1:SequenceRelease")
    async def _put_sequence_release(self, value: str, client: Client) -> None:
        self.claims.release(value)
        await self._show_owner()

    # Hardware.

    @on_put("cam1:Temperature")
    async def _put_temperature(self, value: float, client: Client) -> None:
        await self._try(self.camera.set_temperature(value))
        await self["cam1:Temperature_RBV"].write(value)

    @on_put("cam1:ShutterControl")
    async def _put_shutter_control(self, value: str, client: Client) -> None:
        if value == "Open":
            raise Refused("ShutterControl: an exposure opens the shutter, or SHUTTER:Command")
        if self.acquisition.is_running:
            raise Refused(f"ShutterControl: {self.acquisition.description} runs; Pause or Abort closes the shutter")
        await self._try(self.equipment.shutter.close())
        await self["cam1:ShutterControl_RBV"].write(value)

    @on_put("cam1:SimFault")
    async def _put_sim_fault(self, value: str, client: Client) -> None:
        if not isinstance(self.camera, FaultInjection):
            raise Refused("SimFault: the camera is real and fails by itself")
        self.camera.inject(value)

    # Hooks of the base.

    async def started(self) -> None:
        """Show what the camera is, settle what an earlier run left open, and go on watching.

        Raises
        ------
        SlitlessError
            If no data root was given.
        """
        if self.setup.data_root is None:
            raise SlitlessError("detector: no data root was given; --data-root names the folder for frames")
        await self._show_identity()
        await self._tell_set_point()
        await self.show_fits_settings()
        await self.chain.start()
        await self.show_roi()
        await self.show_format()
        await asyncio.to_thread(
            close_open_exposures, self.equipment.ledger, self.destinations, self.instrument, self.clock.now()
        )
        self.watch("SHUTTER:State_RBV").on_change(self._shutter_changed)
        self.background(self._look_again())
        self.background(self.status.run())
        self.background(watch_rates(self.__getitem__, ("cam1:", *PLUGINS)))

    async def enabled(self) -> None:
        """Make the camera ready for a first frame.

        Raises
        ------
        Refused
            If it does not answer.
        """
        await self._try(self.camera.connect())

    async def disabled(self) -> None:
        """Refuse to leave an exposure behind."""
        self.acquisition.check_free()

    async def stop(self) -> None:
        """Give up a running exposure, with the shutter closed, and end."""
        await self.acquisition.abort("the camera's IOC was stopped")
        await self.chain.stop()
        await super().stop()
        if isinstance(self.camera, SimulatedCamera):
            self.camera.close()

    # Inside.

    def _latched(self, how: Callable[..., FrameRequest] = latch) -> FrameRequest:
        try:
            request = how(lambda name: self[f"cam1:{name}"].value, self.instrument)
            return replace(request, own_cards=self.own_cards)
        except SlitlessError as error:
            raise Refused(str(error)) from error

    def _check_turn(self, client: Client) -> None:
        self.acquisition.check_free()
        self.claims.check_turn(client, self.command_id)

    async def _try(self, work: Awaitable[Any]) -> None:
        """Do something with hardware; what it cannot do is refused."""
        try:
            await work
        except (SlitlessError, ShutterFailed) as error:
            raise Refused(str(error)) from error

    async def _show_acquiring(self, is_running: bool, done: int) -> None:
        await self["cam1:NumImagesCounter_RBV"].write(done)
        if not is_running:
            await self.busy.end()
            if self.claims.drop_orphan():
                await self._show_owner()
        elif done == 0:
            await self.busy.begin()

    async def _show_owner(self) -> None:
        await self["cam1:SequenceOwner_RBV"].write(self.claims.owner)

    def _shutter_changed(self, peer: Peer) -> None:
        self.background(self._show_shutter(peer.value))

    async def _show_shutter(self, state: str | None) -> None:
        shown = int(state not in (None, "Closed"))
        for name in ("ShutterStatus_RBV", "ShutterStatusEPICS_RBV", "ShutterControlEPICS", "ShutterOpenEPICS"):
            await self[f"cam1:{name}"].write(shown)
        await self["cam1:ShutterCloseEPICS"].write(1 - shown)

    def _facts(self) -> dict[str, Any]:
        return {
            "system": self.instrument.name,
            "mode": "simulated" if self.camera.identity.is_simulated else "hardware",
            "total_pixels": self.equipment.display.pixels_total,
            "now": self.clock.now(),
        }

    async def _tell_set_point(self) -> None:
        """Let the cooler follow a set point that was restored."""
        try:
            await self._try(self.camera.set_temperature(self["cam1:Temperature"].value))
        except Refused as refusal:
            log.warning("set point of the temperature not told: %s", refusal.reason)

    def _file_plugin(self) -> FilePlugin:
        """Return the plugin that gives files names, told where frames are and where names go."""
        plugin = self.chain.plugins["FITS1"]
        if not isinstance(plugin, FilePlugin):
            raise TypeError("FITS1 is no file plugin")
        plugin.frame_file = self.equipment.plugins.frame_file
        plugin.next_path = lambda: self.destinations.named(self.claims.day_obs())
        return plugin

    async def _show_identity(self) -> None:
        await self["cam1:ParNames_RBV"].write(parameter_names())
        identity = self.camera.identity
        await self["IOC:SimulationMode"].write(int(identity.is_simulated))
        await self["cam1:FirmwareVersion_RBV"].write(identity.firmware)
        for record in ("cam1:DriverVersion_RBV", "cam1:SDKVersion_RBV", *(f"{p}DriverVersion_RBV" for p in PLUGINS)):
            await self[record].write(__version__)
        await self["cam1:StatusMessage_RBV"].write("idle")

    async def _client_gone(self, client: Client) -> None:
        if self.claims.client_gone(client, self.acquisition.is_running):
            await self._show_owner()

    async def _look_again(self) -> None:
        """Go on looking, and count the frames of each second."""
        counter, before = self["cam1:ArrayCounter_RBV"], 0
        while True:
            await self.look()
            await self["cam1:ArrayRate_RBV"].write(max(counter.value - before, 0) / LOOK_PERIOD)
            before = counter.value
            await asyncio.sleep(LOOK_PERIOD)

    async def look(self) -> None:
        """Show temperature and disk, and let go of optics whose shutter has closed in the end."""
        try:
            ccd, dewar = await self.camera.temperature(), await self.camera.dewar_temperature()
            await self["cam1:TemperatureActual"].write(ccd)
            await self["cam1:DewarTemperature_RBV"].write(dewar)
            await self["cam1:Temperatures_RBV"].write([ccd, dewar])
        except LinkLost as error:
            for name in ("TemperatureActual", "DewarTemperature_RBV", "Temperatures_RBV"):
                await self[f"cam1:{name}"].write(self[f"cam1:{name}"].value, severity=3)
            if self.is_enabled and not self.acquisition.is_running:
                await self.fault(LINK_FAULT, str(error))
        await self.equipment.plugins.show_free_space()
        await self.equipment.output.show_memory()
        if not self.acquisition.is_running and self.equipment.shutter.is_closed:
            await self.equipment.display.optics_locked(False)


def main(argv: list[str] | None = None) -> int:
    """Serve the detector until told to end; return the exit status."""
    return run_ioc(DetectorIoc, argv)


if __name__ == "__main__":
    raise SystemExit(main())
