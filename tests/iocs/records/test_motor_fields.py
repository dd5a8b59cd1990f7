"""A motor record has the fields, types, menus, units and limits of EPICS' motor record."""

from pathlib import Path

import pytest
from caproto import ChannelType

from iocs.records.database import make_records
from iocs.records.menus import MENUS
from iocs.records.motor_fields import BOUNDS, MOTOR_DEFAULTS, MOTOR_FIELDS, MOTOR_READBACKS, QUANTITIES
from iocs.records.template import RecordDefinition

GIVEN = {
    "EGU": "mm",
    "PREC": "3",
    "LLM": "1",
    "HLM": "67",
    "DLLM": "2",
    "DHLM": "68",
    "VBAS": "0.5",
    "VMAX": "5",
    "HIGH": "60",
    "HSV": "MINOR",
}
ROWS = [line.split() for line in (Path(__file__).parent / "motor_record_fields.txt").read_text().splitlines()[1:]]
UPSTREAM = {name: row for name, *row in ROWS if name != "CBAK"}
NATIVE = {
    "DOUBLE": ChannelType.DOUBLE,
    "FLOAT": ChannelType.FLOAT,
    "LONG": ChannelType.LONG,
    "SHORT": ChannelType.INT,
    "ULONG": ChannelType.DOUBLE,
    "USHORT": ChannelType.LONG,
    "STRING": ChannelType.STRING,
    "INLINK": ChannelType.STRING,
    "OUTLINK": ChannelType.STRING,
    "MENU": ChannelType.ENUM,
}
"""How rsrv maps database types to those of Channel Access."""
CHOICES = {
    "motorDIR": "Pos Neg",
    "motorSET": "Use Set",
    "motorFOFF": "Variable Frozen",
    "motorUEIP": "No Yes",
    "motorSPMG": "Stop Pause Move Go",
    "motorTORQ": "Disable Enable",
    "motorSTUP": "OFF ON BUSY",
    "motorRMOD": "Default Arithmetic Geometric In-Position",
    "motorRSTM": "Never Always NearZero Conditional",
    "menuYesNo": "NO YES",
    "menuOmsl": "supervisory closed_loop",
    "menuAlarmSevr": "NO_ALARM MINOR MAJOR INVALID",
}


@pytest.fixture(scope="module")
def motor():
    return make_records({"m1": RecordDefinition("motor", "m1", dict(GIVEN))})


@pytest.fixture(scope="module")
def bare():
    return make_records({"m1": RecordDefinition("motor", "m1", {})})


def test_the_fields_are_those_of_the_motor_record():
    assert set(MOTOR_FIELDS) == set(UPSTREAM)
    assert {name for name, (*_, writable) in UPSTREAM.items() if writable == "no"} == MOTOR_READBACKS
    assert set(QUANTITIES) | set(BOUNDS) | set(MOTOR_DEFAULTS) <= set(MOTOR_FIELDS)


@pytest.mark.parametrize("field", sorted(UPSTREAM))
def test_a_field_has_its_native_type_its_states_and_its_first_value(bare, field):
    dbf, menu, first, _ = UPSTREAM[field]
    record = bare[f"m1.{field}"]
    assert record.data_type == NATIVE[dbf]
    if menu in CHOICES:
        assert record.kind.states == tuple(CHOICES[menu].split())
    elif menu == "motorACCU":
        assert record.kind.states == ("Use ACCL", "Use ACCS")
    assert str(record.value) in _texts(first, record)


def _texts(first, record):
    """What the first value may look like in Python."""
    if record.data_type == ChannelType.ENUM:
        return (
            (record.kind.states[int(first)],)
            if first.isdecimal()
            else (first if first != "-" else record.kind.states[0],)
        )
    if record.data_type == ChannelType.STRING:
        return ("",)
    return (str(float(first)), first) if first != "-" else ("0", "0.0")


def test_the_record_calls_itself_a_motor(motor):
    assert motor["m1"] is motor["m1.VAL"]
    assert motor["m1"].get_field("RTYP").stored == "motor"
    assert motor["m1"].get_field("NAME").stored == "m1"


@pytest.mark.parametrize(
    ("unit", "fields"),
    [
        ("mm", "VAL RBV DVAL DRBV OFF HLM DLLM TWV MRES RDBD"),
        ("mm/s", "VELO VBAS VMAX HVEL JVEL BVEL"),
        ("s", "ACCL BACC DLY"),
        ("mm/s/s", "JAR ACCS"),
        ("rev/s", "S SMAX"),
        ("", "MSTA DMOV RVAL STOP RCNT CARD VERS"),
    ],
)
def test_a_field_has_the_unit_of_its_quantity(motor, unit, fields):
    assert {field: motor[f"m1.{field}"].limits.units for field in fields.split()} == dict.fromkeys(fields.split(), unit)


@pytest.mark.parametrize(
    ("limits", "fields"),
    [
        ((1, 67), "VAL RBV"),
        ((2, 68), "DVAL DRBV"),
        ((0.5, 5), "VELO HVEL JVEL BVEL"),
        ((0, 0), "MSTA ACCL DMOV OFF HLM MRES"),
    ],
)
def test_only_positions_and_speeds_have_limits(motor, limits, fields):
    for field in fields.split():
        assert motor[f"m1.{field}"].limits.control == limits
        assert motor[f"m1.{field}"].limits.display == limits


def test_only_positions_have_alarm_limits(motor):
    alarmed = ("VAL", "DVAL", "RBV")
    assert all(motor[f"m1.{field}"].limits.warning[1] == 60 for field in alarmed)
    assert all(motor[f"m1.{field}"].limits.warning[1] != 60 for field in MOTOR_FIELDS if field not in alarmed)


def test_every_menu_is_served():
    assert {entry for entry in MOTOR_FIELDS.values() if entry in MENUS} >= {"motor_go", "motor_retry", "motor_status"}
