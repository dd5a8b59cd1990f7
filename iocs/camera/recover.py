"""Settles what an earlier run of the detector IOC left open in the exposure ledger."""

from __future__ import annotations

import logging
from pathlib import Path

from iocs.camera.files import Destinations
from slitless.definition import Instrument
from slitless.identifiers import ExposureName
from slitless.ledger import Ledger, LedgerEntry

__all__ = ["close_open_exposures"]

log = logging.getLogger(__name__)
REASON = "the camera's IOC ended before the frame was written"


def close_open_exposures(ledger: Ledger, destinations: Destinations, instrument: Instrument, at: float) -> None:
    """End every reserved exposure that has no end: as written if its file is there, else as failed.

    A file appears under its name only when it is whole and durable, so its being there is proof enough, unless
    another exposure was written to it.
    """
    for reserved in ledger.open_reservations():
        name = ExposureName.parse(reserved.obs_id)
        path = _destination(reserved, name, destinations, instrument)
        file = destinations.relative(path)
        is_written = path.is_file() and file not in ledger.files(name.day_obs)
        if is_written:
            ledger.written(name, at, file, recovered=True)
        else:
            ledger.failed(name, at, REASON)
        log.warning("exposure %s had no end in the ledger: %s", name.obs_id, "written" if is_written else REASON)


def _destination(reserved: LedgerEntry, name: ExposureName, destinations: Destinations, instrument: Instrument) -> Path:
    """Return the file the exposure was to be written to; the default one if its ledger line names none."""
    told = reserved.facts.get("destination")
    if isinstance(told, str) and told:
        return destinations.root / told
    return destinations.root / f"{name.day_obs:08d}" / name.file_name(instrument.identifiers)
