"""Mechanisms in time: where a stage or a wheel is at any moment, by arithmetic alone.

Times are instrument time, TAI unix seconds, and always arguments: nothing here reads a clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

__all__ = ["Move", "Phase", "WheelTravel"]


@dataclass(frozen=True)
class Phase:
    """A stretch of motion at constant acceleration."""

    began_at: float
    position: float
    velocity: float
    acceleration: float


@dataclass(frozen=True)
class Move:
    """A motion along one axis from rest to rest; use `between` or `resting` to make one.

    Positions in the unit of the axis (mm), velocity in units/s.
    """

    phases: tuple[Phase, ...]
    done_at: float
    target: float
    """Where it comes to rest."""
    acceleration: float
    """units/s^2 used to speed up and slow down; infinite for a move without ramps."""

    @classmethod
    def resting(cls, position: float, since: float = 0.0) -> Self:
        """Return no motion at all: at rest at `position` from `since` on."""
        return cls((), since, position, math.inf)

    @classmethod
    def between(
        cls, start: float, target: float, started_at: float, speed: float, acceleration_time: float = 0.0
    ) -> Self:
        """Return the move from `start` to `target` with a trapezoidal velocity profile.

        Speeds up to `speed` in `acceleration_time`, cruises, slows down alike (as EPICS motor's VELO and
        ACCL); a short move never reaches `speed`; an acceleration time of 0 is a linear move.

        Raises
        ------
        ValueError
            If a number is not finite, the speed not positive or the acceleration time negative.
        """
        if not all(map(math.isfinite, (start, target, started_at, speed, acceleration_time))):
            raise ValueError(f"move from {start} to {target} at {speed} units/s: every number must be finite")
        if speed <= 0 or acceleration_time < 0:
            raise ValueError(f"speed {speed} must be positive, acceleration time {acceleration_time} s not negative")
        distance = abs(target - start)
        if distance == 0:
            return cls.resting(target, started_at)
        sign = math.copysign(1.0, target - start)
        if acceleration_time == 0:
            done_at = started_at + distance / speed
            return cls((Phase(started_at, start, sign * speed, 0.0),), done_at, target, math.inf)
        acceleration = speed / acceleration_time
        peak = min(speed, math.sqrt(distance * acceleration))
        ramp = peak / acceleration
        cruise = max(distance / peak - ramp, 0.0)
        at_speed = start + sign * peak * ramp / 2
        slowing = at_speed + sign * peak * cruise
        phases = (
            Phase(started_at, start, 0.0, sign * acceleration),
            Phase(started_at + ramp, at_speed, sign * peak, 0.0),
            Phase(started_at + ramp + cruise, slowing, sign * peak, -sign * acceleration),
        )
        return cls(phases, started_at + 2 * ramp + cruise, target, acceleration)

    @classmethod
    def onward(
        cls, under_way: Move, target: float, tai: float, speed: float, acceleration_time: float = 0.0
    ) -> Move | None:
        """Return the move to a new target from the middle of another one, without a rest in between.

        None where the new target cannot be reached so: it lies behind, or nearer than the way it takes to brake.
        """
        velocity = under_way.velocity(tai)
        if velocity == 0 or acceleration_time == 0 or speed <= 0:
            return None
        position, sign = under_way.position(tai), math.copysign(1.0, velocity)
        ahead, pace, acceleration = sign * (target - position), abs(velocity), speed / acceleration_time
        if ahead <= pace**2 / (2 * acceleration):
            return None
        peak = speed if pace > speed else min(speed, math.sqrt(acceleration * ahead + pace**2 / 2))
        change, brake = abs(peak - pace) / acceleration, peak / acceleration
        at_speed = (pace + peak) / 2 * change
        cruise = max(ahead - at_speed - peak * brake / 2, 0.0) / peak
        phases = (
            Phase(tai, position, velocity, sign * math.copysign(acceleration, peak - pace)),
            Phase(tai + change, position + sign * at_speed, sign * peak, 0.0),
            Phase(
                tai + change + cruise, position + sign * (at_speed + peak * cruise), sign * peak, -sign * acceleration
            ),
        )
        return cls(phases, tai + change + cruise + brake, target, acceleration)

    def _phase(self, tai: float) -> Phase | None:
        begun = [phase for phase in self.phases if phase.began_at <= tai]
        return begun[-1] if begun else None

    def position(self, tai: float) -> float:
        """Return where it is at a moment; exactly the target from `done_at` on."""
        if tai >= self.done_at or not self.phases:
            return self.target
        phase = self._phase(tai)
        if phase is None:
            return self.phases[0].position
        elapsed = tai - phase.began_at
        return phase.position + phase.velocity * elapsed + phase.acceleration * elapsed**2 / 2

    def velocity(self, tai: float) -> float:
        """Return the signed velocity at a moment; 0 before the start and from `done_at` on."""
        phase = self._phase(tai)
        if phase is None or tai >= self.done_at:
            return 0.0
        return phase.velocity + phase.acceleration * (tai - phase.began_at)

    def is_done(self, tai: float) -> bool:
        """Whether it has come to rest at a moment."""
        return tai >= self.done_at

    def stop(self, tai: float) -> Move:
        """Return the motion that follows when it is told to stop at a moment: it slows down and rests."""
        if tai >= self.done_at:
            return self
        position, velocity = self.position(tai), self.velocity(tai)
        if velocity == 0 or math.isinf(self.acceleration):
            return Move((), tai, position, self.acceleration)
        ramp = abs(velocity) / self.acceleration
        slowing = Phase(tai, position, velocity, -math.copysign(self.acceleration, velocity))
        return Move((slowing,), tai + ramp, position + velocity * ramp / 2, self.acceleration)


@dataclass(frozen=True)
class WheelTravel:
    """A wheel on its way from one slot to another; slots count from 0, -1 is in between or unknown."""

    origin: int
    target: int
    started_at: float
    duration: float
    """s."""
    stopped_at: float = math.inf

    @classmethod
    def resting(cls, slot: int, since: float = 0.0) -> Self:
        """Return a wheel at rest in `slot`; -1 for one that has no idea where it is."""
        return cls(slot, slot, since, 0.0)

    @property
    def done_at(self) -> float:
        """When it rests: at the target, or where it was stopped."""
        return min(self.started_at + self.duration, self.stopped_at)

    def is_done(self, tai: float) -> bool:
        """Whether it rests at a moment."""
        return tai >= self.done_at

    def slot(self, tai: float) -> int:
        """Return the slot in the beam at a moment, -1 for none."""
        if tai < self.started_at:
            return self.origin
        arrived = tai >= self.done_at and self.stopped_at >= self.started_at + self.duration
        return self.target if arrived else -1

    def stop(self, tai: float) -> WheelTravel:
        """Return what follows a stop at a moment: between slots for good, unless it had arrived."""
        if tai >= self.done_at:
            return self
        return WheelTravel(self.origin, self.target, self.started_at, self.duration, stopped_at=tai)
