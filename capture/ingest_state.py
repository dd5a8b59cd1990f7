"""What the ingest keeps on disk besides the catalogue: its lock, its status, and what it has done."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from capture.catalogue import DONE_LIST, catalogue_folder
from slitless.errors import SlitlessError

__all__ = [
    "AlreadyRunning",
    "DoneList",
    "IngestLock",
    "IngestStatus",
    "StatusRecord",
    "read_status",
    "remove_catalogue",
]


logger = logging.getLogger(__name__)


class AlreadyRunning(SlitlessError):
    """Another process feeds this catalogue."""


class IngestLock:
    """Makes sure that one process at a time feeds a catalogue; the kernel lets go of it with the process."""

    def __init__(self, root: Path) -> None:
        self.path = catalogue_folder(root) / "ingest.lock"

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, "a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise AlreadyRunning(f"ingest: process {owner} already feeds {self.path.parent}") from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


@dataclass
class StatusRecord:
    """How the ingest is doing."""

    state: str
    """starting, idle, ingesting, failing (it goes on trying) or stopped."""
    backlog: int = 0
    """Closed runs that are not in the catalogue yet."""
    ingested: int = 0
    """Runs in the catalogue."""
    last_error: str = ""
    """Why the latest attempt that failed did; empty once nothing is left to retry."""
    pid: int = 0
    updated: float = 0.0
    """UTC unix s."""


class IngestStatus:
    """Keeps ``<root>/catalogue/ingest.json`` true: never half-written, ``stopped`` at the end."""

    def __init__(self, root: Path) -> None:
        self._path = _status_path(root)
        self._record = StatusRecord("starting", pid=os.getpid())

    def __enter__(self) -> Self:
        self.set("starting")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._record.last_error = f"{type(error).__name__}: {error}"
        self.set("stopped")

    def set(self, state: str, **changes: Any) -> None:
        """Publish a change of state, backlog, ingested or last_error."""
        for name, value in changes.items():
            setattr(self._record, name, value)
        self._record.state = state
        self._record.updated = time.time()
        partial = self._path.with_suffix(".partial")
        try:
            partial.write_text(json.dumps(asdict(self._record)) + "\n", encoding="ascii")
            os.replace(partial, self._path)
        except OSError as error:  # a full disk must not end the ingest, which waits for room
            logger.warning("ingest: cannot publish its status: %s", error)


def _status_path(root: Path) -> Path:
    return catalogue_folder(root) / "ingest.json"


def read_status(root: Path) -> StatusRecord | None:
    """Return what the ingest last said of itself; None if it never ran. A killed one did not say ``stopped``."""
    try:
        return StatusRecord(**json.loads(_status_path(root).read_text(encoding="ascii")))
    except FileNotFoundError:
        return None


class DoneList:
    """The runs that are whole in the catalogue, with the size of the journal file they came from."""

    def __init__(self, root: Path) -> None:
        self._path = catalogue_folder(root) / DONE_LIST
        self._sizes = dict(self._read())

    def __contains__(self, run: tuple[str, int]) -> bool:
        """Tell whether a run (uid, bytes of its journal file) is done."""
        uid, size = run
        return self._sizes.get(uid) == size

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, uid: str, size: int) -> None:
        """Remember a run, durably."""
        with open(self._path, "ab") as file:
            if file.tell() and not self._ends_whole():
                file.write(b"\n")
            file.write(json.dumps({"uid": uid, "size": size}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._sizes[uid] = size

    def _ends_whole(self) -> bool:
        with open(self._path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"

    def _read(self) -> list[tuple[str, int]]:
        if not self._path.exists():
            return []
        done = []
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                done.append((entry["uid"], entry["size"]))
            except (ValueError, KeyError, TypeError):
                continue  # torn by a kill: that run is looked up in the catalogue
        return done


def remove_catalogue(folder: Path) -> None:
    """Remove all of a catalogue but its lock, which the caller holds."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "ingest.lock":
            path.unlink()
