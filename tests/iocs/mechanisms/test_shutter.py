"""The shutter: exposures timed by itself, states in order, faults, and a camera that goes silent."""

from __future__ import annotations

import asyncio

import pytest

from iocs.ioc import Ioc, TemplateUse
from iocs.shutter import PATIENCE, Shutter

CLOSED, OPENING, OPEN, CLOSING, FAULT = range(5)


@pytest.fixture
async def bench(open_bench):
    async with open_bench(Shutter) as bench:
        yield bench


@pytest.mark.parametrize("seconds", [0.001, 0.1, 1.0, 30.0])
async def test_an_exposure_lasts_exactly_what_was_asked(open_bench, seconds):
    async with open_bench(Shutter, speed=100) as bench:
        assert (await bench.command("Expose", seconds))["status"] == "Done"
        assert bench.value("State_RBV") == "Closed"
        assert bench.value("OpenTime_RBV") == seconds
        assert bench.value("ClosedAt_RBV") == bench.value("OpenedAt_RBV") + seconds
        assert bench.value("OpenCount_RBV") == 1


async def test_what_the_shutter_measured_is_stamped_with_the_time_of_the_edge(open_bench):
    async with open_bench(Shutter, speed=2) as bench:
        assert (await bench.command("Expose", 0.5))["status"] == "Done"
        stamps = {}
        for name in ("OpenedAt_RBV", "ClosedAt_RBV", "OpenTime_RBV", "State_RBV"):
            reply = await (await bench.pv(name)).read(data_type="time")
            stamps[name] = reply.metadata.timestamp
        clock = bench.ioc.clock
        for name in ("OpenedAt_RBV", "ClosedAt_RBV"):
            assert stamps[name] == pytest.approx(clock.wall_at(bench.value(name)), abs=1e-5)
        assert stamps["OpenTime_RBV"] == stamps["ClosedAt_RBV"]
        assert stamps["ClosedAt_RBV"] - stamps["OpenedAt_RBV"] == pytest.approx(0.25, abs=1e-5)
        assert stamps["State_RBV"] >= stamps["ClosedAt_RBV"]
        field = await (await bench.pv("State_RBV.SEVR")).read(data_type="time")
        assert field.metadata.timestamp == stamps["State_RBV"], "a field has the stamp of its record"


@pytest.mark.parametrize("speed", [20, 100_000])
async def test_every_state_is_shown_in_order_however_fast_time_runs(open_bench, speed):
    async with open_bench(Shutter, speed=speed) as bench:
        await bench.record("State_RBV", "OpenedAt_RBV", "ClosedAt_RBV")
        for _ in range(3):
            assert (await bench.command("Expose", 0.2))["status"] == "Done"
        await asyncio.wait_for(_shown(bench, "State_RBV", 12), 5)
        assert bench.seen["State_RBV"] == [OPENING, OPEN, CLOSING, CLOSED] * 3
        assert len(bench.seen["OpenedAt_RBV"]) == len(bench.seen["ClosedAt_RBV"]) == 3


async def _shown(bench, name, count):
    while len(bench.seen[name]) < count:
        await asyncio.sleep(0.002)


async def test_it_opens_and_closes_on_command(bench):
    assert (await bench.command("Command", "Open"))["status"] == "Done"
    assert bench.value("State_RBV") == "Open"
    assert bench.value("OpenedAt_RBV") > 0
    await bench.until("OpenTime_RBV", lambda seconds: seconds > 1.0)
    assert (await bench.command("Command", "Close"))["status"] == "Done"
    assert bench.value("State_RBV") == "Closed"
    measured = bench.value("ClosedAt_RBV") - bench.value("OpenedAt_RBV")
    assert bench.value("OpenTime_RBV") == pytest.approx(measured, abs=2e-6)


async def test_closing_during_an_exposure_ends_it_early_with_the_true_time(bench):
    exposure = await bench.begin("Expose", 1000.0)
    await bench.until("State_RBV", lambda state: state == "Open")
    assert (await bench.command("Command", "Close"))["status"] == "Done"
    assert bench.value("State_RBV") == "Closed"
    assert (await exposure)["status"] == "Done"
    measured = bench.value("ClosedAt_RBV") - bench.value("OpenedAt_RBV")
    assert bench.value("OpenTime_RBV") == pytest.approx(measured, abs=2e-6)
    assert bench.value("OpenTime_RBV") < 100


async def test_a_close_right_behind_an_exposure_ends_it(bench):
    await bench.pv("Expose")
    await bench.pv("Command")
    for _ in range(20):
        assert all(await asyncio.gather(bench.put("Expose", 1000.0), bench.put("Command", "Close")))
        assert bench.value("State_RBV") == "Closed"


async def test_an_order_that_was_long_on_its_way_does_not_make_the_blades_late(bench, monkeypatch):
    expose, clock = bench.ioc.driver.expose, bench.ioc.clock

    async def slowly(seconds: float) -> None:
        ordered_at = clock.now()
        while clock.now() < ordered_at + 2 * PATIENCE:
            await asyncio.sleep(0)
        await expose(seconds)

    monkeypatch.setattr(bench.ioc.driver, "expose", slowly)
    result = await bench.command("Expose", 0.5)
    assert result["status"] == "Done", result["error"]
    assert bench.value("State_RBV") == "Closed"


async def test_closing_a_closed_shutter_is_done_at_once(bench):
    assert (await bench.command("Command", "Close"))["status"] == "Done"
    assert bench.value("OpenCount_RBV") == 0


async def test_an_open_shutter_cannot_be_opened_again(bench):
    exposure = await bench.begin("Expose", 60.0)
    await bench.until("State_RBV", lambda state: state == "Open")
    for name, value in (("Expose", 1.0), ("Command", "Open")):
        result = await bench.command(name, value)
        assert result["status"] == "Error"
        assert "it is Open, not Closed" in result["error"]
    assert (await exposure)["status"] == "Done"
    assert bench.value("OpenTime_RBV") == 60.0


@pytest.mark.parametrize("seconds", [0.0, -1.0, 3600.1, float("nan"), float("inf")])
async def test_times_it_cannot_do_are_refused(bench, seconds):
    assert not await bench.put("Expose", seconds)
    assert bench.value("OpenCount_RBV") == 0


async def test_a_shutter_stuck_closed_is_reported(bench):
    assert await bench.put("SimFault", "StuckClosed")
    result = await bench.command("Expose", 1.0)
    assert result["status"] == "Error"
    assert "did not open" in result["error"]
    assert bench.value("State_RBV") == "Fault"
    assert bench.ioc["State_RBV"].severity == 2
    assert (bench.value("IOC:SummaryState"), bench.value("IOC:ErrorCode")) == ("Fault", 6)
    assert await bench.put("SimFault", "None")
    await bench.recover()
    assert bench.value("State_RBV") == "Closed"
    assert (await bench.command("Expose", 1.0))["status"] == "Done"


async def test_a_shutter_stuck_open_is_reported_and_closed_on_recovery(bench):
    exposure = await bench.begin("Expose", 40.0)
    await bench.until("State_RBV", lambda state: state == "Open")
    assert await bench.put("SimFault", "StuckOpen")
    result = await exposure
    assert result["status"] == "Error"
    assert "did not close" in result["error"]
    assert (bench.value("State_RBV"), bench.value("IOC:ErrorCode")) == ("Fault", 6)
    assert await bench.put("IOC:StateCommand", "Standby")
    assert await bench.put("IOC:StateCommand", "Start")
    assert not await bench.put("IOC:StateCommand", "Enable")
    assert await bench.put("SimFault", "None")
    await bench.until("State_RBV", lambda state: state in ("Closed", "Fault"))
    assert await bench.put("IOC:StateCommand", "Standby")
    assert await bench.put("IOC:StateCommand", "Start")
    assert await bench.put("IOC:StateCommand", "Enable")
    assert bench.value("State_RBV") == "Closed"


async def test_a_close_command_to_a_stuck_shutter_fails_too(bench):
    assert (await bench.command("Command", "Open"))["status"] == "Done"
    assert await bench.put("SimFault", "StuckOpen")
    result = await bench.command("Command", "Close")
    assert result["status"] == "Error"
    assert "did not close" in result["error"]


async def test_a_lost_link_is_a_fault(bench):
    exposure = await bench.begin("Expose", 100.0)
    await bench.until("State_RBV", lambda state: state == "Open")
    assert await bench.put("SimFault", "LinkLost")
    assert "link" in (await exposure)["error"]
    assert bench.value("IOC:ErrorCode") == 5
    assert (bench.value("State_RBV"), bench.ioc["State_RBV"].severity) == ("Fault", 3)
    assert await bench.put("SimFault", "None")
    await bench.recover()
    assert bench.value("State_RBV") == "Closed"


async def test_disabling_closes_it(bench):
    exposure = await bench.begin("Expose", 1000.0)
    await bench.until("State_RBV", lambda state: state == "Open")
    assert await bench.put("IOC:StateCommand", "Disable")
    assert bench.value("State_RBV") == "Closed"
    assert "disabled" in (await exposure)["error"]


class Camera(Ioc):
    """What the shutter sees of a camera."""

    device = "CAM"

    @classmethod
    def templates(cls, instrument):
        return [TemplateUse("command.template", {"R": "cam1:"})]


@pytest.fixture
def camera(open_bench):
    return open_bench(Camera, enable=False, port=1, speed=1)


async def test_it_closes_when_the_camera_that_exposes_dies(open_bench, camera):
    async with open_bench(Shutter, interlock=True, speed=1) as bench:
        async with camera:
            exposure = await bench.begin("Expose", 1000.0, client_id="camera")
            await bench.until("State_RBV", lambda state: state == "Open")
            pulse = bench.ioc.watch("CAM:IOC:Heartbeat")
            await pulse.until(lambda beat: True, 5)
            await bench.until("OpenTime_RBV", lambda seconds: seconds > 0.2)
        await bench.until("State_RBV", lambda state: state == "Closed")
        result = await exposure
        assert result["status"] == "Error"
        assert "CAM:IOC:Heartbeat is not connected" in result["error"]
        assert 0.2 < bench.value("OpenTime_RBV") < 20


async def test_it_stays_open_while_the_camera_lives(open_bench, camera):
    async with camera, open_bench(Shutter, interlock=True, speed=1) as bench:
        assert (await bench.command("Expose", 4.0, client_id="camera"))["status"] == "Done"  # longer than the patience
        assert bench.value("OpenTime_RBV") == 4.0
