"""What a header value may be: bounds and choices, some of them from the instrument definition.

Each rule returns what is wrong with a value, or an empty text, and can say itself in words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

from slitless.definition import Instrument

__all__ = ["Between", "DisperserPosition", "Matches", "OneOf", "Plausible", "value_at"]


def value_at(path: str, thing: object) -> Any:
    """Return what a dotted path such as ``detector.serial`` names in a thing."""
    return reduce(getattr, path.split("."), thing)


class Plausible(Protocol):
    """A rule that a header value must keep."""

    def fault(self, value: Any, instrument: Instrument) -> str:
        """Return what is wrong with `value`, empty if nothing."""
        ...

    def words(self) -> str:
        """Return the rule as the keyword table prints it."""
        ...


@dataclass(frozen=True)
class Between:
    """A number in [low, high]."""

    low: float
    high: float

    def fault(self, value: Any, instrument: Instrument) -> str:
        """Return what is wrong with `value`, empty if nothing."""
        return "" if self.low <= value <= self.high else f"is outside {self.words()}"

    def words(self) -> str:
        """Return the rule as the keyword table prints it."""
        return f"[{self.low:g}, {self.high:g}]"


@dataclass(frozen=True)
class OneOf:
    """One of the values that the instrument definition lists at a path."""

    path: str

    def fault(self, value: Any, instrument: Instrument) -> str:
        """Return what is wrong with `value`, empty if nothing."""
        choices = value_at(self.path, instrument)
        return "" if value in choices else f"is not one of {', '.join(map(str, choices))}"

    def words(self) -> str:
        """Return the rule as the keyword table prints it."""
        return f"one of the instrument's {self.path}"


@dataclass(frozen=True)
class Matches:
    """A text of a given form."""

    pattern: str
    form: str

    def fault(self, value: Any, instrument: Instrument) -> str:
        """Return what is wrong with `value`, empty if nothing."""
        return "" if re.fullmatch(self.pattern, value) else f"is not of the form {self.form}"

    def words(self) -> str:
        """Return the rule as the keyword table prints it."""
        return self.form


@dataclass(frozen=True)
class DisperserPosition:
    """A position the linear stage can have: within its limits and tolerance, or at home.

    A stage that lost its zero reads far outside (-324.4 mm has been seen) and must not pass as good.
    """

    def fault(self, value: Any, instrument: Instrument) -> str:
        """Return what is wrong with `value`, empty if nothing."""
        stage = instrument.stage
        low = min(stage.limits[0], stage.home_position) - stage.tolerance
        high = max(stage.limits[1], stage.home_position) + stage.tolerance
        return "" if low <= value <= high else f"is outside [{low:g}, {high:g}]"

    def words(self) -> str:
        """Return the rule as the keyword table prints it."""
        return "within the stage's limits, or at home"
