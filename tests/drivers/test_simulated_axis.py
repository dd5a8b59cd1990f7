"""A simulated axis: moves, stops, homes and fails."""

import pytest

from drivers import AxisDriver, LinkLost
from drivers.simulated import AxisMechanics, SimulatedAxis

SPEED = 5.0  # mm/s
RAMP = 0.2  # s


@pytest.fixture
def stage(latiss, now):
    return SimulatedAxis(AxisMechanics.of_stage(latiss.stage), now)


def test_a_simulated_axis_is_an_axis(stage):
    driver: AxisDriver = stage
    assert driver is stage


async def test_the_stage_stands_where_the_instrument_is_used(stage):
    assert (await stage.status()).position == 67.0


async def test_a_move_arrives_when_it_said_it_would(stage, now):
    await stage.move(50.0, SPEED, RAMP)
    status = await stage.status()
    assert status.moving
    assert not status.forward
    assert status.expected_end == pytest.approx(now() + 17 / 5 + 0.2)
    now.time = status.expected_end
    assert (await stage.status()).position == 50.0
    assert not (await stage.status()).moving


async def test_positions_are_whole_encoder_steps(stage, now):
    await stage.move(12.34567, SPEED, RAMP)
    now.advance(60.0)
    assert (await stage.status()).position == 12.346


async def test_a_stopped_axis_brakes_to_rest(stage, now):
    await stage.move(10.0, SPEED, RAMP)
    now.advance(2.2)  # 0.5 mm of ramp and 10 mm at full speed
    await stage.stop()
    now.advance(1.0)
    status = await stage.status()
    assert status.position == pytest.approx(67.0 - 11.0)
    assert not status.moving


async def test_a_moving_axis_changes_course(stage, now):
    await stage.move(10.0, SPEED, RAMP)
    now.advance(2.0)
    await stage.move(60.0, SPEED, RAMP)
    now.advance(10.0)
    assert (await stage.status()).position == 60.0


async def test_a_limit_switch_ends_a_move(stage, now):
    await stage.move(100.0, SPEED, RAMP)
    now.advance(60.0)
    status = await stage.status()
    assert status.high_switch
    assert status.position == 67.5


async def test_homing_ends_on_the_mark(stage, now):
    await stage.home(False, SPEED, RAMP)
    now.advance(60.0)
    status = await stage.status()
    assert (status.position, status.at_home, status.homed) == (0.0, True, True)


async def test_an_axis_that_lost_its_zero_reads_wrong_until_it_is_homed(stage, now):
    stage.inject("LostZero")
    status = await stage.status()
    assert (status.position, status.homed) == (-324.4, False)
    await stage.home(False, SPEED, RAMP)
    now.advance(60.0)
    status = await stage.status()
    assert (status.position, status.homed) == (0.0, True)


async def test_a_stuck_axis_pushes_for_ever_and_stays(stage, now):
    await stage.move(10.0, SPEED, RAMP)
    now.advance(2.2)
    stage.inject("Stuck")
    now.advance(1e6)
    status = await stage.status()
    assert status.moving
    assert status.position == 56.5


async def test_an_axis_that_gives_up_says_so(stage, now):
    stage.inject("MoveTimeout")
    await stage.move(10.0, SPEED, RAMP)
    now.advance(60.0)
    status = await stage.status()
    assert not status.moving
    assert "did not arrive" in status.problem
    stage.inject("None")
    await stage.move(10.0, SPEED, RAMP)
    now.advance(60.0)
    assert (await stage.status()).problem == ""


async def test_the_scale_can_be_redefined_without_motion(stage):
    await stage.define_position(5.0)
    assert (await stage.status()).position == 5.0


async def test_a_lost_link_names_the_axis(stage):
    stage.inject("LinkLost")
    with pytest.raises(LinkLost, match="linear stage"):
        await stage.move(1.0, SPEED, RAMP)


async def test_the_focus_starts_in_the_middle(latiss, now):
    focus = SimulatedAxis(AxisMechanics.of_focus(latiss.telescope), now)
    assert (await focus.status()).position == 0.0
