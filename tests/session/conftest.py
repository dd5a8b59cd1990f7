"""The `slitless` command as a user runs it: a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

PATIENCE = 90.0  # s, on a machine that does other things too


@dataclass
class Command:
    """A `slitless` command that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        """What it printed, stdout and stderr."""
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        """Return once it has printed this."""
        self.wait_until(lambda: text in self.output)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return once a condition holds."""
        deadline, pause = monotonic() + PATIENCE, Event()
        while not condition():
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.output}"
            assert monotonic() < deadline, f"waited in vain:\n{self.output}"
            pause.wait(0.05)

    def end(self) -> int:
        """Wait for its end; returns the exit code."""
        return self.process.wait(PATIENCE)


Slitless = Callable[..., Command]


def clean_environment() -> dict[str, str]:
    """The environment without EPICS settings of this test session: the command makes its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EPICS_")}
    return environment | {"OPHYD_CONTROL_LAYER": "caproto"}


def processes_over(folder: Path) -> list[str]:
    """Command lines of all running processes that name a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if entry.name.isdigit() and str(folder) in command:
            found.append(command)
    return found


@pytest.fixture
def nobody_over() -> Callable[[Path], None]:
    """Return when no process names a folder; fail if that takes long."""

    def wait(folder: Path) -> None:
        deadline, pause = monotonic() + 15.0, Event()
        while left := processes_over(folder):
            assert monotonic() < deadline, f"left over: {left}"
            pause.wait(0.1)

    return wait


@pytest.fixture(scope="module")
def slitless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slitless]:
    """Start ``slitless ...``; whatever still runs at the end of the tests of a file is ended."""
    commands: list[Command] = []
    folder = tmp_path_factory.mktemp("output")

    def start(*arguments: str | Path) -> Command:
        log = folder / str(len(commands))
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "session.cli", *map(str, arguments)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean_environment(),
            )
        commands.append(Command(process, log))
        return commands[-1]

    yield start
    for command in commands:
        if command.process.poll() is None:
            command.process.send_signal(signal.SIGTERM)
            command.end()
