"""IOCs and clients as processes of a benchmark, on ports of their own, surely ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["environment", "free_ports", "helper", "last_line", "our_ioc"]

HERE = Path(__file__).parent
START_TIMEOUT = 60.0  # s


def free_ports(count: int) -> list[int]:
    """Return ports that are free on loopback for TCP and UDP."""
    found: list[int] = []
    while len(found) < count:
        with closing(socket.socket()) as tcp, closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port not in found:
                found.append(port)
    return found


@contextmanager
def our_ioc(module: str, port: int, *arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of our IOCs for the length of a block; it listens when the block begins."""
    command = [sys.executable, "-m", module, "--port", str(port), *arguments]
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{module} does not listen:\n{log.read_text()}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def helper(program: str, *arguments: str, port: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a program of this folder for the length of a block; it has said its first line when the block begins."""
    variables = {} if port is None else {"EPICS_CA_SERVER_PORT": str(port), "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, str(HERE / program), *arguments],
        env=os.environ | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None or not process.stdout.readline():
            raise SystemExit(f"{program} {' '.join(arguments)} does not start")
        yield process
    finally:
        if process.poll() is None:
            process.communicate(timeout=30)


def last_line(process: subprocess.Popen[str]) -> str:
    """End a helper and return what it says last."""
    return process.communicate(timeout=30)[0].strip()


def environment(ports: Sequence[int]) -> None:
    """Let the clients of this process, and those it starts, look at these ports of loopback only."""
    os.environ["EPICS_CA_ADDR_LIST"] = " ".join(f"127.0.0.1:{port}" for port in ports)
    os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"
    os.environ["EPICS_CAS_AUTO_BEACON_ADDR_LIST"] = "NO"
    os.environ["EPICS_CAS_BEACON_ADDR_LIST"] = "127.0.0.1"
