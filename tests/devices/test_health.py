import pytest

from devices import CommandFailed, Health
from devices.health import IocHealth
from slitless.errors import InvalidRequest, SlitlessError


@pytest.fixture
def ioc(start_ioc):
    return start_ioc("iocs.filter_wheel", "--no-interlock", "--speed", "50")


@pytest.fixture
def health(ioc, make_device):
    return make_device(IocHealth, f"{ioc.prefix}IOC:", name="filter_ioc")


def test_an_ioc_is_taken_through_all_states_between(health):
    assert health.summary_state.get() == "Standby"
    for state in ("Enabled", "Offline", "Disabled", "Standby"):
        health.set_state(state).wait(20)
        assert health.summary_state.get() == state


def test_asking_for_the_present_state_is_done_at_once(health):
    assert health.set_state("Standby").done


@pytest.mark.parametrize("state", ["Fault", "Unknown", "enabled"])
def test_only_states_one_can_ask_for_are_taken(health, state):
    with pytest.raises(InvalidRequest, match="Enabled"):
        health.set_state(state)


def test_a_component_that_died_is_named(ioc, health):
    group = Health({"filter": health})
    health.set_state("Enabled").wait(20)
    group.assert_all_enabled()
    group.assert_alive()
    status = health.set_state("Standby")
    status.wait(20)
    with pytest.raises(SlitlessError, match="filter is Standby"):
        group.assert_all_enabled()
    ioc.kill()
    with pytest.raises(CommandFailed, match="connection"):
        health.set_state("Enabled").wait(20)
    with pytest.raises(SlitlessError, match="filter"):
        group.assert_alive()
    assert group.states() == {"filter": "Unknown"}
