"""The demo IOC in the hands of pyepics, that is of the genuine client library."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path

import pytest

log = logging.getLogger(__name__)


@pytest.fixture
async def found(demo):
    program = str(Path(__file__).parent / "use_pyepics.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, program, demo.setup.prefix, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return json.loads(output)


async def test_pyepics_sees_what_it_put_and_no_refused_put(found):
    delays = found.pop("monitor delay")
    log.info("put to monitor: median %.2f ms, p99 %.2f ms", *delays)
    assert found == {
        "stale": 0,
        "level after a refused put": 99 / 20,
        "select after a state that is not there": "red",
        "writable": [True, False],
        "texts": ["", "plain", "x" * 60],
    }
    assert delays[0] < 5
