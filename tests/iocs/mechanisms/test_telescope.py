"""The telescope: pointing, readiness, lamp, weather, focus."""

from __future__ import annotations

import math

import pytest

from iocs.telescope import Telescope


@pytest.fixture
async def bench(open_bench):
    async with open_bench(Telescope, speed=30) as bench:
        yield bench


async def test_it_starts_ready_where_it_can_observe(bench):
    assert (bench.value("Ready_RBV"), bench.value("Slewing")) == ("Yes", "No")
    assert bench.value("Elevation_RBV") > 19
    assert 1 <= bench.value("Airmass_RBV") < 3
    assert bench.ioc["Airmass_RBV"].severity == 0
    assert bench.value("RightAscension") == bench.value("RightAscension_RBV")


async def test_a_slew_takes_time_and_the_command_is_done_when_it_tracks(bench):
    target = bench.value("Declination_RBV") + 40.0
    slew = await bench.begin("Declination", target)
    await bench.until("Slewing", lambda slewing: slewing == "Yes")
    assert bench.value("Ready_RBV") == "No"
    await bench.until("Declination_RBV", lambda declination: declination < target)
    assert (await slew)["status"] == "Done"
    assert bench.value("Declination_RBV") == pytest.approx(target)
    assert (bench.value("Slewing"), bench.value("Ready_RBV")) == ("No", "Yes")


async def test_coordinates_asked_one_after_the_other_are_all_reached(bench):
    right_ascension = (bench.value("RightAscension_RBV") + 30.0) % 360.0
    commands = [
        await bench.begin("RightAscension", right_ascension),
        await bench.begin("Declination", -60.0),
        await bench.begin("Rotator", 12.5),
    ]
    assert [(await command)["status"] for command in commands] == ["Done"] * 3
    assert bench.value("RightAscension_RBV") == pytest.approx(right_ascension)
    assert (bench.value("Declination_RBV"), bench.value("Rotator_RBV")) == (-60.0, 12.5)


async def test_a_coordinate_asked_twice_is_superseded(bench):
    first = await bench.begin("Declination", -20.0)
    await bench.until("Slewing", lambda slewing: slewing == "Yes")
    assert (await bench.command("Declination", -70.0))["status"] == "Done"
    assert "superseded" in (await first)["error"]
    assert bench.value("Declination_RBV") == -70.0
    assert bench.value("Declination") == -70.0


async def test_a_stopped_slew_fails_its_command(bench):
    slew = await bench.begin("Declination", 30.0)
    await bench.until("Slewing", lambda slewing: slewing == "Yes")
    assert await bench.put("Stop", 1)
    assert "stopped" in (await slew)["error"]
    assert bench.value("Declination") == pytest.approx(bench.value("Declination_RBV"))
    assert bench.value("Ready_RBV") == "Yes"


@pytest.mark.parametrize(("name", "value"), [("RightAscension", -0.1), ("RightAscension", 360.1), ("Declination", 91)])
async def test_directions_that_do_not_exist_are_refused(bench, name, value):
    assert not await bench.put(name, value)
    assert bench.value("Slewing") == "No"


async def test_ready_can_be_held_back(bench):
    assert await bench.put("Ready", "No")
    assert bench.value("Ready_RBV") == "No"
    assert await bench.put("Ready", "Yes")
    assert bench.value("Ready_RBV") == "Yes"


async def test_below_the_horizon_elevation_and_airmass_are_in_alarm(bench):
    north = (await bench.command("Declination", 85.0))["status"]
    assert north == "Done"
    assert bench.value("Elevation_RBV") < 0
    assert bench.ioc["Elevation_RBV"].severity == 2
    assert bench.ioc["Airmass_RBV"].severity == 3
    assert bench.value("Airmass_RBV") == pytest.approx(38, abs=0.5)


async def test_hour_angle_follows_the_stars(bench):
    before, start = bench.value("HourAngle_RBV"), bench.ioc.clock.now()
    await bench.until("HourAngle_RBV", lambda hours: hours != before)
    elapsed = bench.ioc.clock.now() - start
    moved = (bench.value("HourAngle_RBV") - before) % 24
    assert 0 < moved * 3600 < elapsed * 1.01 + 200


async def test_the_weather_is_there_and_plausible(bench):
    for name, low, high in (
        ("AirTemperature_RBV", -10, 30),
        ("Pressure_RBV", 70_000, 80_000),
        ("Humidity_RBV", 5, 70),
        ("WindSpeed_RBV", 0, 12),
        ("WindDirection_RBV", 0, 360),
        ("Seeing_RBV", 0.4, 2),
    ):
        value = bench.value(name)
        assert math.isfinite(value)
        assert low <= value <= high
        assert bench.ioc[name].severity == 0


async def test_the_lamp_can_be_switched(bench):
    assert (await bench.command("Lamp", "On"))["status"] == "Done"
    assert bench.value("Lamp") == "On"
    assert (await bench.ioc.driver.status()).lamp


@pytest.mark.parametrize("text", ["NGC 4755", 'κ Crucis, "the Jewel Box"\n2nd line', ""])
async def test_target_and_observer_keep_any_text(bench, text):
    for name in ("Target", "Observer"):
        assert await bench.put(name, text)
        assert bench.value(name) == text


async def test_the_focus_is_a_motor(bench):
    assert (await bench.command("focus.VAL", 0.3217, "focus:"))["status"] == "Done"
    assert bench.value("focus.RBV") == 0.3217
    result = await bench.command("focus.VAL", 5.01, "focus:")
    assert result["error"] == "focus: 5.01 is not valid; it must be in [-5, 5] mm"


async def test_a_lost_link_is_a_fault_and_recovers(bench):
    assert await bench.put("SimFault", "LinkLost")
    await bench.until("IOC:SummaryState", lambda state: state == "Fault")
    assert bench.value("IOC:ErrorCode") == 5
    assert bench.ioc["RightAscension_RBV"].severity == 3
    assert bench.ioc["focus.RBV"].severity == 3
    assert bench.value("Ready_RBV") == "No"
    assert await bench.put("SimFault", "None")
    await bench.recover()
    await bench.until("Ready_RBV", lambda ready: ready == "Yes")
    assert bench.ioc["RightAscension_RBV"].severity == 0
    assert bench.ioc["focus.RBV"].severity == 0
