"""LATISS for scripts: the class of ts_observatory_control over our plans and devices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import plans
from scripting.camera_exposure import CameraExposure
from scripting.domain import Domain
from scripting.plan_runner import hook_in_loop
from scripting.remote_group import RemoteGroup
from scripting.remotes import COMPONENTS, Remote
from scripting.roi import ROISpec
from scripting.usages import LATISSUsages, UsagesResources
from slitless.errors import InvalidRequest
from slitless.exposure import ImageType
from slitless.identifiers import ExposureName

__all__ = ["LATISS"]

Checkpoint = Callable[[str], Awaitable[Any]]
Selection = int | float | str
WITHOUT_TELESCOPE = (plans.take_bias, plans.take_darks)
"""Plans that have no argument to wait for the telescope by."""


class LATISS(RemoteGroup):
    """LSST Auxiliary Telescope Image and Slitless Spectrograph.

    Every method that takes frames runs the plan of the same name: all is checked before anything moves, the frame's
    optics are those its own call asked for, and what is returned are the ids of frames that are durable on disk.

    Parameters
    ----------
    domain : Domain, optional
        The instrument and the RunEngine; one of its own if there is none.
    log : logging.Logger, optional
        It logs to a child of it.
    intended_usage : int, optional
        What it is for (`LATISSUsages`, combined); None loads all.
    tcs_ready_to_take_data : coroutine function, optional
        Waits until the telescope is ready for data; by default the telescope's own readiness.
    """

    read_out_time = 2.0
    """s; the instrument definition has the true one."""
    shutter_time = 1.0
    """s; the instrument definition has the true one."""
    min_exptime = 0.1
    """s, with the shutter open."""
    max_tcs_wait_time = 30.0
    """s."""
    max_n_snaps_warning = 2
    instrument_setup_attributes = frozenset(("filter", "grating", "linear_stage"))

    def __init__(
        self,
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: int | None = None,
        tcs_ready_to_take_data: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        super().__init__(list(COMPONENTS), domain=domain, log=log, intended_usage=intended_usage)
        self.ready_to_take_data = tcs_ready_to_take_data
        self._roi_spec_json: str | None = None

    @property
    def camera(self) -> Remote | None:
        """The camera; None if the intended usage does not need it."""
        remote: Remote | None = self.rem.atcamera
        return remote

    @property
    def usages(self) -> dict[LATISSUsages, UsagesResources]:
        """What each usage needs."""
        camera = ("takeImages", "endReadout")
        optics = (
            *("changeFilter", "changeDisperser", "moveLinearStage"),
            *("reportedFilterPosition", "reportedDisperserPosition", "reportedLinearStagePosition"),
        )
        generics = ("summaryState", "heartbeat", "softwareVersions", "simulationMode", "errorCode")
        every = self.components_attr
        return {
            LATISSUsages.All: UsagesResources(every, False, generics, atcamera=camera, atspectrograph=optics),
            **super().usages,
            LATISSUsages.TakeImage: UsagesResources(["atcamera"], False, ["summaryState"], atcamera=camera),
            LATISSUsages.Setup: UsagesResources(["atspectrograph"], False, ["summaryState"], atspectrograph=optics),
            LATISSUsages.TakeImageFull: UsagesResources(
                every, False, ["summaryState"], atcamera=camera, atspectrograph=optics
            ),
        }

    # Frames

    @classmethod
    def get_image_types(cls) -> list[str]:
        """Return the image types that `take_imgtype` takes."""
        return [kind.value for kind in ImageType]

    async def take_bias(
        self,
        nbias: int,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> list[int]:
        """Take bias frames; see `plans.take_bias`."""
        return await self._take(plans.take_bias, locals())

    async def take_darks(
        self,
        exptime: float,
        ndarks: int,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> list[int]:
        """Take dark frames; see `plans.take_darks`."""
        return await self._take(plans.take_darks, locals())

    async def take_flats(
        self,
        exptime: float,
        nflats: int,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take flat-field frames; see `plans.take_flats`."""
        return await self._take(plans.take_flats, locals())

    async def take_object(
        self,
        exptime: float,
        n: int = 1,
        n_snaps: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take frames of a target; see `plans.take_object`."""
        return await self._take(plans.take_object, locals())

    async def take_engtest(
        self,
        exptime: float,
        n: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take engineering test frames; see `plans.take_engtest`."""
        return await self._take(plans.take_engtest, locals())

    async def take_cwfs(
        self,
        exptime: float,
        n: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take defocused frames for curvature wavefront sensing; see `plans.take_cwfs`."""
        return await self._take(plans.take_cwfs, locals())

    async def take_focus(
        self,
        exptime: float,
        n: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take frames of a focus sequence; they do not move the focus; see `plans.take_focus`."""
        return await self._take(plans.take_focus, locals())

    async def take_indome(
        self,
        exptime: float,
        n: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take frames inside the dome; see `plans.take_indome`."""
        return await self._take(plans.take_indome, locals())

    async def take_cbp(
        self,
        exptime: float,
        n: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take frames of the collimated beam projector; see `plans.take_cbp`."""
        return await self._take(plans.take_cbp, locals())

    async def take_sflat(
        self,
        exptime: float,
        n: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take flat-field frames of the sky; see `plans.take_sflat`."""
        return await self._take(plans.take_sflat, locals())

    async def take_dflat(
        self,
        exptime: float,
        n: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take flat-field frames of the calibration screen; see `plans.take_dflat`."""
        return await self._take(plans.take_dflat, locals())

    async def take_acq(
        self,
        exptime: float = 1.0,
        n: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take acquisition frames; see `plans.take_acq`."""
        return await self._take(plans.take_acq, locals())

    async def take_stuttered(
        self,
        exptime: float,
        n_shift: int,
        row_shift: int,
        n: int = 1,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take stuttered frames; see `plans.take_stuttered`."""
        return await self._take(plans.take_stuttered, locals())

    async def take_imgtype(
        self,
        imgtype: str,
        exptime: float,
        n: int,
        n_snaps: int = 1,
        n_shift: int | None = None,
        row_shift: int | None = None,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Selection,
    ) -> list[int]:
        """Take frames of any image type; see `plans.take_imgtype`."""
        return await self._take(plans.take_imgtype, locals())

    async def expose(self, camera_exposure: CameraExposure) -> list[int]:
        """Take the frames that a `CameraExposure` describes; the optics stay where they are.

        Returns
        -------
        list of int
            Exposure ids.

        Raises
        ------
        RuntimeError
            If it cannot be done; nothing is exposed then.
        """
        wanted = camera_exposure
        if wanted.image_type in self.get_image_types():  # what is none is refused by the plan
            opens = ImageType(wanted.image_type).opens_shutter
            if bool(wanted.shutter) != opens:
                does = "opens" if opens else "does not open"
                raise RuntimeError(f"shutter: {wanted.shutter!r} is not valid; {wanted.image_type} {does} the shutter")
        arguments = {
            **{"imgtype": wanted.image_type, "exptime": wanted.exp_time, "n": wanted.n, "n_snaps": wanted.n_snaps},
            **{"n_shift": wanted.n_shift, "row_shift": wanted.row_shift, "group_id": wanted.group_id},
            **{"test_type": wanted.test_type, "reason": wanted.reason, "program": wanted.program},
            **{"sensors": wanted.sensors, "note": wanted.note},
        }
        return await self._take(plans.take_imgtype, arguments)

    async def handle_take_images(self, camera_exposure: CameraExposure) -> list[int]:
        """Take the frames that a `CameraExposure` describes, as `expose` does."""
        return await self.expose(camera_exposure)

    async def next_exposure_id(self) -> int:
        """Return the id of the next frame that is read out, of those that nobody asked for yet.

        Raises
        ------
        TimeoutError
            If none is within 120 s.
        """
        message = await self._remote("atcamera").evt_endReadout.next(False, self.long_long_timeout)
        return ExposureName.parse(message.imageName).exposure_id

    @staticmethod
    def next_group_id() -> str:
        """Return a group id: TAI as ``2020-01-17T22:59:05.721``; no two are the same."""
        return plans.next_group_id()

    @staticmethod
    def next_supplemented_group_id(group_id: str, number: int) -> str:
        """Return the id of part `number` (from 1) of a group: ``<group id>#1``."""
        return f"{group_id}#{number}"

    def parse_sensors(self, sensors: str | None) -> str:
        """Return an empty string: the camera has one sensor."""
        return ""

    def assert_support_stuttered(self) -> None:
        """Check that the camera takes stuttered frames.

        Raises
        ------
        AssertionError
            If its rows cannot be shifted.
        """
        if self.domain.spectrograph.instrument.detector.rows < 2:
            raise AssertionError("the camera has no rows to shift: it does not support stuttered images")

    async def init_guider(self, roi_spec: ROISpec) -> None:
        """Take note of regions of interest for guider sensors. LATISS has none: nothing is done with them."""
        if not isinstance(roi_spec, ROISpec):
            raise TypeError(f"roi_spec: {roi_spec!r} is no ROISpec")
        self._roi_spec_json = roi_spec.as_json()
        self.log.warning("the camera is not configured as a guider; the regions of interest are not used")

    def reset_guider_roi(self) -> None:
        """Forget the regions of interest."""
        self._roi_spec_json = None

    # Optics

    def check_kwargs(self, **kwargs: Selection | None) -> None:
        """Check names of what can be set up.

        Raises
        ------
        RuntimeError
            Naming those that are not filter, grating or linear_stage.
        """
        unknown = sorted(set(kwargs) - self.instrument_setup_attributes)
        if unknown:
            valid = ", ".join(sorted(self.instrument_setup_attributes))
            raise RuntimeError(f"Invalid argument {', '.join(unknown)}. Must be one of {valid}.")

    async def setup_instrument(self, **kwargs: Selection | None) -> None:
        """Set up filter, grating and linear_stage, all at once; see `plans.setup_instrument`.

        Raises
        ------
        RuntimeError
            If anything asked for does not exist, and nothing has moved; or an axis did not get there.
        """
        self.check_kwargs(**kwargs)
        await self.setup_atspec(**kwargs)  # type: ignore[arg-type]

    async def setup_atspec(
        self,
        filter: int | str | None = None,
        grating: int | str | None = None,
        linear_stage: float | None = None,
    ) -> None:
        """Set up filter, grating (name or slot) and linear stage (mm), all at once; None leaves one alone."""
        if (filter, grating, linear_stage) == (None, None, None):
            return
        await self.start_task
        arguments = {"filter": filter, "grating": grating, "linear_stage": linear_stage}
        await self.domain.run(plans.setup_instrument(**arguments, spectrograph=self.domain.spectrograph))

    async def get_setup(self) -> tuple[str, str, float]:
        """Return the names of filter and grating in the beam, and the position of the linear stage (mm).

        Raises
        ------
        TimeoutError
            If one of them does not say within 5 s.
        """
        remote = self._remote("atspectrograph")
        names = ("reportedFilterPosition", "reportedDisperserPosition", "reportedLinearStagePosition")
        said = await asyncio.gather(*(remote.topics[name].aget(self.fast_timeout) for name in names))
        return said[0].name, said[1].name, said[2].position

    async def get_available_instrument_setup(self) -> tuple[list[str], list[str], list[str]]:
        """Return the names of the filters and of the gratings in slot order, and [lowest, highest] stage position.

        Raises
        ------
        RuntimeError
            If the spectrograph does not answer.
        """
        remote = self._remote("atspectrograph")
        if not remote.is_connected:
            raise RuntimeError("atspectrograph: it does not answer, so what is in it is not known")
        instrument = self.domain.spectrograph.instrument
        limits = [str(limit) for limit in instrument.stage.limits]
        return list(instrument.wheels.filter.names), list(instrument.wheels.grating.names), limits

    def get_effective_wavelength(self, filter_name: str) -> float:
        """Return the central wavelength (um) of a filter.

        Raises
        ------
        RuntimeError
            If there is no such filter.
        """
        wheel = self.domain.spectrograph.instrument.wheels.filter
        try:
            return wheel.slots[wheel.slot_number(filter_name)].wavelength / 1000.0
        except InvalidRequest as error:
            raise RuntimeError(str(error)) from error

    async def _take(self, plan: Callable[..., Any], arguments: dict[str, Any]) -> list[int]:
        """Run a plan with the arguments of a method."""
        given = {name: value for name, value in arguments.items() if name not in ("self", "kwargs")}
        optics = arguments.get("kwargs", {})
        self.check_kwargs(**optics)
        await self.start_task
        given["checkpoint"] = hook_in_loop(given.get("checkpoint"))
        if plan not in WITHOUT_TELESCOPE:
            given["tcs_ready"] = hook_in_loop(self.ready_to_take_data)
        ids: list[int] = await self.domain.run(plan(**given, **optics, spectrograph=self.domain.spectrograph))
        return ids
