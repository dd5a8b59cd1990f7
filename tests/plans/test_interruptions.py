"""Pausing, aborting and failing: never a second exposure, never an open shutter, never a stale frame."""

import pytest
from bluesky.utils import RunEngineInterrupted

import plans
from devices import CommandFailed


@pytest.fixture
def pause_when(run_engine, when):
    def pause_when(state, plan):
        when(state, lambda: run_engine.request_pause(defer=False))
        with pytest.raises(RunEngineInterrupted):
            run_engine(plan)

    return pause_when


@pytest.fixture
def camera(spectrograph):
    return spectrograph.detector.cam


@pytest.mark.parametrize("plan", [lambda: plans.take_object(20.0, 2), lambda: plans.take_darks(20.0, 2)])
def test_a_pause_holds_the_exposure_and_resuming_goes_on_with_it(
    run_engine, camera, spectrograph, documents, pause_when, plan
):
    pause_when("Integrating", plan())
    assert camera.held.get()
    assert spectrograph.shutter.state.get() == "Closed"
    held = camera.obs_id.get()
    ids = run_engine.resume().plan_result
    events = documents.events()
    assert [e["data"]["detector_exposure_id"] for e in events] == ids
    assert len(ids) == 2
    assert events[0]["data"]["detector_obs_id"] == held
    assert ids[1] == ids[0] + 1
    if events[0]["data"]["detector_image_type"] == "OBJECT":
        assert events[0]["data"]["detector_shutter_time"] == pytest.approx(20.0, abs=1e-3)
    assert documents.stop["exit_status"] == "success"


def test_a_pause_during_readout_lets_the_frame_come_and_takes_no_second_one(run_engine, camera, documents, pause_when):
    pause_when("Reading", plans.take_object(1.0, 2))
    ids = run_engine.resume().plan_result
    assert ids[1] == ids[0] + 1
    assert [e["data"]["detector_exposure_id"] for e in documents.events()] == ids
    assert [e["seq_num"] for e in documents.events()] == [1, 2]


@pytest.mark.parametrize(("ending", "status"), [("abort", "abort"), ("stop", "success"), ("halt", "abort")])
def test_ending_a_paused_run_discards_the_exposure(
    run_engine, camera, spectrograph, documents, pause_when, ending, status
):
    pause_when("Integrating", plans.take_object(20.0, 2))
    getattr(run_engine, ending)()
    assert documents.stop["exit_status"] == status
    assert not documents.events()
    assert camera.frame_state.get() == "Aborted"
    assert spectrograph.shutter.state.get() == "Closed"
    assert camera.sequence_owner.get() == ""


def test_an_exposure_that_is_aborted_from_outside_fails_the_run_with_the_reason(run_engine, camera, documents, when):
    when("Integrating", lambda: camera.abort.put(1))
    with pytest.raises(CommandFailed, match="aborted by"):
        run_engine(plans.take_object(20.0, 2))
    assert documents.stop["exit_status"] == "fail"
    assert "aborted by" in documents.stop["reason"]
    assert len(documents.events("baseline")) == 2


def test_an_exposure_that_is_stopped_early_is_a_frame_with_its_true_time(run_engine, spectrograph, documents, when):
    when("Integrating", spectrograph.detector.stop_early)
    assert len(run_engine(plans.take_object(60.0)).plan_result) == 1
    assert documents.events()[0]["data"]["detector_shutter_time"] < 50


def test_an_axis_that_fails_stops_the_others_and_names_itself(run_engine, spectrograph, documents, make_setting):
    sim_fault = make_setting(f"{spectrograph.prefix}FILTER:SimFault")
    spectrograph.stage.set(10).wait(30)
    slot = spectrograph.filter.slot.get()
    sim_fault.put(1)  # stuck
    try:
        with pytest.raises(CommandFailed, match="filter"):
            run_engine(plans.take_flats(1.0, 1, filter=(slot + 1) % 4, linear_stage=67))
    finally:
        sim_fault.put(0)
        for state in ("Standby", "Enabled"):
            spectrograph.filter.ioc.set_state(state).wait(60)
    assert documents.stop["exit_status"] == "fail"
    assert "filter" in documents.stop["reason"]
    assert not spectrograph.stage.moving
    assert not documents.events()


def test_stock_count_works_with_the_detector(run_engine, spectrograph, documents):
    from bluesky.plans import count

    from devices import ExposureRequest
    from slitless.exposure import ImageType

    spectrograph.detector.prepare(ExposureRequest(ImageType.BIAS, 0.0)).wait(10)
    spectrograph.detector._request = None
    run_engine(count([spectrograph.detector], 2))
    ids = [e["data"]["detector_exposure_id"] for e in documents.events()]
    assert ids[1] == ids[0] + 1


@pytest.fixture
def make_setting():
    from devices.signals import Setting

    made = []

    def make(pv):
        made.append(Setting(pv, name="setting"))
        made[-1].wait_for_connection(timeout=10)
        return made[-1]

    yield make
    for setting in made:
        setting.destroy()
