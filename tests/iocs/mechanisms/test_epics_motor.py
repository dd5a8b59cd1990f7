"""Ophyd's stock EpicsMotor, unmodified, drives the linear stage over Channel Access."""

from __future__ import annotations

import os
import threading
import time

import pytest

SPEED = 50


@pytest.fixture
def stage_ioc(start_ioc):
    return start_ioc("iocs.linear_stage", "--enable", "--no-interlock", "--speed", str(SPEED))


@pytest.fixture
def motor(stage_ioc):
    os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")
    from ophyd import EpicsMotor

    motor = EpicsMotor(f"{stage_ioc.prefix}m1", name="stage")
    motor.wait_for_connection(all_signals=True, timeout=15)
    yield motor
    motor.destroy()


def value_of(signal):
    return signal.get(use_monitor=False)


def wait_for(condition, patience=10.0):
    changed = threading.Event()
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        changed.wait(0.002)


def slowly(motor):
    """Give a test time to act while the axis moves, also on a busy host."""
    motor.velocity.put(0.5, wait=True)


def test_it_describes_the_axis_with_its_limits(motor):
    assert motor.limits == (1.0, 67.0)
    assert motor.egu == "mm"
    assert motor.precision == 3
    reading = motor.read()
    assert (reading["stage"]["value"], reading["stage_user_setpoint"]["value"]) == (67.0, 67.0)
    description = motor.describe()["stage"]
    assert (description["units"], description["lower_ctrl_limit"], description["upper_ctrl_limit"]) == ("mm", 1.0, 67.0)


def test_moves_end_where_they_should_in_the_time_they_take(motor):
    for target in (50.0, 50.0, 50.001, 1.0, 67.0):
        start = time.monotonic()
        seconds = abs(target - motor.position) / 5.0 / SPEED
        assert motor.move(target, wait=True, timeout=20).success
        assert time.monotonic() - start >= seconds
        assert value_of(motor.user_readback) == target


def test_beyond_the_limits_ophyd_itself_refuses(motor):
    from ophyd.utils import LimitError

    with pytest.raises(LimitError):
        motor.move(67.01)
    motor.set_lim(20.0, 67.0)
    wait_for(lambda: motor.limits == (20.0, 67.0))
    with pytest.raises(LimitError):
        motor.move(19.0)
    assert motor.position == 67.0


def test_a_new_target_on_the_way_is_reached_and_a_stopped_axis_says_where_it_rests(motor):
    slowly(motor)
    first = motor.move(1.0, wait=False, timeout=20)
    wait_for(lambda: motor.position < 67.0)
    assert motor.moving
    motor.user_setpoint.put(66.0)
    first.wait(10)
    assert value_of(motor.user_readback) == 66.0

    status = motor.move(1.0, wait=False, timeout=20)
    wait_for(lambda: motor.position < 66.0)
    motor.stop()
    # Whether stock ophyd takes that for a success depends on what it hears of first, its own stop or DMOV: issue 734.
    wait_for(lambda: status.done)
    wait_for(lambda: value_of(motor.motor_done_move) == 1)
    assert 1.0 < value_of(motor.user_readback) < 66.0
    assert value_of(motor.user_setpoint) == value_of(motor.user_readback)


def test_the_position_can_be_redefined(motor):
    done = []
    motor.motor_done_move.subscribe(lambda value, **_: done.append(value), run=False)
    motor.set_current_position(10.0)
    # DMOV blinks, as of the record: ophyd is to have heard of it before it takes it for the end of the next move.
    wait_for(lambda: 0 in done and done[-1] == 1)
    wait_for(lambda: motor.position == 10.0)
    assert value_of(motor.user_offset) == -57.0
    assert value_of(motor.offset_freeze_switch) == 0
    wait_for(lambda: motor.limits == (-56.0, 10.0))
    motor.move(0.0, wait=True, timeout=20)
    assert value_of(motor.user_readback) == 0.0


def test_homing_ends_at_zero_from_both_directions(motor):
    for direction in ("forward", "reverse"):
        assert motor.home(direction, wait=True, timeout=20).success
        assert value_of(motor.user_readback) == 0.0


@pytest.mark.parametrize("kind", ["MoveTimeout", "Stuck", "LinkLost"])
def test_an_axis_that_fails_is_a_failed_move(motor, stage_ioc, kind):
    from ophyd import EpicsSignal
    from ophyd.utils import UnknownStatusFailure

    fault = EpicsSignal(f"{stage_ioc.prefix}SimFault", name="fault")
    fault.wait_for_connection(timeout=10)
    slowly(motor)
    status = motor.move(60.0, wait=False, timeout=20)
    wait_for(lambda: motor.position < 67.0)
    fault.put(kind, wait=True)
    with pytest.raises(UnknownStatusFailure):
        status.wait(15)
    assert value_of(motor.motor_done_move) == 1
    fault.destroy()


def test_a_move_that_takes_too_long_is_a_failed_status(motor):
    from ophyd.utils import StatusTimeoutError

    slowly(motor)
    with pytest.raises(StatusTimeoutError):
        motor.move(1.0, wait=False, timeout=0.1).wait(5)
    motor.stop()
    wait_for(lambda: value_of(motor.motor_done_move) == 1)
