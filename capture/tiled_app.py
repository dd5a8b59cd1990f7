"""A Tiled server without a socket, and a client that talks to it; imported late, for it takes seconds."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import starlette.testclient  # noqa: F401  (Tiled imports it when a client is made; its warnings belong to import time)
from bluesky_tiled_plugins import CatalogOfBlueskyRuns
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import create_async_engine
from tiled.alembic_utils import DatabaseUpgradeNeeded, UninitializedDatabase, stamp_head
from tiled.catalog import from_uri
from tiled.catalog.alembic_constants import ALEMBIC_DIR, ALEMBIC_INI_TEMPLATE_PATH
from tiled.catalog.core import initialize_database
from tiled.client import from_context
from tiled.client.context import Context
from tiled.config import Authentication
from tiled.server.app import build_app
from tiled.utils import ensure_specified_sql_driver

from capture.catalogue import CatalogueUnusable
from capture.fits_adapter import FITS_SEQUENCE, FitsSequenceAdapter

__all__ = ["client", "make_database"]

WRITER_KEY = "ingest"
"""There is no socket, so the key guards nothing; it is what gives a client the right to write."""

logging.getLogger("tiled.server.app").setLevel(logging.WARNING)  # it greets on stderr


def make_database(path: Path) -> None:
    """Make an empty catalogue database, as `tiled catalog init` does, which takes another process and seconds."""
    uri = ensure_specified_sql_driver(str(path))

    async def initialize() -> None:
        engine = create_async_engine(uri)
        try:
            await initialize_database(engine)
        finally:
            await engine.dispose()

    asyncio.run(initialize())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No path_separator found")  # in the settings Tiled writes for Alembic
        stamp_head(Path(ALEMBIC_INI_TEMPLATE_PATH), Path(ALEMBIC_DIR), uri)


@contextmanager
def client(root: Path, database: Path, tables: Path, *, writable: bool) -> Iterator[CatalogOfBlueskyRuns]:
    """Serve a catalogue within this process and yield a client of it; without `writable` it can only read.

    Raises
    ------
    CatalogueUnusable
        If the database was made by another version of Tiled, or is not whole.
    """
    table_storage = f"sqlite:///{tables}"
    tree = from_uri(
        str(database),
        specs=[{"name": "CatalogOfBlueskyRuns", "version": "3.0"}],
        writable_storage=[str(database.parent / "arrays"), table_storage] if writable else None,
        readable_storage=[str(root), table_storage],
        adapters_by_mimetype={FITS_SEQUENCE: FitsSequenceAdapter},
    )
    authentication = Authentication(single_user_api_key=WRITER_KEY, allow_anonymous_access=True)
    app = build_app(tree, authentication=authentication)
    try:
        context = Context.from_app(app, api_key=cast("Any", WRITER_KEY if writable else None))
    except (DatabaseUpgradeNeeded, UninitializedDatabase, DatabaseError) as error:
        raise CatalogueUnusable(
            f"catalogue: {database} is damaged, or another version of Tiled made it; "
            "python -m capture.ingest --rebuild makes it anew from the journal"
        ) from error
    try:
        yield cast("CatalogOfBlueskyRuns", from_context(context))
    finally:
        context.close()
