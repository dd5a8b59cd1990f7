"""The errors an observer can meet, each naming the device, the value and the bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real

__all__ = ["InvalidRequest", "SlitlessError", "choose", "require_range", "require_whole"]


class SlitlessError(Exception):
    """Something an observer asked for did not happen; the message says what, where and why."""


class InvalidRequest(SlitlessError, ValueError):
    """A request that is refused before anything moves.

    Parameters
    ----------
    argument : str
        What was wrong: an argument or a device, in the observer's words.
    value : object
        The value that was given.
    valid : str
        What would have been accepted, with its unit.
    """

    def __init__(self, argument: str, value: object, valid: str) -> None:
        super().__init__(f"{argument}: {value!r} is not valid; {valid}")
        self.argument = argument
        self.value = value
        self.valid = valid


def require_range(argument: str, value: float, low: float, high: float, unit: str) -> float:
    """Return `value` as a float if it lies in [low, high].

    Raises
    ------
    InvalidRequest
        If `value` is no number (text that reads as one is none), not finite, or outside the closed range.
    """
    bound = f"[{low:g}, {high:g}] {unit}".rstrip()
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidRequest(argument, value, f"it must be in {bound}, as a number")
    try:
        number = float(value)
    except OverflowError:  # a whole number of Python may be of any size
        number = math.inf
    if not (math.isfinite(number) and low <= number <= high):
        raise InvalidRequest(argument, value, f"it must be in {bound}")
    return number


def require_whole(argument: str, value: int, low: int, high: int) -> int:
    """Return `value` as an int if it is a whole number in [low, high].

    Raises
    ------
    InvalidRequest
        If it is not; 2.0 is none.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= value <= high:
        raise InvalidRequest(argument, value, f"it must be a whole number in [{low}, {high}]")
    return int(value)


def choose(argument: str, value: str, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`, spelt exactly.

    Raises
    ------
    InvalidRequest
        If it is not; the message lists the choices.
    """
    if value not in choices:
        raise InvalidRequest(argument, value, f"it must be one of {', '.join(choices)}")
    return value
