"""A header says what is true, and says what it does not know."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import EarthLocation
from astropy.time import Time

from slitless.definition import Instrument
from slitless.detector.geometry import Window, readout_layout
from slitless.exposure import ImageType
from slitless.fits.header import amplifier_header, primary_header
from slitless.fits.record import FrameRecord
from slitless.fits.text import decode_text
from slitless.identifiers import ExposureName


def test_a_complete_frame_has_no_problems(instrument, record, pvs):
    header, problems = primary_header(instrument, record, pvs, pvs)
    assert problems == []
    assert header["HDRPROB"] == 0
    assert "HISTORY" not in header


def test_values_are_those_of_the_exposure(instrument, record, pvs):
    header, _ = primary_header(instrument, record, pvs, pvs)
    expected = {
        "OBSID": "AT_O_20240624_000106",
        "FILENAME": "AT_O_20240624_000106_R00_S00.fits",
        "DAYOBS": "20240624",
        "SEQNUM": 106,
        "GROUPID": "2024-06-25T01:26:31.895#1",
        "IMGTYPE": "OBJECT",
        "TESTTYPE": "OBJECT",
        "DATE-BEG": "2024-06-25T01:27:55.160",
        "DATE-OBS": "2024-06-25T01:27:55.160",
        "DATE-END": "2024-06-25T01:28:25.400",
        "TIMESYS": "TAI",
        "EXPTIME": 30.0,
        "DARKTIME": 30.24,
        "FILTER": "SDSSr_65mm",
        "FILTSLOT": 2,
        "GRATING": "holo4_003",
        "LINSPOS": 67.0,
        "FOCUSZ": 0.742,
        "OBJECT": "HD 131586",
        "OBSERVER": "Vera",
        "HASTART": 0.042,
        "STUTTER ROWS": 0,
        "STUTTER DELAY": 0.0,
        "STUTTER NSHIFTS": 0,
        "SIMULATE ATCAMERA": True,
        "SIMULATE ATSPECTROGRAPH": True,
        "SIMULATE ATMCS": False,
    }
    assert {name: header[name] for name in expected} == expected


def test_mjd_and_date_are_the_same_moment(instrument, record, pvs):
    header: Any
    header, _ = primary_header(instrument, record, pvs, pvs)
    for suffix in ("-OBS", "-BEG", "-END", "-TRG", ""):
        date: Any = Time(header[f"DATE{suffix}"], scale="tai")
        assert abs(date.mjd - header[f"MJD{suffix}"]) * 86400 < 1e-3


def test_the_site_is_where_astropy_puts_it(instrument, record, pvs):
    header, _ = primary_header(instrument, record, pvs, pvs)
    site = instrument.site
    place = EarthLocation.from_geodetic(site.longitude * u.deg, site.latitude * u.deg, site.elevation * u.m)
    assert [header[f"OBSGEO-{axis}"] for axis in "XYZ"] == pytest.approx(
        [c.to_value(u.m) for c in place.geocentric], abs=0.01
    )


def test_start_and_end_values_are_told_apart(instrument, record, pvs):
    header, _ = primary_header(instrument, record, pvs, pvs | {"TEL:Airmass_RBV": 1.25, "STAGE:m1.RBV": 3.0})
    assert (header["AMSTART"], header["AMEND"]) == (1.0156, 1.25)
    assert header["LINSPOS"] == 67.0


def test_texts_come_back_exactly(instrument, record, pvs):
    header: Any
    reason, program = "a:b, c=d #1 \\n", "Größe\n"
    header, _ = primary_header(instrument, replace(record, reason=reason, program=program), pvs, pvs)
    assert decode_text(header["OBSANNOT"]) == record.note
    assert (decode_text(header["REASON"]), decode_text(header["PROGRAM"])) == (reason, program)


def test_an_empty_reason_is_left_out_so_that_readers_fall_back_to_the_test_type(instrument, record, pvs):
    header, problems = primary_header(instrument, replace(record, reason="", program="", note=""), pvs, pvs)
    assert "REASON" not in header
    assert "PROGRAM" not in header
    assert header["OBSANNOT"] == ""
    assert not problems


def test_what_the_observer_says_goes_before_what_the_telescope_says(instrument, record, pvs):
    named = replace(record, object_name="HD 1", observer="Nancy")
    header, _ = primary_header(instrument, named, pvs, pvs)
    assert (header["OBJECT"], header["OBSERVER"]) == ("HD 1", "Nancy")


@pytest.mark.parametrize("gone", ["FILTER:Name_RBV", "GRATING:Slot_RBV", "STAGE:m1.RBV", "TEL:Airmass_RBV"])
@pytest.mark.parametrize("value", [None, float("nan"), "", object(), np.array([1.0, 2.0]), np.array([67.0]), b"x"])
def test_a_mandatory_value_that_is_missing_is_said_and_left_out(instrument, record, pvs, gone, value):
    header, problems = primary_header(instrument, record, pvs | {gone: value}, pvs)
    (problem,) = problems
    name = problem.split(":")[0]
    assert gone in problem
    assert name not in header
    assert header["HDRPROB"] == 1
    assert name in str(header["HISTORY"])


def test_a_bias_needs_no_telescope_and_no_optics(instrument, record):
    bias = replace(record, image_type=ImageType.BIAS, exposure_time=0.0, shutter_time=0.0)
    header, problems = primary_header(instrument, bias, {}, {})
    assert problems == []
    assert "FILTER" not in header


def test_what_a_source_says_when_it_does_not_know_is_no_value(instrument, record, pvs):
    unknown = {"FILTER:Name_RBV": "", "FILTER:Band_RBV": "", "FILTER:Slot_RBV": -1, "TEL:Seeing_RBV": float("nan")}
    bias = replace(record, image_type=ImageType.BIAS, shutter_time=0.0)
    header, problems = primary_header(instrument, bias, pvs | unknown, pvs)
    assert problems == []
    assert not {"FILTER", "FILTBAND", "FILTSLOT", "SEEING"} & set(header)
    _, problems = primary_header(instrument, record, pvs | unknown, pvs)
    assert [problem.split(":")[0] for problem in problems] == ["FILTER", "FILTBAND", "FILTSLOT"]


def test_a_file_of_another_name_says_so(instrument, record, pvs):
    header, _ = primary_header(instrument, replace(record, file_name="mine_0001.fits"), pvs, pvs)
    assert header["FILENAME"] == "mine_0001.fits"


def test_a_flat_needs_optics_but_no_telescope(instrument, record):
    _, problems = primary_header(instrument, replace(record, image_type=ImageType.FLAT), {}, {})
    missing = {problem.split(":")[0] for problem in problems}
    assert missing == {"FILTER", "FILTBAND", "FILTSLOT", "GRATING", "GRATBAND", "GRATSLOT", "LINSPOS"}


@pytest.mark.parametrize(
    ("changes", "keyword"),
    [
        ({"STAGE:m1.RBV": -324.403}, "LINSPOS"),
        ({"STAGE:m1.RBV": 67.02}, "LINSPOS"),
        ({"FILTER:Name_RBV": "SDSSz"}, "FILTER"),
        ({"TEL:Airmass_RBV": 0.5}, "AMSTART"),
        ({"TEL:RightAscension_RBV": 400.0}, "RASTART"),
        ({"TEL:Pressure_RBV": 738.8}, "PRESSURE"),
        ({"GRATING:Slot_RBV": 1.5}, "GRATSLOT"),
        ({"TEL:IOC:SimulationMode": "perhaps"}, "SIMULATE ATMCS"),
        ({"TEL:Target": b"bytes"}, "OBJECT"),
    ],
)
def test_a_value_that_cannot_be_is_never_written_as_good(instrument, record, pvs, changes, keyword):
    header, problems = primary_header(instrument, record, pvs | changes, pvs)
    assert keyword in [problem.split(":")[0] for problem in problems]
    assert keyword not in header
    assert header["HDRPROB"] == len(problems)


@pytest.mark.parametrize("position", [0.0, 1.0, 67.0, 67.005])
def test_the_stage_may_stand_anywhere_it_can_go(instrument, record, pvs, position):
    header, problems = primary_header(instrument, record, pvs | {"STAGE:m1.RBV": position}, pvs)
    assert header["LINSPOS"] == position
    assert not problems


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ended_at": 1_719_278_000.0}, "before DATE-BEG"),
        ({"dark_time": 20.0}, "shorter than SHUTTIME"),
        ({"shutter_time": 0.0}, "cannot be for image type OBJECT"),
        ({"image_type": ImageType.DARK}, "cannot be for image type DARK"),
        ({"started_at": 0.0}, "DATE-OBS"),
        ({"shutter_time": None}, "SHUTTIME: not known"),
        ({"temperature": None}, "CCDTEMP: not known"),
        ({"temperature": float("nan")}, "CCDTEMP"),
        ({"group_id": ""}, "GROUPID: not known"),
    ],
)
def test_what_contradicts_itself_is_said(instrument, record, pvs, changes, said):
    _, problems = primary_header(instrument, replace(record, **changes), pvs, pvs)
    assert any(said in problem for problem in problems)


def test_a_slot_that_does_not_hold_the_named_filter_is_said(instrument, record, pvs):
    _, problems = primary_header(instrument, record, pvs | {"FILTER:Slot_RBV": 1}, pvs)
    assert problems == ["FILTSLOT: slot 1 does not hold FILTER SDSSr_65mm"]


def test_an_unknown_part_makes_the_simulation_flag_unknown_unless_another_is_simulated(instrument, record, pvs):
    hardware = pvs | {f"{p}:IOC:SimulationMode": "Hardware" for p in ("FILTER", "GRATING", "STAGE")}
    unknown = hardware | {"STAGE:IOC:SimulationMode": None}
    assert primary_header(instrument, record, hardware, hardware)[0]["SIMULATE ATSPECTROGRAPH"] is False
    assert "SIMULATE ATSPECTROGRAPH" not in primary_header(instrument, record, unknown, unknown)[0]
    simulated = unknown | {"FILTER:IOC:SimulationMode": 1}
    assert primary_header(instrument, record, simulated, simulated)[0]["SIMULATE ATSPECTROGRAPH"] is True


def test_a_focus_frame_says_how_it_was_made(instrument, record, pvs):
    focus = replace(record, focus_start=-0.1, focus_step=0.05, focus_shift=40, focus_steps=7)
    header, _ = primary_header(instrument, focus, pvs, pvs)
    assert [header[f"FOCUS {n}"] for n in ("START", "STEP", "SHIFT", "STEPS")] == [-0.1, 0.05, 40, 7]


def test_segments_carry_the_keywords_of_real_files(full_frame):
    # the values of AT_O_20240624_000106_R00_S00, Segment10, and of reference geometry for Segment00
    first, last = (amplifier_header(full_frame.instrument, full_frame.layout[n], full_frame.raw[n]) for n in (0, 15))
    assert [first[k] for k in ("CHANNEL", "EXTNAME", "CCDSUM", "INHERIT")] == [1, "Segment10", "1 1", True]
    assert [first[k] for k in ("DATASEC", "BIASSEC")] == ["[4:512,1:2000]", "[513:576,1:2000]"]
    assert [first[k] for k in ("DETSEC", "DETSIZE")] == ["[509:1,1:2000]", "[1:4072,1:4000]"]
    assert [first[k] for k in ("DTV1", "DTV2", "DTM1_1", "DTM2_2", "DTM1_2", "DTM2_1")] == [513, 0, -1, 1, 0, 0]
    assert [last[k] for k in ("CHANNEL", "EXTNAME", "DETSEC")] == [16, "Segment00", "[509:1,4000:2001]"]
    assert [last[k] for k in ("DTV1", "DTV2", "DTM1_1", "DTM2_2")] == [513, 4001, -1, -1]
    assert [first["GAIN"], first["RDNOISE"], last["GAIN"], last["RDNOISE"]] == [1.0811, 8.4, 1.1033, 8.5]
    assert [first["AVGBIAS"], first["STDVBIAS"], last["AVGBIAS"]] == [12_000, 0, 12_015]


@pytest.mark.parametrize(
    "window",
    [
        Window(1, 4072, 1, 4000),
        Window(500, 1100, 1990, 2031),
        Window(1, 4072, 1, 4000, 2, 4),
        Window(7, 4000, 3, 3999, 3, 5),
    ],
)
def test_dtm_and_dtv_lead_to_the_detector_pixels_of_detsec(instrument: Instrument, window: Window):
    for readout in readout_layout(instrument.detector, window):
        header: Any = amplifier_header(instrument, readout, np.zeros(readout.raw_shape, dtype=">i4"))
        rows, columns = readout.detector_slice
        data = readout.data_section
        x = [header["DTM1_1"] * raw_x + header["DTV1"] for raw_x in (data.x1, data.x2)]
        y = [header["DTM2_2"] * raw_y + header["DTV2"] for raw_y in (data.y1, data.y2)]
        half_x, half_y = (readout.column_binning - 1) / 2, (readout.row_binning - 1) / 2
        assert [min(x) - half_x, max(x) + half_x] == [columns.start + 1, columns.stop]
        assert [min(y) - half_y, max(y) + half_y] == [rows.start + 1, rows.stop]
        assert header["CCDSUM"] == f"{window.column_binning} {window.row_binning}"


def test_a_record_without_optional_facts_makes_a_header(instrument: Instrument):
    record = FrameRecord(
        name=ExposureName("AT", "O", 20240624, 1),
        image_type=ImageType.BIAS,
        window=Window.full(instrument.detector),
        exposure_time=0.0,
    )
    header, problems = primary_header(instrument, record, {}, {})
    assert header["HDRPROB"] == len(problems) > 0
    assert "SHUTTIME" not in header
