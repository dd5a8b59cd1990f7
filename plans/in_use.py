"""Which spectrograph plans mean when they are not told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from devices import Spectrograph
from plans.hooks import check_hook
from slitless.errors import SlitlessError
from slitless.identifiers import GroupIds
from slitless.instrument_time import InstrumentClock

__all__ = ["group_ids", "next_group_id", "spectrograph_in_use", "tcs_ready_in_use", "use"]

_spectrograph: Spectrograph | None = None
_tcs_ready: Callable[[], Any] | None = None

group_ids = GroupIds()


def use(spectrograph: Spectrograph, tcs_ready: Callable[[], Any] | None = None) -> Spectrograph:
    """Make plans use this spectrograph when they get no other.

    Parameters
    ----------
    spectrograph : Spectrograph
        From `devices.connect`.
    tcs_ready : callable, optional
        Waits until the telescope is ready for data: a plan, a coroutine function or a plain function.
        By default plans wait for the telescope's ``Ready_RBV``.

    Returns
    -------
    Spectrograph
        The same.
    """
    global _spectrograph, _tcs_ready
    check_hook("tcs_ready", tcs_ready)
    _spectrograph, _tcs_ready = spectrograph, tcs_ready
    return spectrograph


def next_group_id() -> str:
    """Return a group id: the time (TAI) of the instrument in use, else that of this host; no two are the same."""
    clock = InstrumentClock(time.time) if _spectrograph is None else _spectrograph.clock
    return group_ids.next(clock.now())


def spectrograph_in_use(spectrograph: Spectrograph | None = None) -> Spectrograph:
    """Return `spectrograph`, or the one in use.

    Raises
    ------
    SlitlessError
        If there is neither.
    """
    chosen = spectrograph or _spectrograph
    if chosen is None:
        raise SlitlessError("no spectrograph: call plans.use(devices.connect(...)) first, or pass spectrograph=")
    return chosen


def tcs_ready_in_use(tcs_ready: Callable[[], Any] | None = None) -> Callable[[], Any] | None:
    """Return `tcs_ready`, or the one in use, or None for the telescope's own readiness."""
    return tcs_ready or _tcs_ready
