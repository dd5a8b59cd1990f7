"""A simulated wheel: any move takes the same time, and rests between slots when stopped."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from drivers.simulated.failing import LINK_LOST, NO_FAULT, Failing
from drivers.wheel import WheelError, WheelState, WheelStatus
from slitless.definition import Wheel
from slitless.mechanism import WheelTravel

__all__ = ["WHEEL_FAULTS", "SimulatedWheel"]

STUCK = "Stuck"
MOVE_TIMEOUT = "MoveTimeout"
WHEEL_FAULTS = (NO_FAULT, STUCK, MOVE_TIMEOUT, LINK_LOST)


class SimulatedWheel(Failing):
    """A wheel that is where arithmetic says.

    With the fault ``Stuck`` it turns for ever; with ``MoveTimeout`` it gives up when it should have
    arrived and says so; with ``LinkLost`` it does not answer.

    Parameters
    ----------
    wheel : Wheel
        Its slots and times.
    now : callable
        Returns instrument time, TAI unix s.
    slot : int
        Where it starts.
    """

    def __init__(self, wheel: Wheel, now: Callable[[], float], slot: int = 0) -> None:
        super().__init__(wheel.label, WHEEL_FAULTS)
        self.wheel = wheel
        self.now = now
        self._travel = WheelTravel.resting(wheel.slot_number(slot))
        self._state = WheelState.MOVING  # of the travel, while it lasts
        self._will_give_up = False
        self._error = WheelError.NONE

    async def status(self) -> WheelStatus:
        """Say what the wheel is doing."""
        self.check_link()
        self._arrive()
        end = self._travel.done_at
        if not self._travel.is_done(self.now()):
            return WheelStatus(self._state, None, self._error, end if math.isfinite(end) else None)
        slot = self._travel.slot(self.now())
        if slot < 0:
            return WheelStatus(WheelState.NOT_IN_POSITION, None, self._error)
        return WheelStatus(WheelState.STATIONARY, slot, self._error)

    async def move(self, slot: int) -> None:
        """Start towards a slot; to the slot it is in, it takes no time."""
        self.check_link()
        target = self.wheel.slot_number(slot)
        stays = self._travel.slot(self.now()) == target
        self._start(WheelState.MOVING, target, 0.0 if stays else self.wheel.move_time)

    async def home(self) -> None:
        """Start towards slot 0 by way of the reference mark."""
        self.check_link()
        self._start(WheelState.HOMING, 0, self.wheel.home_time)

    async def stop(self) -> None:
        """Stop at once."""
        self.check_link()
        self._will_give_up = False
        self._travel = self._travel.stop(self.now())

    def inject(self, fault: str) -> None:
        """Fail from now on as `fault` says, also in a motion under way; ``"None"`` repairs.

        Raises
        ------
        InvalidRequest
            If a wheel cannot fail that way.
        """
        self._arrive()
        super().inject(fault)
        if not self._travel.is_done(self.now()):
            self._will_give_up = fault == MOVE_TIMEOUT
            if fault == STUCK:
                self._travel = replace(self._travel, duration=math.inf)

    def _start(self, state: WheelState, target: int, duration: float) -> None:
        now = self.now()
        self._error = WheelError.NONE
        self._will_give_up = self.fault == MOVE_TIMEOUT
        self._state = state
        origin = self._travel.slot(now)
        self._travel = WheelTravel(origin, target, now, math.inf if self.fault == STUCK else duration)

    def _arrive(self) -> None:
        """Give up when the time has come, if that is the fault."""
        now = self.now()
        if self._will_give_up and self._travel.is_done(now):
            self._will_give_up = False
            self._error = WheelError.MOVE_TIMEOUT
            self._travel = WheelTravel.resting(-1, now)
