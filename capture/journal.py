"""The journal: every document of a run, in order, on disk before the plan goes on.

One file a run, ``<root>/journal/<day_obs>/<run uid>.jsonl``, one line a document:
``{"name": "event", "doc": {...}}``. Subscribe a `Journal` to the RunEngine before anything else.
A document that cannot be kept raises, and the RunEngine stops: no exposure goes on unrecorded.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from event_model import DocumentNames, schema_validators
from jsonschema.exceptions import ValidationError

from slitless.durable import sync_folder
from slitless.errors import SlitlessError
from slitless.identifiers import day_obs_at
from slitless.instrument_time import tai_minus_utc

__all__ = ["Journal", "JournalError", "encode_document", "journal_folder", "run_day_obs"]

SAFE_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
BELONGS_TO = {
    "descriptor": "run_start",
    "resource": "run_start",
    "stream_resource": "run_start",
    "stop": "run_start",
    "event": "descriptor",
    "event_page": "descriptor",
    "stream_datum": "descriptor",
    "datum": "resource",
    "datum_page": "resource",
}
"""The field by which a document names the one it belongs to."""


class JournalError(SlitlessError):
    """A document could not be kept; the run must not go on."""


def journal_folder(root: Path) -> Path:
    """Return the folder of the journal under a data root."""
    return Path(root) / "journal"


def run_day_obs(start: Mapping[str, Any]) -> int:
    """Return the day_obs on which a run began, from the time (UTC unix s) in its start document."""
    utc = float(start["time"])
    return day_obs_at(utc + tai_minus_utc(utc))


def encode_document(name: str, doc: Mapping[str, Any]) -> bytes:
    """Return the journal line of a document.

    Floats come back to the last bit, NaN and infinities included (written as Python's json does),
    and any text, since all that is not ASCII is escaped. numpy scalars and arrays become plain
    numbers and lists.

    Raises
    ------
    JournalError
        If the document breaks the event model, or holds what JSON cannot.
    """
    validator = schema_validators.get(getattr(DocumentNames, name, None))  # type: ignore[arg-type]
    if validator is None:
        raise JournalError(f"journal: {name!r} is no document of the event model")
    try:
        validator.validate(doc)
        line = json.dumps({"name": name, "doc": doc}, default=_plain, separators=(",", ":"))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.absolute_path) or "the document"
        raise JournalError(f"journal: {name} document breaks the event model at {place}: {error.message}") from None
    except (TypeError, ValueError) as error:
        raise JournalError(f"journal: {name} document cannot be written: {error}") from None
    return line.encode("ascii") + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{value!r} ({type(value).__name__}) has no place in a document")


class Journal:
    """Keeps the documents of runs; a callback for `RunEngine.subscribe`.

    Parameters
    ----------
    root : Path
        Data root; files go to ``<root>/journal``.

    Notes
    -----
    A run's file stays locked (flock) while its process lives and the run is open. The kernel lets
    go of the lock however the process ends, so an open run without a lock is an abandoned one.
    """

    def __init__(self, root: Path) -> None:
        self.folder = journal_folder(root)
        self._runs: dict[str, _RunFile] = {}
        self._run_of: dict[str, str] = {}
        """Run uid by the uid of each start, descriptor and resource seen."""

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Keep one document: on disk when this returns.

        Raises
        ------
        JournalError
            If it breaks the event model, belongs to no open run, or the disk does not take it.
        """
        line = encode_document(name, doc)
        if name == "start":
            self._begin(doc, line)
            return
        uid = self._run_uid(name, doc)
        if "uid" in doc and name in ("descriptor", "resource", "stream_resource"):
            self._run_of[doc["uid"]] = uid
        run = self._runs[uid]
        run.append(line)
        if name == "stop":
            self._end(uid)

    @property
    def open_runs(self) -> tuple[str, ...]:
        """Uids of the runs this journal has begun and not ended."""
        return tuple(self._runs)

    def close(self) -> None:
        """Let go of all files. Runs without a stop document stay open in the journal."""
        for uid in self.open_runs:
            self._end(uid)

    def _begin(self, start: Mapping[str, Any], line: bytes) -> None:
        uid = start["uid"]
        if not SAFE_UID.fullmatch(uid):
            raise JournalError(f"journal: run uid {uid!r} cannot be a file name")
        if not self.folder.parent.is_dir():  # a disk that is not mounted must not be replaced by a new folder
            raise JournalError(f"journal: data root {self.folder.parent} does not exist")
        self._runs[uid] = _RunFile.create(self.folder / str(run_day_obs(start)) / f"{uid}.jsonl", line)
        self._run_of[uid] = uid

    def _end(self, uid: str) -> None:
        self._runs.pop(uid).close()
        self._run_of = {key: run for key, run in self._run_of.items() if run != uid}

    def _run_uid(self, name: str, doc: Mapping[str, Any]) -> str:
        field = BELONGS_TO.get(name)
        if field is None:
            raise JournalError(f"journal: documents of kind {name!r} are not kept; emit them one by one")
        owner = doc.get(field)
        if owner is None and len(self._runs) == 1:  # run_start is optional in resources
            return next(iter(self._runs))
        if owner not in self._run_of:
            raise JournalError(f"journal: {name} document belongs to no open run ({field} {owner!r})")
        return self._run_of[owner]


class _RunFile:
    """The file of one open run, locked."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._size = size
        """Bytes known to be on disk: whole lines only."""
        self._waiting = b""
        """Lines the disk did not take; they go first once it takes any."""

    @classmethod
    def create(cls, path: Path, line: bytes) -> _RunFile:
        """Make the file of a run with its start document; it appears whole, locked and durable, or not at all."""
        partial = path.with_name(f".{path.name}.partial")
        try:
            make_folder(path.parent)
            if path.exists():
                raise JournalError(f"journal: {path} exists; a run uid is used once")
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise JournalError(f"journal: cannot begin {path}: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            run = cls(path, descriptor, 0)
            run.append(line)
            os.rename(partial, path)
            sync_folder(path.parent)
        except (OSError, JournalError) as error:
            os.close(descriptor)
            partial.unlink(missing_ok=True)
            if isinstance(error, JournalError):
                raise
            raise JournalError(f"journal: cannot begin {path}: {error}") from error
        return run

    def append(self, line: bytes) -> None:
        """Write a line and wait until the disk has it.

        Raises
        ------
        JournalError
            If it has not. What reached the file is taken back, and the line goes ahead of the next
            one, so that a run whose disk recovers is complete.
        """
        self._waiting += line
        try:
            _write_all(self._descriptor, self._waiting, self._size)
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._take_back()
            raise JournalError(f"journal: {self.path} did not take a document: {error}") from error
        self._size += len(self._waiting)
        self._waiting = b""

    def close(self) -> None:
        """Close the file, which unlocks it."""
        os.close(self._descriptor)

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            return  # the torn tail is recognised when the file is read


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
