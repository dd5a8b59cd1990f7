"""When instrument time begins: never before what is already recorded in a data folder.

A night at speed 20 ends far in the future of the wall clock. Another one in the same folder goes on
from there, so that exposures in the order of their ids are in the order of their times.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from capture.night_log import ledger_folder
from session.terminal import say
from slitless.instrument_time import tai_minus_utc
from slitless.ledger import Ledger

__all__ = ["epoch_after", "last_moment"]

MARGIN = 1.0  # s after the last moment; the ledger rounds to 1 ms


def last_moment(root: Path) -> float:
    """Return the last moment the exposure ledger of a data folder tells of, UTC unix s; 0 if it is empty."""
    ledger = Ledger(ledger_folder(root))
    moments = [str(entry.facts.get("at", "")) for day in ledger.days()[-2:] for entry in ledger.entries(day)]
    if not any(moments):
        return 0.0
    tai = datetime.fromisoformat(max(moments)).replace(tzinfo=UTC).timestamp()
    return tai - tai_minus_utc(tai)


def epoch_after(root: Path, speed: float, now: float) -> float:
    """Return the epoch for IOCs that start at `now`, at which instrument time was true.

    Parameters
    ----------
    root : Path
        Data folder.
    speed : float
        Instrument seconds per second.
    now : float
        UTC unix s.

    Returns
    -------
    float
        UTC unix s. `now`, unless the folder tells of later moments: then so that instrument time at
        `now` is just after them. At speed 1 instrument time is true time, and the observer is told.
    """
    first = last_moment(root) + MARGIN
    if first <= now:
        return now
    if speed == 1.0:
        say(f"time: true time at speed 1, {first - now:.0f} s before the end of the last exposure in {root}")
        return now
    return (speed * now - first) / (speed - 1.0)  # where the line through (now, first) meets true time
