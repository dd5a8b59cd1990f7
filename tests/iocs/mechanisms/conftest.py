"""A mechanism's IOC in the test's own loop, fast, and a client that speaks the command protocol to it."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from caproto import ChannelType
from caproto.asyncio.client import Context as ClientContext

from iocs.ioc import Ioc, IocSetup
from iocs.launch import serve
from slitless.definition import load_instrument
from slitless.instrument_time import InstrumentClock

PATIENCE = 10.0  # wall s
SPEED = 50.0


@dataclass
class Bench:
    """One IOC, and a client of it."""

    ioc: Any
    client: ClientContext
    client_id: str = "0badcafe"
    seen: dict[str, list[Any]] = field(default_factory=dict)
    _pvs: dict[str, Any] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _subscriptions: list[Any] = field(default_factory=list)
    _groups: set[str] = field(default_factory=set)
    _results: dict[str, dict[str, str]] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        return self.ioc[name].value

    async def pv(self, name: str) -> Any:
        if name not in self._pvs:
            (self._pvs[name],) = await self.client.get_pvs(self.ioc.setup.prefix + name)
            await self._pvs[name].wait_for_connection(timeout=PATIENCE)
        return self._pvs[name]

    async def put(self, name: str, value: Any) -> bool:
        """Put with callback; whether it was carried out."""
        pv = await self.pv(name)
        response = await pv.write(timeout=PATIENCE, **_wire(pv, value))
        return response.status.name == "ECA_NORMAL"

    async def record(self, *names: str) -> None:
        """Keep every value that a PV takes from now on in `seen`."""
        for name in names:
            pv = await self.pv(name)
            subscription = pv.subscribe(data_type="time")
            started = asyncio.Event()
            values = self.seen.setdefault(name, [])

            def keep(_: Any, response: Any, values: list[Any] = values, started: asyncio.Event = started) -> None:
                values.append(response.data[0])
                started.set()

            subscription.add_callback(keep)
            self._subscriptions.append((subscription, keep))
            await asyncio.wait_for(started.wait(), PATIENCE)
            values.clear()

    async def command(self, name: str, value: Any, group: str = "", client_id: str = "") -> dict[str, str]:
        """Put a command under an id; return its result."""
        return await (await self.begin(name, value, group, client_id))

    async def begin(self, name: str, value: Any, group: str = "", client_id: str = "") -> asyncio.Task[dict[str, str]]:
        """Start a command under an id; return the task that gets its result."""
        command_id = f"{client_id or self.client_id}:{next(self._numbers)}"
        await self._listen(group)
        assert await self.put(f"{group}CommandId", command_id)
        pv = await self.pv(name)
        await pv.write(wait=False, **_wire(pv, value))
        return asyncio.ensure_future(self._result(command_id))

    async def _listen(self, group: str) -> None:
        """Collect every result of a command group, as a client sees them."""
        if group in self._groups:
            return
        self._groups.add(group)
        subscription = (await self.pv(f"{group}CommandResult_RBV")).subscribe()

        def keep(_: Any, response: Any) -> None:
            text = bytes(response.data).split(b"\0")[0].decode()
            result = json.loads(text) if text else {"id": ""}
            self._results[result["id"]] = result

        subscription.add_callback(keep)
        self._subscriptions.append((subscription, keep))

    async def _result(self, command_id: str) -> dict[str, str]:
        deadline = time.monotonic() + PATIENCE
        while command_id not in self._results:
            assert time.monotonic() < deadline, f"no result of {command_id}, but {self._results}"
            await asyncio.sleep(0.002)
        return self._results[command_id]

    async def until(self, name: str, predicate: Callable[[Any], bool]) -> Any:
        """Wait until a record of the IOC fulfils a condition; return its value."""
        deadline = time.monotonic() + PATIENCE
        while not predicate(self.value(name)):
            assert time.monotonic() < deadline, f"{name} is {self.value(name)!r}"
            await asyncio.sleep(0.002)
        return self.value(name)

    async def seen_until(self, name: str, last: Any) -> list[Any]:
        """Wait until a recorded PV has shown `last`; return all it has shown."""
        deadline = time.monotonic() + PATIENCE
        while not self.seen[name] or self.seen[name][-1] != last:
            assert time.monotonic() < deadline, f"{name} has shown {self.seen[name]}"
            await asyncio.sleep(0.002)
        return self.seen[name]

    async def close(self) -> None:
        """Leave, while the server still answers: a client that outlives it would search for ever."""
        for subscription, _ in self._subscriptions:
            await subscription.clear()
        if self._pvs:
            await self.client.disconnect()

    async def recover(self) -> None:
        """Lead the IOC from Fault to Enabled."""
        for step in ("Standby", "Start", "Enable"):
            assert await self.put("IOC:StateCommand", step)


def _wire(pv: Any, value: Any) -> dict[str, Any]:
    """Return what to write for a number, a text or the name of a state."""
    if not isinstance(value, str):
        return {"data": [value]}
    if pv.channel.native_data_type == ChannelType.CHAR:
        return {"data": list(value.encode() + b"\0")}
    return {"data": [value.encode()], "data_type": ChannelType.STRING}


OpenBench = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def open_bench(ca_ports, system_prefix) -> OpenBench:
    """Serve an IOC: ``async with open_bench(FilterWheel, speed=50) as bench``."""

    @asynccontextmanager
    async def opening(
        cls: type[Ioc], *, speed: float = SPEED, enable: bool = True, interlock: bool = False, port: int = 0
    ) -> AsyncIterator[Bench]:
        clock = InstrumentClock(time.time, speed, time.time())
        prefix = f"{system_prefix}{cls.device}:"
        setup = IocSetup(load_instrument(), prefix, system_prefix, clock, seed=1, enable=enable, interlock=interlock)
        ioc = cls(setup)
        async with serve([ioc], ["127.0.0.1"], ca_ports[port]):
            client = ClientContext(timeout=PATIENCE)
            bench = Bench(ioc, client)
            try:
                yield bench
            finally:
                await bench.close()

    return opening
