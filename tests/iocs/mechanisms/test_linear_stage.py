"""The linear stage: where it may go, what it says, and what happens when it fails."""

from __future__ import annotations

import pytest

from iocs.linear_stage import LinearStage


@pytest.fixture
async def bench(open_bench):
    async with open_bench(LinearStage, speed=20) as bench:  # half a second from end to end
        yield bench


@pytest.mark.parametrize("position", [1.0, 67.0, 50.0, 12.345])
async def test_it_goes_where_it_is_told(open_bench, position):
    async with open_bench(LinearStage, speed=500) as bench:
        assert (await bench.command("m1.VAL", position, "m1:"))["status"] == "Done"
        assert bench.value("m1.RBV") == position
        assert bench.value("DisperserDistance_RBV") == pytest.approx(120 + position)
        assert (bench.value("m1.DMOV"), bench.value("m1.MOVN")) == (1, 0)


@pytest.mark.parametrize("position", [0.99, 67.01, -324.4, 1e9])
async def test_beyond_its_limits_it_is_refused_with_value_bound_and_unit(bench, position):
    result = await bench.command("m1.VAL", position, "m1:")
    assert result["status"] == "Error"
    assert result["error"] == f"linear stage: {position!r} is not valid; it must be in [1, 67] mm"
    assert bench.value("m1.LVIO") == 1
    assert (bench.value("m1.VAL"), bench.value("m1.RBV")) == (67.0, 67.0)
    assert bench.ioc["m1.VAL"].severity == 0
    assert (await bench.command("m1.VAL", 66.0, "m1:"))["status"] == "Done"
    assert bench.value("m1.LVIO") == 0


async def test_homing_ends_at_zero(bench):
    assert (await bench.command("Home", 1, "m1:"))["status"] == "Done"
    assert bench.value("m1.RBV") == 0.0
    assert bench.value("Homed_RBV") == "Yes"
    assert bench.value("Home") == "Idle"


async def test_a_stage_that_lost_its_zero_is_flagged_refuses_to_move_and_can_be_homed(bench):
    assert await bench.put("SimFault", "LostZero")
    await bench.until("m1.RBV", lambda position: position == -324.4)
    assert bench.ioc["m1.RBV"].severity == 3
    assert bench.ioc["DisperserDistance_RBV"].severity == 3
    assert bench.value("Homed_RBV") == "No"
    result = await bench.command("m1.VAL", 50.0, "m1:")
    assert result["status"] == "Error"
    assert "-324.4 mm" in result["error"]
    assert (await bench.command("Home", 1, "m1:"))["status"] == "Done"
    assert (bench.value("m1.RBV"), bench.ioc["m1.RBV"].severity) == (0.0, 0)
    assert (await bench.command("m1.VAL", 50.0, "m1:"))["status"] == "Done"


async def test_enabling_homes_a_stage_that_lost_its_zero(open_bench):
    async with open_bench(LinearStage, enable=False) as bench:
        assert await bench.put("SimFault", "LostZero")
        assert await bench.put("IOC:StateCommand", "Start")
        assert await bench.put("IOC:StateCommand", "Enable")
        assert (bench.value("m1.RBV"), bench.value("Homed_RBV")) == (0.0, "Yes")


@pytest.mark.parametrize("fault", ["Stuck", "MoveTimeout"])
async def test_a_stage_that_does_not_arrive_is_a_fault_and_recovers(open_bench, fault):
    async with open_bench(LinearStage, speed=200) as bench:
        assert await bench.put("SimFault", fault)
        result = await bench.command("m1.VAL", 10.0, "m1:")
        assert result["status"] == "Error"
        assert result["error"] == "linear stage: did not reach 10 mm; it stands at 67 mm"
        assert (bench.value("IOC:SummaryState"), bench.value("IOC:ErrorCode")) == ("Fault", 2)
        assert bench.value("m1.DMOV") == 1
        assert bench.ioc["m1.RBV"].severity == 2
        assert bench.value("m1.VAL") == 67.0
        assert await bench.put("SimFault", "None")
        await bench.recover()
        assert (await bench.command("m1.VAL", 10.0, "m1:"))["status"] == "Done"
        assert bench.ioc["m1.RBV"].severity == 0


async def test_a_link_lost_in_a_move_is_a_fault_and_recovers(bench):
    move = await bench.begin("m1.VAL", 10.0, "m1:")
    await bench.until("m1.MOVN", lambda moving: moving == 1)
    assert await bench.put("SimFault", "LinkLost")
    assert "link" in (await move)["error"]
    assert bench.value("IOC:ErrorCode") == 5
    assert bench.value("m1.DMOV") == 1
    assert bench.ioc["m1.RBV"].severity == 3
    assert await bench.put("SimFault", "None")
    await bench.recover()
    assert (await bench.command("m1.VAL", 10.0, "m1:"))["status"] == "Done"


async def test_the_stop_button_stops_it(bench):
    move = await bench.begin("m1.VAL", 1.0, "m1:")
    await bench.until("m1.RBV", lambda position: position < 60)
    assert await bench.put("Stop", 1)
    result = await move
    assert result["status"] == "Error"
    assert "stopped" in result["error"]
    assert bench.value("m1.VAL") == bench.value("m1.RBV")


async def test_it_obeys_only_when_enabled(open_bench):
    async with open_bench(LinearStage, enable=False) as bench:
        result = await bench.command("m1.VAL", 10.0, "m1:")
        assert "IOC:SummaryState is Standby" in result["error"]
        assert not await bench.put("Home", 1)
        assert bench.value("m1.RBV") == 67.0
