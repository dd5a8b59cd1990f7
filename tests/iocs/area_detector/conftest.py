"""The camera's plugins without a server: arrays go in, records are read and put to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from drivers.simulated.camera import SimulatedCamera
from iocs.area_detector.array import NDArray
from iocs.area_detector.plugin import Plugin
from iocs.detector import DetectorIoc
from iocs.ioc import IocSetup
from iocs.wire.client import Client
from slitless.definition import load_instrument
from slitless.instrument_time import InstrumentClock

SOMEBODY = Client(("127.0.0.1", 1), "somebody", "here")


@dataclass
class Bench:
    """Camera records and plugins, and hands for them."""

    ioc: DetectorIoc
    number: int = 0

    def __getitem__(self, name: str) -> Any:
        """Value of a record, e.g. ``Stats1:MeanValue_RBV``."""
        return self.ioc[name].value

    async def put(self, **values: Any) -> None:
        """Put as a client does; ``Stats1__BgdWidth=3`` for ``Stats1:BgdWidth``."""
        for name, value in values.items():
            await self.ioc[name.replace("__", ":")].put_value(value, SOMEBODY)

    async def publish(self, pixels: Any, number: int | None = None, **facts: Any) -> NDArray:
        """Send an array as the camera does."""
        self.number = self.number + 1 if number is None else number
        array = NDArray.of(np.asarray(pixels), self.number, timestamp=1.8e9 + self.number, stamp=1.8e9, **facts)
        await self.ioc.chain.publish(array)
        return array

    def plugin(self, prefix: str) -> Plugin:
        """The plugin with a prefix such as ``Stats1:``."""
        return self.ioc.chain.plugins[self[f"{prefix}PortName_RBV"]]


@pytest.fixture
async def bench():
    bench = Bench(DetectorIoc(IocSetup(load_instrument(), "", "", InstrumentClock(time.time))))
    yield bench
    await bench.ioc.chain.stop()
    camera = bench.ioc.camera
    assert isinstance(camera, SimulatedCamera)
    camera.close()
