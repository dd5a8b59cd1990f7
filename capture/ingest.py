"""The ingest: a process of its own that feeds the catalogue from the journal.

``python -m capture.ingest --data-root ROOT`` follows the journal; ``--once`` brings the catalogue up to date
and ends. A run enters the catalogue when it has closed, whole. The process can be killed at any moment and
started again: what it left half-done is removed and done anew, so each run is there exactly once.

``<root>/catalogue/ingest.json`` says how it is doing: state, backlog, last_error, ingested.
"""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from capture.catalogue import catalogue_folder
from capture.ingest_state import AlreadyRunning, IngestLock, IngestStatus, remove_catalogue
from slitless.errors import SlitlessError

__all__ = ["follow", "main"]

logger = logging.getLogger(__name__)

POLL = 0.5  # s between looks at the journal


def follow(root: Path, *, once: bool = False, poll: float = POLL, stop: threading.Event | None = None) -> int:
    """Feed the catalogue until told to stop, or until it is up to date.

    Parameters
    ----------
    root : Path
        Data root.
    once : bool
        Return when every closed run was tried.
    poll : float
        Wall s between looks at the journal.
    stop : threading.Event, optional
        Set it to end at the next run's end.

    Returns
    -------
    int
        Closed runs that are not in the catalogue.

    Raises
    ------
    AlreadyRunning
        If another process feeds this catalogue.
    CatalogueUnusable
        If another version of Tiled made the catalogue.
    """
    from capture.catalogue import open_for_writing
    from capture.feeder import Feeder

    stop = stop or threading.Event()
    with IngestLock(root), IngestStatus(root) as status, open_for_writing(root) as client:
        feeder = Feeder(root, client, status)
        backlog = feeder.step(stop)
        while not once and not stop.wait(poll):
            backlog = feeder.step(stop)
        return backlog


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ingest from the command line."""
    parser = argparse.ArgumentParser(prog="python -m capture.ingest", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder that holds the journal and the frames")
    parser.add_argument("--once", action="store_true", help="bring the catalogue up to date and end")
    parser.add_argument("--poll", type=float, default=POLL, help="s between looks at the journal (%(default)s)")
    parser.add_argument("--rebuild", action="store_true", help="throw the catalogue away and make it anew")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every run")
    arguments = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("capture").setLevel(logging.INFO if arguments.verbose else logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        if arguments.rebuild:
            with IngestLock(arguments.data_root):
                remove_catalogue(catalogue_folder(arguments.data_root))
        backlog = follow(arguments.data_root, once=arguments.once, poll=arguments.poll, stop=stop)
    except AlreadyRunning as error:
        logger.error("%s", error)
        return 3
    except SlitlessError as error:
        logger.error("%s", error)
        return 2
    return 1 if arguments.once and backlog else 0


if __name__ == "__main__":
    raise SystemExit(main())
