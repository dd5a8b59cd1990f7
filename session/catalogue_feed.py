"""The process that feeds the catalogue from the journal, beside whatever is going on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from session.children import last_words, start_module, stop_all
from session.interruption import pause
from slitless.errors import SlitlessError

__all__ = ["feeding", "not_in_catalogue", "wait_until_fed"]

POLL = 0.2  # s


@contextmanager
def feeding(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Have the catalogue of a data folder fed meanwhile; harmless if another process does it already."""
    process = start_module("capture.ingest", ["--data-root", str(root)], root / "logs" / "ingest.log")
    try:
        yield process
    finally:
        stop_all([process], patience=2.0)  # killed in the middle of a run, it does that run anew next time


def not_in_catalogue(root: Path) -> int:
    """Return how many closed runs of the journal are not in the catalogue yet."""
    from capture.ingest_state import DoneList
    from capture.journal_reader import is_closed, run_files

    done = DoneList(root)
    left = [path for path in run_files(root) if (path.stem, path.stat().st_size) not in done]
    return sum(is_closed(path) for path in left)


def wait_until_fed(root: Path, process: subprocess.Popen[bytes], timeout: float = 120.0) -> None:
    """Return when every closed run is in the catalogue.

    Raises
    ------
    SlitlessError
        If that does not work; the data are safe in the journal and can be fed later.
    """
    log = root / "logs" / "ingest.log"
    deadline = monotonic() + timeout
    while count := not_in_catalogue(root):
        if process.poll() not in (None, 3):  # 3: another process does it
            raise SlitlessError(f"catalogue: its ingest ended, {count} runs left: {last_words(log)}")
        if monotonic() > deadline:
            raise SlitlessError(f"catalogue: {count} runs left after {timeout:g} s; see {log}")
        pause(POLL)
