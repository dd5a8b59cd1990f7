"""The page of AzCam's API is whole, and names only what exists."""

import re
from functools import cache, reduce
from pathlib import Path

import plans
from devices.fake import fake_spectrograph
from iocs.contract import template_uses
from iocs.records.template import load
from slitless.definition import load_instrument

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reference" / "azcam.md").read_text()
CALLS = """
abort; expose exposure_time imagetype title; expose1 exposure_time image_type image_title; flush cycles; focus_abort;
focus_initalize; focus_run exposure_time number_exposures focus_step detector_shift; focus_set_pars exposure_time
number_exposures focus_step detector_shift; get_control_temperature temperature_id; get_exposuretime;
get_exposuretime_remaining; get_filter filter_id; get_filters filter_id; get_format; get_image_title; get_image_type;
get_image_types; get_par parameter subdict; get_pixels_remaining; get_roi roi_num; get_status; get_temperatures;
get_wavelength wavelength_id; get_wavelengths wavelength_id; initialize mock; initialize_exposure; pause;
read_header_file filename; reset_exposure; resume; roi_reset; save_pars; sequence number_exposures flush_array_flag
delay; sequence1 number_exposures flush_array_flag delay; set_control_temperature temperature temperature_id;
set_exposuretime exposure_time; set_filename filename; set_filter filter_name filter_id; set_format ns_total ns_predark
ns_underscan ns_overscan np_total np_predark np_underscan np_overscan np_frametransfer; set_image_title title;
set_image_type imagetype; set_par parameter value subdict; set_roi first_col last_col first_row last_row col_bin row_bin
roi_num; set_shutter state shutter_id; set_wavelength wavelength wavelength_id; test exposure_time shutter
"""
"""Every method of azcam.api.API 26.0.5 with its parameters."""
ROW = re.compile(r"^\| `(\w+)(?:\((\w+)\))?` \| (`[^`]+`|-) \| (`[^`]+`|-) \| (`[^`]+`|-) \|(.*)\|$", re.MULTILINE)
ROWS = [tuple(cell.strip(" `") for cell in row) for row in ROW.findall(TEXT)]


def wanted():
    for call in CALLS.split(";"):
        name, *parameters = call.split()
        yield name, ""
        yield from ((name, parameter) for parameter in parameters)


@cache
def records():
    instrument = load_instrument()
    return {name.removeprefix(instrument.prefix) for name in load(template_uses(instrument), ROOT / "db")}


def test_every_call_and_parameter_has_its_one_row():
    assert sorted((call, parameter) for call, parameter, *_ in ROWS) == sorted(wanted())
    assert len(re.findall(r"^\| `", TEXT, re.MULTILINE)) == len(ROWS)


def test_every_pv_that_is_named_exists():
    assert {pv for _, _, pv, *_ in ROWS if pv != "-"} <= records()
    named = set(re.findall(r"`((?:CAM|FILTER|GRATING|SHUTTER|TEL):[\w:]+)`", TEXT)) - {"TEL:focus"}
    assert named <= records()
    short = {name.rpartition(":")[2] for name in records()}
    assert set(re.findall(r"`([A-Z]\w*_RBV)`", TEXT)) <= short


def test_every_device_attribute_that_is_named_exists():
    spectrograph = fake_spectrograph()
    for *_, device, _, _ in ROWS:
        if device != "-":
            first, *rest = device.split(".")
            path = [*rest[:-1]] if rest else []
            part = reduce(getattr, path, getattr(spectrograph, first))
            assert not rest or hasattr(type(part), rest[-1]), device


def test_every_plan_that_is_named_exists():
    assert {plan for *_, plan, _ in ROWS if plan != "-"} <= set(plans.__all__)


def test_a_row_with_nothing_says_why():
    assert all(note for _, _, pv, device, plan, note in ROWS if (pv, device, plan) == ("-", "-", "-"))


def test_every_fault_has_its_test():
    source = (ROOT / "tests" / "iocs" / "camera" / "test_azcam_faults.py").read_text()
    numbers = re.findall(r"^\| B(\d+) \|", TEXT, re.MULTILINE)
    assert numbers == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "13", "14", "15"]
    assert set(re.findall(r"def test_b(\d+)_", source)) == set(numbers)
