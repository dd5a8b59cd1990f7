"""Whether all IOCs of a data folder answer, asked of one PV each before hundreds are connected."""

from __future__ import annotations

from pathlib import Path

from session.channel_access import ChannelAccess
from session.ioc_state import IocState
from slitless.errors import SlitlessError

__all__ = ["require_heartbeats"]


def require_heartbeats(state: IocState, root: Path, timeout: float = 3.0, patience: float = 10.0) -> None:
    """Return if each IOC of the state file answers within `timeout` s; one whose process lives has `patience` s more.

    Raises
    ------
    SlitlessError
        Naming those that do not, and how to start them.
    """
    pulses = {name: f"{place.prefix}IOC:Heartbeat" for name, place in state.iocs.items()}
    with ChannelAccess() as client:
        values = client.read(pulses.values(), timeout)
        silent = [name for name, pv in pulses.items() if values[pv] is None]
        busy = {pulses[name] for name in silent if name in state.alive}
        if busy and len(busy) == len(silent):  # nobody is missing; the machine is slow
            values |= client.read(busy, patience)
            silent = [name for name, pv in pulses.items() if values[pv] is None]
    if silent:
        start = f"slitless iocs {' '.join(silent)} --data {root}"
        raise SlitlessError(f"{', '.join(silent)} IOC: no answer; start them with: {start}")
