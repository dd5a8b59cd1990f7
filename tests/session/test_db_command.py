"""`slitless db`: what it lists, in each form."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

import slitless
from session.cli import run


@pytest.fixture
def db(capsys):
    def db(*arguments: str) -> str:
        assert run(["db", *arguments]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return db


def test_every_form_lists_the_same_pvs(db):
    names = [line.split()[0] for line in db("--device", "FILTER").splitlines()]
    assert "LATISS:FILTER:Select" in names
    assert all(name.startswith("LATISS:FILTER:") for name in names)
    table = list(csv.DictReader(io.StringIO(db("--device", "FILTER", "--format", "csv"))))
    assert [row["name"] for row in table] == names
    told = {pv["name"]: pv for pv in json.loads(db("--device", "FILTER", "-f", "json"))}
    assert list(told) == names
    assert told["LATISS:FILTER:Select"]["states"][2] == "SDSSr_65mm"
    assert told["LATISS:FILTER:Wavelength_RBV"]["unit"] == "nm"


def test_the_archiver_is_given_modes_and_periods_and_no_images(db):
    lines = [line.split(",") for line in db("-f", "archiver").splitlines()]
    assert {mode for _, mode, _ in lines} == {"MONITOR", "SCAN"}
    assert all(float(period) > 0 for *_, period in lines)
    names = {name for name, *_ in lines}
    assert {"LATISS:STAGE:m1.RBV", "LATISS:SHUTTER:State_RBV", "LATISS:CAM:cam1:Note"} <= names
    assert "LATISS:CAM:image1:ArrayData" not in names


def test_another_definition_and_another_prefix_are_followed(db, tmp_path):
    definition = tmp_path / "other.toml"
    shutil.copy(Path(next(iter(slitless.__path__))) / "instruments" / "latiss.toml", definition)
    definition.write_text(definition.read_text().replace("SDSSr_65mm", "Other_r"))
    listed = db("--instrument", str(definition), "--prefix", "ELSE:", "--device", "FILTER")
    assert "Other_r" in listed
    assert all(line.startswith("ELSE:FILTER:") for line in listed.splitlines())


def test_an_unknown_device_is_refused_naming_those_there_are(capsys):
    assert run(["db", "--device", "COFFEE"]) == 1
    assert "CAM, SHUTTER, FILTER" in capsys.readouterr().err
