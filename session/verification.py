"""Every frame of a folder against itself and against the documents that speak of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slitless.definition import Instrument

__all__ = ["expected_headers", "fits_files", "verify_folder"]

SAID_BY = {
    "OBSID": "detector_obs_id",
    "IMGTYPE": "detector_image_type",
    "EXPTIME": "detector_exposure_time",
    "SHUTTIME": "detector_shutter_time",
    "DARKTIME": "detector_dark_time",
    "CURINDEX": "detector_snap_index",
    "MAXINDEX": "detector_snap_count",
}
"""FITS keyword -> data key of the event that must agree with it."""
SAID_OF_LIGHT = {"FILTER": "filter_name", "FILTSLOT": "filter_slot", "GRATING": "grating_name"}
"""The same for what only a frame with an open shutter must say."""
SAID_BY_START = {"GROUPID": "group_id", "TESTTYPE": "test_type", "REASON": "reason", "PROGRAM": "program"}
"""FITS keyword -> key of the start document."""


def verify_folder(folder: Path, instrument: Instrument) -> tuple[int, dict[str, list[str]]]:
    """Check all FITS files below a folder; with a journal there, also that files and documents agree.

    Returns
    -------
    tuple of int and dict
        How many files there are, and file or run -> what is wrong; good ones are left out.

    Raises
    ------
    SlitlessError
        If there is no such folder.
    """
    from slitless.errors import SlitlessError
    from slitless.fits.verify import verify_file

    if not folder.is_dir():
        raise SlitlessError(f"{folder}: no such folder")
    folder = folder.resolve()
    expected = expected_headers(folder)
    files = fits_files(folder)
    problems: dict[str, list[str]] = {}
    for path in files:
        found = verify_file(path, instrument, expected.get(path))
        if expected and path not in expected:
            found.append("no document speaks of it")
        if found:
            problems[str(path.relative_to(folder))] = found
    for path in expected.keys() - set(files):
        problems[str(path)] = ["the documents speak of it, but it is not there"]
    return len(files), problems


def fits_files(folder: Path) -> list[Path]:
    """Return the FITS files below a folder in order of name; hidden ones are unfinished and left out."""
    return sorted(path for path in folder.rglob("*.fits") if not path.name.startswith("."))


def expected_headers(root: Path) -> dict[Path, dict[str, Any]]:
    """Return file -> keywords it must have, from the journal under a data folder; empty without one."""
    from capture.journal_reader import runs

    return {
        (root / event["data"]["detector_file"]).resolve(): _keywords(run.start, event["data"])
        for run in runs(root)
        for event in run.events("primary")
        if "detector_file" in event["data"]
    }


def _keywords(start: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_claims(start, data))


def _claims(start: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    is_lit = data.get("detector_image_type") not in ("BIAS", "DARK")
    for keyword, key in {**SAID_BY, **(SAID_OF_LIGHT if is_lit else {})}.items():
        if key in data:
            yield keyword, data[key]
    for keyword, key in SAID_BY_START.items():
        if start.get(key):
            yield keyword, start[key]
