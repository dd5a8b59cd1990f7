"""Pointing the telescope, as far as the spectrograph's observer does it."""

from __future__ import annotations

from typing import Any

from bluesky import plan_stubs as bps
from bluesky.utils import MsgGenerator

from devices import Spectrograph
from plans.arguments import check_text
from plans.in_use import spectrograph_in_use
from plans.run import understood
from slitless.errors import require_range

__all__ = ["point"]


def point(
    right_ascension: float,
    declination: float,
    target: str | None = None,
    *,
    spectrograph: Spectrograph | None = None,
) -> MsgGenerator[None]:
    """Slew the telescope to a position and wait until it tracks.

    Parameters
    ----------
    right_ascension, declination : float
        deg, ICRS.
    target : str, optional
        Name of the object, for headers and documents.

    Raises
    ------
    InvalidRequest
        If an angle is out of range or the name does not fit; nothing has moved.
    CommandFailed
        If the telescope did not take the name or did not get there.
    """
    telescope: Any = spectrograph_in_use(spectrograph).telescope
    position = (
        require_range("right_ascension", right_ascension, 0.0, 360.0, "deg"),
        require_range("declination", declination, -90.0, 90.0, "deg"),
    )
    if target is not None:
        check_text("target", target)
    if target is not None:
        yield from understood(bps.prepare(telescope, target, group="target", wait=True))
    yield from understood(bps.abs_set(telescope, position, group="slew", wait=True))
