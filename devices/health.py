"""The state of the IOCs: heartbeats, versions, summary states and how to change them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ophyd import Component as Cpt
from ophyd.status import Status

from devices.command import GRACE, CommandFailed, Pulse
from devices.signals import PUT_FAILED, Readback, Setting, Text
from slitless.errors import SlitlessError, choose

__all__ = ["SUMMARY_STATES", "Health", "IocHealth", "SummaryStateStatus"]

SUMMARY_STATES = ("Unknown", "Disabled", "Enabled", "Fault", "Offline", "Standby")

_STEPS = {  # from a state towards another: the command that is one step on the way
    "Enabled": {"Offline": "EnterControl", "Standby": "Start", "Disabled": "Enable", "Fault": "Standby"},
    "Disabled": {"Offline": "EnterControl", "Standby": "Start", "Enabled": "Disable", "Fault": "Standby"},
    "Standby": {"Offline": "EnterControl", "Disabled": "Standby", "Enabled": "Disable", "Fault": "Standby"},
    "Offline": {"Standby": "ExitControl", "Disabled": "Standby", "Enabled": "Disable", "Fault": "Standby"},
}
_COMMANDS = ("None", "Start", "Enable", "Disable", "Standby", "EnterControl", "ExitControl")
"""In the order of the record's states."""

NO_CONNECTION = "no connection to the IOC"
REFUSAL_TIME = 1.0
"""s of wall time for a change of state to arrive after the IOC answered."""


class IocHealth(Pulse):
    """What one IOC says about itself."""

    summary_state = Cpt(Readback, "SummaryState", string=True, kind="normal")
    state_command = Cpt(Setting, "StateCommand", kind="omitted")
    error_code = Cpt(Readback, "ErrorCode", kind="normal")
    error_report = Cpt(Text, "ErrorReport", kind="normal")
    software_version = Cpt(Readback, "SoftwareVersion", kind="normal")
    simulation_mode = Cpt(Readback, "SimulationMode", kind="normal")
    up_time = Cpt(Readback, "UpTime", kind="omitted")
    cpu_load = Cpt(Readback, "CpuLoad", kind="omitted")
    memory_used = Cpt(Readback, "MemoryUsed", kind="omitted")
    client_count = Cpt(Readback, "ClientCount", kind="omitted")

    def set_state(self, state: str) -> SummaryStateStatus:
        """Take the IOC to a summary state, through the states between.

        Raises
        ------
        InvalidRequest
            If `state` is not Enabled, Disabled, Standby or Offline.
        """
        return SummaryStateStatus(self, choose("summary state", state, tuple(_STEPS)))

    def assert_alive(self, limit: float = 5.0) -> None:
        """Raise if no heartbeat arrived within `limit` wall seconds."""
        if not self.heartbeat.connected or self.silence > limit:
            raise SlitlessError(f"{self.prefix}Heartbeat: no heartbeat for {self.silence:.0f} s")


class SummaryStateStatus(Status):
    """Done when the IOC is in the summary state that was asked for; fails on a fault or a refusal."""

    def __init__(self, ioc: IocHealth, target: str, timeout: float = 60.0 + GRACE) -> None:
        super().__init__(ioc)
        self._ioc = ioc
        self._target = target
        self._seen: list[str] = []
        self._guard = threading.RLock()
        self._timer = _timer(timeout, self._give_up, timeout)
        ioc.summary_state.subscribe(self._changed, run=False)
        ioc.summary_state.subscribe(self._lost, event_type=ioc.summary_state.SUB_META, run=False)
        if ioc.summary_state.connected:
            self._changed(ioc.summary_state.get())
        else:
            self._lost(connected=False)

    def _changed(self, value: str, **_: Any) -> None:
        with self._guard:
            if self.done or self._seen[-1:] == [value]:
                return
            if value == self._target:
                self._end(None)
            elif value in self._seen:
                self._end(f"it is in {value} again: {self._report()}")
            elif value in _STEPS[self._target]:
                self._seen.append(value)
                self._send(_STEPS[self._target][value])

    def _send(self, command: str) -> None:
        try:
            self._ioc.state_command.put(_COMMANDS.index(command), callback=self._answered)
        except PUT_FAILED as error:
            self._end(str(error) if self._ioc.state_command.connected else NO_CONNECTION)

    def _answered(self, **_: Any) -> None:
        """Note that the IOC has dealt with a command: if nothing changes in a moment, it refused."""
        with self._guard:
            if not self.done:
                _timer(REFUSAL_TIME, self._check_refused, tuple(self._seen))

    def _check_refused(self, seen: tuple[str, ...]) -> None:
        with self._guard:
            if not self.done and tuple(self._seen) == seen:
                self._end(f"refused in {seen[-1]}: {self._report()}")

    def _lost(self, connected: bool = True, **_: Any) -> None:
        if not connected:
            with self._guard:
                self._end(NO_CONNECTION)

    def _give_up(self, timeout: float) -> None:
        with self._guard:
            if not self.done:
                self._end(f"not reached in {timeout:.0f} s, it was in {', '.join(self._seen)}: {self._report()}")

    def _report(self) -> str:
        report = self._ioc.error_report
        return report.get() if report.connected and report.get() else "the IOC's log says why"

    def _end(self, reason: str | None) -> None:
        if self.done:
            return
        self._timer.cancel()
        self._ioc.summary_state.clear_sub(self._changed)
        self._ioc.summary_state.clear_sub(self._lost)
        if reason is None:
            self.set_finished()
        else:
            self.set_exception(CommandFailed(f"{self._ioc.prefix}SummaryState to {self._target}: {reason}"))


def _timer(seconds: float, function: Callable[..., None], *arguments: Any) -> threading.Timer:
    timer = threading.Timer(seconds, function, arguments)
    timer.daemon = True
    timer.start()
    return timer


class Health:
    """The IOCs of a spectrograph together; readable, so that a run can record it.

    Parameters
    ----------
    iocs : mapping of str to IocHealth
        By component name: camera, shutter, filter, grating, stage, telescope.
    """

    name = "health"
    parent = None

    def __init__(self, iocs: Mapping[str, IocHealth]) -> None:
        self.iocs = dict(iocs)

    def __getitem__(self, component: str) -> IocHealth:
        return self.iocs[choose("component", component, tuple(self.iocs))]

    def __iter__(self) -> Iterator[str]:
        return iter(self.iocs)

    @property
    def hints(self) -> dict[str, Any]:
        """Nothing to plot."""
        return {"fields": []}

    def read(self) -> dict[str, Any]:
        """Return the reading of every IOC."""
        return {str(key): value for ioc in self.iocs.values() for key, value in ioc.read().items()}

    def describe(self) -> dict[str, Any]:
        """Return the data keys of every IOC."""
        return {str(key): value for ioc in self.iocs.values() for key, value in ioc.describe().items()}

    def read_configuration(self) -> dict[str, Any]:
        """Nothing is configured."""
        return {}

    def describe_configuration(self) -> dict[str, Any]:
        """Nothing is configured."""
        return {}

    def states(self) -> dict[str, str]:
        """Return the summary state of each component; Unknown if it cannot be reached."""
        return {
            name: ioc.summary_state.get() if ioc.summary_state.connected else "Unknown"
            for name, ioc in self.iocs.items()
        }

    def set_state(self, state: str, components: tuple[str, ...] | None = None) -> dict[str, SummaryStateStatus]:
        """Take components (all, if not given) to a summary state; one status each, all under way at once."""
        names = components or tuple(self.iocs)
        chosen = {name: self[name] for name in names}
        return {name: ioc.set_state(state) for name, ioc in chosen.items()}

    def enable(self, components: tuple[str, ...] | None = None) -> dict[str, SummaryStateStatus]:
        """Enable components; one status each."""
        return self.set_state("Enabled", components)

    def standby(self, components: tuple[str, ...] | None = None) -> dict[str, SummaryStateStatus]:
        """Take components to standby; one status each."""
        return self.set_state("Standby", components)

    def assert_all_enabled(self, message: str = "") -> None:
        """Raise naming each component that is not enabled."""
        others = {name: state for name, state in self.states().items() if state != "Enabled"}
        if others:
            listed = ", ".join(f"{name} is {state}" for name, state in others.items())
            raise SlitlessError(f"not enabled: {listed}. {message}".rstrip(". "))

    def assert_alive(self, limit: float = 5.0) -> None:
        """Raise naming each component without a heartbeat within `limit` wall seconds."""
        silent = [name for name, ioc in self.iocs.items() if not ioc.heartbeat.connected or ioc.silence > limit]
        if silent:
            raise SlitlessError(f"no heartbeat within {limit:g} s from {', '.join(silent)}")
