"""IOCs in the test's own event loop, and a Channel Access client beside them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from caproto import ChannelType
from caproto.asyncio.client import Context as ClientContext

from iocs import ioc as ioc_module
from iocs.ioc import Ioc, IocSetup, Refused, TemplateUse, command, on_put
from iocs.launch import serve
from iocs.records.template import Database, RecordDefinition, load
from iocs.wire.peers import Peers
from slitless.definition import load_instrument
from slitless.instrument_time import InstrumentClock

DEMO = """
record(mbbo, "$(P)Select") { field(ZRST, "red") field(ONST, "green") field(TWST, "blue") field(VAL, "0") }
record(stringin, "$(P)Name_RBV") { field(VAL, "red") }
record(bi, "$(P)Moving") { field(ZNAM, "No") field(ONAM, "Yes") field(VAL, "0") }
record(bo, "$(P)Stop") { field(ZNAM, "Idle") field(ONAM, "Stop") field(VAL, "0") }
record(ao, "$(P)Level") {
    field(DESC, "a level") field(EGU, "mm") field(PREC, "2") field(VAL, "5")
    field(HOPR, "12") field(LOPR, "-2") field(DRVH, "10") field(DRVL, "0")
    field(HIHI, "9") field(HHSV, "MAJOR") field(HIGH, "7") field(HSV, "MINOR") field(HYST, "1")
    alias("$(P)Height")
}
record(longout, "$(P)Count") { field(VAL, "1") field(DRVL, "0") field(DRVH, "100") }
record(ai, "$(P)Undefined_RBV") { field(EGU, "K") }
record(waveform, "$(P)Text") { field(FTVL, "CHAR") field(NELM, "64") field(VAL, "") }
record(waveform, "$(P)Image_RBV") { field(FTVL, "LONG") field(NELM, "1000") }
record(waveform, "$(P)Names_RBV") { field(FTVL, "STRING") field(NELM, "4") }
record(stringout, "$(P)Title") { field(VAL, "none") }
record(mbbi, "$(P)State_RBV") {
    field(ZRST, "Closed") field(ONST, "Open") field(TWST, "Stuck") field(TWSV, "MAJOR") field(VAL, "0")
}
record(motor, "$(P)m1") {
    field(DESC, "stage") field(EGU, "mm") field(PREC, "3") field(HLM, "75") field(LLM, "0") field(VELO, "2")
}
"""


ANY_PREFIX = "ANY-PREFIX:"


@cache
def _records_of(uses: tuple[tuple[str, tuple[tuple[str, str], ...]], ...], folder: Path) -> str:
    """Records of templates as JSON, with `ANY_PREFIX` for their prefix."""
    database = load([TemplateUse(name, dict(macros)) for name, macros in uses], folder)
    return json.dumps([vars(record) for record in database.values()])


def _load_quickly(uses: Iterable[TemplateUse], folder: Path) -> Database:
    uses = list(uses)
    prefix = uses[0].macros["P"]
    if any(Path(use.template).is_absolute() for use in uses):
        return load(uses, folder)  # a test's own, which may change
    anywhere = [(use.template, tuple({**use.macros, "P": ANY_PREFIX}.items())) for use in uses]
    records = json.loads(_records_of(tuple(anywhere), folder).replace(ANY_PREFIX, prefix))
    return {record["name"]: RecordDefinition(**record) for record in records}


@pytest.fixture(autouse=True)
def _templates_are_read_once(monkeypatch):
    """Reading templates is most of what an IOC does until it serves; from test to test only its prefix changes."""
    monkeypatch.setattr(ioc_module, "load", _load_quickly)


class Demo(Ioc):
    device = "DEMO"
    demo_template = Path()
    context: Any

    @classmethod
    def templates(cls, instrument):
        return [
            TemplateUse(str(cls.demo_template), {}),
            TemplateUse("command.template", {"R": ""}),
            TemplateUse("command.template", {"R": "m1:"}),
        ]

    def __init__(self, setup):
        super().__init__(setup)
        self.stopped = False
        self.gone: list[Any] = []
        self.on_client_gone(self.gone.append)

    @command("Select")
    async def _put_select(self, value, client):
        if self["Moving"].value == "Yes":
            raise Refused("Select: it moves already")
        self.stopped = False
        await self["Moving"].write(1)
        await self.sleep(0.2)
        await self["Name_RBV"].write(value)
        await self["Moving"].write("No")
        if self.stopped:
            raise Refused("Select: stopped")

    @on_put("Stop")
    async def _put_stop(self, value, client):
        self.stopped = True
        return "Idle"

    @on_put("Title")
    async def _put_title(self, value, client):
        if value == "bad":
            raise Refused("Title: bad is not a title")
        return value.upper()

    @command("m1.VAL", group="m1:")
    async def _put_m1(self, value, client):
        await self["m1.DMOV"].write(0)
        await self.sleep(0.05)
        await self["m1.RBV"].write(value)
        await self["m1.DMOV"].write(1)

    @on_put("m1.HLM")
    async def _put_m1_hlm(self, value, client):
        await self["m1"].set_limits(self["m1.LLM"].value, value)


@pytest.fixture
def demo_template(tmp_path, monkeypatch):
    path = tmp_path / "demo.template"
    path.write_text(DEMO)
    monkeypatch.setattr(Demo, "demo_template", path)
    return path


@pytest.fixture
def demo_class(demo_template) -> type[Demo]:
    """The class of the demo IOC, its template in place."""
    return Demo


ServeDemo = Callable[[], AbstractAsyncContextManager[Demo]]


@pytest.fixture
def serve_demo(demo_template, ca_ports, system_prefix) -> ServeDemo:
    """Serve a demo IOC, enabled, in the loop of the test, as often as wanted: ``async with serve_demo() as demo``."""

    @asynccontextmanager
    async def serving() -> AsyncIterator[Demo]:
        clock = InstrumentClock(time.time)
        ioc = Demo(IocSetup(load_instrument(), f"{system_prefix}DEMO:", system_prefix, clock, enable=True))
        async with serve([ioc], ["127.0.0.1"], ca_ports[0]) as ioc.context:
            yield ioc

    return serving


@pytest.fixture
async def demo(serve_demo) -> AsyncIterator[Demo]:
    """A demo IOC for the length of a test."""
    async with serve_demo() as ioc:
        yield ioc


@pytest.fixture
async def peers(ca_ports) -> AsyncIterator[Peers]:
    """What an IOC sees of others."""
    peers = Peers([("127.0.0.1", port) for port in ca_ports[:2]])
    await peers.start()
    yield peers
    await peers.stop()


@pytest.fixture
async def client(ca_ports):
    """A caproto client."""
    context = ClientContext(timeout=5)
    yield context
    await context.disconnect()


@pytest.fixture
def connect(demo, client):
    """Connect to PVs of the demo IOC by their names without prefix."""

    async def connect(*names: str):
        pvs = await client.get_pvs(*(demo.setup.prefix + name for name in names))
        for pv in pvs:
            await pv.wait_for_connection(timeout=5)
        return pvs[0] if len(pvs) == 1 else pvs

    return connect


@pytest.fixture
def put(connect):
    """Put a value with callback; returns the name of the status that came back."""

    async def put(name: str, value) -> str:
        pv = await connect(name)
        if isinstance(value, str):
            return (await pv.write([value.encode()], data_type=ChannelType.STRING)).status.name
        return (await pv.write([value])).status.name

    return put
