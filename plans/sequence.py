"""Sequences of frames with a delay and a choice of flushes, and test exposures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bluesky.utils import MsgGenerator

from devices import Spectrograph
from plans.arguments import Annotations, check_text, given_optics
from plans.exposing import Frames, take
from slitless.errors import InvalidRequest, choose, require_range
from slitless.exposure import TEST_TITLE, TEST_TYPE, ImageType, SequenceFlush

__all__ = ["take_sequence", "take_test"]

LONGEST_DELAY = 86_400.0  # s


def take_sequence(
    exptime: float,
    n: int,
    imgtype: str = "OBJECT",
    title: str = "",
    flush: str = "Each",
    delay: float = 0.0,
    group_id: str | None = None,
    test_type: str | None = None,
    reason: str | None = None,
    program: str | None = None,
    sensors: str | None = None,
    note: str | None = None,
    checkpoint: Callable[[str], Any] | None = None,
    *,
    filter: str | int | None = None,
    grating: str | int | None = None,
    linear_stage: float | None = None,
    tcs_ready: Callable[[], Any] | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take frames one after the other, with a delay between them and a choice of which are flushed.

    Parameters
    ----------
    imgtype : str
        BIAS, DARK, FLAT, OBJECT, ENGTEST, ACQ, CWFS or FOCUS.
    title : str
        OBJECT of these frames, and of no others; empty: what the telescope says.
    flush : str
        Each, First or Never: which frames begin with a cleared CCD. One that does not holds what gathered since the
        readout before it.
    delay : float
        s from the end of a frame to the start of the next.

    Other arguments as in `take_imgtype`.
    """
    mode = SequenceFlush(choose("flush", str(flush).capitalize(), [mode.value for mode in SequenceFlush]))
    kind = ImageType.named(imgtype)
    if kind is ImageType.STUTTERED:
        raise InvalidRequest("imgtype", imgtype, "take_stuttered takes stuttered frames")
    asked = {"filter": filter, "grating": grating, "linear_stage": linear_stage}
    frames = Frames(
        plan_name="take_sequence",
        plan_args={"exptime": exptime, "n": n, "imgtype": imgtype, "title": title, "flush": flush, "delay": delay}
        | asked,
        image_type=kind,
        exposure_time=exptime,
        n=n,
        title=check_text("title", title),
        flush=mode,
        delay=require_range("delay", delay, 0.0, LONGEST_DELAY, "s"),
        annotations=Annotations(group_id, test_type, reason, program, sensors, note),
        optics=given_optics(filter, grating, linear_stage) | unknown,
        checkpoint=checkpoint,
        tcs_ready=tcs_ready,
        spectrograph=spectrograph,
    )
    return (yield from take(frames))


def take_test(
    exptime: float = 0.0,
    shutter: bool = False,
    *,
    reason: str | None = None,
    program: str | None = None,
    note: str | None = None,
    spectrograph: Spectrograph | None = None,
) -> MsgGenerator[list[int]]:
    """Take one test exposure: an OBJECT with the shutter open, a DARK with it closed; TESTTYPE says TEST.

    It has an id and a file like every other frame, and leaves every setting of other frames as it is.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    shutter : bool
        Whether the shutter opens.

    Other arguments as in `take_imgtype`.
    """
    frames = Frames(
        plan_name="take_test",
        plan_args={"exptime": exptime, "shutter": shutter},
        image_type=ImageType.OBJECT if shutter else ImageType.DARK,
        exposure_time=exptime,
        title=TEST_TITLE,
        annotations=Annotations(test_type=TEST_TYPE, reason=reason, program=program, note=note),
        spectrograph=spectrograph,
    )
    return (yield from take(frames))
