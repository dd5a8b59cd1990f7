"""Putting filter, grating and linear stage where they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bluesky import plan_stubs as bps
from bluesky.utils import FailedStatus, Msg, MsgGenerator, short_uid

from devices import CommandFailed, Spectrograph
from plans.arguments import Optics
from plans.hooks import all_ended
from plans.in_use import spectrograph_in_use

__all__ = ["move_optics", "setup_instrument"]


def setup_instrument(
    filter: str | int | None = None,
    grating: str | int | None = None,
    linear_stage: float | None = None,
    *,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[None]:
    """Set up filter, grating and linear stage, all at once; what is None stays where it is.

    Parameters
    ----------
    filter : str or int, optional
        Name or slot (0-based) of the filter.
    grating : str or int, optional
        Name or slot (0-based) of the grating.
    linear_stage : float, optional
        Position of the linear stage, mm.
    spectrograph : Spectrograph, optional
        Another than the one in use.

    Raises
    ------
    InvalidRequest
        If anything asked for does not exist; nothing has moved.
    CommandFailed
        If an axis did not get there; the others are stopped.
    """
    chosen = spectrograph_in_use(spectrograph)
    given = {"filter": filter, "grating": grating, "linear_stage": linear_stage, **unknown}
    yield from move_optics(chosen, Optics.checked(chosen.instrument, given))


def move_optics(spectrograph: Spectrograph, optics: Optics) -> MsgGenerator[None]:
    """Move the axes that `optics` names in parallel; if one fails, stop the others and say which failed."""
    wanted = (
        (spectrograph.filter, optics.filter),
        (spectrograph.grating, optics.grating),
        (spectrograph.stage, optics.linear_stage),
    )
    moves: list[tuple[Any, Any]] = [(axis, position) for axis, position in wanted if position is not None]
    if not moves:
        return
    group = short_uid("optics")
    statuses: list[Any] = []
    try:
        for axis, position in moves:
            statuses.append((yield from bps.abs_set(axis, position, group=group)))
        yield from bps.wait(group)
    except FailedStatus as failed:
        yield from _stop_all([axis for axis, _ in moves], statuses, failed)


def _stop_all(axes: Sequence[Any], statuses: Sequence[Any], first: FailedStatus) -> MsgGenerator[None]:
    """Stop the axes, wait until each has ended, and raise all that went wrong before."""
    failures = [s.exception() for s in statuses if s.done and not s.success] or [first.__cause__ or first]
    for axis in axes:
        yield from _whatever_fails(Msg("stop", axis))
    yield from _whatever_fails(Msg("wait_for", None, [lambda: all_ended(statuses)]))
    yield from _whatever_fails(Msg("null"))  # the RunEngine delivers a late failure with the next message
    if len(failures) == 1:
        raise failures[0] from first
    raise CommandFailed("; ".join(map(str, failures))) from first


def _whatever_fails(message: Msg) -> MsgGenerator[None]:
    try:
        yield message
    except FailedStatus:
        pass  # an axis that was stopped, or failed beside the first
