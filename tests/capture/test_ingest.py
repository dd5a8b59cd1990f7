"""The ingest process: killed, restarted, doubled or hindered, each run is in the catalogue exactly once."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from capture.catalogue import catalogue_folder, open_catalogue
from capture.feeder import Feeder
from capture.ingest import follow
from capture.ingest_state import AlreadyRunning, DoneList, IngestLock, read_status

pytestmark = pytest.mark.timeout(240)
PATIENCE = 60.0  # s; Tiled's imports alone take several when the machine is busy


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        tick.wait(0.01)


@pytest.fixture
def start_ingest(root: Path, empty_catalogue: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start the ingest as a process of its own."""
    shutil.copytree(empty_catalogue, catalogue_folder(root), dirs_exist_ok=True)
    started: list[subprocess.Popen] = []

    def _start(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "capture.ingest", "--data-root", str(root), "--poll", "0.05", *arguments]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield _start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stderr is not None
        process.stderr.close()


def state(root: Path) -> str:
    status = read_status(root)
    return status.state if status else ""


def ingested(root: Path) -> int:
    status = read_status(root)
    return status.ingested if status else 0


def table_rows(root: Path) -> int:
    """Count the rows of event tables, whatever run they belong to."""
    with sqlite3.connect(catalogue_folder(root) / "tables.db") as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'table_%'")
        return sum(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names.fetchall())


def assert_whole(root: Path, uids: list[str], images: dict[str, np.ndarray], frames_each: int) -> None:
    with open_catalogue(root) as client:
        assert sorted(client) == sorted(uids)
        for uid in uids:
            stream = client[uid]["primary"]
            names = list(stream.read(["detector_obs_id"])["detector_obs_id"].values)
            assert len(names) == frames_each
            np.testing.assert_array_equal(stream["detector_image"].read(), np.stack([images[name] for name in names]))


def test_a_run_appears_while_the_process_follows_the_journal(root, take, detector, start_ingest):
    process = start_ingest()
    wait_until(lambda: state(root) == "idle", "an idle ingest")
    uid = take(2)
    wait_until(lambda: ingested(root) == 1, "the run")
    assert_whole(root, [uid], detector.images, 2)  # while the ingest still runs
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert state(root) == "stopped"


def test_a_killed_ingest_leaves_exactly_one_copy_of_each_run(root, take, detector, start_ingest):
    """Killed again and again, at moments spread over its work; the last one may finish."""
    uids = [take(2) for _ in range(5)]
    database = catalogue_folder(root) / "catalog.db"
    kills = 0
    for delay in (0.0, 0.15, 0.4):
        before = _writes(database)
        process = start_ingest()
        wait_until(
            lambda before=before, process=process: _writes(database) != before or process.poll() is not None, "a write"
        )
        threading.Event().wait(delay)
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait(PATIENCE)
        if ingested(root) == len(uids):
            break
    assert kills >= 2
    last = start_ingest("--once")
    assert last.wait(PATIENCE) == 0
    assert_whole(root, uids, detector.images, 2)
    assert table_rows(root) == 10


def _writes(database: Path) -> tuple[int, int]:
    log = database.with_name(database.name + "-wal")
    size = log.stat().st_size if log.exists() else 0
    return size, database.stat().st_mtime_ns


@pytest.mark.parametrize("place", ["stream", "table", "image", "stop", "summary", "list"])
def test_a_run_cut_off_anywhere_is_done_anew(root, take, detector, ingest_once, monkeypatch, place):
    """The same in slow motion: the feeder dies at each of its steps."""
    from bluesky_tiled_plugins.writing.tiled_writer import _RunWriter

    class Killed(BaseException):
        pass

    def killed(*_args, **_kwargs):
        raise Killed

    uid = take(2)
    target = {
        "stream": (_RunWriter, "event"),
        "table": (_RunWriter, "_append_with_retry"),
        "image": (_RunWriter, "_update_data_source_for_node"),
        "stop": (_RunWriter, "_close_stream_tree"),
        "summary": (Feeder, "_node"),
        "list": (DoneList, "add"),
    }[place]
    with monkeypatch.context() as patch:
        patch.setattr(*target, killed)
        with pytest.raises(Killed):
            ingest_once()
    assert ingest_once() == 0
    assert_whole(root, [uid], detector.images, 2)
    assert table_rows(root) == 2


def test_an_ingest_that_has_nothing_to_do_changes_nothing(root, take, ingest_once):
    take()
    ingest_once()
    done = (catalogue_folder(root) / "ingested.jsonl").read_bytes()
    with sqlite3.connect(catalogue_folder(root) / "catalog.db") as connection:
        nodes = connection.execute("SELECT id, key, time_updated FROM nodes ORDER BY id").fetchall()
    ingest_once()
    assert (catalogue_folder(root) / "ingested.jsonl").read_bytes() == done
    with sqlite3.connect(catalogue_folder(root) / "catalog.db") as connection:
        assert connection.execute("SELECT id, key, time_updated FROM nodes ORDER BY id").fetchall() == nodes


def test_two_ingests_never_work_on_one_catalogue(root, empty_catalogue):
    with IngestLock(root), pytest.raises(AlreadyRunning, match=str(os.getpid())):
        follow(root, once=True)


def test_a_second_ingest_process_says_so_and_ends(root, start_ingest):
    start_ingest()
    wait_until(lambda: state(root) == "idle", "an idle ingest")
    second = start_ingest("--once")
    assert second.wait(PATIENCE) == 3
    assert second.stderr is not None
    assert "already feeds" in second.stderr.read()


def test_a_run_that_is_refused_is_tried_again_and_holds_up_no_other(root, take, ingest_once, monkeypatch):
    import capture.feeder as feeder

    first, second = take(), take()
    real = feeder.read_run

    def refuse(path: Path):
        if path.stem == first:
            raise OSError("the disk hiccups")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(feeder, "read_run", refuse)
        assert ingest_once() == 1
    status = read_status(root)
    assert status is not None
    assert (status.backlog, status.ingested) == (1, 1)
    assert "the disk hiccups" in status.last_error
    with open_catalogue(root) as client:
        assert list(client) == [second]
    assert ingest_once() == 0
    with open_catalogue(root) as client:
        assert sorted(client) == sorted([first, second])


def test_an_open_run_waits_for_its_end(root, ingest_once):
    from event_model import compose_run

    from capture.journal import Journal

    journal = Journal(root)
    run = compose_run()
    journal("start", run.start_doc)
    ingest_once()
    status = read_status(root)
    assert status is not None
    assert (status.backlog, status.ingested) == (0, 0)
    journal("stop", run.compose_stop())
    assert ingest_once() == 0
    with open_catalogue(root) as client:
        assert list(client) == [run.start_doc["uid"]]


def test_the_catalogue_can_be_made_anew(root, take, detector, ingest_once, start_ingest):
    uid = take(2)
    ingest_once()
    (catalogue_folder(root) / "catalog.db").write_bytes(b"damaged")
    damaged = start_ingest("--once")
    assert damaged.wait(PATIENCE) == 2
    assert damaged.stderr is not None
    assert "--rebuild" in damaged.stderr.read()
    assert start_ingest("--once", "--rebuild").wait(PATIENCE) == 0
    assert_whole(root, [uid], detector.images, 2)


def test_a_torn_list_of_what_is_done_costs_nothing(root, take, detector, ingest_once):
    uids = [take(2)]
    ingest_once()
    path = catalogue_folder(root) / "ingested.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    uids.append(take(2))
    assert ingest_once() == 0
    assert len(DoneList(root)) == 2
    assert_whole(root, uids, detector.images, 2)
    assert table_rows(root) == 4


def test_a_lost_database_is_filled_again(root, take, detector, ingest_once):
    uid = take(2)
    ingest_once()
    database = catalogue_folder(root) / "catalog.db"
    database.rename(database.with_name("catalog.db-wal"))  # as if a write-ahead log had been left behind
    assert follow(root, once=True) == 0
    assert_whole(root, [uid], detector.images, 2)
    assert table_rows(root) == 2
