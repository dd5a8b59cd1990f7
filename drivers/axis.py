"""A linear axis with an encoder, limit switches and a home mark, as an IOC sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["AxisDriver", "AxisStatus"]


@dataclass(frozen=True)
class AxisStatus:
    """An axis at one moment; positions in mm of the hardware's own scale (dial)."""

    position: float
    moving: bool
    homed: bool
    """Whether the zero of the scale is known."""
    at_home: bool
    """Whether the axis stands on its home mark."""
    low_switch: bool
    high_switch: bool
    forward: bool
    """Direction of the current or last motion: towards larger positions."""
    problem: str = ""
    """What the hardware complains about; empty when all is well."""
    expected_end: float | None = None
    """TAI unix s at which the motion ends; None when at rest or when the hardware cannot say."""
    rests_since: float | None = None
    """TAI unix s at which it came to rest here; None when it moves or when the hardware cannot say."""


class AxisDriver(Protocol):
    """A linear axis. Every method raises `LinkLost` if the hardware does not answer."""

    async def connect(self) -> None:
        """Open the link; harmless when it is open."""
        ...

    async def status(self) -> AxisStatus:
        """Ask where the axis is and what it is doing."""
        ...

    async def move(self, position: float, speed: float, acceleration_time: float) -> None:
        """Start towards `position` (mm) at `speed` (mm/s); an axis in motion changes course.

        `acceleration_time` (s) is what it takes from rest to `speed`.
        """
        ...

    async def home(self, forward: bool, speed: float, acceleration_time: float) -> None:
        """Start the search for the home mark, in the direction given; it ends on the mark, with the zero known."""
        ...

    async def stop(self) -> None:
        """Decelerate to rest."""
        ...

    async def define_position(self, position: float) -> None:
        """Declare that where the axis stands is `position` (mm), without motion."""
        ...
