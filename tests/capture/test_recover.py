"""After a kill, runs close, frames are recorded, and doing it again changes nothing."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from event_model import DocumentNames, schema_validators

from capture.check import check_data
from capture.journal import Journal
from capture.journal_reader import is_closed, read_run, run_files
from capture.night_log import find_exposure, search
from capture.recover import recover

KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from event_model import compose_run
    from capture.journal import Journal
    journal = Journal(Path(sys.argv[1]))
    run = compose_run(metadata={"image_type": "BIAS"})
    journal("start", run.start_doc)
    stream = run.compose_descriptor(name="primary", data_keys={"x": {"source": "x", "dtype": "number", "shape": []}})
    journal("descriptor", stream.descriptor_doc)
    for value in (1.0, 2.0):
        journal("event", stream.compose_event(data={"x": value}, timestamps={"x": 0.0}))
    os.kill(os.getpid(), signal.SIGKILL)
    """
)


@pytest.fixture
def abandoned(root):
    """The journal file of a run whose process was killed after two events."""
    subprocess.run([sys.executable, "-c", KILLED, str(root)], check=False)
    (path,) = run_files(root)
    return path


def test_an_abandoned_run_is_closed_as_aborted(root, abandoned):
    report = recover(root, now=lambda: 1_767_240_000.0)
    assert report.closed == [abandoned.stem]
    record = read_run(abandoned)
    stop = record.stop
    assert stop is not None
    schema_validators[DocumentNames.stop].validate(stop)
    assert (stop["exit_status"], stop["num_events"], stop["run_start"]) == ("abort", {"primary": 2}, abandoned.stem)
    assert stop["time"] == 1_767_240_000.0
    assert "recovery" in stop["reason"]


def test_recovering_twice_changes_nothing(root, abandoned, take, detector, instrument):
    take()
    detector.expose()
    recover(root, instrument=instrument)
    before = {path: path.read_bytes() for path in run_files(root)}
    report = recover(root, instrument=instrument)
    assert report.changed_nothing
    assert {path: path.read_bytes() for path in run_files(root)} == before


def test_a_torn_document_is_taken_away_before_the_stop_document(root, abandoned):
    with open(abandoned, "ab") as file:
        file.write(b'{"name":"event","doc":{"uid":"half')
    recover(root)
    record = read_run(abandoned)
    assert [name for name, _ in record.documents] == ["start", "descriptor", "event", "event", "stop"]
    assert record.torn_bytes == 0
    assert is_closed(abandoned)


def test_a_run_that_is_being_written_is_left_alone(root, instrument, detector):
    from event_model import compose_run

    journal = Journal(root)
    run = compose_run()
    journal("start", run.start_doc)
    detector.expose()  # its event may be on the way
    report = recover(root, instrument=instrument)
    assert (report.running, report.closed, report.registered) == ([run.start_doc["uid"]], [], [])
    journal("stop", run.compose_stop())


def test_a_frame_without_a_document_gets_a_run_of_its_own(root, instrument, detector, take, ingest_once):
    take()
    name = detector.expose()
    assert [p.kind for p in check_data(root, instrument=instrument).problems] == ["no document"]
    (row,) = [row for row in search(root) if row.obs_id == name.obs_id]
    assert row.status == "unrecorded"
    report = recover(root, instrument=instrument)
    assert report.registered == [name.obs_id]
    details = find_exposure(root, name.exposure_id)
    assert details.start["recovered"] is True
    assert details.row.status == "written"
    assert details.row.image_type == "BIAS"
    assert details.row.filter == "SDSSr_65mm"
    assert details.data["detector_start"] == pytest.approx(1_767_240_037.0 + 20.0, abs=1e-3)
    assert check_data(root, instrument=instrument).is_good
    assert ingest_once() == 0
    from capture.catalogue import open_catalogue

    with open_catalogue(root) as client:
        image = client[details.row.run]["primary"]["detector_image"][0]
    np.testing.assert_array_equal(image, detector.images[name.obs_id])


def test_a_damaged_frame_is_not_registered(root, instrument, detector):
    name = detector.expose()
    path = root / f"{name.day_obs}" / name.file_name(instrument.identifiers)
    content = bytearray(path.read_bytes())
    content[-3000] ^= 1
    path.write_bytes(content)
    report = recover(root, instrument=instrument)
    assert report.registered == []
    assert name.obs_id in report.refused[0]
    assert run_files(root) == []


def test_a_start_document_that_never_appeared_is_swept_up(root):
    folder = root / "journal" / "20260101"
    folder.mkdir(parents=True)
    (folder / ".abc.jsonl.partial").write_bytes(b'{"name":"start"')
    assert recover(root).changed_nothing
    assert list(folder.iterdir()) == []


def test_a_night_in_order_has_no_problems(root, take, instrument):
    take(2)
    take(1, image_type="DARK")
    report = check_data(root, instrument=instrument)
    assert (report.problems, report.runs, report.frames, report.files) == ([], 2, 3, 3)


def test_every_kind_of_disagreement_is_found(root, take, instrument, detector):
    take(4)
    first, second, third, _ = [root / row.file for row in search(root)]
    first.unlink()
    header_lies = second.read_bytes().replace(b"IMGTYPE = 'BIAS    '", b"IMGTYPE = 'DARK    '")
    assert header_lies != second.read_bytes()
    second.write_bytes(header_lies)
    truncated = third.read_bytes()[:-2880]
    third.write_bytes(truncated)
    (root / str(detector.day_obs) / "AT_O_20260101_000099_R00_S00.fits").write_bytes(b"")
    report = check_data(root, instrument=instrument)
    found = {(problem.kind, problem.subject[-2:]) for problem in report.problems}
    assert found == {("no file", "01"), ("bad file", "02"), ("bad file", "03"), ("no ledger", "99"), ("bad file", "ts")}
    assert any("IMGTYPE is 'DARK'" in problem.message for problem in report.problems)


def test_files_without_a_document_are_read_too(root, take, instrument, detector):
    take()
    name = detector.expose()
    spoilt = root / str(name.day_obs) / name.file_name(instrument.identifiers)
    content = bytearray(spoilt.read_bytes())
    content[-3000] ^= 1
    spoilt.write_bytes(content)
    stranger = root / "elsewhere" / "foo.fits"
    stranger.parent.mkdir()
    stranger.write_bytes(b"junk")
    report = check_data(root, instrument=instrument)
    found = {(problem.kind, problem.subject) for problem in report.problems}
    assert found == {
        ("no document", name.obs_id),
        ("bad file", str(spoilt.relative_to(root))),
        ("bad file", "elsewhere/foo.fits"),
        ("unknown file", "elsewhere/foo.fits"),
    }
    assert report.files == 3


def test_an_exposure_that_was_reserved_and_never_ended_is_found(root, take, instrument):
    from slitless.identifiers import ExposureName
    from slitless.ledger import Ledger

    take()
    Ledger(root / "register").reserved(ExposureName("AT", "O", 20260101, 7), 1_767_240_037.0)
    (problem,) = check_data(root, instrument=instrument).problems
    assert (problem.kind, problem.subject) == ("not ended", "AT_O_20260101_000007")
    (row,) = search(root, day_obs=20260101)
    assert row.status == "reserved"
    assert math.isnan(row.mean)


def test_an_abandoned_run_is_found(root, abandoned, instrument):
    (problem,) = check_data(root, instrument=instrument).problems
    assert (problem.kind, problem.subject) == ("open run", abandoned.stem)
