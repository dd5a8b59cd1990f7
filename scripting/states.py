"""Summary states of components, in the numbers of ts_salobj."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

__all__ = ["State", "combined"]


class State(IntEnum):
    """Summary state of a component."""

    DISABLED = 1
    ENABLED = 2
    FAULT = 3
    OFFLINE = 4
    STANDBY = 5

    @classmethod
    def of(cls, summary_state: str) -> State:
        """Return the state that an IOC calls `summary_state`, e.g. ``Enabled``."""
        return cls[summary_state.upper()]

    @property
    def pv_value(self) -> str:
        """What an IOC calls it."""
        return self.name.capitalize()


_WORST_FIRST = (State.FAULT, State.OFFLINE, State.STANDBY, State.DISABLED, State.ENABLED)


def combined(states: Iterable[State]) -> State:
    """Return the state of a component that several IOCs make up: that of the one least able to work."""
    return min(states, key=_WORST_FIRST.index)
