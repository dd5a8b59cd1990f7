"""Every rule of an exposure is checked before anything moves."""

import math

import numpy as np
import pytest

from slitless.definition import load_instrument
from slitless.errors import InvalidRequest, SlitlessError
from slitless.exposure import (
    MAXIMUM_IMAGES,
    ExposurePlan,
    ImageType,
    Stutter,
    check_count,
    check_exposure_time,
)

LATISS = load_instrument()
LIGHT = [image_type for image_type in ImageType if image_type.opens_shutter]


def test_bias_and_dark_keep_the_shutter_closed_and_the_optics_still():
    for image_type in ImageType:
        is_dark = image_type.value in ("BIAS", "DARK")
        assert image_type.opens_shutter != is_dark
        assert image_type.sets_up_optics != is_dark


def test_only_sky_exposures_wait_for_the_telescope():
    assert [t.value for t in ImageType if t.waits_for_telescope] == ["OBJECT", "ENGTEST", "ACQ", "CWFS"]


def test_an_image_type_is_found_by_its_exact_name():
    assert ImageType.named("OBJECT") is ImageType.OBJECT


@pytest.mark.parametrize("name", ["SPOT", "object", "", " BIAS"])
def test_an_unknown_image_type_is_refused_with_the_valid_ones(name):
    with pytest.raises(InvalidRequest, match="BIAS, DARK, FLAT, OBJECT, ENGTEST, ACQ, CWFS, FOCUS, STUTTERED"):
        ImageType.named(name)


@pytest.mark.parametrize("image_type", LIGHT)
@pytest.mark.parametrize("time", [0.05, 0.0, -1.0, math.nan, math.inf, -math.inf, 1e9, "long", None, True, 1j, "nan"])
def test_an_exposure_time_the_shutter_cannot_do_is_refused(image_type, time):
    with pytest.raises(InvalidRequest, match=r"exposure time: .* must be in \[0\.1, 3600\] s"):
        check_exposure_time(image_type, time, LATISS)


@pytest.mark.parametrize("image_type", LIGHT)
@pytest.mark.parametrize("time", [0.1, 1, 3600.0])
def test_an_exposure_time_within_the_bounds_is_taken_as_it_is(image_type, time):
    accepted = check_exposure_time(image_type, time, LATISS)
    assert accepted == time
    assert isinstance(accepted, float)


@pytest.mark.parametrize("time", [0.0, 0.05, 3600.0])
def test_a_dark_may_be_as_short_as_nothing(time):
    assert check_exposure_time(ImageType.DARK, time, LATISS) == time


@pytest.mark.parametrize("time", [-1.0, math.nan, math.inf, 3600.1])
def test_a_dark_of_no_sensible_length_is_refused(time):
    with pytest.raises(InvalidRequest, match="exposure time"):
        check_exposure_time(ImageType.DARK, time, LATISS)


@pytest.mark.parametrize("time", [0.0, 5.0, 0.05])
def test_a_bias_lasts_no_time_whatever_was_asked(time):
    assert check_exposure_time(ImageType.BIAS, time, LATISS) == 0.0


@pytest.mark.parametrize("time", [-1.0, math.nan, math.inf])
def test_a_bias_of_no_sensible_length_is_refused(time):
    with pytest.raises(InvalidRequest, match="exposure time"):
        check_exposure_time(ImageType.BIAS, time, LATISS)


@pytest.mark.parametrize("count", [1, 9999, np.int64(20)])
def test_counts_within_the_bounds_are_taken(count):
    accepted = check_count("n", count)
    assert accepted == count
    assert type(accepted) is int


@pytest.mark.parametrize("count", [0, -1, MAXIMUM_IMAGES + 1, 1.0, 1.5, "3", None, True, math.nan])
def test_a_count_that_is_no_whole_number_of_images_is_refused(count):
    with pytest.raises(InvalidRequest, match=r"n_snaps: .* whole number in \[1, 9999\]"):
        check_count("n_snaps", count)


@pytest.mark.parametrize(("n_shift", "row_shift"), [(20, 100), (1, 2000), (2, 1999), (4, 100)])
def test_a_stutter_that_fits_is_taken(n_shift, row_shift):
    Stutter(n_shift, row_shift).check(LATISS.detector)


@pytest.mark.parametrize(("n_shift", "row_shift"), [(21, 100), (2, 2000), (3, 1000)])
def test_a_stutter_that_needs_more_rows_than_there_are_is_refused(n_shift, row_shift):
    with pytest.raises(InvalidRequest, match="below 2000 rows"):
        Stutter(n_shift, row_shift).check(LATISS.detector)


@pytest.mark.parametrize(("n_shift", "row_shift"), [(0, 100), (4, 0), (-1, 100), (1.5, 100), (4, 1.5)])
def test_a_stutter_of_no_slices_or_rows_is_refused(n_shift, row_shift):
    with pytest.raises(InvalidRequest, match=r"n_shift|row_shift"):
        Stutter(n_shift, row_shift).check(LATISS.detector)


def test_a_plan_holds_what_was_asked():
    plan = ExposurePlan.checked(LATISS, ImageType.STUTTERED, 0.1, n=2, stutter=Stutter(4, 100))
    assert (plan.exposure_time, plan.n, plan.n_snaps, plan.stutter) == (0.1, 2, 1, Stutter(4, 100))


def test_a_bias_plan_has_no_exposure_time():
    assert ExposurePlan.checked(LATISS, ImageType.BIAS, 5.0).exposure_time == 0.0


@pytest.mark.parametrize(
    ("image_type", "arguments", "named"),
    [
        (ImageType.OBJECT, {"n": 0}, "n:"),
        (ImageType.OBJECT, {"n_snaps": -1}, "n_snaps:"),
        (ImageType.OBJECT, {"exposure_time": 0.05}, "exposure time:"),
        (ImageType.OBJECT, {"stutter": Stutter(4, 100)}, "stutter:"),
        (ImageType.STUTTERED, {}, "stutter:"),
        (ImageType.STUTTERED, {"stutter": Stutter(0, 100)}, "n_shift:"),
    ],
)
def test_the_first_wrong_part_of_a_plan_is_named(image_type, arguments, named):
    with pytest.raises(InvalidRequest, match=f"^{named}") as refusal:
        ExposurePlan.checked(LATISS, image_type, **{"exposure_time": 1.0, **arguments})
    assert isinstance(refusal.value, SlitlessError)
    assert isinstance(refusal.value, ValueError)
