"""`slitless recover`: what a kill or a power cut left undone."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from session.commands.options import DataFolder, Definition, Json

__all__ = ["recover"]


def recover(data: DataFolder = Path("data"), definition: Definition = "latiss", as_json: Json = False) -> None:
    """Close runs that were left open, and register frames that reached the disk without a document.

    Safe while the system runs, and safe to repeat: twice in a row changes nothing.
    """
    from capture.recover import recover as recover_data
    from session.terminal import print_json, say
    from slitless.definition import load_instrument
    from slitless.errors import SlitlessError

    if not data.is_dir():
        raise SlitlessError(f"{data}: no such folder")
    report = recover_data(data.absolute(), instrument=load_instrument(definition))
    if as_json:
        print_json(asdict(report))
        return
    for what, found in (
        ("closed run", report.closed),
        ("registered frame", report.registered),
        ("left alone", report.refused),
        ("still running", report.running),
    ):
        for each in found:
            say(f"{what} {each}")
    if report.changed_nothing:
        say(f"{data}: nothing to recover")
