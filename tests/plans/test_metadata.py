import pytest

from slitless.metadata import InvalidMetadata, validate_metadata

GOOD = {
    "plan_name": "take_flats",
    "plan_args": {"exptime": 2.0},
    "image_type": "FLAT",
    "exposure_time": 2.0,
    "num_exposures": 3,
    "n_snaps": 1,
    "group_id": "2024-06-25T01:26:31.895",
    "test_type": "FLAT",
    "instrument": "LATISS",
}


def test_what_a_take_plan_says_is_valid():
    validate_metadata(GOOD)
    validate_metadata({**GOOD, "image_type": "STUTTERED", "stutter": {"n_shift": 4, "row_shift": 100}})


def test_a_run_without_frames_may_open():
    validate_metadata({"plan_name": "count", "anything": [1, 2]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_type": "SPOT"},
        {"exposure_time": -1.0},
        {"exposure_time": float("nan")},
        {"exposure_time": "2"},
        {"num_exposures": 0},
        {"group_id": ""},
        {"group_id": None},
        {"image_type": "STUTTERED"},
        {"stutter": {"n_shift": 4, "row_shift": 100}},
        {"note": 5},
        {"plan_args": {"callback": object()}},
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong):
    with pytest.raises(InvalidMetadata) as error:
        validate_metadata({**GOOD, **wrong})
    assert "run metadata" in str(error.value)
