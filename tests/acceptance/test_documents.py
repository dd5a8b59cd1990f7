"""What was asked for comes back from headers, documents and journal, character by character."""

import json
from typing import Any

import pytest
from astropy.io import fits

from capture.journal_reader import read_run, resolve_file, run_files
from plans import take_bias, take_flats, take_object, take_stuttered
from slitless.fits.frame_file import read_frame

ANNOTATIONS = {
    "group_id": "GROUPID",
    "test_type": "TESTTYPE",
    "reason": "REASON",
    "program": "PROGRAM",
    "note": "OBSANNOT",
}
TEXTS = {
    "separators": ",:='\"#;|&%",
    "a key-value map of its own": "imageType: BIAS, groupId: 2024-06-25T01:26:31.895#1, reason: a=b",
    "lines": "first\nsecond\r\n\tthird\n",
    "other scripts": "naïve Ångström µ±∞ 観測 наблюдение 🔭",
    "blanks at both ends": "  two before, two after  ",
    "what FITS uses itself": "O'Hara's ''quotes'' / slash & CONTINUE &",
    "what escapes use": r"C:\new\table \x41 \\",
    "a number": "1e5",
    "a path out": "../../etc/passwd",
    "a format": "%s %d {0} $HOME",
    "as long as fits": "long, " * 170,
    "two bytes each, as long as fits": "µ" * 511,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_any_text_comes_back_from_header_documents_and_journal(observatory, text):
    asked = dict.fromkeys((*ANNOTATIONS, "sensors"), text)
    (number,) = observatory.take(take_bias(1, **asked))
    frame = observatory.frame(number)
    assert {keyword: frame.text(keyword) for keyword in ANNOTATIONS.values()} == dict.fromkeys(
        ANNOTATIONS.values(), text
    )
    (start,) = observatory.docs("start")
    assert {key: start[key] for key in asked} == asked
    assert {key: start["plan_args"][key] for key in asked} == asked
    (event,) = observatory.events()
    assert event["data"]["detector_header_problems"] == ""
    run = next(run for run in map(read_run, run_files(observatory.root)) if run.uid == start["uid"])
    assert {key: run.start[key] for key in asked} == asked
    with fits.open(observatory.files[number], checksum=True) as opened:
        opened.verify("exception")


@pytest.mark.parametrize("text", [TEXTS["separators"], TEXTS["lines"], TEXTS["other scripts"]])
def test_object_and_observer_come_back_whatever_they_are_called(observatory, text):
    as_bytes = [*text.encode(), 0]
    try:
        for pv in ("TEL:Target", "TEL:Observer"):
            observatory.put(pv, as_bytes)
        observatory.until(lambda: observatory.spectrograph.telescope.target.get() == text, "the target arrives")
        observatory.until(lambda: observatory.spectrograph.telescope.observer.get() == text, "the observer arrives")
        (number,) = observatory.take(take_object(0.1))
    finally:
        for pv in ("TEL:Target", "TEL:Observer"):
            observatory.put(pv, [0])
    frame, (start,) = observatory.frame(number), observatory.docs("start")
    assert (frame.text("OBJECT"), frame.text("OBSERVER")) == (text, text)
    assert (start["object"], start["observer"]) == (text, text)


def test_the_note_of_a_stuttered_frame_reaches_its_header(observatory):
    (number,) = observatory.take(take_stuttered(0.1, 2, 10, note="step, by: step", sensors="S00"))
    assert observatory.frame(number).text("OBSANNOT") == "step, by: step"


def test_a_call_is_one_run_whose_events_are_its_frames_one_by_one(observatory):
    ids = observatory.take(take_object(0.2, n=2, n_snaps=2, filter="SDSSr_65mm"))
    assert len(observatory.docs("start")) == len(observatory.docs("stop")) == 1
    events = observatory.events()
    assert [event["data"]["detector_exposure_id"] for event in events] == ids
    assert [event["seq_num"] for event in events] == [1, 2, 3, 4]
    files = [event["data"]["detector_file"] for event in events]
    assert [observatory.root / file for file in files] == [observatory.files[number] for number in ids]
    for event, number in zip(events, ids, strict=True):
        header, data = observatory.header(number), event["data"]
        assert data["detector_obs_id"] == header["OBSID"]
        assert (data["detector_snap_index"], data["detector_snap_count"]) == (header["CURINDEX"], header["MAXINDEX"])
        assert (data["filter_name"], data["filter_slot"]) == (header["FILTER"], header["FILTSLOT"])
        assert data["stage"] == header["LINSPOS"]
        assert data["detector_shutter_time"] == pytest.approx(header["SHUTTIME"], abs=1e-6)
    counts = observatory.docs("stop")[0]["num_events"]
    assert {"baseline": 2, "primary": 4}.items() <= counts.items()


def test_each_event_points_to_the_pixels_of_its_file(observatory):
    ids = observatory.take(take_bias(2))
    resources = {doc["uid"]: doc for doc in observatory.docs("resource")}
    datums = {doc["datum_id"]: doc for doc in observatory.docs("datum")}
    (descriptor,) = (doc for doc in observatory.docs("descriptor") if doc["name"] == "primary")
    for event, number in zip(observatory.events(), ids, strict=True):
        assert event["filled"] == {"detector_image": False}
        resource = resources[datums[event["data"]["detector_image"]]["resource"]]
        assert resource["spec"] == "SLITLESS_FITS"
        path = resolve_file(observatory.root, resource)
        assert path == observatory.files[number]
        assert [1, *read_frame(path).image().shape] == descriptor["data_keys"]["detector_image"]["shape"]


def test_the_start_document_says_all_that_was_asked(observatory):
    asked: dict[str, Any] = {
        "group_id": "G#1",
        "test_type": "LFLAT",
        "reason": "daily",
        "program": "CALIB",
        "note": "n",
        "sensors": "",
    }
    observatory.take(take_flats(0.2, 2, filter=1, grating="holo4_003", linear_stage=10, **asked))
    (start,) = observatory.docs("start")
    expected = asked | {
        "plan_name": "take_flats",
        "image_type": "FLAT",
        "exposure_time": 0.2,
        "num_exposures": 2,
        "n_snaps": 1,
        "filter": "BG40_65mm_1",
        "grating": "holo4_003",
        "linear_stage": 10.0,
        "instrument": "LATISS",
        "instrument_prefix": observatory.prefix,
        "data_root": str(observatory.root),
    }
    assert {key: start[key] for key in expected} == expected
    observatory.take(take_stuttered(0.1, 3, 7))
    assert observatory.docs("start")[0]["stutter"] == {"n_shift": 3, "row_shift": 7}


def test_the_descriptor_says_how_the_camera_was_set_up(observatory):
    observatory.take(take_bias(1))
    (descriptor,) = (doc for doc in observatory.docs("descriptor") if doc["name"] == "primary")
    settings = descriptor["configuration"]["detector"]["data"]
    assert settings["detector_cam_size_y"] == observatory.read("CAM:cam1:SizeY")
    assert settings["detector_cam_bin_x"] == 1
    assert settings["detector_cam_temperature"] == pytest.approx(observatory.read("CAM:cam1:Temperature_RBV"))


def test_the_baseline_has_the_whole_instrument_before_and_after(observatory):
    observatory.take(take_bias(1))
    before, after = observatory.events("baseline")
    assert before["data"].keys() == after["data"].keys()
    for key in ("filter_name", "grating_name", "stage", "shutter_state", "telescope_readiness_ready"):
        assert key in before["data"], sorted(before["data"])


def test_the_journal_holds_every_document_in_order(observatory):
    observatory.take(take_bias(2))
    (start,) = observatory.docs("start")
    (path,) = (path for path in run_files(observatory.root) if path.stem == start["uid"])
    kept = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    assert [(line["name"], line["doc"].get("uid")) for line in kept] == [
        (name, doc.get("uid")) for name, doc in observatory.documents
    ]


def test_journal_ledger_and_files_agree_in_the_end(observatory):
    assert observatory.problems() == []
