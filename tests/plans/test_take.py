"""Plans against all IOCs: frames on disk, documents, headers."""

import os
import re
from typing import Any

import pytest

import plans
from devices import CommandFailed
from slitless.fits.frame_file import read_frame


def frame_of(rig, event) -> Any:
    return read_frame(rig.root / event["data"]["detector_file"])


def test_biases_get_consecutive_ids_and_no_light(run_engine, rig, spectrograph, documents):
    opened = spectrograph.shutter.open_count.get()
    ids = run_engine(plans.take_bias(3)).plan_result
    assert ids == list(range(ids[0], ids[0] + 3))
    assert spectrograph.shutter.open_count.get() == opened
    events = documents.events()
    assert [e["data"]["detector_exposure_id"] for e in events] == ids
    assert {e["data"]["detector_image_type"] for e in events} == {"BIAS"}
    header = frame_of(rig, events[0]).header
    assert (header["IMGTYPE"], header["TESTTYPE"], header["EXPTIME"]) == ("BIAS", "BIAS", 0)
    assert documents.stop["exit_status"] == "success"


def test_optics_are_in_position_and_in_events_and_headers(run_engine, rig, documents, spectrograph):
    run_engine(plans.take_flats(2.0, 2, filter="SDSSr_65mm", grating=3, linear_stage=50))
    for event in documents.events():
        data = event["data"]
        assert (data["filter_name"], data["filter_slot"]) == ("SDSSr_65mm", 2)
        assert (data["grating_name"], data["grating_slot"]) == ("holo4_003", 3)
        assert data["stage"] == pytest.approx(50, abs=0.01)
        assert data["detector_shutter_time"] == pytest.approx(2.0, abs=1e-6)
        header = frame_of(rig, event).header
        assert (header["FILTER"], header["GRATING"]) == ("SDSSr_65mm", "holo4_003")
        assert header["LINSPOS"] == pytest.approx(data["stage"], abs=1e-3)


def test_any_text_comes_back_from_the_header(run_engine, rig, documents, spectrograph):
    texts: dict[str, Any] = {
        "reason": "café, 'quoted': 5\\",
        "program": "SPEC ✨",
        "note": "two\nlines, #1 " + "long " * 60,
    }
    run_engine(plans.take_stuttered(0.5, 3, 50, **texts))
    frame = frame_of(rig, documents.events()[0])
    assert frame.text("REASON") == texts["reason"]
    assert frame.text("PROGRAM") == texts["program"]
    assert frame.text("OBSANNOT") == texts["note"]
    assert {key: documents.start[key] for key in texts} == texts


def test_snaps_share_a_group_and_are_numbered(run_engine, rig, documents, spectrograph):
    ids = run_engine(plans.take_object(0.5, n=2, n_snaps=2)).plan_result
    assert len(ids) == 4
    headers: Any = [frame_of(rig, event).header for event in documents.events()]
    assert [h["CURINDEX"] for h in headers] == [1, 2, 1, 2]
    assert {h["MAXINDEX"] for h in headers} == {2}
    (group,) = {h["GROUPID"] for h in headers}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", group)
    assert documents.start["group_id"] == group


def test_a_run_has_all_metadata_a_baseline_and_a_file_for_each_event(run_engine, rig, documents, spectrograph):
    run_engine(plans.take_darks(1.0, 2, test_type="LDARK", sensors="S00"))
    start = documents.start
    expected = {
        "plan_name": "take_darks",
        "image_type": "DARK",
        "exposure_time": 1.0,
        "num_exposures": 2,
        "test_type": "LDARK",
        "sensors": "S00",
        "instrument": "LATISS",
        "instrument_prefix": rig.prefix,
        "data_root": str(rig.root),
    }
    assert {key: start[key] for key in expected} == expected
    assert start["plan_args"] == {"exptime": 1.0, "ndarks": 2, "test_type": "LDARK", "sensors": "S00"}
    assert len(documents.events("baseline")) == 2
    assert "telescope_weather_air_temperature" in documents.events("baseline")[0]["data"]
    resources, datums = documents.of("resource"), documents.of("datum")
    assert len(resources) == len(datums) == 2
    for event, resource, datum in zip(documents.events(), resources, datums, strict=True):
        assert resource["spec"] == "SLITLESS_FITS"
        assert resource["run_start"] == start["uid"]
        assert os.path.exists(os.path.join(resource["root"], resource["resource_path"]))
        assert resource["resource_path"] == event["data"]["detector_file"]
        assert event["data"]["detector_image"] == datum["datum_id"]
        assert datum["resource"] == resource["uid"]
    keys = documents.of("descriptor")[-1]["data_keys"]
    image = next(d["data_keys"] for d in documents.of("descriptor") if d["name"] == "primary")["detector_image"]
    assert (image["shape"], image["dtype_numpy"], image["external"]) == ([1, 4000, 4072], "<i4", "FILESTORE:")
    assert keys


def test_a_telescope_that_is_not_ready_ends_the_run_with_the_reason(run_engine, documents, spectrograph, monkeypatch):
    telescope = spectrograph.telescope
    telescope.ready_setpoint.put(0)
    while telescope.readiness.ready.get():
        pass
    monkeypatch.setattr(telescope.readiness, "timeout", 5.0)
    try:
        with pytest.raises(CommandFailed, match="not ready to take data within 5 s"):
            run_engine(plans.take_object(1.0))
    finally:
        telescope.ready_setpoint.put(1)
    assert documents.stop["exit_status"] == "fail"
    assert "not ready" in documents.stop["reason"]
    assert not documents.events()


def test_a_coroutine_may_wait_for_the_telescope(run_engine, spectrograph):
    called = []

    async def ready():
        called.append(spectrograph.filter.position)

    run_engine(plans.take_object(0.5, 2, filter=1, tcs_ready=ready))
    assert called == ["BG40_65mm_1"]


def test_another_client_that_holds_the_camera_is_named(run_engine, spectrograph, documents):
    import devices

    claim = [
        "import devices",
        f"camera = devices.connect({spectrograph.prefix!r}, timeout=30).detector",
        "camera.claim('somebody else, flats')",
        "print('claimed', flush=True)",
        "input()",
        "camera.release()",
    ]
    import subprocess
    import sys

    other = subprocess.Popen(
        [sys.executable, "-c", "; ".join(claim)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    try:
        assert other.stdout.readline().strip() == "claimed"
        with pytest.raises(devices.CommandFailed, match="somebody else, flats"):
            run_engine(plans.take_bias(1))
        with pytest.raises(devices.CommandFailed, match="somebody else, flats"):
            run_engine(plans.setup_instrument(filter=2))
    finally:
        other.communicate("\n", timeout=30)
    assert not documents
    assert len(run_engine(plans.take_bias(1)).plan_result) == 1


def test_a_focus_sweep_ends_at_the_best_focus_of_the_telescope(run_engine, documents, spectrograph, instrument):
    result = run_engine(plans.focus_sweep(5.0, 0.1, 5, center=0.3, filter="empty_1", grating="empty_1")).plan_result
    assert result.best == pytest.approx(instrument.telescope.best_focus, abs=5 * result.error + 0.005)
    assert spectrograph.telescope.focus.user_readback.get() == pytest.approx(result.best, abs=0.002)
    assert len(documents.events("primary")) == 5
    assert documents.events("focus_fit")[0]["data"]["focus_best"] == result.best


def test_a_sweep_that_fails_puts_the_focus_back(run_engine, documents, spectrograph):
    focus = spectrograph.telescope.focus
    focus.set(0.1).wait(20)

    def measure(path):
        raise OSError("no such file")

    with pytest.raises(OSError, match="no such file"):
        run_engine(plans.focus_sweep(0.5, 0.1, 5, center=0.5, measure=measure))
    assert focus.user_readback.get() == pytest.approx(0.1, abs=0.002)
    assert documents.stop["reason"] == "no such file"


def test_a_focus_frame_is_one_file_and_leaves_the_focus_where_it_was(run_engine, documents, spectrograph):
    focus = spectrograph.telescope.focus
    focus.set(0.2).wait(20)
    assert len(run_engine(plans.focus_frame(0.5, 3, 0.1, 50)).plan_result) == 1
    assert focus.user_readback.get() == pytest.approx(0.2, abs=0.002)


def test_pointing_names_the_object_and_gets_there(run_engine, spectrograph):
    run_engine(plans.point(200.0, -30.0, "Centaurus ✨"))
    telescope = spectrograph.telescope
    assert telescope.right_ascension.get() == pytest.approx(200.0, abs=1e-3)
    assert telescope.declination.get() == pytest.approx(-30.0, abs=1e-3)
    assert telescope.target.get() == "Centaurus ✨"
