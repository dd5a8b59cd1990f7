"""`slitless console`: a prompt with everything on it."""

from __future__ import annotations

from pathlib import Path

from session.commands.options import DataFolder

__all__ = ["console"]


def console(data: DataFolder = Path("data")) -> None:
    """Open IPython with `RE`, the devices and the plans.

    For example: RE(take_flats(2.0, 3, filter="SDSSr_65mm"))
    """
    from session.console import open_console

    open_console(data)
