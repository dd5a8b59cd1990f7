"""Plans for flat fields and what is taken like them: the optics are set up, the telescope is not waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bluesky.utils import MsgGenerator

from devices import Spectrograph
from plans.exposing import take
from plans.request import Checkpoint, Selection, frames
from slitless.exposure import ImageType

__all__ = ["take_cbp", "take_dflat", "take_flats", "take_indome", "take_sflat"]


def take_flats(
    exptime: float,
    nflats: int,
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
    """Take flat-field frames.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    nflats : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.FLAT, "take_flats", arguments, exptime, nflats, n_argument="nflats")))


def take_indome(
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
    """Take frames inside the dome that are of neither the calibration screen nor the collimated beam projector.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    n : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.INDOME, "take_indome", arguments, exptime, n)))


def take_cbp(
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
    """Take frames of the collimated beam projector.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    n : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.CBP, "take_cbp", arguments, exptime, n)))


def take_sflat(
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
    """Take flat-field frames of the sky, in twilight or at night.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    n : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.SFLAT, "take_sflat", arguments, exptime, n)))


def take_dflat(
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
    """Take flat-field frames of the calibration screen in the dome.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    n : int
        Number of frames.
    Other arguments as in `take_imgtype`.
    """
    arguments = locals()
    return (yield from take(frames(ImageType.DFLAT, "take_dflat", arguments, exptime, n)))
