"""A wheel of filters or gratings, as an IOC sees it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["WheelDriver", "WheelError", "WheelState", "WheelStatus"]


class WheelState(StrEnum):
    """What a wheel is doing."""

    HOMING = "Homing"
    MOVING = "Moving"
    STATIONARY = "Stationary"
    """At rest in a slot."""
    NOT_IN_POSITION = "NotInPosition"
    """At rest between slots."""


class WheelError(StrEnum):
    """What a wheel complains about."""

    NONE = "None"
    BUSY = "Busy"
    NOT_INITIALIZED = "NotInitialized"
    MOVE_TIMEOUT = "MoveTimeout"


@dataclass(frozen=True)
class WheelStatus:
    """A wheel at one moment."""

    state: WheelState
    slot: int | None
    """Slot in the beam, from 0; None while it moves or rests between slots."""
    error: WheelError = WheelError.NONE
    expected_end: float | None = None
    """TAI unix s at which the motion ends; None when at rest or when the hardware cannot say."""

    @property
    def is_moving(self) -> bool:
        """Whether the wheel turns."""
        return self.state in (WheelState.MOVING, WheelState.HOMING)


class WheelDriver(Protocol):
    """A wheel. Every method raises `LinkLost` if the hardware does not answer."""

    async def connect(self) -> None:
        """Open the link; harmless when it is open."""
        ...

    async def status(self) -> WheelStatus:
        """Ask what the wheel is doing."""
        ...

    async def move(self, slot: int) -> None:
        """Start towards a slot; returns once the wheel has taken the order."""
        ...

    async def home(self) -> None:
        """Start the search for the reference mark, which ends in slot 0."""
        ...

    async def stop(self) -> None:
        """Stop at once, wherever that is."""
        ...
