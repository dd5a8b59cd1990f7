"""States, heartbeats and checks of the components."""

from __future__ import annotations

import asyncio

import pytest

from scripting import LATISS, LATISSUsages, State
from scripting.states import combined


async def test_components_are_those_of_the_original(latiss):
    assert latiss.components == ["ATCamera", "ATSpectrograph", "ATHeaderService"]
    assert latiss.components_attr == ["atcamera", "atspectrograph", "atheaderservice"]
    assert latiss.camera is latiss.rem.atcamera


async def test_an_instrument_that_works_is_enabled_and_alive(latiss):
    await latiss.assert_all_enabled()
    await latiss.assert_liveliness()
    assert await latiss.get_state("atcamera") is State.ENABLED
    assert (await latiss.next_heartbeat("atspectrograph")).heartbeat > 0
    assert {message.mode for message in (await latiss.get_simulation_mode()).values()} == {1}
    versions = await latiss.get_software_versions(["atcamera"])
    assert list(versions) == ["atcamera"]
    assert "shutter=" in versions["atcamera"].subsystemVersions


async def test_states_are_reached_step_by_step_and_what_is_not_enabled_is_named(latiss):
    await latiss.set_state(State.STANDBY, components=["atspectrograph"])
    with pytest.raises(AssertionError, match=r"not enabled: atspectrograph is STANDBY\. Go on\?"):
        await latiss.assert_all_enabled("Go on?")
    latiss.disable_checks_for_components(["ATSpectrograph"])
    assert "atspectrograph" not in latiss.components_to_check()
    await latiss.assert_all_enabled()
    latiss.reset_checks()
    latiss.rem.atspectrograph.evt_summaryState.flush()
    await latiss.enable()
    assert await latiss.next_state("atspectrograph") is State.DISABLED
    assert await latiss.next_state("atspectrograph") is State.ENABLED


async def test_everybody_who_waits_for_a_heartbeat_hears_the_next_one(latiss):
    beats = await asyncio.gather(*(latiss.next_heartbeat("atcamera") for _ in range(3)))
    assert len({beat.heartbeat for beat in beats}) == 1


async def test_a_component_whose_check_is_off_keeps_its_state(latiss):
    latiss.check.atspectrograph = False
    await latiss.standby()
    try:
        assert await latiss.get_state("atcamera") is State.STANDBY
        assert await latiss.get_state("atspectrograph") is State.ENABLED
    finally:
        await latiss.enable()


async def test_a_component_that_fails_is_named_and_the_others_get_there(latiss, spectrograph):
    fault = spectrograph.grating.ioc.prefix.removesuffix("IOC:") + "SimFault"
    from ophyd import EpicsSignal

    signal = EpicsSignal(fault, name="fault")
    signal.wait_for_connection(timeout=10)
    await latiss.standby()
    signal.put("LinkLost", wait=True)
    try:
        with pytest.raises(RuntimeError, match=r"not ENABLED: atspectrograph: .*GRATING"):
            await latiss.enable()
        assert await latiss.get_state("atcamera") is State.ENABLED
        assert await latiss.get_state("atspectrograph") is State.DISABLED
    finally:
        signal.put("None", wait=True)
        await latiss.standby()
        await latiss.enable()
        signal.destroy()


async def _assert_liveliness_until_it_fails(latiss):
    while True:  # a beat may still be on its way
        await latiss.assert_liveliness()


async def test_a_component_that_dies_is_named_and_every_watch_of_it_ends(rig, spectrograph, latiss):
    beating = asyncio.ensure_future(latiss.check_comp_heartbeat("atspectrograph"))
    staying = asyncio.ensure_future(latiss.check_component_state("atspectrograph"))
    await latiss.next_heartbeat("atspectrograph")
    rig.processes["grating_wheel"].kill()
    try:
        with pytest.raises(AssertionError, match=r"No heartbeat from \['atspectrograph'\]"):
            await _assert_liveliness_until_it_fails(latiss)
        for watch, complaint in ((beating, "no heartbeat from atspectrograph"), (staying, "is not known")):
            with pytest.raises(RuntimeError, match=complaint):
                await asyncio.wait_for(watch, 30)
        with pytest.raises(TimeoutError, match="atspectrograph"):
            await latiss.get_state("atspectrograph")
        assert await latiss.get_state("atspectrograph", ignore_timeout=True) is None
        with pytest.raises(AssertionError, match="atspectrograph is unknown"):
            await latiss.assert_all_enabled()
        with pytest.raises(RuntimeError, match="no word from atspectrograph"):
            await latiss.get_software_versions()
    finally:
        rig.processes["grating_wheel"].wait(10)
        rig.start("grating_wheel")
        await asyncio.to_thread(rig.wait_until_listening)
        while not spectrograph.grating.connected:
            await asyncio.sleep(0.05)
        await latiss.enable()


async def test_what_is_watched_is_told_when_it_leaves_its_state(latiss):
    watching = asyncio.ensure_future(latiss.check_component_state("atspectrograph"))
    await latiss.get_state("atspectrograph")
    await latiss.set_state(State.DISABLED, components=["atspectrograph"])
    with pytest.raises(RuntimeError, match="atspectrograph is DISABLED, not ENABLED"):
        await asyncio.wait_for(watching, 10)
    await latiss.enable()


async def test_unknown_names_are_refused(latiss):
    with pytest.raises(RuntimeError, match="atdome"):
        latiss.get_work_components(["atdome"])
    with pytest.raises(RuntimeError, match="bad"):
        await latiss.enable({"bad": "x"})
    with pytest.raises(RuntimeError, match=r"x\.yaml"):
        await latiss.enable({"atcamera": "x.yaml"})
    with pytest.raises(ValueError, match="FAULT"):
        await latiss.set_state(State.FAULT)
    with pytest.raises(KeyError, match="atdome"):
        await latiss.check_component_state("atdome")
    with pytest.raises(KeyError, match="atdome"):
        latiss.get_required_resources("atdome", None)


async def test_usages_do_not_collide_and_load_what_they_need(domain):
    assert sum(LATISSUsages) == 2 ** len(list(LATISSUsages)) - 1
    async with LATISS(domain, intended_usage=LATISSUsages.Setup) as latiss:
        assert latiss.rem.atcamera is None
        assert latiss.components_to_check() == ["atspectrograph"]
        assert await latiss.get_state("atspectrograph") is State.ENABLED
        with pytest.raises(RuntimeError, match="atcamera is not loaded"):
            await latiss.get_state("atcamera")
    async with LATISS(domain, intended_usage=LATISSUsages.TakeImage) as latiss:
        await latiss.set_state(State.DISABLED)
        assert await latiss.get_state("atcamera") is State.DISABLED
        await latiss.enable()
    async with LATISS(domain, intended_usage=LATISSUsages.DryTest) as latiss:
        assert latiss.components_to_check() == []


def test_the_state_of_several_iocs_is_that_of_the_one_least_able_to_work():
    assert combined([State.ENABLED, State.FAULT, State.OFFLINE]) is State.FAULT
    assert combined([State.ENABLED, State.DISABLED]) is State.DISABLED
    assert combined([State.ENABLED, State.ENABLED]) is State.ENABLED


async def test_the_first_task_to_end_gives_its_result_and_the_others_are_cancelled(latiss):
    async def soon():
        return 5

    forever = asyncio.ensure_future(asyncio.Event().wait())
    tasks = [forever, asyncio.ensure_future(soon())]
    assert await latiss.process_as_completed(tasks) == 5
    assert tasks == []
    assert forever.cancelled()
    more = [asyncio.ensure_future(asyncio.Event().wait())]
    (task,) = more
    await latiss.cancel_not_done(more)
    assert more == []
    assert task.cancelled()
