"""Whatever stops an exposure: the shutter closes at once, the run tells the truth, the id is spent, the next works."""

import threading

import pytest
from bluesky.utils import RunEngineInterrupted

from plans import setup_instrument, take_bias, take_darks, take_object, take_stuttered
from slitless.errors import SlitlessError

LONG = 100.0  # s; 2 s of wall time


@pytest.fixture
def light_falls(observatory):
    return lambda: observatory.spectrograph.shutter.state.get() == "Open"


@pytest.fixture
def going_dark(observatory):
    """Do something and return when the shutter is closed, which takes the time that the meanwhile measures."""

    def make(action):
        def act():
            thread = threading.Thread(target=action)
            thread.start()
            observatory.until(lambda: observatory.is_dark, "the shutter closes")
            thread.join()

        return act

    return make


@pytest.fixture
def expect_spent(observatory):
    """Show that exposures left no frame, that their ids are spent and recorded, and that the next exposure works."""

    def check(before, *fates):
        assert observatory.last_id == before + len(fates)
        assert observatory.fates(len(fates)) == list(fates)
        assert [number for number in observatory.files if number > before] == []
        assert observatory.is_dark
        assert observatory.read("CAM:cam1:OpticsLocked_RBV") == "No"
        assert observatory.read("CAM:cam1:SequenceOwner_RBV") == ""
        assert observatory.expect_good_bias() == before + len(fates) + 1

    return check


def test_aborting_the_run_closes_the_shutter_within_1_s_and_the_run_says_abort(
    observatory, light_falls, going_dark, expect_spent
):
    before = observatory.last_id
    abort = going_dark(lambda: observatory.RE.abort("clouds"))
    with observatory.meanwhile(light_falls, abort) as aborted, pytest.raises(RunEngineInterrupted):
        observatory.take(take_object(LONG, 3))
    assert aborted.error is None
    assert aborted.took < 1.0  # s
    assert observatory.exit_status == "abort"
    assert observatory.events() == []
    expect_spent(before, "aborted")


def test_another_clients_abort_fails_the_run_with_the_reason(observatory, light_falls, going_dark, expect_spent):
    before = observatory.last_id
    abort = going_dark(lambda: observatory.put("CAM:cam1:Abort", 1))
    with observatory.meanwhile(light_falls, abort) as aborted, pytest.raises(SlitlessError, match="aborted by"):
        observatory.take(take_object(LONG))
    assert aborted.error is None
    assert aborted.took < 1.0  # s
    assert observatory.exit_status == "fail"
    assert "aborted by" in observatory.docs("stop")[0]["reason"]
    expect_spent(before, "aborted")


def test_a_paused_exposure_is_dark_and_goes_on_where_it_was(observatory, light_falls, going_dark):
    pause = going_dark(lambda: observatory.RE.request_pause(defer=False))
    with observatory.meanwhile(light_falls, pause) as paused, pytest.raises(RunEngineInterrupted):
        observatory.take(take_object(LONG))
    assert paused.error is None
    assert paused.took < 1.0  # s
    assert observatory.RE.state == "paused"
    assert observatory.read("CAM:cam1:Held_RBV") == "Yes"
    (number,) = observatory.RE.resume().plan_result
    assert observatory.exit_status == "success"
    assert len(observatory.events()) == 1
    header = observatory.header(number)
    assert header["EXPTIME"] == LONG
    assert header["SHUTTIME"] == pytest.approx(LONG, abs=0.01)  # s
    assert header["DARKTIME"] > LONG
    interruptions = [event["data"]["interruption"] for event in observatory.events("interruptions")]
    assert interruptions == ["pause", "resume"]


@pytest.mark.parametrize("ending", ["abort", "stop", "halt"])
def test_a_paused_exposure_can_be_given_up(observatory, light_falls, expect_spent, ending):
    before = observatory.last_id
    pausing = observatory.meanwhile(light_falls, lambda: observatory.RE.request_pause(defer=False))
    with pausing, pytest.raises(RunEngineInterrupted):
        observatory.take(take_object(LONG))
    getattr(observatory.RE, ending)()
    if ending == "halt":  # no clean-up by the RunEngine: the camera is left as it was, held and dark
        assert observatory.is_dark
        observatory.spectrograph.detector.unstage()
        observatory.RE._clear_run_cache()
    else:
        assert observatory.exit_status == {"abort": "abort", "stop": "success"}[ending]
        assert observatory.docs("stop")[0]["reason"] != ""
    assert observatory.events() == []
    expect_spent(before, "aborted")


def test_an_exposure_stopped_early_is_a_frame_with_its_true_exposure_time(observatory, light_falls):
    stop = observatory.meanwhile(light_falls, lambda: observatory.put("CAM:cam1:StopExposure", 1))
    with stop as stopped:
        (number,) = observatory.take(take_object(LONG))
    assert stopped.error is None
    header = observatory.header(number)
    assert 0 < header["EXPTIME"] < LONG
    assert header["SHUTTIME"] == pytest.approx(header["EXPTIME"], abs=0.01)  # s
    (event,) = observatory.events()
    assert event["data"]["detector_exposure_time"] == pytest.approx(header["EXPTIME"], abs=1e-6)  # s
    assert observatory.exit_status == "success"


def test_a_stuttered_frame_aborted_half_way_leaves_a_camera_that_takes_biases(
    observatory, light_falls, going_dark, expect_spent
):
    before = observatory.last_id
    abort = going_dark(lambda: observatory.RE.abort("clouds"))
    with observatory.meanwhile(light_falls, abort) as aborted, pytest.raises(RunEngineInterrupted):
        observatory.take(take_stuttered(20.0, 10, 100))
    assert aborted.took < 1.0  # s
    assert observatory.exit_status == "abort"
    expect_spent(before, "aborted")


def test_a_dark_can_be_aborted_too(observatory, expect_spent):
    before = observatory.last_id
    integrates = lambda: observatory.spectrograph.detector.cam.frame_state.get() == "Integrating"  # noqa: E731
    with observatory.meanwhile(integrates, lambda: observatory.RE.abort("no")), pytest.raises(RunEngineInterrupted):
        observatory.take(take_darks(LONG, 2))
    assert observatory.exit_status == "abort"
    expect_spent(before, "aborted")


def test_an_abort_between_set_up_and_exposure_spends_no_id(observatory, expect_spent):
    before = observatory.last_id
    moves = lambda: observatory.spectrograph.stage.motor_done_move.get() == 0  # noqa: E731
    target = 60.0 if observatory.read("STAGE:m1.RBV") < 30 else 5.0
    with observatory.meanwhile(moves, lambda: observatory.RE.abort("no")), pytest.raises(RunEngineInterrupted):
        observatory.take(take_object(1.0, linear_stage=target))
    assert observatory.exit_status == "abort"
    observatory.until(lambda: observatory.read("STAGE:m1.DMOV") == 1, "the stage comes to rest")
    expect_spent(before)


@pytest.mark.parametrize(
    ("device", "fault", "setting", "code"),
    [
        ("FILTER", "Stuck", {"filter": 3, "linear_stage": 20.0}, 3),
        ("GRATING", "Stuck", {"grating": 3, "filter": 1}, 4),
        ("STAGE", "Stuck", {"linear_stage": 40.0, "filter": 2}, 2),
    ],
)
def test_an_axis_that_does_not_arrive_is_named_and_nothing_is_exposed(
    observatory, expect_spent, device, fault, setting, code
):
    observatory.take(setup_instrument(filter=0, grating=0, linear_stage=50.0))
    before = observatory.last_id
    observatory.put(f"{device}:SimFault", fault)
    label = {"FILTER": "filter", "GRATING": "grating", "STAGE": "stage"}[device]
    with pytest.raises(SlitlessError, match=f"{label}: .*did not reach"):
        observatory.take(take_object(1.0, **setting))
    assert observatory.exit_status == "fail"
    assert observatory.read(f"{device}:IOC:SummaryState") == "Fault"
    assert observatory.read(f"{device}:IOC:ErrorCode") == code
    observatory.put(f"{device}:SimFault", "None")
    observatory.recover(device)
    observatory.until_healthy()
    expect_spent(before)
    (number,) = observatory.take(take_object(0.1, **setting))
    assert observatory.read(f"{device}:IOC:ErrorCode") == 0
    assert number == before + 2


def test_a_readout_that_hangs_can_be_aborted(observatory, expect_spent):
    before = observatory.last_id
    observatory.put("CAM:cam1:SimFault", "ReadoutTimeout")
    reads = lambda: observatory.spectrograph.detector.cam.frame_state.get() == "Reading"  # noqa: E731
    abort = observatory.meanwhile(reads, lambda: observatory.put("CAM:cam1:Abort", 1))
    try:
        with abort as aborted, pytest.raises(SlitlessError, match="aborted by"):
            observatory.take(take_bias(2))
    finally:
        observatory.put("CAM:cam1:SimFault", "None")
    assert aborted.took < 1.0  # s
    assert observatory.exit_status == "fail"
    expect_spent(before, "aborted")


def test_a_shutter_that_does_not_open_fails_the_exposure_by_name(observatory, expect_spent):
    before = observatory.last_id
    observatory.put("SHUTTER:SimFault", "StuckClosed")
    with pytest.raises(SlitlessError, match=r"(?i)shutter"):
        observatory.take(take_object(1.0))
    assert observatory.exit_status == "fail"
    observatory.put("SHUTTER:SimFault", "None")
    observatory.recover("SHUTTER")
    observatory.until_healthy()
    observatory.until(
        lambda: observatory.read("CAM:cam1:OpticsLocked_RBV") == "No", "the shutter is known to be closed"
    )
    expect_spent(before, "failed")


def test_journal_ledger_and_files_agree_in_the_end(observatory):
    assert observatory.problems() == []
