"""Each field of a motor record has the unit and the limits of its own quantity."""

import pytest

from iocs.records.database import make_records
from iocs.records.menus import MOTOR_FIELDS
from iocs.records.motor_fields import BOUNDS, QUANTITIES
from iocs.records.template import RecordDefinition

FIELDS = {
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


@pytest.fixture(scope="module")
def motor():
    return make_records({"m1": RecordDefinition("motor", "m1", dict(FIELDS))})


@pytest.mark.parametrize(
    ("unit", "fields"),
    [
        ("mm", "VAL RBV DVAL DRBV OFF HLM DLLM TWV MRES RDBD"),
        ("mm/s", "VELO VBAS VMAX HVEL JVEL BVEL"),
        ("s", "ACCL BACC DLY"),
        ("mm/s/s", "JAR"),
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
        ((0, 0), "MSTA ACCL DMOV OFF HLM RVAL MRES"),
    ],
)
def test_only_positions_and_speeds_have_limits(motor, limits, fields):
    for field in fields.split():
        assert motor[f"m1.{field}"].limits.control == limits
        assert motor[f"m1.{field}"].limits.display == limits


def test_only_the_position_has_alarm_limits(motor):
    assert motor["m1.VAL"].limits.warning[1] == motor["m1.RBV"].limits.warning[1] == 60
    assert all(motor[f"m1.{field}"].limits.warning[1] != 60 for field in MOTOR_FIELDS if field not in ("VAL", "RBV"))


def test_the_table_names_fields_that_there_are():
    assert set(QUANTITIES) | set(BOUNDS) <= set(MOTOR_FIELDS)
