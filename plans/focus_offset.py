"""Moving the focus by so much, for frames that are to be out of focus."""

from __future__ import annotations

from typing import Any

from bluesky import plan_stubs as bps
from bluesky.utils import MsgGenerator

from devices import Spectrograph
from plans.in_use import spectrograph_in_use
from plans.run import understood
from slitless.errors import require_range

__all__ = ["offset_focus"]


def offset_focus(offset: float, *, spectrograph: Spectrograph | None = None) -> MsgGenerator[None]:
    """Move the telescope's focus from where it is by `offset`.

    Parameters
    ----------
    offset : float
        mm.

    Raises
    ------
    InvalidRequest
        If the focus would leave its range; nothing has moved.
    CommandFailed
        If it did not get there.
    """
    chosen = spectrograph_in_use(spectrograph)
    low, high = chosen.instrument.telescope.focus_limits
    require_range("offset", offset, low - high, high - low, "mm")
    focus: Any = chosen.telescope.focus  # ophyd's statuses do not match bluesky's protocol in type
    start = yield from bps.rd(focus.user_setpoint, default_value=0.0)
    position = require_range("focus", start + offset, low, high, "mm")
    yield from understood(bps.abs_set(focus, position, group="focus", wait=True))
