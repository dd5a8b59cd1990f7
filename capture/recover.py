"""After a kill: close what was left open, record what reached the disk, report what does not agree.

Nothing is invented and nothing is taken away: an abandoned run gets a stop document that says ``abort``, and
a whole frame that no run tells of gets a run of its own. Twice in a row changes nothing.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from capture.check import DataReport, Problem, check_data
from capture.journal import encode_document, journal_folder
from capture.journal_reader import JournalDamaged, RunRecord, has_writer, is_closed, read_run, run_files
from capture.register import register_frame
from slitless.definition import Instrument, load_instrument
from slitless.fits.verify import verify_file
from slitless.ledger import Ledger

__all__ = ["DataReport", "Problem", "RecoveryReport", "check_data", "recover"]

logger = logging.getLogger(__name__)


@dataclass
class RecoveryReport:
    """What a recovery did."""

    closed: list[str] = field(default_factory=list)
    """Uids of abandoned runs that now have a stop document."""
    registered: list[str] = field(default_factory=list)
    """obs_ids of frames that now have a run of their own."""
    refused: list[str] = field(default_factory=list)
    """Frames and runs that were left as they are, each with the reason."""
    running: list[str] = field(default_factory=list)
    """Uids of runs that a living process is writing; they were left alone."""

    @property
    def changed_nothing(self) -> bool:
        """Whether everything was in order already."""
        return not (self.closed or self.registered)


def recover(
    root: Path, *, instrument: Instrument | None = None, now: Callable[[], float] = time.time
) -> RecoveryReport:
    """Close abandoned runs and register frames that reached the disk without a document.

    Parameters
    ----------
    root : Path
        Data root.
    instrument : Instrument, optional
        What frames must be frames of to be registered; LATISS if not given.
    now : callable
        UTC unix s, for the documents that are written.

    Notes
    -----
    Safe while the system runs: runs with a living process are left alone, and while there are any no
    frame is registered, since its document may be on the way.
    """
    report = RecoveryReport()
    for partial in journal_folder(root).glob("*/.*.partial"):
        if not has_writer(partial):
            partial.unlink(missing_ok=True)  # a start document that no plan was told is kept
    for path in run_files(root):
        if is_closed(path):
            continue
        if has_writer(path):
            report.running.append(path.stem)
            continue
        try:
            if _close(path, now()):
                report.closed.append(path.stem)
        except JournalDamaged as error:
            report.refused.append(str(error))
    if not report.running:
        _register_frames(root, instrument or load_instrument(), now, report)
    return report


def _close(path: Path, at: float) -> bool:
    """Append the missing stop document; False if somebody else did, or the run lives after all."""
    with open(path, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        run = read_run(path)
        if run.stop is not None:
            return False
        file.truncate(run.whole_bytes)  # a torn document: its callback never returned, so nobody relied on it
        file.seek(run.whole_bytes)
        file.write(encode_document("stop", _stop_document(run, at)))
        file.flush()
        os.fsync(file.fileno())
    logger.warning("run %s was abandoned and is closed as aborted", run.uid)
    return True


def _stop_document(run: RunRecord, at: float) -> dict[str, object]:
    names = {doc["uid"]: doc["name"] for name, doc in run.documents if name == "descriptor"}
    events = Counter(names[doc["descriptor"]] for name, doc in run.documents if name == "event")
    return {
        "uid": str(uuid4()),
        "time": at,
        "run_start": run.uid,
        "exit_status": "abort",
        "reason": "closed by recovery: the process that ran it ended before its stop document",
        "num_events": dict(events),
    }


def _register_frames(root: Path, instrument: Instrument, now: Callable[[], float], report: RecoveryReport) -> None:
    ledger = Ledger(root / "register")
    written = {
        obs_id: str(entry.facts.get("file", ""))
        for day in ledger.days()
        for obs_id, entry in ledger.last_event(day).items()
        if entry.event == "written"
    }
    recorded = _recorded(root)
    for obs_id, file in sorted(written.items()):
        if obs_id in recorded or not (root / file).is_file():
            continue
        problems = verify_file(root / file, instrument, {"OBSID": obs_id})
        if problems:
            report.refused.append(f"{obs_id}: {'; '.join(problems)}")
            continue
        register_frame(root, file, now())
        report.registered.append(obs_id)


def _recorded(root: Path) -> set[str]:
    """Return the exposures that some event tells of."""
    found: set[str] = set()
    for path in run_files(root):
        for line in path.read_bytes().splitlines():
            if not line.startswith(b'{"name":"event"'):
                continue
            try:
                found.add(json.loads(line)["doc"]["data"].get("detector_obs_id"))
            except (ValueError, KeyError):
                continue  # torn or damaged: tells of nothing
    return found
