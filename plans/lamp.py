"""The dome lamp, for flats."""

from __future__ import annotations

from typing import Any

from bluesky import plan_stubs as bps
from bluesky.utils import MsgGenerator

from devices import CommandStatus, Spectrograph, Telescope
from plans.in_use import spectrograph_in_use
from plans.run import understood
from slitless.errors import InvalidRequest

__all__ = ["switch_lamp"]

SWITCHING = 5.0  # s, within which a lamp is on or off


class _Lamp:
    """What a Bluesky plan can set: the lamp of a telescope."""

    name = "lamp"
    parent = None

    def __init__(self, telescope: Telescope) -> None:
        self._telescope = telescope

    def set(self, lit: bool) -> CommandStatus:
        """Switch it; done when the telescope's IOC says so."""
        telescope, what = self._telescope, f"telescope: dome lamp {'on' if lit else 'off'}"
        return telescope.commands.issue(telescope.lamp, int(lit), what, telescope.ioc, SWITCHING)


def switch_lamp(lit: bool, *, spectrograph: Spectrograph | None = None) -> MsgGenerator[None]:
    """Switch the dome lamp on or off.

    Parameters
    ----------
    lit : bool
        Whether it shall shine.

    Raises
    ------
    InvalidRequest
        If `lit` is neither true nor false.
    CommandFailed
        If the telescope refuses; it does while light is collected.
    """
    telescope = spectrograph_in_use(spectrograph).telescope
    if not isinstance(lit, bool):
        raise InvalidRequest("lit", lit, "it must be true or false")
    lamp: Any = _Lamp(telescope)  # ophyd's statuses do not match bluesky's protocol in type
    yield from understood(bps.abs_set(lamp, lit, group="lamp", wait=True))
