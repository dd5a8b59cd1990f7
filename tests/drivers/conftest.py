"""A clock that stands still until it is told to move."""

from dataclasses import dataclass

import pytest

from slitless.definition import Instrument, load_instrument


@dataclass
class HandClock:
    """Instrument time that a test sets, TAI unix s."""

    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def now() -> HandClock:
    return HandClock()


@pytest.fixture
def latiss() -> Instrument:
    return load_instrument("latiss")
