import pytest

from devices import CommandFailed
from slitless.errors import InvalidRequest, SlitlessError


def test_an_element_is_selected_by_name_or_slot(filter_wheel):
    filter_wheel.set("SDSSr_65mm").wait(20)
    assert filter_wheel.read()["filter_name"]["value"] == "SDSSr_65mm"
    assert filter_wheel.read()["filter_slot"]["value"] == 2
    filter_wheel.set(0).wait(20)
    assert filter_wheel.position == "empty_1"


def test_readings_at_completion_are_those_of_the_move(filter_wheel):
    for slot in (1, 1, 2, 2, 0, 3, 3, 3):
        filter_wheel.set(slot).wait(20)
        assert filter_wheel.read()["filter_slot"]["value"] == slot
        assert filter_wheel.in_position.get()
        assert not filter_wheel.moving.get()


@pytest.mark.parametrize("selection", ["SDSSx", 4, -1, 1.5, True, None])
def test_what_the_wheel_does_not_have_is_refused_before_anything_is_sent(filter_wheel, selection):
    with pytest.raises(InvalidRequest, match=r"empty_1, BG40_65mm_1, SDSSr_65mm, OG550_65mm_1"):
        filter_wheel.set(selection)
    assert filter_wheel.commands.acknowledged.get() == ""


def test_a_second_move_is_refused_with_the_reason_and_the_first_arrives(filter_wheel):
    first, second = filter_wheel.set(2), filter_wheel.set(3)
    with pytest.raises(CommandFailed, match="busy"):
        second.wait(20)
    first.wait(20)
    assert filter_wheel.position == "SDSSr_65mm"


def test_stop_ends_a_move_with_the_reason_and_home_recovers(filter_ioc, filter_wheel):
    status = filter_wheel.set(3)
    while not filter_wheel.moving.get():
        assert not status.done
    filter_wheel.stop()
    with pytest.raises(CommandFailed, match="stopped"):
        status.wait(20)
    filter_wheel.home().wait(20)
    assert filter_wheel.position == "empty_1"


def test_stop_as_success_ends_a_move_well(filter_wheel):
    status = filter_wheel.set(3)
    filter_wheel.stop(success=True)
    status.wait(20)


def test_an_ioc_that_dies_fails_the_move_at_once(filter_ioc, filter_wheel):
    status = filter_wheel.set(3)
    filter_ioc.kill()
    with pytest.raises(CommandFailed, match="connection"):
        status.wait(5)


def test_a_wheel_in_standby_refuses_with_the_reason(start_ioc, make_device, instrument):
    from devices import Wheel

    ioc = start_ioc("iocs.grating_wheel", "--no-interlock")
    wheel = make_device(Wheel, ioc.prefix, name="grating", definition=instrument.wheels.grating)
    with pytest.raises(CommandFailed, match="Standby"):
        wheel.set(1).wait(20)


def test_another_set_of_elements_than_defined_is_noticed(filter_ioc, make_device, instrument):
    from devices import Wheel

    wheel = make_device(Wheel, filter_ioc.prefix, name="filter", definition=instrument.wheels.grating)
    with pytest.raises(SlitlessError, match="SDSSr_65mm"):
        wheel.check_names()


def test_a_wavelength_selects_the_filter_that_has_it(filter_wheel):
    filter_wheel.set_wavelength(623.4).wait(20)
    assert filter_wheel.position == "SDSSr_65mm"
    assert filter_wheel.wavelengths[2] == filter_wheel.element.wavelength.get() == 623.0  # nm
    with pytest.raises(InvalidRequest, match="450, 623"):
        filter_wheel.set_wavelength(500.0)
