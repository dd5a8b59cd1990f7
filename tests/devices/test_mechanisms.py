"""Stage, shutter and telescope against their IOCs, on a bench without a camera."""

import pytest

from devices import CommandFailed
from slitless.errors import InvalidRequest


@pytest.fixture
def stage(start_ioc, make_device, instrument):
    from devices import Stage

    ioc = start_ioc("iocs.linear_stage", "--enable", "--no-interlock", "--speed", "20")
    travel = instrument.stage
    stage = make_device(Stage, f"{ioc.prefix}m1", name="stage", limits_of_travel=travel.limits, speed=travel.speed)
    stage.ioc.set_state("Enabled").wait(60)
    return stage


@pytest.fixture
def shutter(start_ioc, make_device, instrument):
    from devices import Shutter

    ioc = start_ioc("iocs.shutter", "--enable", "--no-interlock", "--speed", "20")
    shutter = make_device(Shutter, ioc.prefix, name="shutter", definition=instrument.shutter)
    shutter.ioc.set_state("Enabled").wait(60)
    return shutter


@pytest.fixture
def telescope(start_ioc, make_device, instrument):
    from devices import Telescope

    ioc = start_ioc("iocs.telescope", "--enable", "--no-interlock", "--speed", "200")
    telescope = make_device(Telescope, ioc.prefix, name="telescope", definition=instrument.telescope)
    telescope.ioc.set_state("Enabled").wait(60)
    return telescope


def test_the_stage_is_where_it_was_sent_when_the_move_is_done(stage):
    for position in (50.0, 50.0, 49.99, 1.0):
        stage.set(position).wait(30)
        assert stage.read()["stage"]["value"] == pytest.approx(position, abs=0.01)
        assert not stage.moving


@pytest.mark.parametrize("position", [0.99, 67.01, float("nan"), "far"])
def test_positions_beyond_the_travel_are_refused_before_anything_moves(stage, position):
    with pytest.raises(InvalidRequest, match=r"\[1, 67\] mm"):
        stage.set(position)
    assert stage.commands.acknowledged.get() == ""


def test_a_stopped_stage_says_so_and_where_it_stands(stage):
    stage.set(60).wait(30)
    status = stage.set(5)
    while not stage.moving:
        assert not status.done
    stage.stop()
    with pytest.raises(CommandFailed, match="stopped"):
        status.wait(30)
    assert stage.position > 5


def test_the_stage_finds_its_zero_again(stage):
    stage.home_axis().wait(60)
    assert stage.homed.get()


def test_an_exposure_of_the_shutter_lasts_what_was_asked(shutter):
    opened = shutter.open_count.get()
    shutter.expose(2.0).wait(30)
    reading = shutter.read()
    assert reading["shutter_state"]["value"] == "Closed"
    assert reading["shutter_open_time"]["value"] == pytest.approx(2.0, abs=1e-6)
    assert reading["shutter_open_count"]["value"] == opened + 1


def test_the_shutter_opens_closes_and_stopping_closes_it(shutter):
    shutter.set("Open").wait(20)
    assert shutter.is_open
    shutter.stop()
    shutter.set("Close").wait(20)
    assert not shutter.is_open
    with pytest.raises(InvalidRequest, match="Close, Open"):
        shutter.set("Ajar")


def test_the_telescope_points_and_its_focus_moves(telescope):
    telescope.set((120.0, -40.0)).wait(60)
    reading = telescope.read()
    assert reading["telescope_right_ascension"]["value"] == pytest.approx(120.0, abs=1e-3)
    assert reading["telescope_declination"]["value"] == pytest.approx(-40.0, abs=1e-3)
    telescope.focus.set(0.25).wait(30)
    assert telescope.focus.read()["focus"]["value"] == pytest.approx(0.25, abs=0.002)


def test_readiness_comes_when_the_telescope_says_so(telescope):
    assert telescope.readiness.trigger().exception(10) is None
    telescope.ready_setpoint.put(0)
    while telescope.readiness.ready.get():
        pass
    waiting = telescope.readiness.trigger()
    assert not waiting.done
    telescope.ready_setpoint.put(1)
    waiting.wait(10)
