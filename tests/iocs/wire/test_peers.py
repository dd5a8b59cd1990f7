"""What one IOC sees of another: late, dead, restarted, refusing."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from iocs.wire.peers import PeerError, address_list
from slitless.instrument_time import InstrumentClock


async def test_a_watched_pv_is_unknown_until_its_ioc_is_up_and_known_soon_after(peers, system_prefix, serve_demo):
    level = peers.watch(f"{system_prefix}DEMO:Level")
    with pytest.raises(PeerError, match=r"DEMO:Level.*not connected"):
        await level.until(lambda value: True, 0.05)
    assert not level.known
    async with serve_demo():
        assert await level.until(lambda value: True, 3) == 5.0
        assert level.connected


async def test_a_peer_that_dies_is_unknown_at_once_and_found_again_after_its_restart(peers, system_prefix, serve_demo):
    state = peers.watch(f"{system_prefix}DEMO:State_RBV")
    for _ in range(3):
        async with serve_demo() as demo:
            assert await state.until(lambda value: True, 3) == "Closed"
            await demo["State_RBV"].write("Open")
            assert await state.until(lambda value: value == "Open", 3)
        async with asyncio.timeout(3):
            while state.connected:
                await asyncio.sleep(0.01)
        assert state.value is None


async def test_a_watched_text_number_and_state_come_as_python_values(peers, demo):
    await demo["Text"].write('µ, "quoted"\n')
    for name, expected in (
        ("Text", 'µ, "quoted"\n'),
        ("Count", 1),
        ("Level", 5.0),
        ("Moving", "No"),
        ("Title", "none"),
    ):
        assert await peers.watch(demo.setup.prefix + name).until(lambda value: True, 3) == expected


async def test_a_watched_alarm_comes_with_the_value(peers, demo):
    state = peers.watch(demo.setup.prefix + "State_RBV")
    await state.until(lambda value: True, 3)
    await demo["State_RBV"].write("Stuck")
    await state.until(lambda value: value == "Stuck", 3)
    assert state.severity == 2


@pytest.mark.parametrize(
    ("name", "value", "expected"), [("Select", "blue", "blue"), ("Level", 3, 3.0), ("Text", "", "")]
)
async def test_a_put_has_completed_when_it_returns(peers, demo, name, value, expected):
    await peers.put(demo.setup.prefix + name, value, 5)
    assert demo[name].value == expected


async def test_a_refused_put_names_the_pv_and_the_reason(peers, demo):
    await demo["Moving"].write("Yes")
    with pytest.raises(PeerError, match=r"DEMO:Select: Select: it moves already"):
        await peers.put(demo.setup.prefix + "Select", "blue", 5)


async def test_a_put_to_a_pv_that_is_not_there_fails_in_time(peers, demo):
    with pytest.raises(PeerError, match=r"DEMO:Nothing: not connected within 0.2 s"):
        await peers.put(demo.setup.prefix + "Nothing", 1, 0.2)


async def test_a_put_ends_with_an_error_when_its_ioc_dies(peers, system_prefix, serve_demo):
    stack = AsyncExitStack()
    demo = await stack.enter_async_context(serve_demo())
    demo.clock = InstrumentClock(time.time, speed=0.01)
    putting = asyncio.create_task(peers.put(demo.setup.prefix + "Select", "blue", 20))
    moving = peers.watch(demo.setup.prefix + "Moving")
    await moving.until(lambda value: value == "Yes", 3)
    await stack.aclose()
    with pytest.raises(PeerError, match=r"DEMO:Select: the connection was lost"):
        await putting


async def test_command_ids_travel_on_the_same_circuit_as_the_command(peers, demo):
    prefix = demo.setup.prefix
    result = peers.watch(prefix + "CommandResult_RBV")
    await peers.put(prefix + "CommandId", "camera:7", 5)
    await peers.put(prefix + "Select", "green", 5)
    assert '"camera:7"' in await result.until(bool, 3)


def test_an_address_list_is_read_as_epics_does():
    assert address_list("127.0.0.1:5101 host") == [("127.0.0.1", 5101), ("host", 5064)]
    with pytest.raises(ValueError, match="host:x"):
        address_list("host:x")
