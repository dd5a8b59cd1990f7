"""A host that stalls while instrument time runs fast makes no mechanism late."""

from __future__ import annotations

import asyncio
import time

import pytest

from iocs.filter_wheel import FilterWheel
from iocs.linear_stage import LinearStage
from iocs.shutter import Shutter
from iocs.telescope import Telescope

MOTIONS = [
    pytest.param(FilterWheel, "Slot", 2, "", id="wheel"),
    pytest.param(Shutter, "Expose", 1.0, "", id="shutter"),
    pytest.param(LinearStage, "m1.VAL", 10.0, "m1:", id="stage"),
    pytest.param(Telescope, "Declination", -50.0, "", id="telescope"),
]


@pytest.mark.parametrize(("cls", "name", "value", "group"), MOTIONS)
async def test_a_stall_much_longer_than_the_motion_is_no_fault(open_bench, cls, name, value, group):
    async with open_bench(cls, speed=5000) as bench:
        result = await bench.begin(name, value, group)
        for _ in range(10):
            await asyncio.sleep(0)
            time.sleep(0.03)  # 150 s of instrument time in which nothing of the IOC runs
        assert (await result)["status"] == "Done"
        assert bench.value("IOC:SummaryState") == "Enabled"
