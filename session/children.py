"""Child processes that never outlive us: tied to this process by the kernel, ended in stages."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

__all__ = ["last_words", "start_module", "stop_all"]

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None)  # loaded here, because nothing should be loaded between fork and exec


def start_module(module: str, arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start ``python -m module arguments`` with its output at the end of a log file.

    Notes
    -----
    The child gets a process group of its own, so that Ctrl-C in the terminal reaches us alone and an
    open shutter can still be closed through the IOCs. The kernel sends it SIGTERM when the thread
    that called this ends, however it ends: call from the main thread.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    parent = os.getpid()

    def tie_to_parent() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before prctl
            os._exit(1)

    with log.open("ab") as output:  # what was said before an earlier death stays readable
        output.write(f"---- {datetime.now(UTC):%Y-%m-%dT%H:%M:%S} UTC: {module} starts\n".encode())
        output.flush()
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tie_to_parent,
        )


def stop_all(processes: Sequence[subprocess.Popen[bytes]], patience: float = 10.0) -> None:
    """End processes and what they started: SIGTERM to all, and SIGKILL to what is left after `patience` s."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        _signal_group(process, signal.SIGTERM)
    deadline = monotonic() + patience
    for process in running:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(deadline - monotonic(), 0.01))
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all of the group have ended
        os.killpg(process.pid, number)


def last_words(log: Path) -> str:
    """Return the last line of a log that is not empty; what a process said before it died."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
