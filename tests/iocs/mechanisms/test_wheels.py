"""The filter wheel and the grating wheel: selection, readbacks, stop, home, faults."""

from __future__ import annotations

import math

import pytest

from iocs.filter_wheel import FilterWheel
from iocs.grating_wheel import GratingWheel

WHEELS = [pytest.param(FilterWheel, "filter", id="filter"), pytest.param(GratingWheel, "grating", id="grating")]


@pytest.fixture
async def bench(open_bench):
    async with open_bench(FilterWheel, speed=10) as bench:  # half a second for a move
        yield bench


@pytest.mark.parametrize(("cls", "part"), WHEELS)
async def test_every_element_can_be_selected_by_name_and_by_slot(open_bench, cls, part):
    async with open_bench(cls, speed=2000) as bench:
        wheel = cls.definition(bench.ioc.instrument)
        assert tuple(bench.value("Names_RBV")) == wheel.names
        for slot, element in enumerate(wheel.slots):
            for name, selection in (("Select", element.name), ("Slot", slot)):
                assert (await bench.command(name, selection))["status"] == "Done"
                assert (bench.value("Name_RBV"), bench.value("Slot_RBV")) == (element.name, slot)
                assert (bench.value("Select"), bench.value("Slot")) == (element.name, slot)
                assert bench.value("Band_RBV") == element.band
                assert bench.value("Wavelength_RBV") == element.wavelength
                assert bench.value("FocusOffset_RBV") == element.focus_offset
                assert bench.value("PointingOffsetY_RBV") == element.pointing_offset[1]
                assert bench.value("LinesPerMm_RBV") == element.lines_per_mm


async def test_a_wheel_is_nowhere_while_it_moves(bench):
    result = await bench.begin("Select", "SDSSr_65mm")
    await bench.until("Moving", lambda moving: moving == "Yes")
    assert bench.value("State_RBV") == "Moving"
    assert bench.value("InPosition") == "No"
    assert (bench.value("Name_RBV"), bench.value("Slot_RBV"), bench.value("Band_RBV")) == ("", -1, "")
    assert math.isnan(bench.value("Wavelength_RBV"))
    assert (await result)["status"] == "Done"
    assert (bench.value("State_RBV"), bench.value("Moving")) == ("Stationary", "No")


async def test_in_position_falls_first_and_rises_last(bench):
    order: list[tuple[str, object]] = []
    for name in ("InPosition", "Moving", "Slot_RBV", "State_RBV", "Name_RBV"):
        record = bench.ioc[name]
        write = record.write

        async def noted(value, *, name=name, write=write, **more):
            order.append((name, value))
            await write(value, **more)

        record.write = noted
    await bench.command("Slot", 1)
    assert order[0] == ("InPosition", "No")
    assert order[-1] == ("InPosition", "Yes")


async def test_selecting_what_is_in_the_beam_still_shows_out_and_in(bench):
    await bench.record("InPosition", "Slot_RBV")
    assert (await bench.command("Slot", 0))["status"] == "Done"
    assert await bench.seen_until("InPosition", 1) == [0, 1]
    assert bench.seen["Slot_RBV"] == []


async def test_a_put_callback_is_held_until_the_wheel_has_arrived(bench):
    assert await bench.put("Slot", 2)
    assert bench.value("InPosition") == "Yes"
    assert bench.value("Name_RBV") == "SDSSr_65mm"


@pytest.mark.parametrize(("name", "value"), [("Slot", 4), ("Slot", -1), ("Select", 7), ("Select", "SDSSx_65mm")])
async def test_what_the_wheel_does_not_have_is_refused(bench, name, value):
    before = bench.value(name)
    assert not await bench.put(name, value)
    assert bench.value(name) == before
    assert bench.ioc[name].severity == 0
    assert bench.value("InPosition") == "Yes"


async def test_a_selection_the_record_itself_refuses_has_a_result_too(bench):
    for name, value in (("Slot", 9), ("Select", "SDSSx_65mm")):
        result = await bench.command(name, value)
        assert result["status"] == "Error"
        assert f"FILTER:{name}: " in result["error"]
    assert (await bench.command("Slot", 1))["status"] == "Done"


async def test_a_second_selection_is_refused_while_the_wheel_moves(bench):
    first = await bench.begin("Select", "SDSSr_65mm")
    await bench.until("Moving", lambda moving: moving == "Yes")
    second = await bench.command("Slot", 1)
    assert second["status"] == "Error"
    assert "busy" in second["error"]
    assert "SDSSr_65mm" in second["error"]
    assert bench.value("Error_RBV") == "Busy"
    assert bench.value("CommandStatus_RBV") == "Busy"
    assert (await first)["status"] == "Done"
    assert bench.value("Error_RBV") == "None"
    assert bench.value("Slot") == 2


async def test_a_stopped_wheel_rests_between_slots_until_it_is_homed(bench):
    selection = await bench.begin("Select", "SDSSr_65mm")
    await bench.until("Moving", lambda moving: moving == "Yes")
    assert await bench.put("Stop", 1)
    result = await selection
    assert result["status"] == "Error"
    assert "stopped" in result["error"]
    assert bench.value("State_RBV") == "NotInPosition"
    assert (bench.value("InPosition"), bench.value("Slot_RBV"), bench.value("Moving")) == ("No", -1, "No")
    assert bench.value("IOC:SummaryState") == "Enabled"
    assert bench.value("Stop") == "Idle"
    assert (await bench.command("Home", 1))["status"] == "Done"
    assert (bench.value("InPosition"), bench.value("Slot_RBV"), bench.value("Slot")) == ("Yes", 0, 0)


async def test_stopping_a_wheel_at_rest_changes_nothing(bench):
    assert await bench.put("Stop", 1)
    assert bench.value("InPosition") == "Yes"


async def test_homing_is_shown(bench):
    homing = await bench.begin("Home", 1)
    await bench.until("State_RBV", lambda state: state == "Homing")
    assert (await homing)["status"] == "Done"


@pytest.mark.parametrize("fault", ["Stuck", "MoveTimeout"])
@pytest.mark.parametrize(("cls", "part"), WHEELS)
async def test_a_wheel_that_does_not_arrive_is_a_fault_and_recovers(open_bench, cls, part, fault):
    async with open_bench(cls, speed=500) as bench:
        assert await bench.put("SimFault", fault)
        result = await bench.command("Slot", 2)
        assert result["status"] == "Error"
        assert result["error"].startswith(f"{part} wheel: did not reach")
        assert bench.value("IOC:SummaryState") == "Fault"
        assert bench.value("IOC:ErrorCode") == {"filter": 3, "grating": 4}[part]
        assert bench.value("IOC:ErrorReport") == result["error"]
        assert bench.value("Error_RBV") == "MoveTimeout"
        assert bench.ioc["Error_RBV"].severity == 2
        assert "SummaryState" in (await bench.command("Slot", 1))["error"]
        assert await bench.put("SimFault", "None")
        await bench.recover()
        assert (bench.value("IOC:SummaryState"), bench.value("IOC:ErrorCode")) == ("Enabled", 0)
        assert bench.value("InPosition") == "Yes"
        assert (await bench.command("Slot", 1))["status"] == "Done"


async def test_a_link_lost_in_a_move_is_a_fault_and_recovers(bench):
    selection = await bench.begin("Slot", 3)
    await bench.until("Moving", lambda moving: moving == "Yes")
    await bench.put("SimFault", "LinkLost")
    result = await selection
    assert result["status"] == "Error"
    assert "link" in result["error"]
    assert bench.value("IOC:ErrorCode") == 5
    assert (bench.value("Slot_RBV"), bench.value("InPosition")) == (-1, "No")
    assert bench.ioc["State_RBV"].severity == 3
    await bench.put("SimFault", "None")
    await bench.recover()
    assert bench.value("InPosition") == "Yes"


async def test_a_link_lost_at_rest_is_noticed(bench):
    await bench.put("SimFault", "LinkLost")
    await bench.until("IOC:SummaryState", lambda state: state == "Fault")
    assert bench.value("IOC:ErrorCode") == 5


async def test_an_ioc_without_link_cannot_be_enabled(open_bench):
    async with open_bench(FilterWheel, enable=False) as bench:
        await bench.put("SimFault", "LinkLost")
        assert await bench.put("IOC:StateCommand", "Start")
        assert not await bench.put("IOC:StateCommand", "Enable")
        assert bench.value("IOC:SummaryState") == "Disabled"


async def test_a_wheel_obeys_only_when_enabled(open_bench):
    async with open_bench(FilterWheel, enable=False) as bench:
        assert bench.value("Name_RBV") == "empty_1"
        result = await bench.command("Slot", 1)
        assert result["status"] == "Error"
        assert "IOC:SummaryState is Standby" in result["error"]
        assert bench.value("Slot") == 0


async def test_disabling_stops_a_wheel_that_moves(bench):
    selection = await bench.begin("Slot", 3)
    await bench.until("Moving", lambda moving: moving == "Yes")
    assert await bench.put("IOC:StateCommand", "Disable")
    assert "stopped" in (await selection)["error"]


async def test_a_move_goes_on_when_its_client_leaves(bench):
    await bench.begin("Slot", 3)
    await bench.until("Moving", lambda moving: moving == "Yes")
    await bench.client.disconnect()
    await bench.until("InPosition", lambda state: state == "Yes")
    assert bench.value("Slot_RBV") == 3
