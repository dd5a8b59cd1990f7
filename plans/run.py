"""One run: what holds for every plan that takes frames, whatever the frames are for."""

from __future__ import annotations

import getpass
import logging
import socket
from collections.abc import Generator
from importlib.metadata import version
from typing import Any, TypeVar

from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from bluesky.utils import FailedStatus, Msg, MsgGenerator, RequestAbort, RequestStop, short_uid
from ophyd.utils.errors import DisconnectedError

from devices import Detector, ExposureRequest, NotConnected, Spectrograph
from slitless.errors import SlitlessError

__all__ = ["baseline", "claimed", "instrument_metadata", "one_frame", "run", "understood"]

logger = logging.getLogger(__name__)

T = TypeVar("T")


def claimed(spectrograph: Spectrograph, purpose: str, plan: Generator[Msg, Any, T]) -> MsgGenerator[T]:
    """Run `plan` while this client alone commands the spectrograph.

    Whatever happens, what still runs is aborted and the claim given back.
    """
    spectrograph.detector.purpose = f"{getpass.getuser()}@{socket.gethostname()} {purpose}"
    detector = spectrograph.detector

    def inside() -> MsgGenerator[T]:
        yield from bps.stage(detector)
        return (yield from understood(plan))

    return (yield from bpp.finalize_wrapper(inside(), _unstage(detector)))


def run(spectrograph: Spectrograph, metadata: dict[str, Any], plan: Generator[Msg, Any, T]) -> MsgGenerator[T]:
    """Run `plan` as one Bluesky run, with the whole instrument in the baseline before and after.

    The stop document says what happened: when `plan` fails, exit_status "fail" and the error in words.
    """
    yield from bps.open_run(metadata)
    try:
        yield from baseline(spectrograph)
        result = yield from understood(plan)
        yield from baseline(spectrograph)
    except (RequestAbort, RequestStop) as request:
        yield from bps.close_run(
            exit_status=request.exit_status, reason=f"ended by the observer: {request}".rstrip(": ")
        )
        raise
    except Exception as error:
        yield from _closing_baseline(spectrograph)
        yield from bps.close_run(exit_status="fail", reason=str(error))
        raise
    yield from bps.close_run()
    return result


def one_frame(spectrograph: Spectrograph, request: ExposureRequest) -> MsgGenerator[dict[str, Any]]:
    """Take one frame and record it as one event of the primary stream.

    A pause holds the exposure, and resuming goes on with it. Once the frame is on disk it is recorded
    without being replayable, so that no pause makes a second frame or a second event of it.

    Returns
    -------
    dict
        The detector's reading; empty in a rehearsal.
    """
    detector: Any = spectrograph.detector
    yield from bps.checkpoint()
    yield from bps.prepare(detector, request, group=short_uid("prepare"), wait=True)
    yield from bps.trigger(detector, group=short_uid("expose"), wait=True)
    return (yield from bpp.rewindable_wrapper(_record(spectrograph), False))


def baseline(spectrograph: Spectrograph) -> MsgGenerator[None]:
    """Record the whole instrument in the baseline stream."""
    yield from _event("baseline", spectrograph.in_baseline)


def instrument_metadata(spectrograph: Spectrograph) -> MsgGenerator[dict[str, Any]]:
    """Return what a start document says about the instrument, the object and the observer."""
    detector: Any = spectrograph.detector
    telescope: Any = spectrograph.telescope
    object_name = yield from bps.rd(detector.cam.object_name, default_value="")
    target = yield from bps.rd(telescope.target, default_value="")
    observer = yield from bps.rd(detector.cam.observer, default_value="")
    telescope_observer = yield from bps.rd(telescope.observer, default_value="")
    return {
        "object": object_name or target,
        "observer": observer or telescope_observer,
        "instrument": spectrograph.instrument.name,
        "instrument_prefix": spectrograph.prefix,
        "slitless_version": version("slitless"),
        "data_root": (yield from bps.rd(detector.fits.data_root, default_value="")),
    }


def _record(spectrograph: Spectrograph) -> MsgGenerator[dict[str, Any]]:
    readings = yield from _event("primary", spectrograph.in_events)
    return readings.get(spectrograph.detector.name) or {}


def _event(stream: str, readables: tuple[Any, ...]) -> MsgGenerator[dict[str, Any]]:
    readings = {}
    yield from bps.create(stream)
    try:
        for readable in readables:
            readings[readable.name] = yield from bps.read(readable)
    except Exception:
        yield from bps.drop()
        raise
    yield from bps.save()
    return readings


def _unstage(detector: Detector) -> MsgGenerator[None]:
    """Unstage the detector; that an exposure fails because this aborts it is no news."""
    for message in (Msg("unstage", detector), Msg("null")):  # the RunEngine delivers a failure with the next message
        try:
            yield message
        except FailedStatus as failed:
            logger.info("%s", failed.__cause__ or failed)


def _closing_baseline(spectrograph: Spectrograph) -> MsgGenerator[None]:
    """Record the instrument after a failure as far as it still answers."""
    try:
        yield from baseline(spectrograph)
    except Exception as error:  # the failure that ended the run is the one to report
        logger.warning("no closing baseline: %s", error)


def understood(plan: Generator[Msg, Any, T]) -> MsgGenerator[T]:
    """Run `plan`; a failed status becomes the error the device gave, a lost connection one of ours."""
    try:
        return (yield from plan)
    except FailedStatus as failed:
        raise failed.__cause__ or failed from failed
    except DisconnectedError as lost:
        if isinstance(lost, SlitlessError):
            raise
        raise NotConnected(f"{lost}; does its IOC run?") from lost
