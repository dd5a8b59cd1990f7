"""Plans for image types, with the names and arguments of the LATISS class; those of flat fields are in `flat_fields`.

Every plan returns the list of exposure ids, in the order of acquisition, once the last frame is
durable on disk. The arguments that all of them share are described at `take_imgtype`. Wrong
arguments raise `InvalidRequest` before anything moves; a command that fails raises `CommandFailed`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bluesky.utils import MsgGenerator

from devices import Spectrograph
from plans.exposing import take
from plans.request import Checkpoint, Selection, frames
from slitless.errors import InvalidRequest
from slitless.exposure import ImageType, Stutter

__all__ = [
    "take_acq",
    "take_bias",
    "take_cwfs",
    "take_darks",
    "take_engtest",
    "take_focus",
    "take_imgtype",
    "take_object",
    "take_stuttered",
]


def take_bias(
    nbias: int,
    group_id: str | None = None,
    test_type: str | None = None,
    reason: str | None = None,
    program: str | None = None,
    sensors: str | None = None,
    note: str | None = None,
    checkpoint: Checkpoint | None = None,
    *,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take bias frames: no light, no time.

    Parameters
    ----------
    nbias : int
        Number of frames.
    Other arguments as in `take_imgtype`; there is nothing to set up.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.BIAS, "take_bias", arguments, 0.0, nbias, n_argument="nbias")))


def take_darks(
    exptime: float,
    ndarks: int,
    group_id: str | None = None,
    test_type: str | None = None,
    reason: str | None = None,
    program: str | None = None,
    sensors: str | None = None,
    note: str | None = None,
    checkpoint: Checkpoint | None = None,
    *,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take dark frames: the shutter stays closed.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    ndarks : int
        Number of frames.
    Other arguments as in `take_imgtype`; there is nothing to set up.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.DARK, "take_darks", arguments, exptime, ndarks, n_argument="ndarks")))


def take_object(
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
    *,
    filter: Selection = None,
    grating: Selection = None,
    linear_stage: float | None = None,
    tcs_ready: Callable[[], Any] | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take frames of the sky; n x n_snaps of them.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    n : int
        Number of exposures.
    n_snaps : int
        Frames an exposure is split into; more than 2 give a warning.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.OBJECT, "take_object", arguments, exptime, n, n_snaps=n_snaps)))


def take_engtest(
    exptime: float,
    n: int = 1,
    group_id: str | None = None,
    test_type: str | None = None,
    reason: str | None = None,
    program: str | None = None,
    sensors: str | None = None,
    note: str | None = None,
    checkpoint: Checkpoint | None = None,
    *,
    filter: Selection = None,
    grating: Selection = None,
    linear_stage: float | None = None,
    tcs_ready: Callable[[], Any] | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take engineering test frames.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    n : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.ENGTEST, "take_engtest", arguments, exptime, n)))


def take_acq(
    exptime: float = 1.0,
    n: int = 1,
    group_id: str | None = None,
    test_type: str | None = None,
    reason: str | None = None,
    program: str | None = None,
    sensors: str | None = None,
    note: str | None = None,
    checkpoint: Checkpoint | None = None,
    *,
    filter: Selection = None,
    grating: Selection = None,
    linear_stage: float | None = None,
    tcs_ready: Callable[[], Any] | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take acquisition frames.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    n : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.ACQ, "take_acq", arguments, exptime, n)))


def take_cwfs(
    exptime: float,
    n: int = 1,
    group_id: str | None = None,
    test_type: str | None = None,
    reason: str | None = None,
    program: str | None = None,
    sensors: str | None = None,
    note: str | None = None,
    checkpoint: Checkpoint | None = None,
    *,
    filter: Selection = None,
    grating: Selection = None,
    linear_stage: float | None = None,
    tcs_ready: Callable[[], Any] | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take out-of-focus frames for curvature wavefront sensing.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    n : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.CWFS, "take_cwfs", arguments, exptime, n)))


def take_focus(
    exptime: float,
    n: int = 1,
    group_id: str | None = None,
    test_type: str | None = None,
    reason: str | None = None,
    program: str | None = None,
    sensors: str | None = None,
    note: str | None = None,
    checkpoint: Checkpoint | None = None,
    *,
    filter: Selection = None,
    grating: Selection = None,
    linear_stage: float | None = None,
    tcs_ready: Callable[[], Any] | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take frames of a focus sequence; moving the focus is up to the caller (see `focus_sweep`).

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    n : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.FOCUS, "take_focus", arguments, exptime, n)))


def take_stuttered(
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
    *,
    filter: Selection = None,
    grating: Selection = None,
    linear_stage: float | None = None,
    tcs_ready: Callable[[], Any] | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take stuttered frames: several slices on one frame, shifted by rows and not read out between.

    Parameters
    ----------
    exptime : float
        Exposure time of one slice, s.
    n_shift : int
        Slices on a frame.
    row_shift : int
        Rows between slices; (n_shift - 1) * row_shift must be below the rows of an amplifier.
    n : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (
        yield from take(
            frames(ImageType.STUTTERED, "take_stuttered", arguments, exptime, n, stutter=Stutter(n_shift, row_shift))
        )
    )


def take_imgtype(
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
    *,
    filter: Selection = None,
    grating: Selection = None,
    linear_stage: float | None = None,
    tcs_ready: Callable[[], Any] | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take frames of any image type.

    Parameters
    ----------
    imgtype : str
        BIAS, DARK, FLAT, OBJECT, ENGTEST, ACQ, CWFS, FOCUS, STUTTERED, INDOME, CBP, SFLAT or DFLAT.
    exptime : float
        Exposure time, s; of a slice for STUTTERED. A BIAS has 0 s whatever is asked, with a warning.
    n : int
        Number of exposures.
    n_snaps : int
        Frames each exposure is split into; more than 2 give a warning.
    n_shift, row_shift : int, optional
        Slices and rows between them; for STUTTERED, and only there.
    group_id : str, optional
        Common to all frames; made from the time (TAI) if not given.
    test_type : str, optional
        TESTTYPE of the headers; the image type if not given.
    reason, program, note : str, optional
        For headers and documents, any text.
    sensors : str, optional
        Recorded in the documents; the instrument has one sensor.
    checkpoint : callable, optional
        Called before each frame with text such as "Expose 2/4 OBJECT": a plan, a coroutine function
        or a plain function. What it raises ends the sequence before the frame.
    filter, grating : str or int, optional
        Name or slot (0-based); not for BIAS and DARK. None leaves the wheel alone.
    linear_stage : float, optional
        mm; not for BIAS and DARK. None leaves the stage alone.
    tcs_ready : callable, optional
        Waits for the telescope, once, after the set-up, before OBJECT, ENGTEST, ACQ and CWFS frames;
        by default the telescope's own readiness, for at most 30 s.
    spectrograph : Spectrograph, optional
        Another than the one in use.

    Returns
    -------
    list of int
        Exposure ids.
    """
    arguments = locals()
    kind = ImageType.named(imgtype)
    stutter = None
    if n_shift is not None or row_shift is not None:
        if n_shift is None or row_shift is None:
            raise InvalidRequest("stutter", (n_shift, row_shift), "n_shift and row_shift are given together")
        stutter = Stutter(n_shift, row_shift)
    return (yield from take(frames(kind, "take_imgtype", arguments, exptime, n, n_snaps, stutter)))
