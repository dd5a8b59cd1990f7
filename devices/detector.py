"""The CCD as a Bluesky detector: one trigger, one frame, durable on disk when the status is done."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from ophyd import Component as Cpt
from ophyd import Device
from ophyd.areadetector.plugins import ImagePlugin, StatsPlugin
from ophyd.device import Staged
from ophyd.utils.errors import RedundantStaging

from devices import progress
from devices.camera import Camera, FitsWriter, FrameStatistics
from devices.camera_control import CameraControl
from devices.command import CommandFailed, CommandStatus
from devices.exposure_request import ExposureRequest
from devices.frame_documents import FrameDocuments, frame_documents, relative
from devices.health import IocHealth
from devices.settings import SettingsStatus
from devices.signals import Setting
from devices.waiting import wait_for
from slitless.definition import Instrument
from slitless.detector.geometry import Window, image_shape, readout_layout
from slitless.exposure import ImageType

__all__ = ["Detector", "ExposureStatus"]

logger = logging.getLogger(__name__)

SETTLE = 20.0
"""s of wall time for the camera to close the shutter and become idle when told to stop."""

STATISTICS = ("mean", "sigma", "minimum", "maximum", "noise")
"""Data keys that the statistics plugin answers for; NaN for a frame that it did not do."""

FINISHED = ("Idle", "Aborted", "Error", "Disconnected")
"""Detector states in which nothing runs."""


class ExposureStatus(CommandStatus):
    """The fate of one exposure; its progress can be watched."""

    patience = 30.0
    """s; the camera's IOC gives a readout that hangs this long before it says so."""

    def watch(self, func: Any) -> None:
        """Call `func` with the progress of integration and readout (see `ophyd.status.MoveStatus.watch`)."""
        camera: Any = self.obj
        progress.watch(self, camera, func)


class Detector(Device):
    """The camera of the spectrograph.

    `prepare` says what frame comes next, `trigger` takes it, `read` tells about it, `stage` claims the
    sequence for this client and `unstage` gives it back. When interrupted it never leaves the shutter
    open and never starts a second exposure on top of the first:

    - `pause` holds the exposure with the shutter closed, or aborts it if it cannot be held;
    - `trigger` for a frame that is held goes on with that frame;
    - `unstage` and `stop` abort what still runs and wait until the camera is idle.

    Parameters
    ----------
    prefix : str
        Of the camera's IOC, e.g. ``LATISS:CAM:``.
    instrument : Instrument
        Times of the detector, from which the time an exposure may take is derived.
    """

    cam = Cpt(Camera, "cam1:", kind="config")
    control = Cpt(CameraControl, "cam1:", kind="omitted")
    fits = Cpt(FitsWriter, "FITS1:", kind="config")
    statistics = Cpt(FrameStatistics, "Stats1:", kind="omitted")
    image_plugin = Cpt(ImagePlugin, "image1:", kind="omitted", lazy=True)
    stats_plugin = Cpt(StatsPlugin, "Stats1:", kind="omitted", lazy=True)
    ioc = Cpt(IocHealth, "IOC:", kind="omitted")

    def __init__(self, prefix: str = "", *, name: str, instrument: Instrument, **kwargs: Any) -> None:
        self.instrument = instrument
        self.purpose = "an observer"
        """Who claims the sequence and what for, as other clients get to read it."""
        self._lock = threading.RLock()
        self._request: ExposureRequest | None = None
        self._exposure: ExposureStatus | None = None
        self._exposed: ExposureRequest | None = None
        self._is_read = True
        self._flushes_before: int | None = None
        self._documents: FrameDocuments | None = None
        super().__init__(prefix, name=name, **kwargs)

    def stage(self) -> list[object]:
        """Claim the sequence for this client.

        Raises
        ------
        CommandFailed
            If another client holds it; the message names it.
        """
        if self._staged is not Staged.no:
            raise RedundantStaging(f"{self.name} is staged already")
        self.claim(self.purpose)
        self._staged = Staged.yes
        return [self]

    def claim(self, purpose: str) -> None:
        """Claim the sequence: the camera and the mechanisms obey only this client until `release`."""
        client = self.cam.commands.client.id
        self.cam.sequence_claim.put(f"{client} {purpose}")
        owner = ""

        def is_mine() -> bool:
            nonlocal owner
            owner = self.cam.sequence_owner.get() or owner  # who refused us may have ended meanwhile
            return _first_word(owner) == client

        if not wait_for(is_mine, 3.0):
            reason = f"it belongs to {owner!r}" if owner else f"{self.cam.prefix}SequenceOwner_RBV stays empty"
            raise CommandFailed(f"{self.name}: the sequence could not be claimed; {reason}")

    def unstage(self) -> list[object]:
        """Abort what still runs, wait until the camera is idle, release the sequence."""
        self._staged = Staged.no
        try:
            self._abort_if_running("unstaged")
            self._restore_flushes()
        finally:
            self.release()
            self._request = self._exposed = self._exposure = None
            self._is_read = True
        return [self]

    def release(self) -> None:
        """Give the sequence back, if this client holds it."""
        client = self.cam.commands.client.id
        if not self.cam.sequence_owner.connected or _first_word(self.cam.sequence_owner.get()) != client:
            return
        self.cam.sequence_release.put(client)
        if not wait_for(lambda: _first_word(self.cam.sequence_owner.get()) != client, 3.0):
            logger.warning("%s: the sequence was not released", self.name)

    def prepare(self, request: ExposureRequest) -> SettingsStatus:
        """Set the camera up for one frame; done when the IOC has taken every setting."""
        with self._lock:
            self._request = request
            if request is self._exposed:  # replayed after a pause: the frame is under way or done
                return SettingsStatus(self, {})
            return SettingsStatus(self, self._settings(request))

    def trigger(self) -> ExposureStatus:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take the frame; done when it is durable on disk."""
        with self._lock:
            if self._exposure is not None and self._goes_on():
                self._resume_if_held()
                return self._exposure
            exposure = self._expose()
            self._exposure, self._exposed, self._is_read = exposure, self._request, False
            return exposure

    def pause(self) -> None:
        """Hold the exposure with the shutter closed; abort it if the camera cannot hold it."""
        exposure = self._exposure
        if exposure is None or exposure.done:
            return
        if self.cam.detector_state.get() in ("Readout", "Saving", "Correct"):
            return  # the shutter is closed and the frame will come
        exposure.suspend_deadline()
        self.cam.pause_exposure.put(1)
        if wait_for(lambda: bool(self.cam.held.get()) or exposure.done or self._reads_out(), self._time_to_close()):
            return
        logger.warning("%s: the exposure cannot be held, it is aborted", self.name)
        exposure.restart_deadline()
        self._abort_if_running("paused, but the camera could not hold it")

    def resume(self) -> None:
        """Do nothing: the RunEngine triggers the frame again, and that goes on with a held exposure."""

    def stop(self, *, success: bool = False) -> None:
        """Abort what still runs and wait until the camera is idle with the shutter closed."""
        self._abort_if_running("stopped")

    def stop_early(self) -> None:
        """End the integration now and read out; the frame has its true exposure time."""
        self.cam.stop_exposure.put(1)

    def read(self) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return what the camera says about the last frame."""
        reading = {key: {"value": s.get(), "timestamp": s.timestamp} for key, s in self._data_signals().items()}
        if not self._statistics_are_of_this_frame():
            for key in STATISTICS:
                reading[f"{self.name}_{key}"]["value"] = math.nan
        path = self.cam.frame_file.get()
        stamp = self.cam.frame_file.timestamp
        reading[f"{self.name}_file"] = {"value": self._relative(path), "timestamp": stamp}
        reading[f"{self.name}_image"] = {"value": self._make_datum(path), "timestamp": stamp}
        self._is_read = True
        return reading

    def describe(self) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the data keys of a frame."""
        keys = {key: signal.describe()[signal.name] for key, signal in self._data_signals().items()}
        name = self.cam.frame_file
        keys[f"{self.name}_file"] = {"source": name.source_name, "dtype": "string", "shape": []}
        keys[f"{self.name}_image"] = {
            "source": name.source_name,
            "dtype": "array",
            "dtype_numpy": "<i4",
            "shape": [1, *self.frame_shape()],
            "dims": ["time", "y", "x"],
            "external": "FILESTORE:",
        }
        return keys

    def collect_asset_docs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the Resource and the Datum of the frame that was read last."""
        documents, self._documents = self._documents, None
        if documents is not None:
            yield "resource", documents.resource
            yield "datum", documents.datum

    @property
    def hints(self) -> dict[str, Any]:
        """Columns for live tables."""
        return {"fields": [f"{self.name}_{key}" for key in ("seq_num", "mean", "sigma", "maximum")]}

    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns of the assembled, trimmed image with the present window and binning."""
        cam = self.cam
        x, y = int(cam.min_x.get()), int(cam.min_y.get())
        size, binning = (int(cam.size_x.get()), int(cam.size_y.get())), (int(cam.bin_x.get()), int(cam.bin_y.get()))
        window = Window(x + 1, x + size[0], y + 1, y + size[1], *binning)
        return image_shape(readout_layout(self.instrument.detector, window))

    def _data_signals(self) -> Mapping[str, Any]:
        cam, statistics = self.cam, self.statistics
        signals = {
            "obs_id": cam.obs_id,
            "exposure_id": cam.exposure_id,
            "day_obs": cam.day_obs,
            "seq_num": cam.seq_num,
            "image_type": cam.image_type,
            "exposure_time": cam.exposure_time,
            "shutter_time": cam.shutter_time,
            "dark_time": cam.dark_time,
            "start": cam.exposure_start,
            "end": cam.exposure_end,
            **{key: getattr(statistics, key) for key in STATISTICS},
            "snap_index": cam.snap_index,
            "snap_count": cam.snap_count,
            "header_problems": cam.header_problems,
        }
        return {f"{self.name}_{key}": signal for key, signal in signals.items()}

    def _statistics_are_of_this_frame(self) -> bool:
        """Whether the plugin has done the whole frame that was taken last; it need not wait, nor look at all of it."""
        statistics, cam = self.statistics, self.cam
        return (
            statistics.exposure_end.get() == cam.exposure_end.get() and statistics.source.get() == cam.port_name.get()
        )

    def _relative(self, path: str) -> str:
        return relative(path, self.fits.data_root.get())

    def _make_datum(self, path: str) -> str:
        self._documents = frame_documents(path, self.fits.data_root.get())
        return self._documents.datum_id

    def _settings(self, request: ExposureRequest) -> dict[Setting, Any]:
        cam = self.cam
        settings: dict[Setting, Any] = {
            cam.image_type: request.image_type.value,
            cam.acquire_time: float(request.exposure_time),
            cam.image_mode: 0,
            cam.group_id: request.group_id,
            cam.test_type: request.test_type,
            cam.reason: request.reason,
            cam.program: request.program,
            cam.note: request.note,
            cam.image_title: request.title,
            cam.snap_count: request.snap_count,
            cam.snap_index: request.snap_index,
            cam.focus_frame: int(request.focus_frame is not None),
            self.fits.auto_save: 1,
        }
        if request.flush_cycles is not None:
            if self._flushes_before is None:
                self._flushes_before = int(cam.flush_cycles.get())
            settings[cam.flush_cycles] = request.flush_cycles
        if request.stutter is not None:
            settings |= {cam.stutter_shifts: request.stutter.n_shift, cam.stutter_rows: request.stutter.row_shift}
        if request.focus_frame is not None:
            frame = request.focus_frame
            settings |= {
                cam.focus_steps: frame.steps,
                cam.focus_step: float(frame.step),
                cam.focus_shift: frame.shift,
            }
        return settings

    def _restore_flushes(self) -> None:
        """Put the flush cycles back to what they were before a request that had its own."""
        cycles, self._flushes_before = self._flushes_before, None
        if cycles is None:
            return
        self.cam.flush_cycles.put(cycles)
        if not wait_for(lambda: self.cam.flush_cycles.get() == cycles, 3.0):
            logger.warning("%s: %sFlushCycles was not set back to %d", self.name, self.cam.prefix, cycles)

    def _expose(self) -> ExposureStatus:
        present = ExposureRequest(ImageType.named(self.cam.image_type.get()), float(self.cam.acquire_time.get()))
        request = self._request or present
        what, duration = f"{self.name}: {request}", request.duration(self.instrument, int(self.cam.flush_cycles.get()))
        return self.cam.commands.issue(self.cam.acquire, 1, what, self.ioc, duration, ExposureStatus)

    def _goes_on(self) -> bool:
        """Whether a trigger now means the exposure that is already there."""
        exposure = self._exposure
        if exposure is None or (exposure.done and not exposure.success):
            return False
        if not exposure.done:
            return True
        return self._request is self._exposed if self._request is not None else not self._is_read

    def _resume_if_held(self) -> None:
        exposure = self._exposure
        if exposure is not None and not exposure.done:
            exposure.restart_deadline()
            if self.cam.held.get():
                self.cam.resume_exposure.put(1)

    def _reads_out(self) -> bool:
        return self.cam.detector_state.get() in ("Readout", "Saving", "Correct")

    def _time_to_close(self) -> float:
        shutter = self.instrument.shutter
        flush = int(self.cam.flush_cycles.get()) * self.instrument.detector.flush_time
        return self.ioc.wall_seconds(flush + shutter.open_time + shutter.close_time) + 3.0

    def _abort_if_running(self, why: str) -> None:
        exposure = self._exposure
        if exposure is None or (exposure.done and not self._runs_unanswered(exposure)):
            return
        logger.warning("%s: %s is aborted: %s", self.name, exposure.what, why)
        self.cam.abort.put(1)
        if not wait_for(lambda: exposure.done and self._is_idle(), SETTLE):
            state = self.cam.detector_state.get()
            raise CommandFailed(f"{self.name}: not idle {SETTLE:g} s after an abort, it is in {state}")

    def _runs_unanswered(self, exposure: ExposureStatus) -> bool:
        """Whether an exposure that was given up here still runs in the camera."""
        return exposure.is_unanswered and bool(self.cam.detector_state.connected) and not self._is_idle()

    def _is_idle(self) -> bool:
        return self.cam.detector_state.get() in FINISHED and not self.cam.optics_locked.get()


def _first_word(text: str) -> str:
    return text.split(" ", 1)[0]
