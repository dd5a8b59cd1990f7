"""A shutter that times its own exposures, as an IOC sees it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["ShutterDriver", "ShutterState", "ShutterStatus"]


class ShutterState(StrEnum):
    """Where the blades are."""

    CLOSED = "Closed"
    OPENING = "Opening"
    OPEN = "Open"
    CLOSING = "Closing"


@dataclass(frozen=True)
class ShutterStatus:
    """A shutter at one moment; times are TAI unix s, as the shutter measured them."""

    state: ShutterState
    opened_at: float | None
    """When the opening edge passed mid-field in the current or last opening; None before the first."""
    closed_at: float | None
    """When the closing edge passed mid-field; None before the first closing and while light falls."""
    open_count: int
    """Openings since the shutter was made or last counted from zero."""
    next_change: float | None = None
    """When the state changes by itself; None if it does not, or the hardware cannot say."""

    def open_time(self, now: float) -> float:
        """Return how long (s) light fell in the current or last opening, as every pixel saw it."""
        if self.opened_at is None:
            return 0.0
        # A float64 holds TAI unix seconds to 0.2 us: to the microsecond, a difference is what was asked.
        return max(0.0, round((now if self.closed_at is None else self.closed_at) - self.opened_at, 6))


class ShutterDriver(Protocol):
    """A shutter. Every method raises `LinkLost` if the hardware does not answer."""

    async def connect(self) -> None:
        """Open the link; harmless when it is open."""
        ...

    async def status(self) -> ShutterStatus:
        """Ask where the blades are and when they passed."""
        ...

    async def open(self) -> None:
        """Start to open; no effect when open."""
        ...

    async def expose(self, seconds: float) -> None:
        """Start an opening that gives every pixel exactly `seconds` of light and then closes by itself."""
        ...

    async def close(self) -> None:
        """Start to close; no effect when closed or closing."""
        ...
