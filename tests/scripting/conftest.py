"""LATISS over the IOCs of a fast instrument."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from scripting import LATISS, Domain


@pytest.fixture
def thread_engine(documents: Any) -> Iterator[Any]:
    """A RunEngine for plans outside the main thread."""
    from bluesky import RunEngine

    from slitless.metadata import validate_metadata

    engine = RunEngine({}, call_returns_result=True, context_managers=[], md_validator=validate_metadata)
    engine.record_interruptions = True
    engine.waiting_hook = lambda statuses: None  # pyright: ignore[reportAttributeAccessIssue]  it is declared as None
    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    yield engine
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join(10)
    engine.loop.close()


@pytest.fixture
async def domain(spectrograph: Any, thread_engine: Any) -> AsyncIterator[Domain]:
    async with Domain(spectrograph=spectrograph, run_engine=thread_engine) as domain:
        yield domain


@pytest.fixture
async def latiss(domain: Domain) -> AsyncIterator[LATISS]:
    async with LATISS(domain) as latiss:
        yield latiss
