"""Sequences, test exposures, titles, header files and parameters, as an observer asks for them."""

import json
from typing import Any

import pytest

import plans
from devices import CommandFailed
from slitless.errors import InvalidRequest
from slitless.fits.frame_file import read_frame


def headers(rig, documents) -> Any:
    return [read_frame(rig.root / event["data"]["detector_file"]).header for event in documents.events()]


def test_a_sequence_has_its_title_delay_and_flushes_and_leaves_none_behind(run_engine, rig, documents, spectrograph):
    title = "f=2.5 #1 it's naïve"
    ids = run_engine(plans.take_sequence(1.0, 3, "DARK", title=title, flush="first", delay=4.0)).plan_result
    frames = headers(rig, documents)
    assert len(ids) == len(frames) == 3
    for event in documents.events():
        assert read_frame(rig.root / event["data"]["detector_file"]).text("OBJECT") == title
    assert documents.start["object"] == title
    assert frames[0]["DARKTIME"] == pytest.approx(1.0, abs=1e-6)  # s, from the flush
    assert min(frames[1]["DARKTIME"], frames[2]["DARKTIME"]) > 5.0  # s, from the readout before
    assert spectrograph.detector.cam.flush_cycles.get() == 1
    documents.clear()
    run_engine(plans.take_bias(1))
    (after,) = headers(rig, documents)
    assert title not in str(after.get("OBJECT"))


@pytest.mark.parametrize("wrong", [{"flush": "Sometimes"}, {"delay": -1.0}, {"imgtype": "STUTTERED"}, {"title": 5}])
def test_a_sequence_that_cannot_be_is_refused_before_anything_moves(run_engine, documents, spectrograph, wrong):
    with pytest.raises(InvalidRequest):
        run_engine(plans.take_sequence(**({"exptime": 1.0, "n": 1} | wrong)))
    assert documents == []


def test_a_test_exposure_says_so(run_engine, rig, documents, spectrograph):
    (exposure_id,) = run_engine(plans.take_test(0.5)).plan_result
    (header,) = headers(rig, documents)
    assert (header["TESTTYPE"], header["IMGTYPE"], header["OBJECT"]) == ("TEST", "DARK", "test image")
    assert spectrograph.detector.cam.exposure_id.get() == exposure_id
    assert spectrograph.detector.control.image_test.get() == 1
    assert spectrograph.detector.cam.image_title.get() == ""


def test_a_header_file_is_loaded_whole_or_not_at_all(run_engine, rig, documents, spectrograph):
    (rig.root / "own.txt").write_text("PROPOSAL P124 / id\n")
    (rig.root / "bad.txt").write_text("PROPOSAL P125\nNAXIS 5\n")
    run_engine(plans.load_header_file("own.txt"))
    with pytest.raises(CommandFailed, match="line 2: NAXIS"):
        run_engine(plans.load_header_file("bad.txt"))
    run_engine(plans.take_bias(1))
    run_engine(plans.load_header_file(""))
    run_engine(plans.take_bias(1))
    own, after = headers(rig, documents)
    assert own["PROPOSAL"] == "P124"
    assert "PROPOSAL" not in after
    assert json.loads(spectrograph.detector.control.header_file.cards.get()) == []


def test_a_device_takes_sequences_and_tests_and_knows_parameters_and_status(rig, spectrograph):
    detector, control = spectrograph.detector, spectrograph.detector.control
    control.set_parameter("ImageType", "DARK")
    control.set_parameter("exposuretime", 0.2)
    before = detector.cam.seq_num.get()
    control.sequence(2, flush="never", delay=0.5).wait(30)
    control.test(0.1).wait(30)
    assert detector.cam.seq_num.get() == before + 3
    assert control.get_parameter("EXPOSURETIME") == 0.2
    for name, value in (("exposuretime", "abc"), ("lastfilename", "x"), ("nosuch", 1)):
        with pytest.raises(CommandFailed, match=name):
            control.set_parameter(name, value)
    assert control.status()["imagetitle"] == "test image"
    assert control.temperatures() == pytest.approx((-94.15, -130.0))
    control.start_image().wait(30)
    control.shift_rows(10).wait(30)
    control.end_image().wait(30)
    control.flush().wait(30)
    control.reset().wait(30)
    control.sequence(1).wait(30)


def test_region_and_format_reach_the_frame_or_are_refused_with_the_reason(run_engine, rig, documents, spectrograph):
    control = spectrograph.detector.control
    run_engine(plans.set_roi(11, 500, 1, 200, 2, 2))
    run_engine(plans.set_format(ns_overscan=20, np_overscan=0))
    with pytest.raises(CommandFailed, match="rise within"):
        run_engine(plans.set_roi(50, 11))
    with pytest.raises(CommandFailed, match="dark columns"):
        run_engine(plans.set_format(ns_underscan=9))
    assert control.region.get_counts() == (11, 500, 1, 200, 2, 2)
    run_engine(plans.take_bias(1))
    (event,) = documents.events()
    frame = read_frame(rig.root / event["data"]["detector_file"])
    (readout,) = frame.layout
    assert readout.raw_shape == (100, 1 + 245 + 20)
    assert documents.of("descriptor")[-1]["data_keys"]["detector_image"]["shape"] == [1, 100, 245]
    run_engine(plans.set_format(3, 64, 48))
    control.region.set((1, 4072, 1, 4000, 1, 1)).wait(10)
    control.region.reset().wait(10)
    assert control.readout_format.get_counts() == (4072, 3, 3, 64, 4000, 0, 0, 48, 0)
