"""From a request for frames to frames: validate, claim, set up, wait for the telescope, expose."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bluesky import plan_stubs as bps
from bluesky.utils import MsgGenerator

from devices import ExposureRequest, FocusFrame, Spectrograph
from plans.arguments import Annotations, Optics, refuse_unknown
from plans.hooks import call_hook, check_hook
from plans.in_use import group_ids, spectrograph_in_use, tcs_ready_in_use
from plans.run import claimed, instrument_metadata, one_frame, run
from plans.setup import move_optics
from slitless.exposure import ExposurePlan, ImageType, SequenceFlush, Stutter, check_count

__all__ = ["Exposing", "Frames", "ObserverWarning", "prepared", "take", "wait_for_telescope"]

T = TypeVar("T")

TELESCOPE_WAIT = 30.0
"""s; ts_observatory_control, LATISS.max_tcs_wait_time."""
MOST_SNAPS = 2
"""Above it a warning; ts_observatory_control, BaseCamera.max_n_snaps_warning."""


class ObserverWarning(UserWarning):
    """Something was asked for that can be done but is probably not what was meant."""


@dataclass(frozen=True)
class Frames:
    """A request for n x n_snaps frames of a kind, in the observer's words."""

    plan_name: str
    plan_args: Mapping[str, Any]
    image_type: ImageType
    exposure_time: float
    """s."""
    n: int = 1
    n_snaps: int = 1
    title: str = ""
    """What OBJECT says."""
    flush: SequenceFlush = SequenceFlush.EACH
    delay: float = 0.0
    """s from the end of a frame to the start of the next."""
    n_argument: str = "n"
    """What the observer calls n: nbias, ndarks, nflats."""
    stutter: Stutter | None = None
    focus_frame: FocusFrame | None = None
    annotations: Annotations = field(default_factory=Annotations)
    optics: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: Callable[[str], Any] | None = None
    tcs_ready: Callable[[], Any] | None = None
    spectrograph: Spectrograph | None = None


@dataclass
class Exposing:
    """A sequence under way: takes its frames one by one and keeps their ids."""

    spectrograph: Spectrograph
    frames: Frames
    exposures: ExposurePlan
    group_id: str
    data_root: str = ""
    ids: list[int] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Frames of the whole sequence."""
        return self.exposures.n * self.exposures.n_snaps

    def frame(self, number: int) -> MsgGenerator[dict[str, Any]]:
        """Call the observer's checkpoint and take frame `number` (from 0); return the detector's reading."""
        checkpoint = self.frames.checkpoint
        if checkpoint is not None:
            yield from call_hook(checkpoint, f"Expose {number + 1}/{self.total} {self.exposures.image_type}")
        if number and self.frames.delay:
            yield from bps.sleep(self.spectrograph.clock.wall_seconds(self.frames.delay))
        snap_index = number % self.exposures.n_snaps + 1
        request = _request(self.frames, self.exposures, self.group_id, snap_index)
        if not self.frames.flush.holds_for(number):
            request = replace(request, flush_cycles=0)
        reading = yield from one_frame(self.spectrograph, request)
        if reading:
            self.ids.append(int(reading[f"{self.spectrograph.detector.name}_exposure_id"]["value"]))
        return reading


def take(frames: Frames) -> MsgGenerator[list[int]]:
    """Take frames, as every `take_...` plan does.

    Everything is validated before anything moves. Then, in this order: the sequence is claimed, the
    optics are set up (all axes at once), the telescope is waited for (OBJECT, ENGTEST, ACQ and CWFS,
    once), and for each frame `checkpoint` is called and the frame exposed.

    Returns
    -------
    list of int
        Exposure ids; every frame is durable on disk.
    """
    return (yield from prepared(frames, _all_frames))


def _all_frames(exposing: Exposing) -> MsgGenerator[list[int]]:
    for number in range(exposing.total):
        yield from exposing.frame(number)
    return exposing.ids


def prepared(frames: Frames, body: Callable[[Exposing], MsgGenerator[T]]) -> MsgGenerator[T]:
    """Validate, claim, set up and wait for the telescope; then run `body`, which exposes.

    Parameters
    ----------
    body : callable
        Plan that takes the frames by `Exposing.frame`.
    """
    spectrograph = spectrograph_in_use(frames.spectrograph)
    exposures, optics = _checked(frames, spectrograph)
    group_id = frames.annotations.group_id or group_ids.next(spectrograph.clock.now())
    exposing = Exposing(spectrograph, frames, exposures, group_id)
    purpose = f"{frames.plan_name} {exposing.total} {exposures.image_type}"
    return (yield from claimed(spectrograph, purpose, _in_run(exposing, optics, body)))


def _checked(frames: Frames, spectrograph: Spectrograph) -> tuple[ExposurePlan, Optics]:
    instrument, kind = spectrograph.instrument, frames.image_type
    check_count(frames.n_argument, frames.n)
    exposures = ExposurePlan.checked(instrument, kind, frames.exposure_time, frames.n, frames.n_snaps, frames.stutter)
    frames.annotations.check()
    check_hook("checkpoint", frames.checkpoint)
    check_hook("tcs_ready", frames.tcs_ready)
    if not kind.sets_up_optics:
        refuse_unknown(frames.optics, ())
    optics = Optics.checked(instrument, frames.optics)
    if frames.n_snaps > MOST_SNAPS:
        warnings.warn(f"n_snaps: {frames.n_snaps}; more than {MOST_SNAPS} snaps are rarely meant", ObserverWarning, 4)
    if kind is ImageType.BIAS and frames.exposure_time > 0:
        warnings.warn(f"BIAS: exposure time {frames.exposure_time:g} s is ignored, it is 0 s", ObserverWarning, 4)
    return exposures, optics


def _in_run(exposing: Exposing, optics: Optics, body: Callable[[Exposing], MsgGenerator[T]]) -> MsgGenerator[T]:
    about = yield from instrument_metadata(exposing.spectrograph)
    exposing.data_root = about["data_root"]
    metadata = _metadata(exposing.frames, exposing.exposures, optics, exposing.group_id) | about
    if exposing.frames.title:
        metadata["object"] = exposing.frames.title
    return (yield from run(exposing.spectrograph, metadata, _set_up_and(exposing, optics, body)))


def _set_up_and(exposing: Exposing, optics: Optics, body: Callable[[Exposing], MsgGenerator[T]]) -> MsgGenerator[T]:
    yield from move_optics(exposing.spectrograph, optics)
    if exposing.exposures.image_type.waits_for_telescope:
        yield from wait_for_telescope(exposing.spectrograph, exposing.frames.tcs_ready)
    return (yield from body(exposing))


def wait_for_telescope(spectrograph: Spectrograph, tcs_ready: Callable[[], Any] | None = None) -> MsgGenerator[None]:
    """Wait until the telescope is ready for data.

    Raises
    ------
    SlitlessError
        If it is not within 30 s; what `tcs_ready` itself raises comes unchanged.
    """
    hook = tcs_ready_in_use(tcs_ready)
    if hook is None:
        readiness: Any = spectrograph.telescope.readiness
        yield from bps.trigger(readiness, wait=True)
    else:
        yield from call_hook(hook, timeout=TELESCOPE_WAIT, waiting_for="telescope: ready to take data")


def _request(frames: Frames, exposures: ExposurePlan, group_id: str, snap_index: int) -> ExposureRequest:
    annotations = frames.annotations
    return ExposureRequest(
        image_type=exposures.image_type,
        exposure_time=exposures.exposure_time,
        group_id=group_id,
        test_type=annotations.test_type or exposures.image_type.value,
        reason=annotations.reason or "",
        program=annotations.program or "",
        note=annotations.note or "",
        title=frames.title,
        snap_index=snap_index,
        snap_count=exposures.n_snaps,
        stutter=exposures.stutter,
        focus_frame=frames.focus_frame,
    )


def _metadata(frames: Frames, exposures: ExposurePlan, optics: Optics, group_id: str) -> dict[str, Any]:
    annotations = frames.annotations
    metadata: dict[str, Any] = {
        "plan_name": frames.plan_name,
        "plan_args": {name: value for name, value in frames.plan_args.items() if value is not None},
        "image_type": exposures.image_type.value,
        "exposure_time": float(exposures.exposure_time),
        "num_exposures": exposures.n * exposures.n_snaps,
        "n_snaps": exposures.n_snaps,
        "group_id": group_id,
        "test_type": annotations.test_type or exposures.image_type.value,
        "reason": annotations.reason or "",
        "program": annotations.program or "",
        "note": annotations.note or "",
        "sensors": annotations.sensors or "",
        "filter": optics.filter,
        "grating": optics.grating,
        "linear_stage": optics.linear_stage,
        "hints": {"dimensions": [(("time",), "primary")]},
    }
    if exposures.stutter is not None:
        stutter = exposures.stutter
        metadata["stutter"] = {"n_shift": stutter.n_shift, "row_shift": stutter.row_shift}
    return metadata
