"""A simulated linear axis: trapezoidal motion, an encoder, limit switches and a home mark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.axis import AxisStatus
from drivers.simulated.failing import LINK_LOST, NO_FAULT, Failing
from slitless.definition import Stage, Telescope
from slitless.mechanism import Move

__all__ = ["AXIS_FAULTS", "AxisMechanics", "SimulatedAxis"]

STUCK = "Stuck"
MOVE_TIMEOUT = "MoveTimeout"
LOST_ZERO = "LostZero"
AXIS_FAULTS = (NO_FAULT, STUCK, MOVE_TIMEOUT, LINK_LOST, LOST_ZERO)

LOST_ZERO_READING = -324.4
"""mm; what the LATISS stage reads after its controller was reset [header of 2023, obs_lsst]."""
SWITCH_MARGIN = 0.5
"""mm from the end of the travel that is used to a limit switch."""


@dataclass(frozen=True)
class AxisMechanics:
    """How an axis is built; lengths in mm."""

    label: str
    resolution: float
    """One encoder step."""
    home_position: float
    low_switch: float
    high_switch: float
    rest: float
    """Where it stands at power-up."""

    @classmethod
    def of_stage(cls, stage: Stage) -> AxisMechanics:
        """Return the linear stage, standing at its high limit: where the instrument is used."""
        low = min(stage.limits[0], stage.home_position) - SWITCH_MARGIN
        high = max(stage.limits[1], stage.home_position) + SWITCH_MARGIN
        return cls(stage.label, stage.resolution, stage.home_position, low, high, stage.limits[1])

    @classmethod
    def of_focus(cls, telescope: Telescope) -> AxisMechanics:
        """Return the focus drive of the telescope, standing at 0 mm."""
        low, high = telescope.focus_limits
        return cls("focus", 0.0001, 0.0, low - SWITCH_MARGIN, high + SWITCH_MARGIN, min(max(0.0, low), high))


class SimulatedAxis(Failing):
    """An axis that is where arithmetic says.

    With the fault ``Stuck`` it says it moves and does not; with ``MoveTimeout`` it gives up when it
    should have arrived, and says so; with ``LostZero`` its scale is wrong until it has been homed; with
    ``LinkLost`` it does not answer.

    Parameters
    ----------
    mechanics : AxisMechanics
        How it is built.
    now : callable
        Returns instrument time, TAI unix s.
    """

    def __init__(self, mechanics: AxisMechanics, now: Callable[[], float]) -> None:
        super().__init__(mechanics.label, AXIS_FAULTS)
        self.mechanics = mechanics
        self.now = now
        self._brake = Move.resting(mechanics.rest)
        self._move = self._brake
        self._shift = 0.0  # what it reads minus where it is, mm
        self._homed = True
        self._homing = False
        self._forward = True
        self._stuck = False
        self._gives_up_at: float | None = None
        self._problem = ""
        self._renamed_at = now()
        """When the scale was last changed, TAI unix s: from then on it reads what it reads."""

    async def status(self) -> AxisStatus:
        """Say where the axis is and what it is doing."""
        self.check_link()
        self._arrive()
        now = self.now()
        position = self._position(now)
        end = self._gives_up_at or self._move.done_at
        moving = self._is_moving(now)
        return AxisStatus(
            position=self._read(position),
            moving=moving,
            homed=self._homed,
            at_home=abs(position - self.mechanics.home_position) < self.mechanics.resolution / 2,
            low_switch=position <= self.mechanics.low_switch,
            high_switch=position >= self.mechanics.high_switch,
            forward=self._forward,
            problem=self._problem,
            expected_end=end if moving and not self._stuck else None,
            rests_since=None if moving else max(self._renamed_at, self._move.done_at),
        )

    async def move(self, position: float, speed: float, acceleration_time: float) -> None:
        """Start towards `position` (mm); it ends at a limit switch if one is in the way."""
        self.check_link()
        self._arrive()
        self._homing = False
        self._start(position - self._shift, speed, acceleration_time)

    async def home(self, forward: bool, speed: float, acceleration_time: float) -> None:
        """Start towards the home mark; the axis knows which way, whatever `forward` says."""
        self.check_link()
        self._arrive()
        self._homing = True
        self._start(self.mechanics.home_position, speed, acceleration_time)

    async def stop(self) -> None:
        """Decelerate to rest."""
        self.check_link()
        self._arrive()
        now = self.now()
        self._homing = self._stuck = False
        self._gives_up_at = None
        self._brake = self._move = self._stopping(now)

    async def define_position(self, position: float) -> None:
        """Declare that where the axis stands is `position` (mm)."""
        self.check_link()
        self._shift = position - self._position(self.now())
        self._renamed_at = self.now()

    def inject(self, fault: str) -> None:
        """Fail from now on as `fault` says, also in a motion under way; ``"None"`` repairs.

        Raises
        ------
        InvalidRequest
            If an axis cannot fail that way.
        """
        self._arrive()
        super().inject(fault)
        now = self.now()
        if fault == LOST_ZERO:
            self._shift = LOST_ZERO_READING - self._position(now)
            self._homed = False
            self._renamed_at = now
        elif fault in (STUCK, MOVE_TIMEOUT) and not self._move.is_done(now):
            self._seize(now)

    def _start(self, target: float, speed: float, acceleration_time: float) -> None:
        """Go on to the target from whatever is under way; where it lies behind, brake and turn."""
        now, mechanics = self.now(), self.mechanics
        self._problem = ""
        self._gives_up_at = None
        self._stuck = False
        reachable = min(max(target, mechanics.low_switch), mechanics.high_switch)
        onward = Move.onward(self._under_way(now), reachable, now, speed, acceleration_time)
        if onward is not None:
            self._brake, self._move = Move.resting(self._position(now), now), onward
        else:
            self._brake = self._stopping(now)
            start = self._brake.target
            if reachable != start:
                self._forward = reachable > start
            self._move = Move.between(start, reachable, max(now, self._brake.done_at), speed, acceleration_time)
        if self.fault in (STUCK, MOVE_TIMEOUT):
            self._seize(now)

    def _stopping(self, now: float) -> Move:
        """Return the motion that brings it to rest."""
        return self._under_way(now).stop(now)

    def _under_way(self, now: float) -> Move:
        return self._move if now >= self._brake.done_at else self._brake

    def _seize(self, now: float) -> None:
        """Stand still where it is, with the motor still pushing."""
        planned_end = self._move.done_at
        self._brake = self._move = Move.resting(self._position(now), now)
        self._stuck = self.fault == STUCK
        self._gives_up_at = planned_end if self.fault == MOVE_TIMEOUT else None

    def _position(self, now: float) -> float:
        """Return where it is, whatever it reads."""
        return self._under_way(now).position(now)

    def _is_moving(self, now: float) -> bool:
        return self._stuck or self._gives_up_at is not None or not self._move.is_done(now)

    def _arrive(self) -> None:
        """Note the end of a motion whose time has come."""
        now = self.now()
        if self._gives_up_at is not None and now >= self._gives_up_at:
            self._gives_up_at = None
            self._homing = False
            self._problem = "the axis did not arrive"
        if self._homing and not self._is_moving(now):
            self._homing = False
            self._homed = True
            self._shift = 0.0

    def _read(self, position: float) -> float:
        """Return what the encoder says, in whole steps."""
        steps = round((position + self._shift) / self.mechanics.resolution)
        return round(steps * self.mechanics.resolution, 9)
