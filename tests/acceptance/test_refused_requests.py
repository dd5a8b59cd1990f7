"""What an observer cannot have is refused by name, value and bound, before anything moves or is spent."""

import json
import math
from typing import Any

import pytest

from plans import (
    setup_instrument,
    take_bias,
    take_cwfs,
    take_darks,
    take_flats,
    take_focus,
    take_imgtype,
    take_object,
    take_stuttered,
)
from slitless.errors import InvalidRequest, SlitlessError

FILTERS = ("empty_1", "BG40_65mm_1", "SDSSr_65mm", "OG550_65mm_1")
GRATINGS = ("empty_1", "blue300lpmm_qn1", "SDSSy_65mm", "holo4_003")
IMAGE_TYPES = ("BIAS", "DARK", "FLAT", "OBJECT", "ENGTEST", "ACQ", "CWFS", "FOCUS", "STUTTERED")


@pytest.fixture
def refused(observatory):
    """Run a plan that must be refused; return the message."""

    def check(plan, *words):
        with observatory.untouched(), pytest.raises(InvalidRequest) as refusal:
            observatory.take(plan)
        message = str(refusal.value)
        assert all(word in message for word in words), message
        return message

    return check


@pytest.mark.parametrize("keyword", ["Filter", "Grating", "LinearStage", "frilter", "gating", "linearstate"])
def test_a_misspelt_keyword_is_refused_with_the_valid_ones(refused, keyword):
    misspelt: dict[str, Any] = {keyword: 1}
    refused(take_object(1.0, filter=1, **misspelt), keyword, "filter, grating, linear_stage")
    refused(setup_instrument(grating=1, **misspelt), keyword, "filter, grating, linear_stage")


def test_a_misspelt_keyword_is_told_what_was_probably_meant(refused):
    refused(take_flats(1.0, 1, frilter=1), "frilter", "did you mean filter?")


@pytest.mark.parametrize("plan", [take_bias, take_darks])
def test_biases_and_darks_take_no_optics(refused, plan):
    refused(plan(*(1,) * (1 if plan is take_bias else 2), filter=1), "filter")


@pytest.mark.parametrize("filter_", ["SDSSq_65mm", "sdssr_65mm", "", 4, -1, 1.5, math.nan, True])
def test_a_filter_that_is_not_there_is_refused_with_the_ones_that_are(refused, filter_):
    refused(take_object(1.0, filter=filter_, grating=1, linear_stage=20), "filter", repr(filter_), *FILTERS)


@pytest.mark.parametrize("grating", ["ronchi90lpmm", 4, -1, 1.5])
def test_a_grating_that_is_not_there_is_refused_with_the_ones_that_are(refused, grating):
    refused(setup_instrument(filter=1, grating=grating, linear_stage=20), "grating", repr(grating), *GRATINGS)


@pytest.mark.parametrize("position", [0.99, 67.01, -324.4, math.nan, math.inf, "far"])
def test_the_stage_does_not_go_beyond_its_limits(refused, position):
    refused(take_object(1.0, filter=1, grating=1, linear_stage=position), "stage", repr(position), "[1, 67] mm")


@pytest.mark.parametrize("image_type", ["SPOT", "bias", "", None, 0])
def test_an_unknown_image_type_is_refused_with_the_ones_there_are(refused, image_type):
    refused(take_imgtype(image_type, 1.0, 1), "image type", repr(str(image_type)), *IMAGE_TYPES)


@pytest.mark.parametrize("exposure_time", [0.05, 0.0, -1.0, math.nan, math.inf, 3600.5, "long", None])
def test_an_exposure_the_shutter_cannot_do_is_refused(refused, exposure_time):
    for plan in (take_object(exposure_time), take_flats(exposure_time, 1), take_stuttered(exposure_time, 2, 10)):
        refused(plan, "exposure time", repr(exposure_time), "[0.1, 3600] s")


@pytest.mark.parametrize("exposure_time", [-0.1, math.nan, math.inf])
def test_a_dark_or_bias_that_cannot_be_is_refused(refused, exposure_time):
    refused(take_darks(exposure_time, 1), "exposure time", repr(exposure_time), "s")
    refused(take_imgtype("BIAS", exposure_time, 1), "exposure time", repr(exposure_time), "s")


def test_a_too_short_exposure_is_refused_at_once_and_before_any_hook(refused, host_time):
    called = []
    plan = take_object(0.05, filter=2, tcs_ready=lambda: called.append("ready"), checkpoint=called.append)
    refused(plan, "0.05")
    began = host_time()
    with pytest.raises(InvalidRequest):
        next(take_object(0.05, filter=2))
    assert host_time() - began < 0.1  # s
    assert called == []


@pytest.mark.parametrize("number", [0, -1, 1.5, "2", None, True, 10_000])
def test_a_number_of_frames_that_cannot_be_is_refused(refused, number):
    refused(take_bias(number), "nbias", repr(number), "whole number in [1, 9999]")
    refused(take_object(1.0, number, filter=1), "n:", repr(number))
    refused(take_cwfs(1.0, number), "n:", repr(number))
    refused(take_object(1.0, 1, n_snaps=number), "n_snaps", repr(number))


@pytest.mark.parametrize(("n_shift", "row_shift"), [(0, 100), (-1, 100), (4, 0), (4, -100), (1.5, 100), (4, 1.5)])
def test_a_stutter_that_makes_no_sense_is_refused(refused, n_shift, row_shift):
    wrong = ("n_shift", repr(n_shift)) if row_shift == 100 else ("row_shift", repr(row_shift))
    refused(take_stuttered(0.1, n_shift, row_shift), *wrong)


def test_more_row_shifts_than_an_amplifier_has_rows_are_refused(refused):
    refused(take_stuttered(0.1, 21, 100), "21", "100", "2000", "below 2000 rows")
    refused(take_stuttered(0.1, 2, 2000), "below 2000 rows")


def test_a_stutter_belongs_to_stuttered_frames_and_they_need_one(refused):
    refused(take_imgtype("OBJECT", 1.0, 1, n_shift=2, row_shift=10), "stutter", "STUTTERED")
    refused(take_imgtype("STUTTERED", 1.0, 1), "stutter")
    refused(take_imgtype("STUTTERED", 1.0, 1, n_shift=2), "n_shift and row_shift")


@pytest.mark.parametrize("argument", ["group_id", "test_type", "reason", "program", "sensors", "note"])
@pytest.mark.parametrize("text", ["x" * 1024, "ö" * 512, "a\0b", 5, b"bytes"])
def test_text_that_no_record_holds_is_refused(refused, argument, text):
    refused(take_focus(1.0, filter=1, **{argument: text}), argument)


@pytest.mark.parametrize(
    ("pv", "value"),
    [
        ("FILTER:Slot", 4),
        ("FILTER:Slot", -1),
        ("FILTER:Select", "SDSSq_65mm"),
        ("FILTER:Select", 4),
        ("GRATING:Slot", 4),
        ("STAGE:m1", 67.01),
        ("STAGE:m1", 0.99),
        ("STAGE:m1", math.nan),
        ("SHUTTER:Expose", -1.0),
        ("SHUTTER:Expose", math.nan),
        ("CAM:cam1:ImageType", 13),
        ("CAM:cam1:ImageType", "SPOT"),
        ("CAM:cam1:AcquireTime", -1.0),
        ("CAM:cam1:AcquireTime", math.nan),
        ("CAM:cam1:StutterRows", -1),
        ("TEL:focus", 5.01),
    ],
)
def test_a_client_that_bypasses_the_plans_is_refused_on_the_wire(observatory, pv, value):
    before = observatory.read(pv)
    with observatory.untouched(), pytest.raises(SlitlessError, match="was refused"):
        observatory.put(pv, value)
    assert observatory.read(pv) == before


def test_a_wire_refusal_says_why_beside_the_command(observatory):
    for pv, value, words in (
        ("FILTER:Slot", 4, ("4",)),
        ("STAGE:m1", 67.01, ("67.01", "67")),
        ("SHUTTER:Expose", -1.0, ("-1", "s")),
    ):
        with pytest.raises(SlitlessError):
            observatory.put(pv, value)
        place = f"{pv}:" if pv.startswith("STAGE") else pv.partition(":")[0] + ":"
        result = observatory.read(f"{place}CommandResult_RBV")
        assert json.loads(result or "{}").get("status") == "Error", (place, result)
        reason = observatory.read(f"{place}CommandError_RBV")
        assert all(word in reason for word in words), reason


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ImageType": "OBJECT", "AcquireTime": 0.05}, ("exposure time", "0.05", "[0.1, 3600] s")),
        ({"ImageType": "BIAS", "MinY": 3990}, ("window", "4000")),
        ({"ImageType": "STUTTERED", "AcquireTime": 1.0, "StutterShifts": 21, "StutterRows": 100}, ("below 2000 rows",)),
    ],
)
def test_an_acquire_that_cannot_be_is_refused_as_a_whole(observatory, settings, words):
    before = {name: observatory.read(f"CAM:cam1:{name}") for name in settings}
    try:
        for name, value in settings.items():
            observatory.put(f"CAM:cam1:{name}", value)
        with observatory.untouched(), pytest.raises(SlitlessError, match="was refused"):
            observatory.put("CAM:cam1:Acquire", 1)
        reason = observatory.read("CAM:cam1:CommandError_RBV")
        assert all(word in reason for word in words), reason
    finally:
        for name, value in before.items():
            observatory.put(f"CAM:cam1:{name}", value)


def test_a_stage_that_lost_its_zero_is_flagged_and_refused_by_name(observatory):
    observatory.put("STAGE:SimFault", "LostZero")
    try:
        observatory.until(lambda: observatory.read("STAGE:m1.RBV") < -300, "the stage reads far below its limits")
        assert observatory.read("STAGE:m1.SEVR") == "INVALID"
        before = observatory.last_id
        with pytest.raises(SlitlessError, match="STAGE"):
            observatory.take(take_object(0.1))
        assert observatory.last_id == before
        assert observatory.exit_status == "fail"
    finally:
        observatory.put("STAGE:SimFault", "None")
        observatory.put("STAGE:Home", 1)
        observatory.until(lambda: observatory.read("STAGE:Homed_RBV") == "Yes", "the stage is homed")
    (number,) = observatory.take(take_object(0.1, linear_stage=30))
    assert observatory.header(number)["LINSPOS"] == pytest.approx(30.0, abs=0.01)


def test_after_all_refusals_the_next_exposure_works_and_ids_have_no_gap(observatory):
    observatory.expect_good_bias()
    assert [event for event, _ in observatory.ledger] == ["reserved", "written"] * (len(observatory.files))
    assert observatory.problems() == []
