"""Reading the journal: runs as they were recorded, torn tails and abandoned runs recognised."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.journal import journal_folder
from slitless.errors import SlitlessError

__all__ = [
    "JournalDamaged",
    "RunRecord",
    "day_files",
    "has_writer",
    "is_closed",
    "read_run",
    "resolve_file",
    "run_files",
    "runs",
]

TAIL_BYTES = 65536
"""Enough to hold a stop document, which ends a closed run."""


class JournalDamaged(SlitlessError):
    """A journal file holds something other than documents, and not merely at a torn end."""


@dataclass(frozen=True)
class RunRecord:
    """One run as the journal has it."""

    path: Path
    documents: tuple[tuple[str, dict[str, Any]], ...]
    """(name, document) in order; the first is the start document."""
    whole_bytes: int
    """Length of the file up to the end of the last whole document."""
    torn_bytes: int
    """Bytes after it: a document whose writer was killed, which nobody has relied on."""

    @property
    def start(self) -> dict[str, Any]:
        """The start document."""
        return self.documents[0][1]

    @property
    def uid(self) -> str:
        """Uid of the run."""
        return self.start["uid"]

    @property
    def stop(self) -> dict[str, Any] | None:
        """The stop document; None while the run is open."""
        name, doc = self.documents[-1]
        return doc if name == "stop" else None

    def events(self, stream: str) -> Iterator[dict[str, Any]]:
        """Yield the events of a stream (``primary``, ``baseline``...) in order."""
        descriptors = {doc["uid"] for name, doc in self.documents if name == "descriptor" and doc.get("name") == stream}
        return (doc for name, doc in self.documents if name == "event" and doc["descriptor"] in descriptors)


def resolve_file(root: Path, resource: Mapping[str, Any]) -> Path:
    """Return where the file of a Resource document is: below this data root if it is there, else where it was written.

    The path is free of links, since the catalogue serves nothing outside its data root.
    """
    relative = resource["resource_path"].lstrip("/")
    here = (Path(root) / relative).resolve()
    return here if here.exists() else (Path(resource.get("root", "")) / relative).resolve()


def run_files(root: Path, day_obs: int | None = None) -> list[Path]:
    """Return the journal files under a data root, by day of the run's start and then by age.

    Parameters
    ----------
    root : Path
        Data root.
    day_obs : int, optional
        Only runs that began on this day.
    """
    folder = journal_folder(root)
    days = (
        sorted(path for path in folder.glob("[0-9]*") if path.is_dir()) if day_obs is None else [folder / str(day_obs)]
    )
    return [path for day in days for path in day_files(day)]


def day_files(day: Path) -> list[Path]:
    """Return the journal files in one day's folder, those that changed last at the end."""
    return sorted(day.glob("[!.]*.jsonl"), key=lambda path: (path.stat().st_mtime, path.name))


def read_run(path: Path) -> RunRecord:
    """Read one run.

    Raises
    ------
    JournalDamaged
        If a line is no document and others follow it, or the file does not begin with a start document.
    """
    data = path.read_bytes()
    documents: list[tuple[str, dict[str, Any]]] = []
    whole = 0
    while (end := data.find(b"\n", whole)) >= 0:
        document = _decode(data[whole:end])
        if document is None:
            break
        documents.append(document)
        whole = end + 1
    if b"\n" in data[whole:].rstrip(b"\0\n"):
        raise JournalDamaged(f"journal: {path} is damaged at byte {whole}, line {len(documents) + 1}")
    if not documents or documents[0][0] != "start":
        raise JournalDamaged(f"journal: {path} does not begin with a start document")
    return RunRecord(path, tuple(documents), whole, len(data) - whole)


def _decode(line: bytes) -> tuple[str, dict[str, Any]] | None:
    try:
        document = json.loads(line)
        return document["name"], document["doc"]
    except (ValueError, KeyError, TypeError):
        return None


def runs(root: Path, day_obs: int | None = None) -> Iterator[RunRecord]:
    """Yield the runs of the journal that can be read, as `run_files` orders them."""
    for path in run_files(root, day_obs):
        try:
            yield read_run(path)
        except JournalDamaged:
            continue  # `check_data` reports it; one bad file must not hide the night


def is_closed(path: Path) -> bool:
    """Tell whether a run has its stop document, reading only the end of its file."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
    if not tail.endswith(b"\n"):
        return False
    last = tail[:-1].rpartition(b"\n")[2]
    return last.startswith(b'{"name":"stop"') and _decode(last) is not None


def has_writer(path: Path) -> bool:
    """Tell whether a living process still writes this run."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
