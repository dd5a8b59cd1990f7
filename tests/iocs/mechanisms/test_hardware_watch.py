"""Following hardware through a motion: patience, stalls of the host, nudges."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from iocs.mechanisms.hardware_watch import HardwareWatch
from slitless.instrument_time import InstrumentClock


@dataclass
class Wall:
    """A wall clock that a test sets, and hardware that moves until a time."""

    time: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time


async def follow(wall, ends_in, patience, stall=0.0):
    """Follow a motion; return whether it was still moving at each look."""
    clock = InstrumentClock(wall)
    end, deadline = clock.now() + ends_in, clock.now() + patience

    async def ask():
        moving = clock.now() < end
        wall.time += stall  # the host stalls between the answer and what is made of it
        return moving

    seen = []
    async for moving in HardwareWatch(clock).follow(ask, lambda _: None, lambda: deadline):
        seen.append(moving)
        if not moving:
            break
        wall.time += 0.5
    return seen


async def test_a_motion_is_followed_to_its_end():
    assert await follow(Wall(), ends_in=1.2, patience=10) == [True, True, True, False]


async def test_patience_ends():
    assert await follow(Wall(), ends_in=1e9, patience=1.2) == [True, True, True, True]


async def test_a_stall_past_the_deadline_does_not_make_hardware_late_that_arrived_meanwhile():
    assert await follow(Wall(), ends_in=1.0, patience=5.0, stall=100.0) == [True, False]


async def test_a_nudge_asks_again_at_once():
    watch = HardwareWatch(InstrumentClock(Wall()))
    answers = []

    async def ask():
        return len(answers)

    async def collect():
        async for answer in watch.follow(ask, lambda _: None, lambda: float("inf")):
            answers.append(answer)
            watch.nudge()
            if answer == 50:
                return

    await asyncio.wait_for(collect(), 2.0)  # without nudges this would take 5 s
