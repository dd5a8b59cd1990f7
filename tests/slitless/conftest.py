"""Instruments for the physics tests: LATISS, and small detectors that read in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slitless.definition import Instrument, load_instrument


@pytest.fixture(scope="session")
def latiss() -> Instrument:
    return load_instrument("latiss")


@pytest.fixture
def small(latiss: Instrument) -> Callable[..., Instrument]:
    """Make LATISS with a small detector: `small(columns=, rows=, amplifier={...}, **other detector fields)`."""

    def make(columns: int = 64, rows: int = 100, amplifier: dict[str, Any] | None = None, **fields: Any) -> Instrument:
        amplifiers = tuple(a.model_copy(update=amplifier or {}) for a in latiss.detector.amplifiers)
        update = {"columns": columns, "rows": rows, "amplifiers": amplifiers, **fields}
        return latiss.model_copy(update={"detector": latiss.detector.model_copy(update=update)})

    return make
