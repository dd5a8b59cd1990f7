"""The journal keeps every document, or the run stops."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
import pytest
from event_model import compose_run

from capture.journal import Journal, JournalError, encode_document, run_day_obs
from capture.journal_reader import JournalDamaged, has_writer, is_closed, read_run, run_files


def documents(run_engine, plan) -> list[tuple[str, dict]]:
    seen: list[tuple[str, dict]] = []
    token = run_engine.subscribe(lambda name, doc: seen.append((name, doc)))
    run_engine(plan)
    run_engine.unsubscribe(token)
    return seen


def test_every_document_is_kept_in_order_and_comes_back_equal(root, run_engine, detector):
    run_engine.subscribe(Journal(root))

    @bpp.run_decorator(md={"note": 'näïve "q", \n\t\0 \U0001f52d', "array": np.arange(3)})
    def plan():
        yield from bps.trigger_and_read([detector])
        yield from bps.trigger_and_read([detector])

    seen = documents(run_engine, plan())
    (path,) = run_files(root)
    record = read_run(path)
    assert [name for name, _ in record.documents] == [name for name, _ in seen]
    assert [name for name, _ in seen] == [
        "start", "descriptor", "resource", "datum", "event", "resource", "datum", "event", "stop",
    ]  # fmt: skip
    for (_, kept), (_, emitted) in zip(record.documents, seen, strict=True):
        assert kept == json.loads(json.dumps(emitted, default=lambda value: value.tolist()))
    assert record.start["note"] == 'näïve "q", \n\t\0 \U0001f52d'
    assert record.stop is not None
    assert record.stop["exit_status"] == "success"


def test_a_document_is_on_disk_when_the_callback_returns(root):
    journal = Journal(root)
    run = compose_run()
    journal("start", run.start_doc)
    (path,) = run_files(root)
    assert read_run(path).uid == run.start_doc["uid"]
    journal("stop", run.compose_stop())
    assert is_closed(path)


@pytest.mark.parametrize(
    "value",
    [np.float32(1.5), np.int64(2**62), np.bool_(True), np.array([[1, 2], [3, 4]]), float("inf"), 0.1, Path("/x")],
    ids=repr,
)
def test_values_round_trip(value):
    run = compose_run(metadata={"value": value})
    kept = json.loads(encode_document("start", run.start_doc))["doc"]["value"]
    expected = (
        value.tolist()
        if isinstance(value, np.generic | np.ndarray)
        else str(value)
        if isinstance(value, Path)
        else value
    )
    assert kept == expected


def test_nan_survives():
    run = compose_run(metadata={"value": np.float64("nan")})
    assert np.isnan(json.loads(encode_document("start", run.start_doc))["doc"]["value"])


def test_a_document_that_breaks_the_event_model_is_refused(root):
    with pytest.raises(JournalError, match="start document breaks the event model"):
        Journal(root)("start", {"uid": "abc"})
    assert run_files(root) == []


def test_a_value_json_cannot_hold_is_refused_with_its_name(root):
    run = compose_run(metadata={"thing": object()})
    with pytest.raises(JournalError, match="object"):
        Journal(root)("start", run.start_doc)


def test_an_uid_that_leads_out_of_the_journal_is_refused(root):
    run = compose_run(uid="../../escape")
    with pytest.raises(JournalError, match="cannot be a file name"):
        Journal(root)("start", run.start_doc)


def test_the_day_is_that_of_the_run_start(night):
    noon = 1_767_268_800.0  # 2026-01-01T12:00 UTC
    assert run_day_obs({"time": night.utc}) == night.day_obs
    assert run_day_obs({"time": noon - 0.5}) == 20251231
    assert run_day_obs({"time": noon}) == 20260101


def test_runs_that_interleave_are_kept_apart(root):
    journal = Journal(root)
    first, second = compose_run(), compose_run()
    journal("start", first.start_doc)
    journal("start", second.start_doc)
    keys = {"x": {"source": "PV:x", "dtype": "number", "shape": []}}
    streams = [run.compose_descriptor(name="primary", data_keys=keys) for run in (first, second)]
    for stream in streams:
        journal("descriptor", stream.descriptor_doc)
    for value, stream in ((1.0, streams[0]), (2.0, streams[1]), (3.0, streams[0])):
        journal("event", stream.compose_event(data={"x": value}, timestamps={"x": 0.0}))
    journal("stop", second.compose_stop())
    journal("stop", first.compose_stop())
    values = {r.uid: [e["data"]["x"] for e in r.events("primary")] for r in map(read_run, run_files(root))}
    assert values == {first.start_doc["uid"]: [1.0, 3.0], second.start_doc["uid"]: [2.0]}
    assert journal.open_runs == ()


def test_a_document_of_no_open_run_is_refused(root):
    run = compose_run()
    with pytest.raises(JournalError, match="belongs to no open run"):
        Journal(root)("stop", run.compose_stop())


def test_a_run_uid_is_used_once(root):
    run = compose_run()
    journal = Journal(root)
    journal("start", run.start_doc)
    journal("stop", run.compose_stop())
    with pytest.raises(JournalError, match="used once"):
        Journal(root)("start", run.start_doc)


def test_a_failing_disk_stops_the_run_before_the_next_exposure(root, run_engine, detector):
    """The limit on file size stands in for a full disk: the kernel refuses the write."""
    journal = Journal(root)
    run_engine.subscribe(journal)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    @bpp.run_decorator()
    def plan():
        yield from bps.trigger_and_read([detector])
        (path,) = run_files(root)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 40, limits[1]))
        yield from bps.create("primary")
        yield from bps.read(detector)
        yield from bps.save()
        yield from bps.trigger(detector, wait=True)

    try:
        with pytest.raises(JournalError, match="did not take a document"):
            run_engine(plan())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
        journal.close()
    assert detector.seq_num == 1
    (path,) = run_files(root)
    record = read_run(path)
    assert len(list(record.events("primary"))) == 1
    assert record.torn_bytes == 0


def test_documents_a_full_disk_refused_are_kept_once_it_recovers(root, monkeypatch):
    journal = Journal(root)
    run = compose_run()
    journal("start", run.start_doc)
    stream = run.compose_descriptor(name="primary", data_keys={"x": {"source": "x", "dtype": "number", "shape": []}})
    journal("descriptor", stream.descriptor_doc)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(JournalError, match="No space left"):
            journal("event", stream.compose_event(data={"x": 1.0}, timestamps={"x": 0.0}))
    journal("stop", run.compose_stop(exit_status="fail"))
    record = read_run(run_files(root)[0])
    assert [name for name, _ in record.documents] == ["start", "descriptor", "event", "stop"]


def test_a_folder_that_cannot_be_made_stops_the_run_at_its_start(root, run_engine, detector):
    (root / "journal").write_text("in the way")
    run_engine.subscribe(Journal(root))

    @bpp.run_decorator()
    def plan():
        yield from bps.trigger_and_read([detector])

    with pytest.raises(JournalError, match="cannot begin"):
        run_engine(plan())
    assert detector.seq_num == 0


def test_a_torn_tail_is_recognised_and_costs_only_itself(root):
    journal = Journal(root)
    run = compose_run()
    journal("start", run.start_doc)
    journal.close()
    (path,) = run_files(root)
    whole = path.stat().st_size
    with open(path, "ab") as file:
        file.write(b'{"name":"stop","doc":{"uid":"12')
    record = read_run(path)
    assert (record.whole_bytes, record.torn_bytes, record.stop) == (whole, 31, None)
    assert not is_closed(path)


def test_damage_before_the_end_is_no_torn_tail(root):
    journal = Journal(root)
    run = compose_run()
    journal("start", run.start_doc)
    journal("stop", run.compose_stop())
    (path,) = run_files(root)
    path.write_bytes(path.read_bytes().replace(b'"name":"start"', b'"name":start"'))
    with pytest.raises(JournalDamaged, match="line 1"):
        read_run(path)


def test_a_killed_process_leaves_an_open_run_without_a_writer(root):
    script = textwrap.dedent(
        """
        import sys, time
        from event_model import compose_run
        from capture.journal import Journal
        Journal(sys.argv[1])("start", compose_run().start_doc)
        print("begun", flush=True)
        time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        (path,) = run_files(root)
        assert has_writer(path)
        process.kill()
        process.wait()
    assert not has_writer(path)
    assert not is_closed(path)
