"""A simulated shutter: what light a pixel gets, and when."""

import pytest

from drivers import LinkLost, ShutterDriver, ShutterState
from drivers.simulated import SimulatedShutter


@pytest.fixture
def shutter(latiss, now):
    return SimulatedShutter(latiss.shutter, now)


def test_a_simulated_shutter_is_a_shutter(shutter):
    driver: ShutterDriver = shutter
    assert driver is shutter


@pytest.mark.parametrize("seconds", [0.01, 0.1, 1.0, 30.0, 3600.0])
async def test_an_exposure_gives_exactly_the_light_that_was_asked(shutter, now, seconds):
    await shutter.expose(seconds)
    now.advance(seconds + 1.0)
    status = await shutter.status()
    assert status.state is ShutterState.CLOSED
    assert status.open_time(now()) == seconds
    assert status.closed_at == status.opened_at + seconds


async def test_a_measured_time_does_not_depend_on_when_one_asks(shutter, now):
    await shutter.expose(1.0)
    start = now()
    now.advance(777.7)
    assert (await shutter.status()).opened_at == pytest.approx(start + 0.0575, abs=1e-6)


async def test_the_states_of_an_exposure_come_in_order(shutter, now):
    await shutter.expose(1.0)
    seen = []
    for _ in range(120):
        state = (await shutter.status()).state
        if not seen or seen[-1] != state:
            seen.append(state)
        now.advance(0.01)
    assert seen == [ShutterState.OPENING, ShutterState.OPEN, ShutterState.CLOSING, ShutterState.CLOSED]


async def test_the_announced_changes_lead_through_an_exposure(shutter, now):
    await shutter.expose(1.0)
    states = []
    while (change := (await shutter.status()).next_change) is not None:
        now.time = change
        states.append((await shutter.status()).state)
    assert states == [ShutterState.OPEN, ShutterState.CLOSING, ShutterState.CLOSED]


async def test_closing_early_tells_the_true_time(shutter, now):
    await shutter.expose(10.0)
    now.advance(3.0)
    await shutter.close()
    now.advance(1.0)
    assert (await shutter.status()).open_time(now()) == pytest.approx(3.0, abs=1e-6)


async def test_an_opening_without_end_lasts_until_it_is_closed(shutter, now):
    await shutter.open()
    now.advance(100.0575)
    status = await shutter.status()
    assert (status.state, status.closed_at) == (ShutterState.OPEN, None)
    assert status.open_time(now()) == pytest.approx(100.0, abs=1e-6)
    await shutter.close()
    now.advance(1.0)
    assert (await shutter.status()).state is ShutterState.CLOSED


async def test_only_openings_are_counted(shutter, now):
    for _ in range(3):
        await shutter.expose(0.1)
        await shutter.expose(0.1)  # it is open: no effect
        await shutter.close()
        await shutter.close()
        now.advance(1.0)
    assert (await shutter.status()).open_count == 3


async def test_a_shutter_stuck_closed_stays_closed(shutter, now):
    shutter.inject("StuckClosed")
    await shutter.expose(1.0)
    now.advance(0.5)
    status = await shutter.status()
    assert (status.state, status.open_count) == (ShutterState.CLOSED, 0)


async def test_a_shutter_stuck_open_closes_after_the_repair(shutter, now):
    await shutter.expose(1.0)
    now.advance(0.5)
    shutter.inject("StuckOpen")
    now.advance(10.0)
    await shutter.close()
    now.advance(1.0)
    assert (await shutter.status()).state is ShutterState.OPEN
    shutter.inject("None")
    await shutter.close()
    now.advance(1.0)
    assert (await shutter.status()).state is ShutterState.CLOSED


async def test_a_lost_link_names_the_shutter(shutter):
    shutter.inject("LinkLost")
    with pytest.raises(LinkLost, match="shutter"):
        await shutter.status()
