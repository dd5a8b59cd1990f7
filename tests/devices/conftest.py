"""Devices against real IOCs on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from slitless.definition import Instrument, load_instrument

SPEED = "50"


@pytest.fixture(scope="session")
def instrument() -> Instrument:
    return load_instrument()


@pytest.fixture
def make_device() -> Iterator[Callable[..., Any]]:
    """Make a device, wait for it, and let go of its PVs with the test."""
    made: list[Any] = []

    def make(cls: type[Any], *args: Any, **kwargs: Any) -> Any:
        device = cls(*args, **kwargs)
        made.append(device)
        device.wait_for_connection(timeout=15)
        return device

    yield make
    for device in made:
        device.destroy()


@pytest.fixture
def filter_ioc(start_ioc: Any) -> Any:
    return start_ioc("iocs.filter_wheel", "--enable", "--no-interlock", "--speed", SPEED)


@pytest.fixture
def filter_wheel(filter_ioc: Any, make_device: Any, instrument: Instrument) -> Any:
    from devices import Wheel

    return make_device(Wheel, filter_ioc.prefix, name="filter", definition=instrument.wheels.filter)
