"""Genuine EPICS as processes: an IOC that serves files, and clients that read PVs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["CLIENTS", "genuine_ioc", "read_all"]

CLIENTS = {"pyepics": "iocs.genuine.read_pyepics", "aioca": "iocs.genuine.read_aioca"}
"""The two libcas there are in Python packages, each with its reader."""
PATIENCE = 120.0  # s, for a client to read a thousand PVs on a busy host


@contextmanager
def genuine_ioc(paths: Iterable[Path], port: int, *arguments: str) -> Iterator[str]:
    """Serve files with a genuine IOC for as long as the block lasts; gives what it said while it started.

    Parameters
    ----------
    paths : iterable of Path
        Substitutions or records; none serves an instrument, with links.
    port : int
        TCP and UDP port.
    *arguments : str
        More arguments of `iocs.genuine.server`.

    Raises
    ------
    RuntimeError
        If it does not start; with all it said.
    """
    environment = {**os.environ, "EPICS_CA_SERVER_PORT": str(port), "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1"}
    command = [sys.executable, "-m", "iocs.genuine.server", *map(str, paths), *arguments]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment)
        assert process.stdin is not None  # noqa: S101  for the type checker
        assert process.stdout is not None  # noqa: S101
        lines: list[bytes] = []
        try:
            while not lines or (lines[-1] and lines[-1] != b"running\n"):
                lines.append(process.stdout.readline())
            log.seek(0)
            said = (b"".join(lines) + log.read()).decode(errors="replace")
            if lines[-1] != b"running\n":
                raise RuntimeError(f"the genuine IOC does not start: {said}")
            yield said
        finally:
            process.stdin.close()
            process.stdout.close()
            process.kill()  # it has nothing to save, and the C library's exit handlers take their time
            process.wait(10)


def read_all(client: str, names: Iterable[str], port: int) -> dict[str, dict[str, Any]]:
    """Read PVs with one of `CLIENTS`; name to what it is told: type, count, value, units, limits, states, alarm.

    Raises
    ------
    RuntimeError
        If the client fails; with all it said.
    """
    environment = {
        **os.environ,
        "EPICS_CA_ADDR_LIST": f"127.0.0.1:{port}",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_MAX_ARRAY_BYTES": "20000000",
    }
    done = subprocess.run(
        [sys.executable, "-m", CLIENTS[client]],
        input=" ".join(names),
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if done.returncode:
        raise RuntimeError(f"{client}: {done.stdout[-500:]}{done.stderr}")
    return json.loads(done.stdout)
