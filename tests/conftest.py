"""Fixtures for every room: an EPICS environment of one's own, and IOCs as processes.

Nothing leaves loopback, no two test sessions share a port, and each test has its own prefix.
"""

from __future__ import annotations

import fcntl
import importlib
import inspect
import math
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

pytest_plugins = ["observing_rig"]

LONG = ("session", "acceptance", "capture", "scripting", "plans", "iocs", "interop")
"""Folders whose files take longest; they start first, so that no worker is left with one of them in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests in the order in which their files are to start."""
    folders = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(folders).parts[0]
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=rank)
    for item in items:
        _rerun_if_the_host_stalled(item)


PORTS = 24  # IOCs alive at once in one test session, at most
START_TIMEOUT = 30.0  # s, for a process to import and listen on a loaded machine
STOP_TIMEOUT = 10.0  # s


class PortKeeper:
    """Gives out ports that nobody else gets, not even a test session that runs beside this one.

    They lie below the range from which the system takes ports for outgoing connections, so that no client's socket
    can sit on one between its choice and its use.
    """

    CHOICE = range(10_000, 32_000)
    LOCKS = Path(tempfile.gettempdir()) / "slitless-test-ports"

    def __init__(self) -> None:
        self._held: list[IO[str]] = []

    def next(self) -> int:
        """A port that is free for TCP and UDP on loopback."""
        self.LOCKS.mkdir(exist_ok=True)
        for port in random.SystemRandom().sample(self.CHOICE, 500):
            lock = open(self.LOCKS / str(port), "w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with closing(socket.socket(socket.AF_INET, kind)) as probe:
                        probe.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
            self._held.append(lock)
            return port
        raise RuntimeError("no port is free for TCP and UDP")

    def close(self) -> None:
        """Give all ports back."""
        for lock in self._held:
            lock.close()


@pytest.fixture(scope="session")
def port_keeper() -> Iterator[PortKeeper]:
    """Ports for whatever a test starts."""
    with closing(PortKeeper()) as keeper:
        yield keeper


@pytest.fixture(scope="session", autouse=True)
def ca_ports(port_keeper: PortKeeper) -> Iterator[list[int]]:
    """Ports of this test session; EPICS clients search exactly there.

    The address list must stand before the first client of the process is made, so it names every port that any test
    of the session may use.
    """
    ports = [port_keeper.next() for _ in range(PORTS)]
    environment = {
        "EPICS_CA_ADDR_LIST": " ".join(f"127.0.0.1:{port}" for port in ports),
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_MAX_ARRAY_BYTES": "20000000",
        "EPICS_CA_SERVER_PORT": str(ports[-1]),
    }
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    yield ports
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture
def system_prefix() -> str:
    """A prefix nobody else uses, e.g. ``T3F09A1:``."""
    return f"T{secrets.token_hex(3).upper()}:"


class HostTime:
    """Time as a busy host lives it: 10 ms at each wake-up of a thread that wants to wake up every 10 ms.

    What must happen within a second is held up by whatever else wants the processor; so is this.
    """

    TICK = 0.01  # s
    STALL = 0.25  # s without a wake-up; an instrument that runs 20 times as fast lives 5 s meanwhile

    def __init__(self) -> None:
        self._ticks = 0
        self._stalled_at = -math.inf
        threading.Thread(target=self._run, daemon=True).start()

    def __call__(self) -> float:
        """s since the start."""
        return self._ticks * self.TICK

    def stalled_since(self, moment: float) -> bool:
        """Whether the host gave this process no time for long, since a moment of `time.monotonic`."""
        return self._stalled_at >= moment

    def _run(self) -> None:
        before = time.monotonic()
        while True:
            time.sleep(self.TICK)
            self._ticks += 1
            now = time.monotonic()
            if now - before > self.STALL:
                self._stalled_at = now
            before = now


HOST_TIME = HostTime()
STARTED = pytest.StashKey[float]()


@pytest.fixture(scope="session")
def host_time() -> HostTime:
    """A clock for what must happen within a second: ``began = host_time()``."""
    return HOST_TIME


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note when a test starts."""
    item.stash[STARTED] = time.monotonic()


def _rerun_if_the_host_stalled(item: pytest.Item) -> None:
    """Run a test that failed again if the host stalled meanwhile, twice at most; the summary says so."""

    def stalled(_: BaseException | None) -> bool:
        return HOST_TIME.stalled_since(item.stash.get(STARTED, math.inf))

    item.add_marker(pytest.mark.flaky(reruns=2, condition=stalled))


@dataclass
class RunningIoc:
    """An IOC process that listens."""

    module: str
    prefix: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> int:
        """End it as an operator would; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_TIMEOUT)
            raise AssertionError(
                f"{self.module} did not end within {STOP_TIMEOUT:g} s of SIGTERM\n{self.output()}"
            ) from None

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT)

    def output(self) -> str:
        """What it logged."""
        return self.log.read_text(errors="replace")


StartIoc = Callable[..., RunningIoc]


def device_of(module: str) -> str:
    """Device name of the IOC class a module defines; empty for a script."""
    if module.endswith(".py"):
        return ""
    from iocs.ioc import Ioc

    found = importlib.import_module(module)
    classes = [
        c for _, c in inspect.getmembers(found, inspect.isclass) if issubclass(c, Ioc) and c.__module__ == module
    ]
    devices = [c.device for c in classes if "device" in vars(c)]
    return devices[0] if devices else ""


@pytest.fixture
def start_ioc(ca_ports: list[int], system_prefix: str, tmp_path: Path) -> Iterator[StartIoc]:
    """Start IOCs: ``start_ioc("iocs.shutter", "--enable", "--speed", "50")``; each is ended with the test.

    A bench that only tests need is started by the path of its script, which says its prefix itself. `system` and
    `port` may be given; a port is free again once its IOC was stopped.
    """
    running: list[RunningIoc] = []

    def start(module: str, *args: str, system: str | None = None, port: int | None = None) -> RunningIoc:
        used = {ioc.port for ioc in running if ioc.process.poll() is None}
        port = port if port is not None else next(p for p in ca_ports[:-1] if p not in used)
        system = system or system_prefix
        log = tmp_path / f"{Path(module).name}-{len(running)}.log"
        program = [module] if module.endswith(".py") else ["-m", module]
        command = [sys.executable, *program, "--system", system, "--port", str(port), *args]
        with open(log, "wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        ioc = RunningIoc(module, f"{system}{device_of(module)}:", port, process, log)
        running.append(ioc)
        _wait_until_listening(ioc)
        return ioc

    yield start
    for ioc in reversed(running):
        ioc.stop()


def _wait_until_listening(ioc: RunningIoc) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if ioc.process.poll() is not None:
            raise AssertionError(f"{ioc.module} ended with status {ioc.process.returncode}\n{ioc.output()}")
        with closing(socket.socket()) as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", ioc.port)) == 0:
                return
        time.sleep(0.02)  # a process that imports announces nothing to wait for
    raise AssertionError(f"{ioc.module} does not listen after {START_TIMEOUT:g} s\n{ioc.output()}")
