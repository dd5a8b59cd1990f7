"""Which pixels of the CCD the next frames hold."""

from __future__ import annotations

from typing import Any

from bluesky import plan_stubs as bps
from bluesky.utils import MsgGenerator, short_uid

from devices import Spectrograph
from plans.in_use import spectrograph_in_use
from plans.run import understood

__all__ = ["set_format", "set_roi"]

KEEP = -1


def set_roi(
    first_col: int = KEEP,
    last_col: int = KEEP,
    first_row: int = KEEP,
    last_row: int = KEEP,
    col_bin: int = KEEP,
    row_bin: int = KEEP,
    *,
    spectrograph: Spectrograph | None = None,
) -> MsgGenerator[None]:
    """Let the next frames hold a part of the CCD.

    Parameters
    ----------
    first_col, last_col, first_row, last_row : int
        Unbinned pixels of the detector, from 1, inclusive; -1 keeps.
    col_bin, row_bin : int
        Pixels of a bin; -1 keeps.
    spectrograph : Spectrograph, optional
        Another than the one in use.

    Raises
    ------
    CommandFailed
        If the detector cannot read it; the region before is kept.
    """
    counts = (first_col, last_col, first_row, last_row, col_bin, row_bin)
    yield from _set(spectrograph, "region", counts)


def set_format(
    ns_underscan: int = KEEP,
    ns_overscan: int = KEEP,
    np_overscan: int = KEEP,
    *,
    spectrograph: Spectrograph | None = None,
) -> MsgGenerator[None]:
    """Say what is read beside the data in the next frames, per amplifier.

    Parameters
    ----------
    ns_underscan : int
        Dark columns before the data, at most as many as the CCD has; -1 keeps.
    ns_overscan, np_overscan : int
        Columns and rows after the data, in pixels as read; -1 keeps.
    spectrograph : Spectrograph, optional
        Another than the one in use.

    Raises
    ------
    CommandFailed
        If the detector does not have it; the format before is kept.
    """
    counts = (KEEP, KEEP, ns_underscan, ns_overscan, KEEP, KEEP, KEEP, np_overscan, KEEP)
    yield from _set(spectrograph, "readout_format", counts)


def _set(spectrograph: Spectrograph | None, what: str, counts: tuple[int, ...]) -> MsgGenerator[None]:
    control: Any = spectrograph_in_use(spectrograph).detector.control
    yield from understood(bps.abs_set(getattr(control, what), counts, group=short_uid(what), wait=True))
