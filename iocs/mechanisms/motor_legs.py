"""Which motions make up a move of a motor record: backlash, retries and the fraction of the way, by arithmetic alone.

The rules are those of the record (https://epics-modules.github.io/motor/motorRecord.html); positions on the dial.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Backlash", "Leg", "Pace", "is_allowed", "legs_to", "retry_factor"]


@dataclass(frozen=True)
class Pace:
    """How fast the axis goes."""

    speed: float
    """EGU/s."""
    ramp: float
    """s from rest to that speed."""


@dataclass(frozen=True)
class Backlash:
    """How the play of the gear is taken out: every move ends in one direction, over one distance."""

    distance: float
    """EGU; its sign is the direction in which moves end; 0 for a gear without play."""
    pace: Pace


@dataclass(frozen=True)
class Leg:
    """One motion from rest to rest."""

    target: float
    pace: Pace
    takes_backlash: bool = False


def legs_to(
    target: float, here: float, pace: Pace, backlash: Backlash, step: float, fraction: float = 1.0
) -> tuple[Leg, ...]:
    """Return the motions that bring the axis from `here` to `target`.

    Parameters
    ----------
    target, here : float
        Dial positions.
    pace : Pace
        Of the move itself.
    backlash : Backlash
        A distance below one step is none.
    step : float
        One motor step.
    fraction : float
        Of the last stretch that is gone at first (FRAC); retries do the rest.
    """
    way, distance = target - here, backlash.distance
    preferred = (way > 0) == (distance > 0)
    short = here + fraction * way
    if abs(distance) < step or (preferred and backlash.pace == pace):
        return (Leg(short, pace),)
    if preferred and abs(way) <= abs(distance) + step:
        return (Leg(short, backlash.pace, takes_backlash=True),)
    turn = target - distance
    return Leg(turn, pace), Leg(turn + fraction * distance, backlash.pace, takes_backlash=True)


def retry_factor(mode: str, retry: int, retries: int) -> float:
    """Return how much of what is missing a retry goes: RMOD, which retry this is from 1, and RTRY."""
    match mode:
        case "Arithmetic":
            return (retries - retry + 1) / retries
        case "Geometric":
            return 0.5 ** (retry - 1)
        case _:
            return 1.0


def is_allowed(target: float, last: float, limits: tuple[float, float] | None, backlash: float, step: float) -> bool:
    """Whether the dial limits let the axis go to `target`; from outside them it may go towards them.

    Parameters
    ----------
    target, last : float
        Where it is to go, and where it was told to go last.
    limits : tuple of float or None
        DLLM and DHLM; None where there are none.
    backlash : float
        BDST: a move that ends against its direction passes the target by as much.
    step : float
        One motor step.
    """
    if limits is None:
        return True
    low, high = limits
    if low > high:
        return False
    if high < target < last or last < target < low:
        return True
    turns = abs(backlash) >= step and (target > last) != (backlash > 0)
    return all(low <= place <= high for place in ((target, target - backlash) if turns else (target,)))
