"""The instrument definition is right about LATISS, and a wrong one is refused with every fault named."""

import os
from pathlib import Path

import numpy as np
import pytest

from slitless import definition
from slitless.definition import InstrumentDefinitionError, load_instrument
from slitless.errors import InvalidRequest

LATISS = load_instrument()
SHIPPED = Path(definition.__file__).with_name("instruments") / "latiss.toml"


@pytest.fixture
def edited(tmp_path):
    """Makes a definition file with some text replaced."""

    def edit(old: str, new: str) -> Path:
        text = SHIPPED.read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "edited.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return edit


def test_latiss_has_the_size_of_the_real_detector():
    detector = LATISS.detector
    assert (detector.width, detector.height) == (4072, 4000)
    assert (detector.raw_columns, detector.raw_rows) == (576, 2048)
    assert detector.frame_bytes == 16 * 576 * 2048 * 4


def test_the_shipped_definition_is_found_by_name_and_by_path():
    assert load_instrument(SHIPPED) == LATISS


@pytest.mark.parametrize(("selection", "slot"), [("SDSSr_65mm", 2), (0, 0), (3, 3), ("empty_1", 0), (np.int64(1), 1)])
def test_a_slot_is_found_by_name_or_number(selection, slot):
    assert LATISS.wheels.filter.slot_number(selection) == slot
    assert LATISS.wheels.filter.slot(selection).name == LATISS.wheels.filter.names[slot]


@pytest.mark.parametrize("selection", [4, -1, 1.5, True, False, None, "", "sdssr_65mm", "2", 1.0])
def test_a_slot_that_is_not_there_is_refused_with_the_names(selection):
    with pytest.raises(InvalidRequest, match=r"filter wheel: .* BG40_65mm_1, SDSSr_65mm, .* slot in \[0, 3\]"):
        LATISS.wheels.filter.slot_number(selection)


@pytest.mark.parametrize("position", [1.0, 67.0, 50])
def test_the_stage_goes_to_its_limits(position):
    assert LATISS.stage.check(position) == position


@pytest.mark.parametrize("position", [0.99, 67.01, -324.4, float("nan"), float("inf"), "far", True])
def test_the_stage_goes_no_further(position):
    with pytest.raises(InvalidRequest, match=r"linear stage: .* must be in \[1, 67\] mm"):
        LATISS.stage.check(position)


def test_the_disperser_is_further_away_when_the_stage_moves_out():
    assert LATISS.stage.disperser_distance(67.0) - LATISS.stage.disperser_distance(1.0) == 66.0


def test_a_filter_swap_is_one_edited_line(edited):
    other = load_instrument(edited('name = "SDSSr_65mm"', 'name = "SDSSi_65mm"'))
    assert other.wheels.filter.names == ("empty_1", "BG40_65mm_1", "SDSSi_65mm", "OG550_65mm_1")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("[stage]\nlabel", "[stage]\nlable", "stage.lable"),
        ("limits = [1.0, 67.0]", 'limits = [1.0, "far"]', "stage.limits"),
        ("minimum_exposure = 0.1", "minimum_exposure = -0.1", "shutter.minimum_exposure"),
        ("minimum_exposure = 0.1", "minimum_exposure = nan", "shutter.minimum_exposure"),
        ("longitude = -70.7476862", "longitude = -700.0", "site.longitude"),
        ('name = "BG40_65mm_1"', 'name = "empty_1"', "name used twice: empty_1"),
        ('name = "BG40_65mm_1"', 'name = "BG40 65mm"', "wheels.filter.slots.1.name"),
        ('name = "BG40_65mm_1"', f'name = "{"x" * 26}"', "wheels.filter.slots.1.name"),
        ("passband = [335.0, 605.0]", "passband = [605.0, 335.0]", "passband"),
        ("lines_per_mm = 300.0\n", "lines_per_mm = 300.0\n#", "order_efficiency"),
        ('name = "Segment17"', 'name = "Segment16"', "amplifiers must be"),
        ("qe = [0.49, ", "qe = [", "qe and qe_wavelength"),
        ('prefix = "LATISS:"', 'prefix = "LATISS"', "prefix"),
        ("limits = [1.0, 67.0]", "limits = [67.0, 1.0]", "stage"),
        ("focus_limits = [-5.0, 5.0]", "focus_limits = [5.0, -5.0]", "telescope"),
        ("set_point_limits = [-120.0, 20.0]", "set_point_limits = [20.0, -120.0]", "detector"),
        ("minimum_exposure = 0.1", "minimum_exposure = 4000.0", "shutter"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(edited, old, new, place):
    with pytest.raises(InstrumentDefinitionError) as refusal:
        load_instrument(edited(old, new))
    assert place in str(refusal.value)


def test_every_fault_of_a_file_is_listed(edited):
    path = edited("longitude = -70.7476862", "longitude = -700.0")
    path.write_text(path.read_text().replace("elevation = 2663.0", "elevation = 'high'"))
    with pytest.raises(InstrumentDefinitionError, match=r"site\.longitude.*site\.elevation"):
        load_instrument(path)


def test_a_missing_file_is_refused_with_the_definitions_there_are():
    with pytest.raises(InstrumentDefinitionError, match=r"'nowhere\.toml': no such file, and not one of .*latiss"):
        load_instrument("nowhere.toml")


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe\x00", b""])
def test_what_is_no_definition_is_refused(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(InstrumentDefinitionError, match=r"bad\.toml"):
        load_instrument(path)


def test_an_edited_file_is_read_again(edited):
    path = edited("elevation = 2663.0", "elevation = 2600.0")
    assert load_instrument(path).site.elevation == 2600.0
    assert load_instrument(path) is load_instrument(path), "an unchanged file is read once"
    path.write_text(path.read_text().replace("2600.0", "2650.0"))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_000))
    assert load_instrument(path).site.elevation == 2650.0
