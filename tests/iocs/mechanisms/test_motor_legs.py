"""Backlash, retries, limits: the arithmetic of a motor record's moves."""

import pytest

from iocs.mechanisms.motor_legs import Backlash, Leg, Pace, is_allowed, legs_to, retry_factor

FAST, SLOW = Pace(5.0, 0.2), Pace(1.0, 0.5)
STEP = 0.001


@pytest.mark.parametrize(
    ("target", "distance", "expected"),
    [
        (20.0, 0.0, [(20.0, FAST)]),
        (20.0, 0.0005, [(20.0, FAST)]),  # less than a step is none
        (20.0, 1.0, [(19.0, FAST), (20.0, SLOW)]),
        (10.5, 1.0, [(10.5, SLOW)]),  # within the play, in the right direction
        (5.0, 1.0, [(4.0, FAST), (5.0, SLOW)]),
        (5.0, -1.0, [(6.0, FAST), (5.0, SLOW)]),
    ],
)
def test_a_move_ends_in_the_direction_of_the_backlash(target, distance, expected):
    legs = legs_to(target, 10.0, FAST, Backlash(distance, SLOW), STEP)
    assert [(leg.target, leg.pace) for leg in legs] == expected


def test_no_second_leg_where_both_would_go_alike():
    assert legs_to(20.0, 10.0, FAST, Backlash(1.0, FAST), STEP) == (Leg(20.0, FAST),)
    assert len(legs_to(5.0, 10.0, FAST, Backlash(1.0, FAST), STEP)) == 2


def test_a_fraction_of_the_way_is_gone_at_first():
    assert legs_to(20.0, 10.0, FAST, Backlash(0.0, SLOW), STEP, 0.5)[0].target == 15.0
    assert [leg.target for leg in legs_to(5.0, 10.0, FAST, Backlash(1.0, SLOW), STEP, 0.5)] == [4.0, 4.5]


@pytest.mark.parametrize(
    ("mode", "factors"),
    [("Default", [1, 1, 1, 1]), ("Arithmetic", [1, 0.75, 0.5, 0.25]), ("Geometric", [1, 0.5, 0.25, 0.125])],
)
def test_retries_shrink_as_rmod_says(mode, factors):
    assert [retry_factor(mode, retry, 4) for retry in range(1, 5)] == factors


@pytest.mark.parametrize(
    ("target", "last", "limits", "backlash", "allowed"),
    [
        (5.0, 5.0, (0.0, 10.0), 0.0, True),
        (10.1, 5.0, (0.0, 10.0), 0.0, False),
        (1e9, 5.0, None, 0.0, True),
        (5.0, 5.0, (10.0, 0.0), 0.0, False),
        (11.0, 12.0, (0.0, 10.0), 0.0, True),  # from outside towards the limits
        (12.0, 11.0, (0.0, 10.0), 0.0, False),
        (0.5, 5.0, (0.0, 10.0), 1.0, False),  # the backlash passes the limit on the way
        (9.5, 5.0, (0.0, 10.0), 1.0, True),
    ],
)
def test_limits_hold_for_the_target_and_the_way_to_it(target, last, limits, backlash, allowed):
    assert is_allowed(target, last, limits, backlash, STEP) is allowed
