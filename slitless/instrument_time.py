"""Instrument time: TAI, possibly running faster than the wall clock.

A simulated night runs at a speed. Instrument time equals true TAI at the epoch and advances `speed`
seconds for each wall second after it, so that every requested and measured time in a header is what
an observer would have seen. All processes of one night share speed and epoch. At speed 1 instrument
time is TAI.

TAI is handled as "TAI unix seconds": seconds since 1970-01-01T00:00:00 TAI, a float.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import erfa

__all__ = ["InstrumentClock", "isot", "tai_minus_utc", "utc_datetime"]

EPOCH_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def _leap_seconds() -> tuple[list[float], list[float]]:
    """UTC unix times (s) at which TAI - UTC changed since 1972, and what it (s) became: the table ERFA ships."""
    rows: Any = erfa.leap_seconds.get()
    table = [row for row in rows if row["year"] >= 1972]
    starts = [datetime(int(row["year"]), int(row["month"]), 1, tzinfo=UTC).timestamp() for row in table]
    return starts, [float(row["tai_utc"]) for row in table]


def tai_minus_utc(unix_seconds: float) -> float:
    """Return TAI - UTC (s) at a UTC unix time (s): 37 since 2017; the 10 of 1972 also before it."""
    starts, offsets = _leap_seconds()
    return offsets[max(bisect_right(starts, unix_seconds) - 1, 0)]


def utc_datetime(tai_seconds: float) -> datetime:
    """Return the UTC date and time of TAI unix seconds."""
    return EPOCH_1970 + timedelta(seconds=tai_seconds - tai_minus_utc(tai_seconds - 37.0))


def isot(tai_seconds: float, precision: int = 3) -> str:
    """Return TAI unix seconds as ``YYYY-MM-DDThh:mm:ss.sss`` TAI, with 0 to 6 decimals.

    Decimals are rounded, and the carry goes all the way up to the date.
    """
    scale = 10**precision
    ticks = round(tai_seconds * scale)
    whole, fraction = divmod(ticks, scale)
    text = (EPOCH_1970 + timedelta(seconds=whole)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:0{precision}d}" if precision else text


@dataclass(frozen=True)
class InstrumentClock:
    """Converts between wall time and instrument time.

    Parameters
    ----------
    wall : callable
        Returns UTC unix seconds; `time.time` in a process, anything in a test.
    speed : float
        Instrument seconds per wall second; positive.
    epoch : float
        UTC unix seconds of the wall clock at which instrument time is true TAI.
    """

    wall: Callable[[], float]
    speed: float = 1.0
    epoch: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.speed < math.inf:
            raise ValueError(f"speed of time: {self.speed!r} is not positive and finite")

    def now(self) -> float:
        """Instrument time now, TAI unix seconds."""
        return self.at_wall(self.wall())

    def at_wall(self, wall_seconds: float) -> float:
        """Instrument time (TAI unix seconds) at a wall time (UTC unix seconds)."""
        utc = self.epoch + (wall_seconds - self.epoch) * self.speed if self.speed != 1.0 else wall_seconds
        return utc + tai_minus_utc(utc)

    def wall_at(self, tai_seconds: float) -> float:
        """Wall time (UTC unix seconds) at an instrument time (TAI unix seconds)."""
        utc = tai_seconds - tai_minus_utc(tai_seconds - 37.0)
        return self.epoch + (utc - self.epoch) / self.speed if self.speed != 1.0 else utc

    def wall_seconds(self, duration: float) -> float:
        """Wall seconds that an instrument duration (s) takes; never negative."""
        return max(duration, 0.0) / self.speed
