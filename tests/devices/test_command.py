"""The completion contract, with an IOC played by the test."""

import json

import pytest
from ophyd import sim

import devices.fake  # noqa: F401 makes the signals of this package fakeable
from devices import command
from devices.command import CommandFailed, CommandPort, Pulse


@pytest.fixture
def port():
    return sim.make_fake_device(CommandPort)("T:", name="port")


@pytest.fixture
def pulse():
    pulse = sim.make_fake_device(Pulse)("T:IOC:", name="pulse")
    pulse.speed.sim_put(2.0)
    return pulse


@pytest.fixture
def setpoint():
    return sim.FakeEpicsSignal("T:Slot", name="setpoint")


def issue(port, setpoint, pulse, duration=1.0):
    return port.issue(setpoint, 2, "filter: select r", pulse, duration)


def answer(port, status, outcome="Done", error=""):
    port.result.sim_put(json.dumps({"id": status.command_id, "status": outcome, "error": error}))


def test_the_id_is_put_before_the_command(port, setpoint, pulse):
    order = []
    port.command_id.sim_set_putter(lambda *_, **__: order.append("id"))
    setpoint.sim_set_putter(lambda *_, **__: order.append("command"))
    status = issue(port, setpoint, pulse)
    answer(port, status)
    assert order == ["id", "command"]


def test_a_command_is_done_when_the_result_says_so_for_its_id(port, setpoint, pulse):
    status = issue(port, setpoint, pulse)
    assert not status.done
    answer(port, status)
    assert status.success


def test_a_command_fails_with_the_reason_of_the_ioc(port, setpoint, pulse):
    status = issue(port, setpoint, pulse)
    answer(port, status, "Error", "busy: on its way to g")
    with pytest.raises(CommandFailed, match="filter: select r: busy: on its way to g"):
        status.wait(1)


def test_the_result_of_another_command_says_nothing(port, setpoint, pulse):
    status = issue(port, setpoint, pulse)
    port.result.sim_put('{"id": "deadbeef:7", "status": "Done", "error": ""}')
    port.result.sim_put("")
    port.result.sim_put("no JSON")
    port.result.sim_put('["a list"]')
    assert not status.done
    answer(port, status)
    assert status.success


def test_a_refusal_of_a_second_command_leaves_the_first_running(port, setpoint, pulse):
    first, second = issue(port, setpoint, pulse), issue(port, setpoint, pulse)
    answer(port, second, "Error", "busy")
    assert second.done
    assert not first.done
    answer(port, first)
    assert first.success


def test_a_silent_ioc_fails_the_command(port, setpoint, pulse, monkeypatch):
    status = issue(port, setpoint, pulse)
    status.check()
    assert not status.done
    monkeypatch.setattr(command, "HEARTBEAT_LIMIT", -1.0)
    status.check()
    assert "silent" in str(status.exception(1))


def test_a_command_without_an_answer_fails_at_its_deadline(port, setpoint, pulse, monkeypatch):
    monkeypatch.setattr(command, "GRACE", -10.0)
    status = issue(port, setpoint, pulse, duration=4.0)
    assert status.allowed == pytest.approx(4.0 / 2.0 - 10.0)  # instrument time runs twice as fast
    status.check()
    assert "no answer" in str(status.exception(1))


def test_the_deadline_rests_while_an_exposure_is_held(port, setpoint, pulse, monkeypatch):
    monkeypatch.setattr(command, "GRACE", -10.0)
    status = issue(port, setpoint, pulse)
    status.suspend_deadline()
    status.check()
    assert not status.done
    answer(port, status)


def test_a_lost_connection_fails_the_command_at_once(port, setpoint, pulse):
    status = issue(port, setpoint, pulse)
    port._on_connection(connected=False)
    assert "connection" in str(status.exception(1))


def test_a_command_that_cannot_be_sent_is_a_failed_command(port, setpoint, pulse):
    def put(*_, **__):
        raise TimeoutError("T:Slot is not connected")

    setpoint.sim_set_putter(put)
    status = issue(port, setpoint, pulse)
    assert "T:Slot is not connected" in str(status.exception(1))
    assert not port.pending


def test_commands_that_were_given_up_end_well_and_a_late_result_does_no_harm(port, setpoint, pulse):
    status = issue(port, setpoint, pulse)
    port.give_up()
    assert status.success
    answer(port, status, "Error", "stopped")
    assert status.success
