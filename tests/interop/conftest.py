"""The IOC of this folder as a process that can be killed and started again, and clients in processes of their own."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CLIENTS = {
    "pyepics": ["use_pyepics.py"],
    "aioca": ["use_aioca.py"],
    "caproto threading": ["use_caproto.py", "threading"],
    "caproto asyncio": ["use_caproto.py", "asyncio"],
}


class ClientProcess:
    """A client that tells what it finds, a line of JSON each."""

    def __init__(self, client: str, task: str, prefix: str, environment: dict[str, str]) -> None:
        program, *options = CLIENTS[client]
        command = [sys.executable, str(HERE / program), task, prefix, *options]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: queue.Queue[tuple[float, str]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put((time.monotonic(), line))
        self.lines.put((time.monotonic(), ""))

    def next(self, timeout: float = 30.0) -> tuple[float, dict[str, Any]]:
        """When it told something, and what."""
        when, line = self.lines.get(timeout=timeout)
        if not line:
            raise AssertionError(self.process.stderr.read() if self.process.stderr else "it ended")
        return when, json.loads(line)

    def until(self, fulfilled, timeout: float = 30.0) -> tuple[float, dict[str, Any]]:
        """The first finding that fulfils a condition."""
        deadline = time.monotonic() + timeout
        while True:
            when, found = self.next(max(deadline - time.monotonic(), 0.01))
            if fulfilled(found):
                return when, found

    def everything(self) -> dict[str, Any]:
        """All it finds until it ends."""
        found: dict[str, Any] = {}
        while (line := self.lines.get(timeout=60)[1]) != "":
            found |= json.loads(line)
        errors = self.process.communicate()[1]
        assert self.process.returncode == 0, errors
        return found

    def go_on(self) -> None:
        """Let it go on from where it waits."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


class InteropIoc:
    """The IOC of `ioc_program.py`."""

    def __init__(self, port: int, prefix: str, folder: Path) -> None:
        self.port, self.prefix, self.folder = port, prefix, folder
        self.start()

    def start(self) -> float:
        """Start it; returns when it listens."""
        command = [sys.executable, str(HERE / "ioc_program.py"), str(self.port), self.prefix, str(self.folder)]
        with open(self.folder / "ioc.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return time.monotonic()
            time.sleep(0.01)  # a process that imports announces nothing to wait for
        raise AssertionError((self.folder / "ioc.log").read_text())

    def wait_for_note_of(self, count: int) -> None:
        """Wait until so many clients of the EPICS library are noted, for whom a restart is to be quick."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            noted = self.folder / "clients.json"
            if noted.exists() and len(json.loads(noted.read_text())) >= count:
                return
            time.sleep(0.02)
        raise AssertionError(f"fewer than {count} clients are noted")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="module")
def interop_ioc(port_keeper, tmp_path_factory):
    ioc = InteropIoc(port_keeper.next(), "INTEROP:", tmp_path_factory.mktemp("interop"))
    yield ioc
    ioc.kill()


@pytest.fixture
def client(interop_ioc):
    """Start a client: ``client("aioca", "checks")``."""
    started: list[ClientProcess] = []
    environment = os.environ | {
        "EPICS_CA_ADDR_LIST": f"127.0.0.1:{interop_ioc.port}",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
    }

    def start(name: str, task: str, **variables: str) -> ClientProcess:
        started.append(ClientProcess(name, task, interop_ioc.prefix, environment | variables))
        return started[-1]

    yield start
    for process in started:
        process.close()
