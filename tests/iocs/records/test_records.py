"""Records over Channel Access: what caproto lacks against EPICS, and that refused puts leave no trace."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from caproto import AlarmSeverity, AlarmStatus, ChannelType

OK, PUTFAIL, NO_WRITE = "ECA_NORMAL", "ECA_PUTFAIL", "ECA_NOWTACCESS"


async def put(pv, value, data_type=None) -> str:
    value = value if isinstance(value, (bytes, np.ndarray)) else [value]
    return (await pv.write(value, data_type=data_type)).status.name


async def read(pv, data_type=None):
    return await pv.read(data_type=data_type)


async def control(pv):
    return (await pv.read(data_type="control")).metadata


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Level", 10.001),
        ("Level", -0.1),
        ("Level", math.nan),
        ("Level", math.inf),
        ("Count", 101),
        ("Count", 1e12),
        ("Select", 3),
    ],
)
async def test_a_put_outside_what_the_record_allows_is_refused_without_a_trace(demo, connect, name, value):
    pv = await connect(name)
    before = demo[name].value
    assert await put(pv, value, ChannelType.DOUBLE) == PUTFAIL
    assert demo[name].value == before
    assert demo[name].severity == AlarmSeverity.NO_ALARM
    assert (await read(pv)).status.name == OK


@pytest.mark.parametrize("name", ["Name_RBV", "Moving", "Undefined_RBV", "Image_RBV", "State_RBV"])
async def test_an_input_record_takes_no_puts_and_says_so_in_its_access_rights(connect, name):
    pv = await connect(name)
    assert pv.access_rights.name == "READ"
    assert await put(pv, b"1", ChannelType.STRING) == NO_WRITE


@pytest.mark.parametrize(
    ("value", "data_type", "kept"),
    [(2, ChannelType.INT, "blue"), (b"green", ChannelType.STRING, "green"), (b"1", ChannelType.STRING, "green")],
)
async def test_a_state_is_put_by_number_or_by_name(demo, connect, value, data_type, kept):
    demo["Select"].client_put = None
    assert await put(await connect("Select"), value, data_type) == OK
    assert demo["Select"].value == kept


async def test_a_state_that_is_not_there_is_a_fault_of_the_ioc_that_writes_it(demo, connect):
    for wrong in ("Ajar", 7, -1):
        with pytest.raises(ValueError, match="State_RBV"):
            await demo["State_RBV"].write(wrong)
    assert (await read(await connect("State_RBV"), ChannelType.STRING)).data == [b"Closed"]


async def test_a_number_no_long_can_hold_is_refused_instead_of_wrapped(demo):
    with pytest.raises(ValueError, match="outside"):
        await demo["Count"].write(3_000_000_000)


async def test_limits_units_and_precision_reach_the_client_where_epics_puts_them(connect):
    level = await control(await connect("Level"))
    assert (level.lower_disp_limit, level.upper_disp_limit) == (-2, 12)
    assert (level.lower_ctrl_limit, level.upper_ctrl_limit) == (0, 10)
    assert (level.upper_alarm_limit, level.upper_warning_limit) == (9, 7)
    assert math.isnan(level.lower_alarm_limit)
    assert math.isnan(level.lower_warning_limit)
    assert (level.units, level.precision) == (b"mm", 2)


async def test_limit_alarms_come_and_go_with_hysteresis(demo):
    level = demo["Level"]
    seen = []
    for value in (5, 7, 8.9, 9, 8.5, 7.9, 6.5, 5.9):
        await level.write(value)
        seen.append(level.status.name)
    assert seen == ["NO_ALARM", "HIGH", "HIGH", "HIHI", "HIHI", "HIGH", "HIGH", "NO_ALARM"]


async def test_a_bad_state_raises_its_severity(demo, connect):
    await demo["State_RBV"].write("Stuck")
    reading = await read(await connect("State_RBV"), "time")
    assert (reading.metadata.status, reading.metadata.severity) == (AlarmStatus.STATE, AlarmSeverity.MAJOR_ALARM)
    assert demo["Moving"].severity == AlarmSeverity.NO_ALARM


async def test_a_record_never_written_is_undefined_and_invalid(demo, connect):
    pv = await connect("Undefined_RBV")
    metadata = (await read(pv, "time")).metadata
    assert (metadata.status, metadata.severity) == (AlarmStatus.UDF, AlarmSeverity.INVALID_ALARM)
    await demo["Undefined_RBV"].write(1)
    assert (await read(pv, "time")).metadata.severity == AlarmSeverity.NO_ALARM


async def test_a_value_that_is_not_to_be_trusted_carries_the_given_severity(demo):
    await demo["m1.RBV"].write(-324.4, severity=AlarmSeverity.INVALID_ALARM)
    assert demo["m1.RBV"].severity == AlarmSeverity.INVALID_ALARM
    assert demo["m1"].severity == AlarmSeverity.NO_ALARM
    await demo["m1.RBV"].write(1.0)
    assert demo["m1.RBV"].severity == AlarmSeverity.NO_ALARM


@pytest.mark.parametrize("text", ["", "plain", "ünïcode µm", 'with "quotes", commas\nand lines', "x" * 64])
async def test_a_long_string_holds_any_text_and_the_empty_one(demo, connect, text):
    pv = await connect("Text")
    await demo["Text"].write("before")
    assert await put(pv, text.encode() or b"\0", ChannelType.CHAR) == OK
    assert demo["Text"].value == text
    assert bytes((await read(pv)).data).rstrip(b"\0").decode() == text


async def test_an_empty_string_may_be_put_as_a_string_too(demo, connect):
    await demo["Text"].write("before")
    assert await put(await connect("Text"), b"", ChannelType.STRING) == OK
    assert demo["Text"].value == ""


async def test_a_text_that_is_too_long_is_refused_not_cut(demo, connect):
    assert await put(await connect("Text"), b"x" * 65, ChannelType.CHAR) == PUTFAIL
    assert demo["Text"].value == ""


async def test_the_fields_of_a_record_can_be_read(connect):
    expected = {
        "DESC": b"a level", "EGU": b"mm", "PREC": 2, "HOPR": 12, "LOPR": -2, "DRVH": 10, "DRVL": 0, "HIHI": 9,
        "HHSV": 2, "LLSV": 0, "HYST": 1, "RTYP": b"ao", "STAT": 0, "SEVR": 0, "UDF": 0, "VAL": 5, "DISA": 0, "SCAN": 0,
    }  # fmt: skip
    pvs = await connect(*(f"Level.{field}" for field in expected))
    readings = await asyncio.gather(*(read(pv) for pv in pvs))
    assert {f: r.data[0] for f, r in zip(expected, readings, strict=True)} == expected


async def test_nord_counts_the_elements_that_are_there(demo, connect):
    await demo["Image_RBV"].write(np.arange(17))
    assert (await read(await connect("Image_RBV.NORD"))).data[0] == 17
    assert (await read(await connect("Image_RBV.NELM"))).data[0] == 1000


async def test_the_severity_field_follows_the_record(demo, peers):
    severity = peers.watch(demo.setup.prefix + "State_RBV.SEVR")
    assert await severity.until(bool, 5) == "NO_ALARM"
    await demo["State_RBV"].write("Stuck")
    await severity.until(lambda value: value == "MAJOR", 5)


async def test_an_alarm_limit_may_be_changed_and_takes_effect_at_once(demo, connect):
    assert await put(await connect("Level.HIGH"), 4.0) == OK
    assert demo["Level"].status.name == "HIGH"
    assert (await control(await connect("Level"))).upper_warning_limit == 4


@pytest.mark.parametrize("field", ["RTYP", "STAT", "LALM", "SCAN", "ASG"])
async def test_what_belongs_to_the_instrument_is_not_changed_by_a_client(connect, field):
    assert await put(await connect(f"Level.{field}"), b"1", ChannelType.STRING) == NO_WRITE


async def test_an_alias_is_the_same_record(demo, connect):
    assert await put(await connect("Height"), 3.0) == OK
    assert demo["Level"].value == 3


async def test_a_short_text_can_be_read_as_characters(connect):
    assert bytes((await read(await connect("Title.VAL$"), ChannelType.CHAR)).data).rstrip(b"\0") == b"none"


async def test_a_monitor_hears_changes_only_beyond_the_dead_band(demo, peers):
    demo["Level"].monitor_deadband = 0.5
    level = peers.watch(demo.setup.prefix + "Level")
    seen: list[float] = []
    level.on_change(lambda peer: seen.append(peer.value))
    await level.until(lambda value: value == 5, 5)
    for value in (5.2, 5.4, 5.6, 5.6, 5.0):
        await demo["Level"].write(value)
    await level.until(lambda value: len(seen) == 3, 5)
    assert seen == [5.0, 5.6, 5.0]


async def test_every_motor_field_is_a_pv_and_val_is_the_record_itself(demo, connect):
    pvs = await connect(
        "m1", "m1.VAL", "m1.RBV", "m1.STOP", "m1.MSTA", "m1.RVAL", "m1.SPMG", "m1.EGU", "m1.DESC", "m1.RTYP"
    )
    types = [pv.channel.native_data_type.name for pv in pvs]
    assert types == ["DOUBLE", "DOUBLE", "DOUBLE", "INT", "DOUBLE", "LONG", "ENUM", "STRING", "STRING", "STRING"]
    assert demo["m1"] is demo["m1.VAL"]
    assert (await read(pvs[-1])).data == [b"motor"]
    assert (await read(pvs[6], "control")).metadata.enum_strings == (b"Stop", b"Pause", b"Move", b"Go")


async def test_the_limits_of_a_motor_are_its_control_limits_and_follow_hlm(connect):
    val, hlm = await connect("m1", "m1.HLM")
    metadata = await control(val)
    assert (metadata.lower_ctrl_limit, metadata.upper_ctrl_limit, metadata.units) == (0, 75, b"mm")
    assert await put(hlm, 60.0) == OK
    metadata = await control(val)
    assert (metadata.lower_ctrl_limit, metadata.upper_ctrl_limit, metadata.upper_disp_limit) == (0, 60, 60)


async def test_a_motor_is_moved_as_a_command(demo, connect):
    val, dmov = await connect("m1.VAL", "m1.DMOV")
    assert await put(val, 12.5) == OK
    assert demo["m1.RBV"].value == 12.5
    assert (await read(dmov)).data[0] == 1


async def test_an_image_keeps_one_update_for_a_slow_reader_and_a_text_keeps_all(demo):
    assert demo["Image_RBV"].max_subscription_backlog == 1
    assert demo["Level"].max_subscription_backlog > 100
    assert demo["CommandResult_RBV"].max_subscription_backlog > 100


async def test_the_array_of_a_writer_may_change_afterwards(demo):
    values = np.arange(5)
    await demo["Image_RBV"].write(values)
    values[:] = 9
    assert demo["Image_RBV"].value.tolist() == [0, 1, 2, 3, 4]


async def test_a_list_of_names_is_served_as_strings(demo, connect):
    await demo["Names_RBV"].write(["red", "green"])
    assert list((await read(await connect("Names_RBV"))).data) == [b"red", b"green"]
