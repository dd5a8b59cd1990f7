"""The limits of a motor record: soft ones on every scale, switches, alarms, dead bands, units."""

from __future__ import annotations

import asyncio

import pytest
from caproto import AlarmSeverity, AlarmStatus

from iocs.linear_stage import LinearStage

PROPERTY = 8
"""DBE_PROPERTY."""


@pytest.fixture
async def bench(open_bench):
    async with open_bench(LinearStage, speed=200) as bench:
        yield bench


async def control(bench, field):
    return (await (await bench.pv(f"m1.{field}")).read(data_type="control")).metadata


async def limits(bench, field):
    metadata = await control(bench, field)
    return metadata.lower_ctrl_limit, metadata.upper_ctrl_limit


@pytest.mark.parametrize(
    ("field", "value", "dial"), [("HLM", 80.0, (1, 80)), ("LLM", -9.0, (-9, 67)), ("DHLM", 60.0, (1, 60))]
)
async def test_a_limit_may_be_set_anywhere_and_shows_on_every_scale(bench, field, value, dial):
    assert await bench.put(f"m1.{field}", value)
    assert (bench.value("m1.DLLM"), bench.value("m1.DHLM")) == dial
    assert (bench.value("m1.LLM"), bench.value("m1.HLM")) == dial
    for shown in ("VAL", "RBV", "DVAL", "DRBV"):
        assert await limits(bench, shown) == dial
    assert await limits(bench, "RVAL") == tuple(1000 * limit for limit in dial)


async def test_an_offset_moves_the_user_limits_and_a_turned_scale_swaps_them(bench):
    assert await bench.put("m1.OFF", 100.0)
    assert await limits(bench, "VAL") == (101, 167)
    assert await bench.put("m1.DIR", "Neg")  # with a variable offset the axis keeps its name
    assert (bench.value("m1.VAL"), bench.value("m1.RBV"), bench.value("m1.OFF")) == (167.0, 167.0, 234.0)
    assert await limits(bench, "VAL") == (167, 233)
    assert await limits(bench, "DVAL") == (1, 67)


async def test_a_put_beyond_a_limit_raises_lvio_and_blinks_dmov(bench):
    await bench.record("m1.DMOV")
    assert not await bench.put("m1.VAL", 67.5)
    assert (bench.value("m1.LVIO"), bench.value("m1.VAL")) == (1, 67.0)
    assert await bench.seen_until("m1.DMOV", 1) == [0, 1]


async def test_crossed_limits_allow_no_move_and_none_at_all_every_one(bench):
    assert await bench.put("m1.LLM", 80.0)
    assert not await bench.put("m1.VAL", 70.0)
    assert bench.value("m1.LVIO") == 1
    assert await bench.put("m1.DLLM", 0.0)
    assert await bench.put("m1.DHLM", 0.0)
    assert await bench.put("m1.VAL", 67.2)
    assert bench.value("m1.LVIO") == 0


async def test_from_beyond_the_limits_it_may_go_towards_them(bench):
    assert await bench.put("m1.HLM", 50.0)
    assert not await bench.put("m1.VAL", 67.1)
    assert await bench.put("m1.VAL", 60.0)
    assert bench.value("m1.RBV") == 60.0


async def test_a_limit_switch_ends_a_move_that_no_soft_limit_does(bench):
    assert await bench.put("m1.DHLM", 0.0)
    assert await bench.put("m1.DLLM", 0.0)
    result = await bench.command("m1.VAL", 80.0, "m1:")
    assert "ran into a limit switch" in result["error"]
    assert (bench.value("m1.RBV"), bench.value("m1.VAL")) == (67.5, 67.5)
    assert (bench.value("m1.HLS"), bench.value("m1.LLS"), bench.value("m1.DMOV")) == (1, 0, 1)
    assert int(bench.value("m1.MSTA")) & 0x4
    assert (bench.ioc["m1"].status.name, bench.ioc["m1"].severity.name) == ("HIGH", "MINOR_ALARM")
    assert bench.value("IOC:SummaryState") == "Enabled"
    assert await bench.put("m1.HLSV", "NO_ALARM")
    assert bench.ioc["m1.RBV"].severity == 0
    assert await bench.put("m1.VAL", 60.0)
    assert bench.value("m1.HLS") == 0


async def test_every_field_of_the_record_has_its_one_alarm(bench):
    for field, value in (("HIHI", 60.0), ("HHSV", "MAJOR")):
        assert await bench.put(f"m1.{field}", value)
    for field in ("VAL", "RBV", "DMOV", "VELO"):
        reading = await (await bench.pv(f"m1.{field}")).read(data_type="time")
        assert (reading.metadata.status, reading.metadata.severity) == (AlarmStatus.HIHI, AlarmSeverity.MAJOR_ALARM)
    assert (await control(bench, "VAL")).upper_alarm_limit == 60.0
    assert await bench.put("m1.VAL", 59.0)
    assert bench.ioc["m1.VELO"].severity == 0


async def test_the_dead_bands_are_those_of_the_readback(bench):
    assert await bench.put("m1.MDEL", 5.0)
    await bench.record("m1.RBV", "m1.VAL")
    for target in (66.0, 65.0, 61.5):
        assert await bench.put("m1.VAL", target)
    async with asyncio.timeout(5):
        while not bench.seen["m1.RBV"]:
            await asyncio.sleep(0.005)
    (seen,) = bench.seen["m1.RBV"]  # at rest, or shortly before
    assert 61.5 <= seen < 62.0
    assert bench.value("m1.MLST") == seen


async def test_a_new_unit_precision_and_limit_show_wherever_they_belong_and_raise_property_events(bench):
    pv = await bench.pv("m1.RBV")
    events: asyncio.Queue = asyncio.Queue()
    subscription = pv.subscribe(data_type="control", mask=PROPERTY)

    def keep(_, response):
        events.put_nowait(response.metadata)

    subscription.add_callback(keep)
    await asyncio.wait_for(events.get(), 5)
    assert await bench.put("m1.EGU", "um")
    assert (await asyncio.wait_for(events.get(), 5)).units == b"um"
    assert await bench.put("m1.PREC", 1)
    assert (await asyncio.wait_for(events.get(), 5)).precision == 1
    assert await bench.put("m1.HLM", 66.0)
    assert (await asyncio.wait_for(events.get(), 5)).upper_disp_limit == 66.0
    await subscription.clear()
    units = {"OFF": "um", "HLM": "um", "VELO": "um/s", "JAR": "um/s/s", "ACCL": "s", "UREV": "um/rev"}
    for field, unit in units.items():
        metadata = await control(bench, field)
        assert (metadata.units, metadata.precision) == (unit.encode(), 1)


async def test_a_readback_is_stamped_with_the_time_at_which_the_axis_came_to_rest(bench):
    pv = await bench.pv("m1.RBV")
    assert await bench.put("m1.VAL", 60.0)
    at_rest = (await pv.read(data_type="time")).metadata.timestamp
    rests_since = (await bench.ioc.driver.status()).rests_since
    clock = bench.ioc.clock
    ago = clock.wall_seconds(clock.now() - rests_since)
    assert at_rest == pytest.approx(clock.wall() - ago, abs=0.002)
    await bench.ioc.look()
    assert (await pv.read(data_type="time")).metadata.timestamp == pytest.approx(at_rest, abs=0.002)


async def test_disp_keeps_puts_out_and_disa_moves(bench):
    assert await bench.put("m1.DISP", 1)
    assert not await bench.put("m1.VELO", 1.0)
    assert await bench.put("m1.DISP", 0)
    assert await bench.put("m1.DISA", 1)
    assert "DISA" in (await bench.command("m1.VAL", 60.0, "m1:"))["error"]
    assert await bench.put("m1.DISA", 0)
    assert await bench.put("m1.VAL", 60.0)
