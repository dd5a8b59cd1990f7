"""A simulated wheel: turns, stops, homes and fails."""

import pytest

from drivers import FaultInjection, LinkLost, WheelDriver, WheelError, WheelState
from drivers.simulated import SimulatedWheel
from slitless.errors import InvalidRequest


@pytest.fixture
def wheel(latiss, now):
    return SimulatedWheel(latiss.wheels.filter, now)


def test_a_simulated_wheel_is_a_wheel_that_can_fail(wheel):
    driver: WheelDriver = wheel
    assert isinstance(driver, FaultInjection)


async def test_a_wheel_knows_its_slot_at_power_up(wheel):
    assert await wheel.status() == (await wheel.status())
    assert (await wheel.status()).slot == 0
    assert (await wheel.status()).state is WheelState.STATIONARY


async def test_a_move_takes_the_move_time(wheel, now):
    await wheel.move(2)
    status = await wheel.status()
    assert (status.state, status.slot) == (WheelState.MOVING, None)
    assert status.expected_end == now() + 5.0
    now.advance(4.999)
    assert (await wheel.status()).is_moving
    now.advance(0.001)
    assert (await wheel.status()).slot == 2


async def test_a_move_to_the_slot_it_is_in_takes_no_time(wheel):
    await wheel.move(0)
    assert (await wheel.status()).slot == 0


async def test_a_stopped_wheel_rests_between_slots_and_home_recovers_it(wheel, now):
    await wheel.move(3)
    now.advance(1.0)
    await wheel.stop()
    status = await wheel.status()
    assert (status.state, status.slot) == (WheelState.NOT_IN_POSITION, None)
    await wheel.home()
    assert (await wheel.status()).state is WheelState.HOMING
    now.advance(8.0)
    assert (await wheel.status()).slot == 0


async def test_stopping_a_wheel_at_rest_leaves_it_in_its_slot(wheel):
    await wheel.stop()
    assert (await wheel.status()).slot == 0


async def test_a_stuck_wheel_turns_for_ever(wheel, now):
    await wheel.move(1)
    wheel.inject("Stuck")
    now.advance(1e6)
    assert (await wheel.status()).is_moving


async def test_a_wheel_that_gives_up_says_so_until_the_next_move(wheel, now):
    wheel.inject("MoveTimeout")
    await wheel.move(1)
    now.advance(5.0)
    status = await wheel.status()
    assert (status.state, status.error) == (WheelState.NOT_IN_POSITION, WheelError.MOVE_TIMEOUT)
    wheel.inject("None")
    await wheel.move(1)
    now.advance(5.0)
    assert (await wheel.status()).error is WheelError.NONE


async def test_a_lost_link_names_the_wheel(wheel):
    wheel.inject("LinkLost")
    with pytest.raises(LinkLost, match="filter wheel"):
        await wheel.status()
    with pytest.raises(LinkLost, match="filter wheel"):
        await wheel.connect()


def test_an_unknown_fault_is_refused(wheel):
    with pytest.raises(InvalidRequest, match="Stuck"):
        wheel.inject("Gremlins")


async def test_a_slot_that_does_not_exist_is_refused(wheel):
    with pytest.raises(InvalidRequest, match="SDSSr_65mm"):
        await wheel.move(4)
