"""A simulated two-blade shutter.

One blade uncovers the field, the other covers it in the same direction at the same speed, so that every
pixel sees light for the time between the two starts. The times it reports are those at which the
blades' edges pass mid-field; their difference is that same time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from drivers.shutter import ShutterState, ShutterStatus
from drivers.simulated.failing import LINK_LOST, NO_FAULT, Failing
from slitless.definition import Shutter

__all__ = ["SHUTTER_FAULTS", "SimulatedShutter"]

STUCK_CLOSED = "StuckClosed"
STUCK_OPEN = "StuckOpen"
SHUTTER_FAULTS = (NO_FAULT, STUCK_CLOSED, STUCK_OPEN, LINK_LOST)


@dataclass(frozen=True)
class _Opening:
    """One opening: when the opening blade passes mid-field, and the closing one if it is to start."""

    shutter: Shutter
    opened_at: float
    closed_at: float | None

    def state(self, now: float) -> ShutterState:
        """Where the blades are at `now`."""
        if self.closed_at is not None and now >= self.closed_at + self.shutter.close_time / 2:
            return ShutterState.CLOSED
        if self.closing_starts is not None and now >= self.closing_starts:
            return ShutterState.CLOSING
        return ShutterState.OPEN if now >= self.opened_at else ShutterState.OPENING

    @property
    def closing_starts(self) -> float | None:
        """When the closing blade starts."""
        return None if self.closed_at is None else self.closed_at - self.shutter.close_time / 2

    def next_change(self, now: float) -> float | None:
        """Return the next moment after `now` at which the state changes by itself."""
        end = None if self.closed_at is None else self.closed_at + self.shutter.close_time / 2
        moments = [moment for moment in (self.opened_at, self.closing_starts, end) if moment is not None]
        return min((moment for moment in moments if moment > now), default=None)


class SimulatedShutter(Failing):
    """A shutter that is where arithmetic says.

    With the fault ``StuckClosed`` it does not open, with ``StuckOpen`` it does not close, with
    ``LinkLost`` it does not answer. A blade that was stuck obeys the next command after the repair.

    Parameters
    ----------
    shutter : Shutter
        Travel times of its blades.
    now : callable
        Returns instrument time, TAI unix s.
    """

    def __init__(self, shutter: Shutter, now: Callable[[], float]) -> None:
        super().__init__("shutter", SHUTTER_FAULTS)
        self.shutter = shutter
        self.now = now
        self._opening: _Opening | None = None
        self._open_count = 0

    async def status(self) -> ShutterStatus:
        """Say where the blades are and when they passed."""
        self.check_link()
        now = self.now()
        opening = self._opening
        if opening is None:
            return ShutterStatus(ShutterState.CLOSED, None, None, self._open_count)
        closed_at = opening.closed_at if opening.closed_at is not None and opening.closed_at <= now else None
        return ShutterStatus(
            opening.state(now), opening.opened_at, closed_at, self._open_count, opening.next_change(now)
        )

    async def open(self) -> None:
        """Start to open."""
        self.check_link()
        self._open(None)

    async def expose(self, seconds: float) -> None:
        """Start an opening that gives every pixel exactly `seconds` of light and then closes by itself."""
        self.check_link()
        self._open(seconds)

    async def close(self) -> None:
        """Start to close."""
        self.check_link()
        now = self.now()
        opening = self._opening
        if self.fault == STUCK_OPEN or opening is None:
            return
        if opening.closing_starts is None or opening.closing_starts > now:
            self._opening = replace(opening, closed_at=now + self.shutter.close_time / 2)

    def inject(self, fault: str) -> None:
        """Fail from now on as `fault` says; ``"None"`` repairs.

        Raises
        ------
        InvalidRequest
            If a shutter cannot fail that way.
        """
        super().inject(fault)
        opening, now = self._opening, self.now()
        if (
            fault == STUCK_OPEN
            and opening is not None
            and opening.state(now) in (ShutterState.OPENING, ShutterState.OPEN)
        ):
            self._opening = replace(opening, closed_at=None)

    def _open(self, seconds: float | None) -> None:
        now = self.now()
        if self.fault == STUCK_CLOSED or (
            self._opening is not None and self._opening.state(now) != ShutterState.CLOSED
        ):
            return
        self._open_count += 1
        opened_at = now + self.shutter.open_time / 2
        closed_at = opened_at + seconds if seconds is not None and self.fault != STUCK_OPEN else None
        self._opening = _Opening(self.shutter, opened_at, closed_at)
