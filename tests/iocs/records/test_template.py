"""The loader of EPICS database text reads it as a genuine IOC would."""

from __future__ import annotations

from pathlib import Path

import pytest

from iocs.records.database import make_records
from iocs.records.template import TemplateError, TemplateUse, expand, load, read_substitutions

DB = Path(__file__).parents[3] / "db"


@pytest.fixture
def read(tmp_path):
    def read(text: str, **macros: str):
        (tmp_path / "x.template").write_text(text)
        return load([TemplateUse("x.template", macros)], tmp_path)

    return read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(P)Slot", "A:Slot"),
        ("${P}Slot", "A:Slot"),
        ("$(X=b)", "b"),
        ("$(X=)", ""),
        ("$(P=b)", "A:"),
        ("$(X=$(P)y)", "A:y"),
        ("$(Y)", "A:y"),
        ("$(N$(I))", "one"),
        ("100 $ (x) $", "100 $ (x) $"),
    ],
)
def test_a_macro_takes_its_value_or_its_default(text, expected):
    assert expand(text, {"P": "A:", "Y": "$(P)y", "I": "1", "N1": "one"}) == expected


@pytest.mark.parametrize(
    ("text", "message"), [("$(X)", "'X' has no value"), ("$(X", "does not close"), ("$(A)", "itself|'A'")]
)
def test_a_macro_that_cannot_be_expanded_is_named(text, message):
    with pytest.raises(TemplateError, match=message):
        expand(text, {"A": "$(B)", "B": "$(A)"})


def test_records_fields_info_and_aliases_are_read(read):
    database = read(
        """
        # a comment with $(NO_VALUE) in it
        record(ao, "$(P)Level") {   # and here
            field(DESC, "a # b, \\"c\\"") field(EGU, mm)
            field("PREC", 2)
            info(autosaveFields, "VAL")
            alias("$(P)Height")
        }
        grecord(bi, "$(P)On")
        alias("$(P)On", "$(P)Lit")
        """,
        P="A:",
    )
    assert list(database) == ["A:Level", "A:On"]
    assert database["A:Level"].fields == {"DESC": 'a # b, "c"', "EGU": "mm", "PREC": "2"}
    assert database["A:Level"].info == {"autosaveFields": "VAL"}
    assert database["A:Level"].aliases == ["A:Height"]
    assert database["A:On"].aliases == ["A:Lit"]


def test_a_record_declared_twice_is_one_record_whose_later_fields_win(read):
    database = read(
        """
        record(ao, "x") { field(EGU, "mm") field(PREC, "1") }
        record(ao, "x") { field(PREC, "3") }
        record("*", "x") { field(HOPR, "9") }
        """
    )
    assert database["x"].fields == {"EGU": "mm", "PREC": "3", "HOPR": "9"}


def test_an_included_file_sees_the_macros(read, tmp_path):
    (tmp_path / "inner.template").write_text('record(ai, "$(P)inner") {}')
    assert list(read('include "inner.template"\nrecord(ai, "$(P)outer") {}', P="A:")) == ["A:inner", "A:outer"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('record(ao "x") {}', r"x.template:1: expected '\)'"),
        ('record(ao, "x") {\n field(EGU)\n}', "x.template:3: field takes 2 arguments, found 1"),
        ('record(ao, "x") {}\nrecord(bo, "x") {}', "'x' is a ao and cannot become a bo"),
        ('record("*", "y") {}', "'y' is not declared yet"),
        ('record(ao, "x") { felid(EGU, "") }', "'felid' is neither field"),
        ("path foo", "'path' is no statement"),
        ('record(ao, "x") {', "the file ends"),
        ('include "missing.template"', "missing.template: No such file"),
    ],
)
def test_a_fault_is_named_with_its_place(read, text, message):
    with pytest.raises(TemplateError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('record(oa, "x") {}', "type 'oa' is not supported"),
        ('record(ao, "x") { field(HHSV, "BAD") }', "'x': alarm severity 'BAD'"),
        ('record(ao, "x") { field(VAL, "abc") }', "'x': VAL"),
        ('record(mbbo, "x") { field(ZRST, "a") field(VAL, "b") }', "'x': VAL: 'b' is not one of a"),
        ('record(motor, "x") { field(VELOCITY, "1") }', "a motor has no field VELOCITY"),
        ('record(waveform, "x") { field(FTVL, "INT") }', "FTVL 'INT'"),
    ],
)
def test_a_record_that_cannot_be_is_named(read, text, message):
    with pytest.raises(TemplateError, match=message):
        make_records(read(text))


def test_substitutions_are_read_as_patterns_and_as_assignments():
    uses = read_substitutions(
        """
        global { S=1 }
        file "wheel.template" {
            pattern { P, M }
            { "A:", "x" }   # one
            { "B:", "y z" }
        }
        file shutter.template { { P="C:", M="" } }
        """
    )
    assert uses == [
        TemplateUse("wheel.template", {"S": "1", "P": "A:", "M": "x"}),
        TemplateUse("wheel.template", {"S": "1", "P": "B:", "M": "y z"}),
        TemplateUse("shutter.template", {"S": "1", "P": "C:", "M": ""}),
    ]


def test_a_pattern_row_of_another_length_is_refused():
    with pytest.raises(TemplateError, match="1 values for 2 macros"):
        read_substitutions('file "x" { pattern { A, B } { "1" } }')
