"""The catalogue gives back what was taken, after everything was closed, from a process that knows nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
import pytest
from bluesky.protocols import Reading
from bluesky.utils import RunEngineInterrupted
from event_model.documents import DataKey

from capture.catalogue import CatalogueUnusable, has_catalogue, open_catalogue
from capture.ingest_state import read_status
from capture.journal import Journal
from capture.journal_reader import run_files
from capture.night_log import search
from slitless.identifiers import ExposureName
from slitless.ledger import Ledger

pytestmark = pytest.mark.timeout(180)


def test_images_come_back_in_a_new_process(root, take, detector, ingest_once):
    uid = take(3, object="HD 2811", program="AT_TEST")
    assert ingest_once() == 0
    np.save(root / "expected.npy", np.stack(list(detector.images.values())))
    script = textwrap.dedent(
        """
        import sys
        import numpy as np
        from pathlib import Path
        from capture.catalogue import open_catalogue
        root, uid = Path(sys.argv[1]), sys.argv[2]
        with open_catalogue(root) as client:
            run = client[uid]
            image = run["primary"]["detector_image"]
            expected = np.load(root / "expected.npy")
            assert image.shape == expected.shape == (3, 20, 96), image.shape
            assert image.dtype == np.dtype("<i4")
            assert image.chunks == ((1, 1, 1), (20,), (96,)), image.chunks
            np.testing.assert_array_equal(image.read(), expected)
            np.testing.assert_array_equal(image[1], expected[1])
            np.testing.assert_array_equal(image[-1, 3:7, ::5], expected[-1, 3:7, ::5])
            assert run.metadata["start"]["object"] == "HD 2811"
            assert run.metadata["stop"]["exit_status"] == "success"
            table = run["primary"].read(["detector_obs_id", "detector_noise"])
            assert list(table["detector_noise"].values) == [4.5, 4.5, 4.5]
        print("read back")
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", script, str(root), uid],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "read back\n", done.stderr


def test_one_frame_is_read_from_its_file_only(root, take, detector, ingest_once):
    uid = take(3)
    assert ingest_once() == 0
    first, _, last = [root / row.file for row in search(root, source="journal")]
    first.unlink()
    last.unlink()
    with open_catalogue(root) as client:
        image = client[uid]["primary"]["detector_image"]
        np.testing.assert_array_equal(image[1], list(detector.images.values())[1])
        with pytest.raises(Exception, match="No such file"):
            image[0]


def test_a_reader_cannot_change_the_catalogue(root, take, ingest_once):
    uid = take()
    assert ingest_once() == 0
    with open_catalogue(root) as client:
        with pytest.raises(Exception, match="Not enough permissions"):
            client.delete_contents(uid, recursive=True, external_only=False)
        assert uid in client


def test_a_catalogue_that_is_not_there_is_named(root):
    assert not has_catalogue(root)
    with pytest.raises(CatalogueUnusable, match=r"capture\.ingest"), open_catalogue(root):
        pass


def test_a_data_root_that_moved_is_read_where_it_is_now(root, take, detector, ingest_once):
    uid = take()
    moved = root.rename(root.with_name("elsewhere"))
    assert ingest_once(moved) == 0
    with open_catalogue(moved) as client:
        np.testing.assert_array_equal(client[uid]["primary"]["detector_image"][0], next(iter(detector.images.values())))


def test_texts_the_catalogue_cannot_hold_do_not_keep_a_run_out(root, take, ingest_once):
    uid = take(note="lone \ud800 surrogate", number=float("nan"), big=2**60)
    assert ingest_once() == 0
    with open_catalogue(root) as client:
        assert client[uid].metadata["start"]["note"] == r"lone \ud800 surrogate"
    assert json.loads(run_files(root)[0].read_text().splitlines()[0])["doc"]["note"] == "lone \ud800 surrogate"


def test_a_failed_run_is_in_the_catalogue_with_its_reason(root, take, ingest_once):
    uid = take(3, fail_after=2)
    assert ingest_once() == 0
    with open_catalogue(root) as client:
        run = client[uid]
        assert run.metadata["stop"]["exit_status"] == "fail"
        assert "shutter stuck" in run.metadata["stop"]["reason"]
        assert run["primary"]["detector_image"].shape == (2, 20, 96)


def test_search_finds_by_day_type_object_and_program(root, take, detector, ingest_once):
    day = detector.day_obs
    take(2, object="HD 2811", program="A")
    take(1, image_type="DARK", object="HD 2811", program="B")
    detector.day_obs, detector.seq_num = 20300101, 0
    take(1, object="NGC 1", program="A")
    assert ingest_once() == 0
    take(1, object="NGC 1", program="A")  # not ingested: comes from the journal
    for source in ("catalogue", "journal"):
        found = {
            "all": search(root, source=source),
            "day": search(root, day_obs=day, source=source),
            "type": search(root, image_type="DARK", source=source),
            "object": search(root, object_name="HD 2811", source=source),
            "program": search(root, program="A", day_obs=20300101, source=source),
            "none": search(root, object_name="M 31", source=source),
        }
        numbers = {key: [(row.day_obs, row.seq_num) for row in rows] for key, rows in found.items()}
        assert numbers == {
            "all": [(day, 1), (day, 2), (day, 3), (20300101, 1), (20300101, 2)],
            "day": [(day, 1), (day, 2), (day, 3)],
            "type": [(day, 3)],
            "object": [(day, 1), (day, 2), (day, 3)],
            "program": [(20300101, 1), (20300101, 2)],
            "none": [],
        }
        row = found["type"][0]
        assert (row.status, row.filter, row.grating, row.noise) == ("written", "SDSSr_65mm", "holo4_003", 4.5)
    assert search(root, source="catalogue") == search(root, source="journal")


def test_the_status_says_how_the_ingest_did(root, take, ingest_once):
    take()
    assert read_status(root) is None
    assert ingest_once() == 0
    status = read_status(root)
    assert status is not None
    assert (status.state, status.backlog, status.ingested, status.last_error) == ("stopped", 0, 1, "")


def test_baseline_and_interruptions_are_in_the_catalogue(root, run_engine, detector, ingest_once):
    """The streams that a session adds to the frames."""
    detector.expose()
    detector._assets.clear()
    mechanism = Mechanism()
    run_engine.record_interruptions = True
    run_engine.subscribe(Journal(root))

    @bpp.baseline_decorator([mechanism])
    @bpp.run_decorator(md={"image_type": "BIAS", "note": ""})
    def plan():
        yield from bps.checkpoint()
        yield from bps.trigger_and_read([detector])
        yield from bps.pause()
        yield from bps.trigger_and_read([detector])

    with pytest.raises(RunEngineInterrupted):
        run_engine(plan())
    (uid,) = run_engine.resume()
    assert ingest_once() == 0
    with open_catalogue(root) as client:
        run = client[uid]
        assert sorted(run) == ["baseline", "interruptions", "primary"]
        assert list(run["baseline"].read()["stage"].values) == [67.0, 67.0]
        assert list(run["interruptions"].read()["interruption"].values) == ["pause", "resume"]


class Mechanism:
    """Something readable that stands still."""

    name = "stage"
    parent = None

    def read(self) -> dict[str, Reading]:
        return {"stage": {"value": 67.0, "timestamp": 0.0}}

    def describe(self) -> dict[str, DataKey]:
        return {"stage": {"source": "PV:STAGE:m1", "dtype": "number", "shape": []}}

    def read_configuration(self) -> dict[str, Reading]:
        return {}

    def describe_configuration(self) -> dict[str, DataKey]:
        return {}


def test_the_catalogue_tells_of_exposures_that_gave_no_frame_too(root, take, ingest_once):
    take()
    assert ingest_once() == 0
    name = ExposureName("AT", "O", 20300101, 7)
    ledger = Ledger(root / "register")
    ledger.reserved(name, 1_893_499_237.0, image_type="DARK")
    ledger.aborted(name, 1_893_499_240.0, "the observer")
    (row,) = [row for row in search(root, source="catalogue") if row.status != "written"]
    assert (row.obs_id, row.status, row.image_type) == (name.obs_id, "aborted", "DARK")
    assert row in search(root, image_type="DARK", source="catalogue")
    assert row not in search(root, image_type="BIAS", source="catalogue")
