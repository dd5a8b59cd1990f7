"""Carries out one thing that an axis is told to do: a move with its retries, a search for home, a jog."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from drivers.axis import AxisDriver, AxisStatus
from iocs.mechanisms.hardware_watch import HardwareWatch
from iocs.mechanisms.motor_display import MotorDisplay, Phase
from iocs.mechanisms.motor_legs import Backlash, Leg, Pace, legs_to, retry_factor
from iocs.mechanisms.motor_scale import MotorScale
from iocs.records.motor_record import MotorRecord
from slitless.instrument_time import InstrumentClock

__all__ = ["Goal", "GoalKind", "GoalRun", "HitSwitch", "NotArrived", "Orders"]

PATIENCE = 10.0
"""s beyond twice what a motion should take."""


class NotArrived(Exception):
    """The axis failed to do what it was told; the message says where it is."""


class HitSwitch(NotArrived):
    """The axis ran into a limit switch, which is no fault of its own."""


class GoalKind(Enum):
    """What an axis is told to do."""

    MOVE = "move"
    HOME = "home"
    JOG = "jog"


@dataclass(frozen=True, eq=False)
class Goal:
    """One thing that an axis is told to do."""

    kind: GoalKind
    target: float
    """Dial position: of a move where it ends, of a jog where it ends at the latest."""
    forward: bool = True
    """Direction of a jog or a search for home, on the user scale."""


class Orders:
    """What an axis has been told last.

    Parameters
    ----------
    motor : MotorRecord
        Whose SPMG holds the axis.
    watch : HardwareWatch
        Looks at the axis at once when it is told something.
    """

    def __init__(self, motor: MotorRecord, watch: HardwareWatch) -> None:
        self._motor = motor
        self._watch = watch
        self.goal = Goal(GoalKind.MOVE, 0.0)
        self.called_off = False
        """Whether it is to stop and forget its goal."""
        self.released = False
        """Whether it is to end a jog."""
        self.news = asyncio.Event()

    @property
    def is_held(self) -> bool:
        """Whether it has to wait."""
        return self._motor["SPMG"].value in ("Stop", "Pause")

    def disturb(self, goal: Goal) -> bool:
        """Whether something else than `goal` is to be done now."""
        released = self.released and goal.kind is GoalKind.JOG
        return goal is not self.goal or self.called_off or self.is_held or released

    def notice(self) -> None:
        """Have what has changed looked at at once."""
        self.news.set()
        self._watch.nudge()


class GoalRun:
    """Brings an axis to its goals.

    Parameters
    ----------
    label : str
        What an observer calls the axis.
    motor : MotorRecord
        Says how fast, how far off, how often again.
    scale : MotorScale
        Its scales.
    driver : AxisDriver
        The axis.
    display : MotorDisplay
        Where it is shown.
    clock : InstrumentClock
        Instrument time.
    failed : callable
        Gets the message of a `NotArrived`.
    """

    def __init__(
        self,
        label: str,
        motor: MotorRecord,
        scale: MotorScale,
        driver: AxisDriver,
        display: MotorDisplay,
        clock: InstrumentClock,
        failed: Callable[[str], Awaitable[None]],
    ) -> None:
        self._label = label
        self._motor = motor
        self._scale = scale
        self._driver = driver
        self._display = display
        self._clock = clock
        self._failed = failed
        self._watch = HardwareWatch(clock)
        self.orders = Orders(motor, self._watch)

    async def carry_out(self, goal: Goal) -> bool:
        """Do it; return whether it was done, False if something else is to be done instead."""
        match goal.kind:
            case GoalKind.MOVE:
                return await self._move(goal)
            case GoalKind.HOME:
                return await self._home(goal)
            case GoalKind.JOG:
                return await self._jog(goal)

    async def _move(self, goal: Goal) -> bool:
        """Move to the target, with retries; return whether it got there undisturbed."""
        status = await self._driver.status()
        if self._is_too_near(goal, status):
            return True
        retries, allowed = 0, self._motor["RTRY"].value
        await self._motor["RCNT"].write(0)
        while True:
            legs = self._legs(goal.target, status.position, retries)
            arrived = await self._follow(goal, legs, Phase.RETRY if retries else Phase.MOVE)
            if arrived is None:
                return False
            status = arrived
            if abs(goal.target - status.position) < max(self._motor["RDBD"].value, self._scale.step / 2):
                await self._motor["MISS"].write(0)
                return True
            if status.high_switch if goal.target > status.position else status.low_switch:
                await self._display.synchronize()
                raise HitSwitch(f"{self._label}: ran into a limit switch; {self.place(status)}")
            if retries == allowed:
                await self._motor["MISS"].write(int(allowed > 0))
                await self._fail(goal, status)
            retries += 1
            await self._motor["RCNT"].write(retries)

    async def _home(self, goal: Goal) -> bool:
        pace = Pace(self._motor["HVEL"].value, self._motor["ACCL"].value)
        low, high = self._scale.travel
        way = high - low + abs(self._motor["DRBV"].value)
        towards_high = goal.forward == (self._scale.sign > 0)
        phase = Phase.HOME_FORWARD if goal.forward else Phase.HOME_REVERSE
        await self._display.show_phase(phase, pace.speed)
        status = await self._drive(goal, lambda: self._driver.home(towards_high, pace.speed, pace.ramp), way, pace)
        if status is None:
            return False
        await self._display.synchronize()
        return True

    async def _jog(self, goal: Goal) -> bool:
        """Go on until let go, or at the latest to the limit."""
        speed = self._motor["JVEL"].value
        pace = Pace(speed, speed / self._motor["JAR"].value)
        if not self.orders.released:
            phase = Phase.JOG_FORWARD if goal.forward else Phase.JOG_REVERSE
            await self._display.show_phase(phase, speed)
            here = self._motor["DRBV"].value
            start = lambda: self._driver.move(goal.target, speed, pace.ramp)  # noqa: E731
            ended = await self._drive(goal, start, abs(goal.target - here), pace)
            if ended is not None:
                await self._motor["LVIO"].write(int(self._scale.dial_limits is not None))
                await self._display.synchronize()
                return True
            if not self.orders.released:
                return False
        await self.come_to_rest()
        await self._display.synchronize()
        return await self._take_backlash(goal)

    async def _take_backlash(self, goal: Goal) -> bool:
        """Take out the backlash after a jog, unless a limit is in the way."""
        target, backlash = self._motor["DVAL"].value, self._motor["BDST"].value
        low, high = self._scale.dial_limits or self._scale.travel
        if abs(backlash) < self._scale.step or not low <= target - backlash <= high:
            return True
        self.orders.released = False  # what follows is to be disturbed by anything else, but not by that
        pace = Pace(self._motor["VELO"].value, self._motor["ACCL"].value)
        slow = Pace(self._motor["BVEL"].value, self._motor["BACC"].value)
        legs = Leg(target - backlash, pace), Leg(target, slow, takes_backlash=True)
        return await self._follow(goal, legs, Phase.STOP) is not None

    def _legs(self, target: float, here: float, retry: int) -> tuple[Leg, ...]:
        mode = self._motor["RMOD"].value
        if retry and mode == "In-Position":
            return ()  # such a motor creeps there by itself: only wait and look again
        if retry:
            rest = (target - here) * retry_factor(mode, retry, self._motor["RTRY"].value)
            target = here + (rest if abs(rest) >= self._scale.step else target - here)
        pace = Pace(self._motor["VELO"].value, self._motor["ACCL"].value)
        backlash = Backlash(self._motor["BDST"].value, Pace(self._motor["BVEL"].value, self._motor["BACC"].value))
        return legs_to(target, here, pace, backlash, self._scale.step, self._motor["FRAC"].value)

    def _is_too_near(self, goal: Goal, status: AxisStatus) -> bool:
        """Whether there is nothing to move: less than a step, or within the dead band of the setpoint."""
        steps = self._scale.steps(goal.target) - self._scale.steps(status.position)
        near = abs(goal.target - status.position) < self._motor["SPDB"].value
        return not status.moving and status.homed and (steps == 0 or near)

    async def _follow(self, goal: Goal, legs: tuple[Leg, ...], phase: Phase) -> AxisStatus | None:
        """Do one leg after the other and let the axis settle; return where it then is, None if disturbed."""
        here = self._motor["DRBV"].value
        for leg in legs:
            await self._display.show_phase(Phase.BACKLASH if leg.takes_backlash else phase, leg.pace.speed)
            start = _order(self._driver, leg)
            if await self._drive(goal, start, abs(leg.target - here), leg.pace) is None:
                return None
            here = leg.target
        if not await self._settle(goal):
            return None
        status = await self._driver.status()
        await self._display.show(status)
        return status

    async def _settle(self, goal: Goal) -> bool:
        delay = self._motor["DLY"].value
        if delay > 0:
            await self._display.show_phase(Phase.SETTLE)
            ends_at = self._clock.now() + delay
            while (left := ends_at - self._clock.now()) > 0 and not self.orders.disturb(goal):
                self.orders.news.clear()
                try:
                    await asyncio.wait_for(self.orders.news.wait(), self._clock.wall_seconds(left))
                except TimeoutError:
                    break
        return not self.orders.disturb(goal)

    async def _drive(
        self, goal: Goal, start: Callable[[], Awaitable[None]], way: float, pace: Pace
    ) -> AxisStatus | None:
        """See one motion of the hardware through; return how it rests, None if disturbed."""
        await start()
        deadline = self._clock.now() + 2 * (way / pace.speed + 2 * pace.ramp) + PATIENCE
        status = await self._driver.status()
        async for status in self._watch.follow(self._driver.status, lambda s: s.expected_end, lambda: deadline):
            await self._display.show(status)
            if self.orders.disturb(goal):
                return None
            if not status.moving:
                break
        if status.moving:
            await self._driver.stop()
            await self._fail(goal, await self._driver.status())
        if status.problem:
            await self._fail(goal, status)
        return status

    async def come_to_rest(self) -> AxisStatus:
        """Stop the axis if it moves; return how it rests."""
        status = await self._driver.status()
        if not status.moving:
            await self._display.show(status)
            return status
        await self._display.show_phase(Phase.STOP)
        await self._driver.stop()
        deadline = self._clock.now() + PATIENCE
        async for status in self._watch.follow(self._driver.status, lambda s: s.expected_end, lambda: deadline):
            await self._display.show(status)
            if not status.moving:
                break
        return status

    async def _fail(self, goal: Goal, status: AxisStatus) -> None:
        """Raise NotArrived after showing it."""
        aim = "the end of its motion"
        if goal.kind is GoalKind.MOVE:
            aim = f"{self._scale.user(goal.target):g} {self._motor['EGU'].value}"
        await self._display.show_failure(status, "it did not arrive")
        await self._display.synchronize()
        report = f"{self._label}: did not reach {aim}; {self.place(status)}"
        await self._failed(report)
        raise NotArrived(report)

    def place(self, status: AxisStatus) -> str:
        """Return where the axis stands, in words."""
        return f"it stands at {self._scale.user(status.position):g} {self._motor['EGU'].value}"


def _order(driver: AxisDriver, leg: Leg) -> Callable[[], Awaitable[None]]:
    return lambda: driver.move(leg.target, leg.pace.speed, leg.pace.ramp)
