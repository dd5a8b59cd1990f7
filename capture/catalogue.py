"""The catalogue: Tiled inside this process, on SQLite files under ``<root>/catalogue``, no socket.

`open_catalogue` reads; only the ingest process (`capture.ingest`) writes. Readers and the writer may work
at the same time. The catalogue can be thrown away: the journal makes it again.
"""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from slitless.errors import SlitlessError

if TYPE_CHECKING:
    from bluesky_tiled_plugins import CatalogOfBlueskyRuns

__all__ = ["CatalogueUnusable", "catalogue_folder", "has_catalogue", "open_catalogue", "open_for_writing"]


DONE_LIST = "ingested.jsonl"
"""Which runs are in the catalogue."""


class CatalogueUnusable(SlitlessError):
    """There is no catalogue, or this Tiled cannot read it."""


def catalogue_folder(root: Path) -> Path:
    """Return the folder of the catalogue under a data root."""
    return Path(root) / "catalogue"


def has_catalogue(root: Path) -> bool:
    """Tell whether a catalogue was made under this data root."""
    return _database(root).is_file()


@contextmanager
def open_catalogue(root: Path) -> Iterator[Any]:
    """Open the catalogue for reading: a Tiled client, ``client[uid]["primary"]["detector_image"][0]``.

    The client is a `bluesky_tiled_plugins.CatalogOfBlueskyRuns`.

    Takes 3 to 5 s the first time in a process (Tiled's imports), 0.3 s again.

    Parameters
    ----------
    root : Path
        Data root; the files of the frames must lie below it.

    Raises
    ------
    CatalogueUnusable
        If there is none yet, or another version of Tiled made it.
    """
    if not has_catalogue(root):
        raise CatalogueUnusable(f"catalogue: none in {catalogue_folder(root)}; python -m capture.ingest makes it")
    with _client(Path(root).resolve(), writable=False) as client:
        yield client


@contextmanager
def open_for_writing(root: Path) -> Iterator[CatalogOfBlueskyRuns]:
    """Open the catalogue for the ingest process, made if it is missing. Others must not write.

    Raises
    ------
    CatalogueUnusable
        If another version of Tiled made it.
    """
    root = Path(root).resolve()
    catalogue_folder(root).mkdir(parents=True, exist_ok=True)
    (catalogue_folder(root) / "arrays").mkdir(exist_ok=True)
    if not has_catalogue(root):
        _make_database(root)
    with _client(root, writable=True) as client:
        yield client


def _database(root: Path) -> Path:
    return catalogue_folder(root) / "catalog.db"


def _tables(root: Path) -> Path:
    return catalogue_folder(root) / "tables.db"


def _make_database(root: Path) -> None:
    """Make an empty catalogue; it appears whole or not at all."""
    for pattern in ("catalog.db-*", "catalog.partial*", "tables.db*", DONE_LIST):
        for left_over in catalogue_folder(root).glob(pattern):
            left_over.unlink()  # of a database that is gone; SQLite would even replay its log into the new one
    # SQLite tables and not DuckDB ones: DuckDB locks its file, and nobody could read while the ingest runs.
    with closing(sqlite3.connect(_tables(root))) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # once for all connections: readers do not wait for the writer
    partial = _database(root).with_suffix(".partial")
    _tiled_app().make_database(partial)
    os.replace(partial, _database(root))


@contextmanager
def _client(root: Path, *, writable: bool) -> Iterator[CatalogOfBlueskyRuns]:
    with _tiled_app().client(root, _database(root), _tables(root), writable=writable) as client:
        yield client


def _tiled_app() -> ModuleType:
    """Import Tiled, which takes seconds, when it is first needed."""
    with warnings.catch_warnings():
        # Tiled's in-process client stands on starlette's test client, which would rather have httpx2.
        warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient` is deprecated")
        import capture.tiled_app
    return capture.tiled_app
