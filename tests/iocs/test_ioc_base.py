"""The base of every IOC: summary state, bindings, what it says about itself, clients that go."""

from __future__ import annotations

import asyncio
import time

import pytest

from iocs.binding import on_put
from iocs.ioc import Client, IocSetup, Refused, SummaryState
from iocs.launch import arguments, serve, setup_from
from iocs.records.template import TemplateError
from iocs.summary_state import StateCommand, next_state
from slitless.definition import load_instrument
from slitless.instrument_time import InstrumentClock


@pytest.fixture
def state_command(put):
    async def state_command(name: str) -> str:
        return await put("IOC:StateCommand", name)

    return state_command


async def test_a_put_is_seen_by_its_handler_which_may_replace_the_value(demo, connect):
    await (await connect("Title")).write([b"hello"])
    assert demo["Title"].value == "HELLO"


async def test_a_handler_may_refuse_and_then_nothing_changed(demo, connect):
    pv = await connect("Title")
    assert (await pv.write([b"bad"])).status.name == "ECA_PUTFAIL"
    assert (await pv.read()).data == [b"none"]
    assert demo["Title"].severity == 0


async def test_the_round_through_all_summary_states(demo, state_command):
    seen = [demo["IOC:SummaryState"].value]
    for step in ("Disable", "Standby", "ExitControl", "EnterControl", "Start", "Enable"):
        assert await state_command(step) == "ECA_NORMAL"
        seen.append(demo["IOC:SummaryState"].value)
    assert seen == ["Enabled", "Disabled", "Standby", "Offline", "Standby", "Disabled", "Enabled"]


@pytest.mark.parametrize(
    ("state", "step", "possible"),
    [
        (SummaryState.ENABLED, StateCommand.START, "Disable"),
        (SummaryState.FAULT, StateCommand.ENABLE, "Standby"),
        (SummaryState.STANDBY, StateCommand.ENABLE, "Start, ExitControl"),
        (SummaryState.DISABLED, StateCommand.DISABLE, "Enable, Standby"),
        (SummaryState.UNKNOWN, StateCommand.START, "nothing"),
    ],
)
def test_another_transition_is_refused_naming_what_is_possible(state, step, possible):
    with pytest.raises(Refused, match=f"{step.label} is not possible in {state.label}; possible: {possible}$"):
        next_state(state, step)


async def test_a_fault_is_reported_and_left_by_standby_only(demo, state_command):
    await demo.fault(3, "filter wheel: stuck between slots 1 and 2")
    assert demo["IOC:SummaryState"].value == "Fault"
    assert demo["IOC:SummaryState"].severity == 2
    assert (demo["IOC:ErrorCode"].value, demo["IOC:ErrorReport"].value) == (
        3,
        "filter wheel: stuck between slots 1 and 2",
    )
    assert await state_command("Enable") == "ECA_PUTFAIL"
    assert await state_command("Standby") == "ECA_NORMAL"
    assert (demo["IOC:SummaryState"].value, demo["IOC:ErrorCode"].value) == ("Standby", 0)


async def test_an_ioc_that_cannot_be_enabled_stays_disabled(demo, state_command, monkeypatch):
    async def enabled():
        raise Refused("no hardware")

    monkeypatch.setattr(demo, "enabled", enabled)
    await state_command("Disable")
    assert await state_command("Enable") == "ECA_PUTFAIL"
    assert demo.state is SummaryState.DISABLED


async def test_a_background_task_that_breaks_is_a_fault(demo, peers):
    async def broken():
        raise RuntimeError("lost the thread")

    demo.background(broken())
    await peers.watch(demo.setup.prefix + "IOC:SummaryState").until(lambda value: value == "Fault", 5)
    assert "lost the thread" in demo["IOC:ErrorReport"].value


async def test_the_heart_beats_and_load_is_told(demo, peers):
    await peers.watch(demo.setup.prefix + "IOC:Heartbeat").until(lambda value: value >= 1, 5)
    assert await peers.watch(demo.setup.prefix + "IOC:MemoryUsed").until(bool, 5) > 10
    assert demo["IOC:ClientCount"].value == 1
    assert demo["IOC:SoftwareVersion"].value


async def test_what_an_ioc_says_of_itself_is_there_at_once(demo, connect):
    pvs = await connect("IOC:ClientCount", "IOC:UpTime", "IOC:CpuLoad", "IOC:MemoryUsed", "IOC:Heartbeat")
    replies = [await pv.read(data_type="time") for pv in pvs]
    assert [reply.metadata.severity for reply in replies] == [0] * 5
    assert replies[0].data[0] == 1


async def test_nobody_sees_a_record_before_it_is_filled(demo_class, ca_ports, system_prefix, peers):
    filling, filled = asyncio.Event(), asyncio.Event()

    class Late(demo_class):
        async def started(self):
            filling.set()
            await filled.wait()
            await self["Name_RBV"].write("green")

    ioc = Late(IocSetup(load_instrument(), f"{system_prefix}LATE:", system_prefix, InstrumentClock(time.time)))
    starting = asyncio.create_task(serve([ioc], ["127.0.0.1"], ca_ports[0]).__aenter__())
    await filling.wait()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", ca_ports[0])
    filled.set()
    context = await starting
    try:
        heard = []
        peers.watch(f"{system_prefix}LATE:Name_RBV").on_change(lambda peer: heard.append(peer.value))
        await peers.watch(f"{system_prefix}LATE:Name_RBV").until(bool, 5)
        assert heard == ["green"]
    finally:
        await ioc.stop()
        await ioc.peers.stop()
        await context.stop_serving()


async def test_a_slow_put_does_not_undo_a_later_one(demo_class):
    quick_done, told = asyncio.Event(), Client(("127.0.0.1", 1))

    class Slow(demo_class):
        @on_put("Level")
        async def _put_level(self, value, client):
            if value == 1.0:
                await quick_done.wait()
            if value == 3.0:
                raise Refused("not 3")

    ioc = Slow(IocSetup(load_instrument(), "X:DEMO:", "X:", InstrumentClock(time.time)))
    slow = asyncio.create_task(ioc["Level"].put_value(1.0, told))
    await asyncio.sleep(0)
    await ioc["Level"].put_value(2.0, told)
    quick_done.set()
    await slow
    assert ioc["Level"].value == 2.0

    slow = asyncio.create_task(ioc["Level"].put_value(1.0, told))
    with pytest.raises(Refused):
        await ioc["Level"].put_value(3.0, told)
    await slow
    assert ioc["Level"].value == 1.0  # one that was refused undoes nothing


async def test_who_leaves_is_known_by_address(demo, client, connect):
    await connect("Level")
    await client.disconnect()
    async with asyncio.timeout(5):
        while not demo.gone:
            await asyncio.sleep(0.01)
    assert demo.gone[0].address[0] == "127.0.0.1"
    assert demo.gone[0].user


def test_behaviour_bound_to_a_record_that_is_not_there_fails_at_start(demo_class, system_prefix):
    class Misspelt(demo_class):
        @on_put("Selekt")
        async def _put_selekt(self, value, client): ...

    with pytest.raises(TemplateError, match=r"Misspelt._put_selekt: Misspelt has no record .*DEMO:Selekt"):
        Misspelt(IocSetup(load_instrument(), f"{system_prefix}DEMO:", system_prefix, InstrumentClock(time.time)))


def test_two_methods_cannot_handle_one_record(demo_class):
    class Twice(demo_class):
        @on_put("Stop")
        async def _another_stop(self, value, client): ...

    with pytest.raises(TypeError, match="both handle 'Stop'"):
        Twice(IocSetup(load_instrument(), "X:DEMO:", "X:", InstrumentClock(time.time)))


def test_the_arguments_of_an_ioc_program(demo_class):
    options = arguments([demo_class]).parse_args("--system T: --speed 20 --no-interlock --seed 3 --enable".split())
    setup = setup_from(demo_class, options, load_instrument(), InstrumentClock(time.time))
    assert (setup.prefix, setup.system, setup.seed, setup.enable, setup.interlock) == ("T:DEMO:", "T:", 3, True, False)
    options = arguments([demo_class]).parse_args([])
    assert setup_from(demo_class, options, load_instrument(), InstrumentClock(time.time)).prefix == "LATISS:DEMO:"
