"""Does everything agree? Journal, exposure ledger and files, compared exposure by exposure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from astropy.io import fits

from capture.exposure_rows import PRIMARY
from capture.journal_reader import JournalDamaged, RunRecord, has_writer, read_run, run_files
from slitless.definition import Instrument, load_instrument
from slitless.fits.verify import verify_file
from slitless.ledger import ENDINGS, Ledger, LedgerEntry

__all__ = ["DataReport", "Problem", "check_data", "frame_files"]

FRAME_NAME = re.compile(r"^([A-Z]+_[A-Z]_\d{8}_\d{6})_.*\.fits$")
TOLERANCE = 1e-6  # s, by which a time in a header may differ from its document: FITS cards are rounded

FROM_EVENT = {
    "OBSID": "detector_obs_id",
    "IMGTYPE": "detector_image_type",
    "CURINDEX": "detector_snap_index",
    "MAXINDEX": "detector_snap_count",
    "FILTER": "filter_name",
    "GRATING": "grating_name",
}
"""Keyword to data key: the values must be the same."""
FROM_START = {
    "OBJECT": "object",
    "PROGRAM": "program",
    "GROUPID": "group_id",
    "REASON": "reason",
    "TESTTYPE": "test_type",
}
"""Keyword to start document key."""
TIMES = {
    "EXPTIME": "detector_exposure_time",
    "SHUTTIME": "detector_shutter_time",
    "DARKTIME": "detector_dark_time",
}
"""Keyword to data key, s."""

Kind = Literal[
    "open run",
    "damaged journal",
    "no file",
    "bad file",
    "unknown file",
    "no document",
    "two documents",
    "no ledger",
    "not ended",
]


@dataclass(frozen=True)
class Problem:
    """One disagreement."""

    kind: Kind
    subject: str
    """obs_id, run uid or file."""
    message: str


@dataclass
class DataReport:
    """What a check of the data found."""

    problems: list[Problem] = field(default_factory=list)
    runs: int = 0
    frames: int = 0
    """Frames that documents tell of."""
    files: int = 0
    """Frame files on disk."""

    @property
    def is_good(self) -> bool:
        """Whether everything agrees."""
        return not self.problems

    def add(self, kind: Kind, subject: str, message: str) -> None:
        """Note a disagreement."""
        self.problems.append(Problem(kind, subject, message))


def check_data(
    root: Path, *, day_obs: int | None = None, instrument: Instrument | None = None, contents: bool = True
) -> DataReport:
    """Compare journal, ledger and files; changes nothing.

    Parameters
    ----------
    root : Path
        Data root.
    day_obs : int, optional
        Look only at exposures of this day.
    instrument : Instrument, optional
        What the frames must be frames of; LATISS if not given.
    contents : bool
        Read every file: structure, checksums, mandatory keywords, and that its header says what its
        document says. Otherwise only that it is there.

    Notes
    -----
    A run that a living process is writing is no problem, nor is its exposure in progress.
    """
    report = DataReport()
    instrument = instrument or load_instrument()
    documents, live = _documents(root, report, day_obs)
    ledger = _ledger(root, day_obs)
    files = dict(_files(root, day_obs))
    read: set[Path] = set()
    for obs_id in sorted(documents.keys() | ledger.keys() | files.keys()):
        found = documents.get(obs_id, [])
        if not (live and not found):
            _check_presence(report, root, obs_id, found, ledger.get(obs_id), files.get(obs_id))
        for start, data in found[:1]:
            path = root / data["detector_file"]
            if contents and path.is_file():
                read.add(path)
                for message in _differences(path, instrument, start, data):
                    report.add("bad file", obs_id, message)
    known = {str(entry.facts.get("file")) for entry in ledger.values()}
    everything = frame_files(root) if day_obs is None else files.values()
    for path in everything:
        report.files += 1
        if path not in read:
            _check_undocumented(report, root, path, known, instrument if contents else None)
    return report


def frame_files(folder: Path) -> list[Path]:
    """Return the FITS files below a folder in order of name; hidden ones are unfinished and left out."""
    return sorted(path for path in folder.rglob("*.fits") if not path.name.startswith("."))


def _check_undocumented(
    report: DataReport, root: Path, path: Path, known: set[str], instrument: Instrument | None
) -> None:
    """Check a file that no document led to: by itself, if there is an instrument, and whether anything knows it."""
    name = str(path.relative_to(root))
    for message in verify_file(path, instrument) if instrument else ():
        report.add("bad file", name, message)
    if name not in known and not FRAME_NAME.match(path.name):
        report.add("unknown file", name, "neither a document nor the exposure ledger tells of it")


Recorded = tuple[dict[str, Any], dict[str, Any]]
"""Start document, and data of the event."""


def _documents(root: Path, report: DataReport, day_obs: int | None) -> tuple[dict[str, list[Recorded]], bool]:
    """Return what the journal tells of each exposure, and whether a run is being written."""
    documents: dict[str, list[Recorded]] = {}
    live = False
    for path in run_files(root):
        try:
            run = read_run(path)
        except JournalDamaged as error:
            report.add("damaged journal", path.stem, str(error))
            continue
        report.runs += 1
        if run.stop is None and has_writer(path):
            live = True
        elif run.stop is None:
            report.add("open run", run.uid, "its process is gone; slitless recover closes it")
        for obs_id, recorded in _exposures(run):
            if day_obs is None or recorded[1].get("detector_day_obs") == day_obs:
                documents.setdefault(obs_id, []).append(recorded)
                report.frames += 1
    return documents, live


def _exposures(run: RunRecord) -> Iterator[tuple[str, Recorded]]:
    for event in run.events(PRIMARY):
        if obs_id := event["data"].get("detector_obs_id"):
            yield obs_id, (run.start, event["data"])


def _ledger(root: Path, day_obs: int | None) -> dict[str, LedgerEntry]:
    ledger = Ledger(root / "register")
    days = ledger.days() if day_obs is None else [day_obs]
    return {obs_id: entry for day in days for obs_id, entry in ledger.last_event(day).items()}


def _files(root: Path, day_obs: int | None) -> Iterator[tuple[str, Path]]:
    for path in sorted(root.glob("[0-9]" * 8 + "/*.fits" if day_obs is None else f"{day_obs:08d}/*.fits")):
        if match := FRAME_NAME.match(path.name):
            yield match[1], path


def _check_presence(
    report: DataReport,
    root: Path,
    obs_id: str,
    found: list[Recorded],
    entry: LedgerEntry | None,
    file: Path | None,
) -> None:
    if len(found) > 1:
        report.add("two documents", obs_id, f"{len(found)} events tell of it")
    for _, data in found[:1]:
        if not (root / data["detector_file"]).is_file():
            report.add("no file", obs_id, f"its document names {data['detector_file']}, which is not there")
    if entry is None:
        report.add("no ledger", obs_id, "a document or a file tells of an exposure that was never reserved")
    elif entry.event not in ENDINGS:
        report.add("not ended", obs_id, "it was reserved, and nothing says what became of it")
    elif entry.event != "written" and (found or file):
        report.add("no ledger", obs_id, f"the ledger says {entry.event}, and there is a frame")
    elif entry.event == "written" and not found:
        named = root / str(entry.facts.get("file", ""))
        if named.is_file():
            report.add(
                "no document", obs_id, "its frame is on disk, and no run tells of it; slitless recover registers it"
            )
        else:
            report.add("no file", obs_id, f"the ledger names {entry.facts.get('file')}, which is not there")


def _differences(path: Path, instrument: Instrument, start: dict[str, Any], data: dict[str, Any]) -> list[str]:
    """Return what is wrong with a file, by itself and against its document."""
    try:
        header: Any = fits.getheader(path)
    except OSError as error:
        return [f"{path}: {error}"]
    expected = {keyword: data[key] for keyword, key in FROM_EVENT.items() if data.get(key) and keyword in header}
    expected |= {keyword: start[key] for keyword, key in FROM_START.items() if start.get(key) and keyword in header}
    problems = verify_file(path, instrument, expected)
    for keyword, key in TIMES.items():
        due, value = data.get(key), header.get(keyword)
        if due is not None and value is not None and not math.isclose(due, value, rel_tol=1e-9, abs_tol=TOLERANCE):
            problems.append(f"primary: {keyword} is {value!r} s, and its document says {due!r} s")
    return problems
