"""Puts closed runs of the journal into the catalogue, each exactly once; imported late, for Tiled takes seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bluesky_tiled_plugins import CatalogOfBlueskyRuns, TiledWriter
from tiled.client.container import Container

from capture.exposure_rows import run_summary
from capture.fits_adapter import FITS_SEQUENCE, FRAME_SPEC, register_consolidator
from capture.ingest_state import DoneList, IngestStatus
from capture.journal import journal_folder
from capture.journal_reader import day_files, is_closed, read_run, resolve_file

__all__ = ["Feeder"]

logger = logging.getLogger(__name__)

FIRST_RETRY = 1.0  # s, doubled with each failure
LAST_RETRY = 300.0  # s


@dataclass
class _Retry:
    failures: int = 0
    due: float = 0.0
    """`time.monotonic` at which the run is tried again."""

    def failed(self) -> None:
        self.due = time.monotonic() + min(FIRST_RETRY * 2**self.failures, LAST_RETRY)
        self.failures += 1


class Feeder:
    """Feeds a catalogue from a journal.

    Parameters
    ----------
    root : Path
        Data root.
    client : CatalogOfBlueskyRuns
        A client that may write.
    status : IngestStatus
        Where progress is published.
    """

    def __init__(self, root: Path, client: CatalogOfBlueskyRuns, status: IngestStatus) -> None:
        register_consolidator()
        self.root = root
        self.client = client
        self.status = status
        self._done = DoneList(root)
        self._settled: dict[Path, int] = {}
        """Day folders in which every run is done, by the time (ns) they changed last."""
        self._retries: dict[Path, _Retry] = {}

    def step(self, stop: threading.Event) -> int:
        """Look at the journal once and put in what is new; returns how many closed runs remain outside."""
        try:
            waiting = self._waiting()
        except OSError as error:
            self.status.set("failing", last_error=f"journal: {error}")
            return 1
        self._retries = {path: retry for path, retry in self._retries.items() if path in waiting}
        due = [path for path in waiting if path not in self._retries or self._retries[path].due <= time.monotonic()]
        remaining = len(waiting)
        for path in due:
            if stop.is_set():
                break
            self.status.set("ingesting", backlog=remaining, ingested=len(self._done))
            if self._try(path):
                remaining -= 1
        changes: dict[str, Any] = {} if self._retries else {"last_error": ""}
        self.status.set("failing" if self._retries else "idle", backlog=remaining, ingested=len(self._done), **changes)
        return remaining

    def _waiting(self) -> list[Path]:
        """Return the closed runs that are not in the catalogue, oldest day first."""
        waiting: list[Path] = []
        for day in sorted(journal_folder(self.root).glob("[0-9]*")):
            changed = day.stat().st_mtime_ns
            if self._settled.get(day) == changed:
                continue
            left = [path for path in day_files(day) if (path.stem, path.stat().st_size) not in self._done]
            waiting += [path for path in left if is_closed(path)]
            if not left:
                self._settled[day] = changed
        return waiting

    def _try(self, path: Path) -> bool:
        try:
            self._put(path)
        except Exception as error:
            logger.exception("run %s is not in the catalogue yet", path.stem)
            self._retries.setdefault(path, _Retry()).failed()
            self.status.set("failing", last_error=f"{path.stem}: {type(error).__name__}: {error}")
            return False
        self._retries.pop(path, None)
        return True

    def _put(self, path: Path) -> None:
        started = time.monotonic()
        run = read_run(path)
        size = path.stat().st_size
        if run.uid in self.client:
            known = cast("Mapping[str, Any]", self._node(run.uid).metadata.get("night", {}))
            if known.get("journal_bytes") == size:
                self._done.add(run.uid, size)  # killed between the catalogue and the list
                return
            self.client.delete_contents(run.uid, recursive=True, external_only=False)
        writer = TiledWriter(
            self.client,
            spec_to_mimetype={FRAME_SPEC: FITS_SEQUENCE},
            patches={"resource": self._locate},
        )
        for name, doc in run.documents:
            writer(name, _printable(doc))
        # Written last, so a run that has it is whole.
        self._node(run.uid).update_metadata({"night": {**run_summary(run), "journal_bytes": size}}, drop_revision=True)
        self._done.add(run.uid, size)
        logger.info("run %s is in the catalogue after %.2f s", run.uid, time.monotonic() - started)

    def _node(self, uid: str) -> Container:
        return cast("Container", self.client[uid])

    def _locate(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Point a Resource at where its file is now: data roots are moved, linked and mounted elsewhere."""
        path = resolve_file(self.root, resource)
        resource["root"] = str(path.parent)
        resource["resource_path"] = path.name
        return resource


def _printable(value: Any) -> Any:
    """Escape lone surrogates: JSON text in a journal may hold them, UTF-8 on the way to the catalogue may not."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return value
