"""Keywords of the observer's own in the headers of the next frames."""

from __future__ import annotations

from typing import Any

from bluesky import plan_stubs as bps
from bluesky.utils import MsgGenerator, short_uid

from devices import Spectrograph
from plans.arguments import check_text
from plans.in_use import spectrograph_in_use
from plans.run import understood

__all__ = ["load_header_file"]


def load_header_file(path: str, *, spectrograph: Spectrograph | None = None) -> MsgGenerator[None]:
    """Load a header file for all frames that follow, or forget the one there is.

    Parameters
    ----------
    path : str
        Below the data root of the camera's IOC: ``KEYWORD value / comment`` a line. Empty: no keywords any more.
    spectrograph : Spectrograph, optional
        Another than the one in use.

    Raises
    ------
    CommandFailed
        If any line of it is not right; the keywords loaded before stay.
    """
    detector: Any = spectrograph_in_use(spectrograph).detector
    path = check_text("path", path)
    yield from understood(bps.abs_set(detector.control.header_file, path, group=short_uid("header"), wait=True))
