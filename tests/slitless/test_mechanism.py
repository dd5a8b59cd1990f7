from __future__ import annotations

import math

import numpy as np
import pytest

from slitless.mechanism import Move, WheelTravel

START = 1000.0  # TAI s


def test_linear_move_is_at_the_right_place_at_the_right_time():
    move = Move.between(10.0, 20.0, START, speed=2.0)
    assert move.done_at == START + 5.0
    assert [move.position(START + t) for t in (-1.0, 0.0, 2.5, 5.0, 9.0)] == [10.0, 10.0, 15.0, 20.0, 20.0]
    assert move.velocity(START + 1.0) == 2.0


def test_trapezoidal_move_takes_distance_over_speed_plus_one_ramp():
    move = Move.between(0.0, -50.0, START, speed=5.0, acceleration_time=0.2)
    assert move.done_at - START == pytest.approx(50.0 / 5.0 + 0.2)
    assert move.velocity(START + 0.2) == pytest.approx(-5.0)
    assert move.position(START + 0.2) == pytest.approx(-0.5)


def test_short_move_never_reaches_full_speed():
    move = Move.between(0.0, 0.1, START, speed=5.0, acceleration_time=1.0)
    times = np.linspace(START, move.done_at, 200)
    assert max(move.velocity(t) for t in times) < 1.0
    assert move.position(move.done_at) == 0.1


@pytest.mark.parametrize("acceleration_time", [0.0, 0.2, 3.0])
def test_position_is_the_integral_of_velocity(acceleration_time):
    move = Move.between(3.0, 60.0, START, speed=5.0, acceleration_time=acceleration_time)
    times = np.linspace(START, move.done_at, 20001)
    velocities = np.array([move.velocity(t) for t in times])
    travelled = np.sum((velocities[1:] + velocities[:-1]) / 2 * np.diff(times))
    assert travelled == pytest.approx(57.0, abs=0.02)


def test_stopped_move_slows_down_beyond_where_it_was_told():
    move = Move.between(0.0, 50.0, START, speed=5.0, acceleration_time=0.2)
    stopped = move.stop(START + 5.0)
    where = move.position(START + 5.0)
    assert stopped.done_at == pytest.approx(START + 5.2)
    assert stopped.target == pytest.approx(where + 0.5)
    assert stopped.position(START + 100) == stopped.target


def test_stop_at_rest_changes_nothing():
    move = Move.between(0.0, 5.0, START, speed=5.0)
    assert move.stop(move.done_at) is move


@pytest.mark.parametrize("bad", [{"speed": 0.0}, {"speed": math.nan}, {"speed": 1.0, "acceleration_time": -1.0}])
def test_impossible_move_is_refused(bad):
    with pytest.raises(ValueError, match=r"speed|finite"):
        Move.between(0.0, 1.0, START, **bad)


def test_wheel_is_between_slots_while_it_turns():
    travel = WheelTravel(origin=0, target=2, started_at=START, duration=5.0)
    assert [travel.slot(START + t) for t in (-0.1, 0.0, 4.9, 5.0)] == [0, -1, -1, 2]


def test_stopped_wheel_rests_between_slots():
    travel = WheelTravel(origin=0, target=2, started_at=START, duration=5.0).stop(START + 1.0)
    assert travel.is_done(START + 1.0)
    assert travel.slot(START + 100.0) == -1


def test_wheel_stopped_after_arrival_stays_in_its_slot():
    travel = WheelTravel(origin=0, target=2, started_at=START, duration=5.0)
    assert travel.stop(START + 6.0).slot(START + 7.0) == 2


@pytest.mark.parametrize(("target", "speed"), [(40.0, 2.0), (40.0, 4.0), (40.0, 1.0), (4.2, 2.0)])
def test_a_move_goes_on_to_a_target_ahead_without_a_jump_or_a_rest(target, speed):
    first = Move.between(0.0, 10.0, 0.0, 2.0, 1.0)
    onward = Move.onward(first, target, 2.0, speed, 1.0)
    assert onward is not None
    assert onward.position(2.0) == pytest.approx(first.position(2.0))
    assert onward.velocity(2.0) == pytest.approx(first.velocity(2.0))
    times = [2.0 + (onward.done_at - 2.0) * step / 1000 for step in range(1001)]
    places = [onward.position(tai) for tai in times]
    assert places == sorted(places)
    assert places[-1] == target
    assert places[-2] == pytest.approx(target, abs=0.001)
    assert all(onward.velocity(tai) > 0 for tai in times[:-1])
    assert max(onward.velocity(tai) for tai in times) <= max(speed, 2.0) + 1e-9


@pytest.mark.parametrize("target", [1.0, 3.0, 3.9])
def test_no_move_goes_on_to_what_lies_behind_or_too_near_to_brake(target):
    assert Move.onward(Move.between(0.0, 10.0, 0.0, 2.0, 1.0), target, 2.0, 2.0, 1.0) is None
    assert Move.onward(Move.resting(0.0), target, 2.0, 2.0, 1.0) is None
