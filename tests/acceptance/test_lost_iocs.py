"""An IOC that is not there or dies: who misses it says so by name, the shutter closes, no id is used twice."""

import time

import pytest

from plans import setup_instrument, take_bias, take_darks, take_object
from session.processes import IOCS
from slitless.errors import SlitlessError

LONG = 100.0  # s; 2 s of wall time


@pytest.fixture
def light_falls(observatory):
    return lambda: observatory.spectrograph.shutter.state.get() == "Open"


@pytest.fixture(autouse=True)
def all_there(observatory):
    """Start again what a test that failed left dead."""
    yield
    if missing := [name for name in IOCS if name not in observatory.processes]:
        observatory.start(*missing)
        observatory.until_healthy()
        observatory.window(40)


@pytest.fixture
def back(observatory):
    """Start a killed IOC again, and wait until this client sees it."""

    def start(name):
        observatory.start(name)
        observatory.until_healthy()

    return start


@pytest.fixture
def exposes_again(observatory):
    """Show that light frames work again; the camera may need a moment to find an IOC that was restarted."""

    def check(**optics):
        deadline = time.monotonic() + 20.0
        while True:
            before = observatory.last_id
            try:
                (number,) = observatory.take(take_object(0.5, **optics))
            except SlitlessError:
                assert observatory.last_id == before  # refused, not failed
                assert time.monotonic() < deadline
                continue
            assert number == before + 1
            return number

    return check


@pytest.mark.parametrize(("name", "device"), [("filter", "FILTER"), ("stage", "STAGE"), ("telescope", "TEL")])
def test_an_ioc_in_the_light_path_that_is_missing_is_named_and_nothing_is_exposed(
    observatory, back, exposes_again, name, device
):
    before = observatory.last_id
    observatory.kill(name)
    opened = observatory.read("SHUTTER:OpenCount_RBV")
    with pytest.raises(SlitlessError, match=rf"({device}:|{name}).* is not connected; does its IOC run\?"):
        observatory.take(take_object(0.5))
    assert [stop["exit_status"] for stop in observatory.docs("stop")] in ([], ["fail"])
    assert (observatory.last_id, observatory.read("SHUTTER:OpenCount_RBV")) == (before, opened)
    back(name)
    assert exposes_again() == before + 1


def test_an_ioc_that_is_missing_at_start_is_named_with_where_it_was_looked_for(observatory, back):
    from devices import NotConnected, connect

    observatory.kill("grating")
    with pytest.raises(NotConnected, match=f"no answer within 2 s from .*{observatory.prefix}GRATING:.*127.0.0.1"):
        connect(observatory.prefix, observatory.instrument, timeout=2)
    with pytest.raises(SlitlessError, match=r"no heartbeat within 5 s from grating$"):
        observatory.spectrograph.health.assert_alive()
    with pytest.raises(SlitlessError, match=r"not enabled: grating is Unknown"):
        observatory.spectrograph.health.assert_all_enabled()
    back("grating")
    heart = observatory.spectrograph.health["grating"]
    observatory.until(lambda: heart.silence < 1.0, "its heart beats again")
    observatory.spectrograph.health.assert_alive()
    observatory.expect_good_bias()


def test_a_shutter_ioc_that_dies_while_light_falls_fails_the_exposure_by_name(
    observatory, light_falls, back, exposes_again
):
    before = observatory.last_id
    with observatory.meanwhile(light_falls, lambda: observatory.kill("shutter")):
        with pytest.raises(SlitlessError, match=r"SHUTTER"):
            observatory.take(take_object(LONG))
    assert observatory.exit_status == "fail"
    assert "SHUTTER" in observatory.docs("stop")[0]["reason"]
    assert observatory.fates() == ["failed"]
    assert observatory.read("CAM:cam1:OpticsLocked_RBV") == "Yes"  # nobody knows whether it is closed
    back("shutter")
    observatory.until(lambda: observatory.read("CAM:cam1:OpticsLocked_RBV") == "No", "it is known to be closed")
    assert observatory.is_dark
    assert exposes_again() == before + 2


def test_a_detector_ioc_that_dies_while_light_falls_leaves_no_open_shutter_and_a_spent_id(
    observatory, light_falls, back, exposes_again
):
    before = observatory.last_id
    with observatory.meanwhile(light_falls, lambda: observatory.kill("detector")):
        with pytest.raises(SlitlessError, match=r"connection to the IOC was lost|detector_state|not connected"):
            observatory.take(take_object(3600.0))
    assert observatory.exit_status == "fail"
    observatory.until(lambda: observatory.is_dark, "the shutter closes by itself")
    assert observatory.fates() == ["reserved"]
    with pytest.raises(SlitlessError):
        observatory.take(take_bias(1))
    back("detector")
    observatory.window(40)
    assert observatory.fates() == ["failed"]
    assert observatory.last_id == before + 1
    observatory.until(lambda: observatory.spectrograph.detector.cam.size_y.get() == 40, "the window is set")
    assert exposes_again() == before + 2


def test_a_filter_ioc_that_dies_while_light_falls_costs_no_frame(observatory, light_falls, back, exposes_again):
    before = observatory.last_id
    with observatory.meanwhile(light_falls, lambda: observatory.kill("filter")):
        with pytest.raises(SlitlessError, match=r"FILTER:.* is not connected"):  # so there is no event
            observatory.take(take_object(LONG))
    assert observatory.exit_status == "fail"
    assert observatory.last_id == before + 1
    assert observatory.fates() == ["written"]
    header = observatory.header(before + 1)
    assert header["SHUTTIME"] == pytest.approx(LONG, abs=0.01)  # s
    assert observatory.is_dark
    back("filter")
    assert exposes_again(filter=1) == before + 2


def test_a_filter_ioc_that_dies_while_its_wheel_turns_fails_the_set_up_by_name(observatory, back, exposes_again):
    observatory.take(setup_instrument(filter=1))
    before = observatory.last_id
    moves = lambda: observatory.spectrograph.filter.moving.get() == 1  # noqa: E731
    with observatory.meanwhile(moves, lambda: observatory.kill("filter")):
        with pytest.raises(SlitlessError, match=r"filter: select SDSSr_65mm: the connection to the IOC was lost"):
            observatory.take(take_object(0.5, filter=2))
    assert observatory.exit_status == "fail"
    assert observatory.last_id == before
    back("filter")
    assert exposes_again(filter=2) == before + 1


def test_a_detector_ioc_that_is_ended_by_an_operator_records_what_it_gave_up(observatory, exposes_again):
    before = observatory.last_id
    integrates = lambda: observatory.spectrograph.detector.cam.frame_state.get() == "Integrating"  # noqa: E731
    with observatory.meanwhile(integrates, lambda: observatory.processes["detector"].terminate()):
        with pytest.raises(SlitlessError):
            observatory.take(take_darks(3600.0, 1))
    assert observatory.exit_status == "fail"
    assert observatory.processes["detector"].wait(10) == 0
    assert observatory.fates() == ["aborted"]
    observatory.restart("detector")
    assert observatory.last_id == before + 1
    observatory.window(40)
    assert exposes_again() == before + 2


def test_each_failure_is_accounted_for_in_the_end(observatory):
    lost = [problem for problem in observatory.problems() if not problem.startswith("no document")]
    assert lost == []
