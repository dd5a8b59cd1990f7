"""Instrument time is TAI, and runs as fast as it is told."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from slitless.instrument_time import InstrumentClock, isot, tai_minus_utc, utc_datetime

EPOCH = 1_719_278_838.0  # 2024-06-25T01:27:18 UTC
LAST_LEAP = datetime(2017, 1, 1, tzinfo=UTC).timestamp()


def test_at_speed_one_instrument_time_is_tai():
    clock = InstrumentClock(lambda: EPOCH)
    assert clock.now() == EPOCH + 37
    moment: Any = Time(EPOCH, format="unix")
    assert isot(clock.now()) == moment.tai.isot


@pytest.mark.parametrize("speed", [0.5, 1.0, 20.0, 1000.0])
def test_time_runs_at_its_speed_from_the_epoch(speed):
    clock = InstrumentClock(lambda: EPOCH + 10, speed, EPOCH)
    assert clock.now() == pytest.approx(EPOCH + 37 + 10 * speed, abs=1e-6)
    assert clock.at_wall(EPOCH) == EPOCH + 37


@pytest.mark.parametrize("speed", [1.0, 20.0])
def test_a_duration_takes_its_share_of_wall_time(speed):
    clock = InstrumentClock(lambda: EPOCH, speed, EPOCH)
    assert clock.wall_seconds(30.0) == 30.0 / speed
    assert clock.wall_seconds(-1.0) == 0.0


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan])
def test_time_cannot_stand_still_or_run_backwards(speed):
    with pytest.raises(ValueError, match="not positive"):
        InstrumentClock(lambda: EPOCH, speed)


def test_a_speed_must_be_finite():
    with pytest.raises(ValueError, match="speed of time"):
        InstrumentClock(lambda: EPOCH, math.inf)


@given(st.floats(1.6e9, 4e9), st.floats(0.001, 1000.0), st.sampled_from([1.0, 20.0]))
def test_instrument_time_never_runs_backwards(wall, step, speed):
    clock = InstrumentClock(lambda: 0.0, speed, EPOCH)
    assert clock.at_wall(wall + step) >= clock.at_wall(wall)


@pytest.mark.parametrize(
    ("seconds", "offset"), [(LAST_LEAP - 1, 36), (LAST_LEAP, 37), (EPOCH, 37), (63072000.0, 10), (0.0, 10), (4e9, 37)]
)
def test_leap_seconds_are_those_of_the_table(seconds, offset):
    assert tai_minus_utc(seconds) == offset


@pytest.mark.parametrize("seconds", [EPOCH, LAST_LEAP + 1, 1_500_000_000.25])
def test_utc_and_tai_agree_with_astropy(seconds):
    tai = seconds + tai_minus_utc(seconds)
    assert utc_datetime(tai) == datetime.fromtimestamp(seconds, tz=UTC)
    moment: Any = Time(seconds, format="unix", precision=6)
    assert isot(tai, 6) == moment.tai.isot


@pytest.mark.parametrize(
    ("seconds", "precision", "text"),
    [
        (0.0, 3, "1970-01-01T00:00:00.000"),
        (0.9996, 3, "1970-01-01T00:00:01.000"),
        (86399.9996, 3, "1970-01-02T00:00:00.000"),
        (1_704_067_199.99951, 3, "2024-01-01T00:00:00.000"),
        (1_704_067_199.9, 0, "2024-01-01T00:00:00"),
        (12.345678, 6, "1970-01-01T00:00:12.345678"),
        (12.3, 1, "1970-01-01T00:00:12.3"),
        (-0.5, 3, "1969-12-31T23:59:59.500"),
    ],
)
def test_decimals_are_rounded_and_the_carry_goes_up_to_the_date(seconds, precision, text):
    assert isot(seconds, precision) == text


@pytest.mark.parametrize("speed", [1.0, 20.0])
def test_the_wall_time_of_an_instrument_time_is_the_way_back(speed):
    clock = InstrumentClock(lambda: 0.0, speed, 1_790_000_000.0)
    wall = 1_790_000_123.25
    assert clock.wall_at(clock.at_wall(wall)) == pytest.approx(wall, abs=1e-6)
