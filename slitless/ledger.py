"""The exposure ledger: what became of every exposure id, one durable line an event.

`<folder>/<day_obs>.jsonl` holds a JSON object a line: `reserved` when an id is given out, then one of
`written` (with the file), `failed` (with the reason) or `aborted`. A line is on disk before the call returns.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slitless.durable import sync_folder
from slitless.identifiers import ExposureName
from slitless.instrument_time import isot

__all__ = ["Ledger", "LedgerEntry"]

ENDINGS = ("written", "failed", "aborted")


@dataclass(frozen=True)
class LedgerEntry:
    """One line of the ledger."""

    event: str
    """reserved, written, failed or aborted."""
    obs_id: str
    facts: Mapping[str, Any]
    """Everything else the line says."""


class Ledger:
    """Keeps the fate of exposures in one folder, a file a day_obs.

    Parameters
    ----------
    folder : Path
        Where the files are; made when the first line is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def reserved(self, name: ExposureName, at: float, **facts: Any) -> None:
        """Record that an exposure id was given out at `at` (TAI unix s).

        The facts say what it is for, and with `destination` where its file will be (path relative to the data root).
        """
        self._append(name, "reserved", at, exposure_id=name.exposure_id, **facts)

    def written(self, name: ExposureName, at: float, file: str, **facts: Any) -> None:
        """Record that the frame is durable in `file` (path relative to the data root)."""
        self._append(name, "written", at, file=file, **facts)

    def failed(self, name: ExposureName, at: float, reason: str) -> None:
        """Record that the exposure gave no frame, and why."""
        self._append(name, "failed", at, reason=reason)

    def aborted(self, name: ExposureName, at: float, reason: str) -> None:
        """Record that the exposure was given up on request."""
        self._append(name, "aborted", at, reason=reason)

    def entries(self, day_obs: int) -> Iterator[LedgerEntry]:
        """Return the lines of a day in order; a line torn by a kill is left out."""
        path = self._path(day_obs)
        if not path.exists():
            return
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):  # a text may hold other line ends
            try:
                facts = json.loads(line)
                yield LedgerEntry(facts.pop("event"), facts.pop("obs_id"), facts)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue

    def days(self) -> list[int]:
        """Return the days that have a ledger, in order."""
        return sorted(int(path.stem) for path in self.folder.glob("*.jsonl") if path.stem.isdigit())

    def last_event(self, day_obs: int) -> dict[str, LedgerEntry]:
        """Return the latest line of each exposure of a day."""
        return {entry.obs_id: entry for entry in self.entries(day_obs)}

    def unfinished(self) -> list[ExposureName]:
        """Return the exposures that were reserved and have no end."""
        return [ExposureName.parse(entry.obs_id) for entry in self.open_reservations()]

    def open_reservations(self) -> list[LedgerEntry]:
        """Return the latest line of each exposure that was reserved and has no end."""
        last = (entry for day in self.days() for entry in self.last_event(day).values())
        return [entry for entry in last if entry.event not in ENDINGS]

    def files(self, day_obs: int) -> set[str]:
        """Return the files that exposures of a day were written to (paths relative to the data root)."""
        return {str(entry.facts.get("file")) for entry in self.entries(day_obs) if entry.event == "written"}

    def _path(self, day_obs: int) -> Path:
        return self.folder / f"{day_obs:08d}.jsonl"

    def _append(self, name: ExposureName, event: str, at: float, **facts: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        line = {"event": event, "obs_id": name.obs_id, "at": isot(at, 3), **facts}
        text = json.dumps(line, allow_nan=False) + "\n"
        path = self._path(name.day_obs)
        is_new = not path.exists()
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                text = "\n" + text  # a kill tore the last line; keep ours whole
            data = text.encode()
            if os.write(file, data) != len(data):
                raise OSError(f"exposure ledger {path}: the line was written in part only")
            os.fsync(file)
        finally:
            os.close(file)
        if is_new:
            sync_folder(self.folder)
