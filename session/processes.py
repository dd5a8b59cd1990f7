"""The IOCs as processes: started on free loopback ports, watched by PV, enabled, and surely ended."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import Any, Self

from session.channel_access import ChannelAccess, use_addresses, write
from session.children import last_words, start_module, stop_all
from session.interruption import pause
from session.ioc_state import IocPlace, IocState, state_lock
from slitless.definition import Instrument
from slitless.errors import InvalidRequest, SlitlessError

__all__ = ["HEALTH_PVS", "IOCS", "IocFleet", "IocKind", "free_ports", "health"]


@dataclass(frozen=True)
class IocKind:
    """One of the IOCs an instrument has."""

    module: str
    device: str
    """Part of its prefix after the system's: ``FILTER`` in ``LATISS:FILTER:``."""


IOCS = {
    "detector": IocKind("iocs.detector", "CAM"),
    "shutter": IocKind("iocs.shutter", "SHUTTER"),
    "filter": IocKind("iocs.filter_wheel", "FILTER"),
    "grating": IocKind("iocs.grating_wheel", "GRATING"),
    "stage": IocKind("iocs.linear_stage", "STAGE"),
    "telescope": IocKind("iocs.telescope", "TEL"),
}
HEALTH_PVS = ("SummaryState", "Heartbeat", "UpTime", "CpuLoad", "MemoryUsed", "ClientCount", "ErrorReport")
"""What a health table shows, under each prefix and `IOC:`."""
PORTS = range(10_000, 32_000)  # below those that Linux gives to outgoing connections, so nobody takes one meanwhile


class IocFleet:
    """Some or all IOCs of an instrument, each a process of its own.

    Parameters
    ----------
    instrument : Instrument
        What they serve; `definition` is where it was read from.
    root : Path
        Data folder; created if missing. Logs go to its `logs/`.
    names : sequence of str
        Which of `IOCS`; all if empty.
    speed, epoch, seed
        Given to each; if IOCs already run over the same folder, theirs are taken, and their instrument.
    one_process : bool
        All of them in a single process.
    access_security : Path, optional
        EPICS access security file that they obey.

    Notes
    -----
    A context manager: leaving it ends what was started. Each IOC keeps its port in the state file, so
    that one which died can be started again where its peers look for it.
    """

    def __init__(
        self,
        instrument: Instrument,
        root: Path,
        names: Sequence[str] = (),
        *,
        definition: str = "latiss",
        prefix: str = "",
        speed: float = 1.0,
        epoch: float = 0.0,
        seed: int = 0,
        one_process: bool = False,
        access_security: Path | None = None,
    ) -> None:
        for name in names:
            if name not in IOCS:
                raise InvalidRequest("IOC", name, f"it must be one of {', '.join(IOCS)}")
        self.root = root.absolute()
        self.names = tuple(dict.fromkeys(names)) or tuple(IOCS)
        self.one_process = one_process
        self._access_security = access_security.absolute() if access_security else None
        place = definition if instrument_ships(definition) else str(Path(definition).absolute())
        self.state = IocState(prefix or instrument.prefix, speed, epoch, definition=place, seed=seed)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the processes; they are not ready yet when this returns.

        Raises
        ------
        SlitlessError
            If one of them already runs over this folder.
        """
        with state_lock(self.root):
            self.state = self._join(IocState.read(self.root))
            try:
                self._start_processes()
            finally:
                self.state = self.state.with_pids(self._pids())
                self.state.write(self.root)
        use_addresses(self.state.address_list)

    def wait_healthy(self, client: ChannelAccess, timeout: float = 60.0) -> None:
        """Return when each IOC answers over Channel Access.

        Raises
        ------
        SlitlessError
            If one ended, or is not there after `timeout` s; the message holds its last words.
        """
        deadline = monotonic() + timeout
        # a search that finds nobody is repeated ever more rarely, so nobody is searched before he listens
        while not all(_listens(self.state.iocs[name].port) for name in self.names):
            self.check_alive()
            if monotonic() > deadline:
                break
            pause(0.05)
        self._wait(client, lambda state: state is not None, "does not answer", timeout)

    def enable(self, client: ChannelAccess, timeout: float = 60.0) -> None:
        """Take each IOC to Enabled, where it accepts commands.

        Raises
        ------
        SlitlessError
            If one refuses or takes longer than `timeout` s.
        """
        for command, state in (("Start", "Standby"), ("Enable", "Disabled")):
            current = self._states(client)
            for name in self.names:
                if current[name] == state:
                    write(f"{self.state.iocs[name].prefix}IOC:StateCommand", command, timeout)
        self._wait(client, lambda state: state == "Enabled", "is not enabled", timeout)

    def check_alive(self) -> None:
        """Raise SlitlessError, with its last words, if a process has ended by itself."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise SlitlessError(self._obituary(name, process))

    def bury(self) -> list[str]:
        """Take processes that ended by themselves off the state file, so that others can start those IOCs again.

        Returns
        -------
        list of str
            A line for each: name, exit status, last words, log file.
        """
        dead = {name: process for name, process in self.processes.items() if process.poll() is not None}
        for name in dead:
            del self.processes[name]
        self._take_off(dead.values())
        return [self._obituary(name, process) for name, process in dead.items()]

    def stop(self) -> None:
        """End the processes and take them off the state file; harmless when done before."""
        ended, self.processes = self.processes, {}
        stop_all(list(ended.values()))
        self._take_off(ended.values())

    def _take_off(self, processes: Collection[subprocess.Popen[bytes]]) -> None:
        if not processes:
            return
        with state_lock(self.root):
            state = IocState.read(self.root)
            if state is not None:  # by process: an IOC that somebody else started again meanwhile stays
                state.without([process.pid for process in processes]).write(self.root)

    def _obituary(self, name: str, process: subprocess.Popen[bytes]) -> str:
        code, log = process.returncode, self._log(name)
        status = f"exit status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        which = ", ".join(self.names) if self.one_process else name
        return f"{which} IOC ended with {status}: {last_words(log)} (see {log})"

    def _join(self, found: IocState | None) -> IocState:
        if found is None or not found.alive:
            ports = free_ports(1 if self.one_process else len(IOCS))
            places = {
                name: IocPlace(ports[0 if self.one_process else number], f"{self.state.prefix}{kind.device}:")
                for number, (name, kind) in enumerate(IOCS.items())
            }
            return replace(self.state, iocs=places)
        twice = [name for name in self.names if name in found.alive]
        if twice:
            raise SlitlessError(f"{', '.join(twice)} IOC: already runs over {self.root}; end it or use another folder")
        return found

    def _start_processes(self) -> None:
        if self.one_process:
            self.processes["all"] = start_module("iocs.all", self._arguments(next(iter(IOCS))), self._log("all"))
            return
        for name in self.names:
            arguments = ["--prefix", self.state.iocs[name].prefix, *self._arguments(name)]
            self.processes[name] = start_module(IOCS[name].module, arguments, self._log(name))

    def _arguments(self, name: str) -> list[str]:
        state = self.state
        return [
            *("--system", state.prefix),
            *("--instrument", state.definition),
            *("--port", str(state.iocs[name].port)),
            *("--peers", state.address_list),
            *("--speed", repr(state.speed)),
            *("--epoch", repr(state.epoch)),
            *("--data-root", str(self.root)),
            *("--seed", str(state.seed)),
            *(("--access-security", str(self._access_security)) if self._access_security else ()),
        ]

    def _pids(self) -> dict[str, int | None]:
        if self.one_process:
            return dict.fromkeys(self.names, self.processes["all"].pid) if self.processes else {}
        return {name: process.pid for name, process in self.processes.items()}

    def _log(self, name: str) -> Path:
        return self.root / "logs" / f"ioc-{name}.log"

    def _states(self, client: ChannelAccess) -> dict[str, Any]:
        pvs = {name: f"{self.state.iocs[name].prefix}IOC:SummaryState" for name in self.names}
        values = client.read(pvs.values(), timeout=0.5)
        return {name: values[pv] for name, pv in pvs.items()}

    def _wait(self, client: ChannelAccess, good: Callable[[Any], bool], fault: str, timeout: float) -> None:
        deadline = monotonic() + timeout
        while True:
            states = self._states(client)
            waiting = [name for name, state in states.items() if not good(state)]
            if not waiting:
                return
            self.check_alive()
            if monotonic() > deadline:
                raise SlitlessError(f"{', '.join(waiting)} IOC {fault} after {timeout:g} s; see {self.root / 'logs'}")
            pause(0.1)


def health(client: ChannelAccess, state: IocState, timeout: float = 2.0) -> dict[str, dict[str, Any]]:
    """Return name -> health PVs of each IOC in the state file; all None for one that does not answer."""
    pvs = {(name, pv): f"{place.prefix}IOC:{pv}" for name, place in state.iocs.items() for pv in HEALTH_PVS}
    values = client.read(pvs.values(), timeout)
    return {name: {pv: values[pvs[name, pv]] for pv in HEALTH_PVS} for name in state.iocs}


def free_ports(count: int) -> list[int]:
    """Return loopback ports that are free for both TCP and UDP at this moment."""
    found: list[int] = []
    with ExitStack() as held:
        for port in random.sample(PORTS, k=len(PORTS)):
            if len(found) == count:
                return found
            if _hold(port, held):
                found.append(port)
    raise SlitlessError(f"fewer than {count} loopback ports are free for both TCP and UDP")


def instrument_ships(definition: str) -> bool:
    """Return whether this is the name of a definition that ships with Slitless, which goes before any file."""
    return files("slitless.instruments").joinpath(f"{definition}.toml").is_file()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def _hold(port: int, held: ExitStack) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        holder = held.enter_context(socket.socket(socket.AF_INET, kind))
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
