"""Settles what an earlier run of the detector IOC left open in the exposure ledger."""

from __future__ import annotations

import logging

from iocs.camera.files import Destinations
from slitless.definition import Instrument
from slitless.ledger import Ledger

__all__ = ["close_open_exposures"]

log = logging.getLogger(__name__)
REASON = "the camera's IOC ended before the frame was written"


def close_open_exposures(ledger: Ledger, destinations: Destinations, instrument: Instrument, at: float) -> None:
    """End every reserved exposure that has no end: as written if its file is there, else as failed.

    A file appears under its name only when it is whole and durable, so its being there is proof enough.
    """
    for name in ledger.unfinished():
        path = destinations.root / f"{name.day_obs:08d}" / name.file_name(instrument.identifiers)
        if path.is_file():
            ledger.written(name, at, destinations.relative(path), recovered=True)
        else:
            ledger.failed(name, at, REASON)
        log.warning("exposure %s had no end in the ledger: %s", name.obs_id, "written" if path.is_file() else REASON)
