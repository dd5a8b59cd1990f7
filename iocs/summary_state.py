"""The summary state of an IOC, as every Rubin component has one, and which command leads where.

https://ts-salobj.lsst.io/ (State); Fault is entered by the IOC itself and left by Standby only.
"""

from __future__ import annotations

from enum import IntEnum

from iocs.wire.client import Refused

__all__ = ["StateCommand", "SummaryState", "next_state"]


class SummaryState(IntEnum):
    """Whether an IOC takes commands."""

    UNKNOWN = 0
    DISABLED = 1
    ENABLED = 2
    FAULT = 3
    OFFLINE = 4
    STANDBY = 5

    @property
    def label(self) -> str:
        """State as the PV says it, e.g. ``Enabled``."""
        return self.name.capitalize()


class StateCommand(IntEnum):
    """What leads from one summary state to the next."""

    NONE = 0
    START = 1
    ENABLE = 2
    DISABLE = 3
    STANDBY = 4
    ENTER_CONTROL = 5
    EXIT_CONTROL = 6

    @property
    def label(self) -> str:
        """Command as the PV says it, e.g. ``EnterControl``."""
        return "".join(word.capitalize() for word in self.name.split("_"))


TRANSITIONS = {
    (SummaryState.OFFLINE, StateCommand.ENTER_CONTROL): SummaryState.STANDBY,
    (SummaryState.STANDBY, StateCommand.START): SummaryState.DISABLED,
    (SummaryState.DISABLED, StateCommand.ENABLE): SummaryState.ENABLED,
    (SummaryState.ENABLED, StateCommand.DISABLE): SummaryState.DISABLED,
    (SummaryState.DISABLED, StateCommand.STANDBY): SummaryState.STANDBY,
    (SummaryState.FAULT, StateCommand.STANDBY): SummaryState.STANDBY,
    (SummaryState.STANDBY, StateCommand.EXIT_CONTROL): SummaryState.OFFLINE,
}


def next_state(state: SummaryState, command: StateCommand) -> SummaryState:
    """Return the state a command leads to.

    Raises
    ------
    Refused
        If it leads nowhere from `state`; the reason lists what does.
    """
    try:
        return TRANSITIONS[state, command]
    except KeyError:
        valid = ", ".join(allowed.label for start, allowed in TRANSITIONS if start is state)
        raise Refused(f"{command.label} is not possible in {state.label}; possible: {valid or 'nothing'}") from None
