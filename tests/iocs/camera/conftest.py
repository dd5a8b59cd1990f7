"""A whole instrument on loopback with a small detector, in the test's own event loop, and a client beside it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from iocs.detector import DetectorIoc
from iocs.filter_wheel import FilterWheel
from iocs.grating_wheel import GratingWheel
from iocs.ioc import Ioc, IocSetup
from iocs.launch import serve
from iocs.linear_stage import LinearStage
from iocs.shutter import Shutter
from iocs.telescope import Telescope
from iocs.wire.peers import Peer, PeerError, Peers
from slitless.definition import Instrument, load_instrument
from slitless.instrument_time import InstrumentClock
from slitless.ledger import Ledger

PATIENCE = 15.0  # wall s for anything that ought to happen
SPEED = 20.0
OTHERS = (Shutter, FilterWheel, GratingWheel, LinearStage, Telescope)


def small_instrument(columns: int = 24, rows: int = 200, **detector: Any) -> Instrument:
    """LATISS with few pixels."""
    instrument = load_instrument()
    changes = {"columns": columns, "rows": rows, **detector}
    return instrument.model_copy(update={"detector": instrument.detector.model_copy(update=changes)})


@dataclass
class Client:
    """A Channel Access client of one instrument; each has circuits of its own."""

    system: str
    peers: Peers = field(default_factory=Peers)

    async def put(self, name: str, value: Any, within: float = PATIENCE) -> None:
        """Put and wait for completion."""
        await self.peers.put(self.system + name, value, within)

    async def refused(self, name: str, value: Any) -> str:
        """Put, expecting a refusal; return its reason."""
        with pytest.raises(PeerError) as refusal:
            await self.put(name, value)
        return str(refusal.value)

    async def get(self, name: str) -> Any:
        """Return the present value."""
        return await self.until(name, lambda value: True)

    async def until(self, name: str, predicate: Any, within: float = PATIENCE) -> Any:
        """Return a value as soon as it fulfils a condition, or equals a value."""
        condition = _condition(predicate)
        return await self.peers.watch(self.system + name).until(condition, within)

    def record(self, name: str) -> list[Any]:
        """Return a list that grows with every new value of a PV."""
        values: list[Any] = []
        self.peers.watch(self.system + name).on_change(lambda peer: _note(values, peer))
        return values


def _condition(wanted: Any) -> Callable[[Any], bool]:
    return wanted if callable(wanted) else lambda value: value == wanted  # type: ignore[return-value]


def _note(values: list[Any], peer: Peer) -> None:
    if peer.known and (not values or values[-1] != peer.value):
        values.append(peer.value)


@dataclass
class Bench(Client):
    """The instrument, and a client of it."""

    data_root: Path = Path()
    instrument: Instrument = field(default_factory=small_instrument)
    iocs: dict[str, Ioc] = field(default_factory=dict)
    stacks: dict[str, AsyncExitStack] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    host_time: Callable[[], float] = time.monotonic
    """s, for what must happen within a second."""

    @property
    def camera(self) -> DetectorIoc:
        """The detector's IOC."""
        ioc = self.iocs["CAM"]
        assert isinstance(ioc, DetectorIoc)
        return ioc

    @property
    def ledger(self) -> list[tuple[str, str]]:
        """Event and reason or file of each line of the exposure ledger."""
        ledger = Ledger(self.data_root / "register")
        lines = [entry for day in ledger.days() for entry in ledger.entries(day)]
        return [(line.event, line.facts.get("reason", line.facts.get("file", ""))) for line in lines]

    @property
    def files(self) -> list[Path]:
        """Frames on disk."""
        return sorted(self.data_root.glob("*/*.fits"))

    async def set(self, **values: Any) -> None:
        """Put camera settings."""
        for name, value in values.items():
            await self.put(f"CAM:cam1:{name}", value)

    async def acquire(self) -> None:
        """Take the frame that is set up."""
        await self.put("CAM:cam1:Acquire", 1)

    async def fails(self) -> str:
        """Acquire, expecting failure; return the reason in the command's result."""
        command_id = f"feedbeef:{time.monotonic_ns()}"
        await self.put("CAM:cam1:CommandId", command_id)
        with pytest.raises(PeerError):
            await self.acquire()
        text = await self.until("CAM:cam1:CommandResult_RBV", lambda text: command_id in text)
        result = json.loads(text)
        assert result["status"] == "Error"
        return result["error"]

    async def cam(self, name: str) -> Any:
        """Return a value of the camera."""
        return await self.get(f"CAM:cam1:{name}")

    async def lose(self, device: str) -> None:
        """End an IOC as a crash would, as far as the others can see."""
        await self.stacks.pop(device).aclose()

    async def camera_sees(self, suffix: str, predicate: Any) -> None:
        """Wait until a PV of another IOC has reached the camera."""
        condition = _condition(predicate)
        await self.camera.watch(suffix).until(condition, PATIENCE)

    async def camera_loses(self, suffix: str) -> None:
        """Wait until the camera has noticed that an IOC is gone."""
        gone = asyncio.Event()
        peer = self.camera.watch(suffix)
        peer.on_change(lambda peer: None if peer.known else gone.set())
        async with asyncio.timeout(PATIENCE):
            if peer.known:
                await gone.wait()

    async def expect_good_bias(self) -> None:
        """Show that the next exposure works."""
        before = len(self.files)
        await self.set(ImageType="BIAS", ImageMode="Single")
        await self.acquire()
        assert await self.cam("FrameState_RBV") == "Written"
        assert len(self.files) == before + 1


async def start_ioc(bench: Bench, cls: type[Ioc], port: int, speed: float, clock: InstrumentClock) -> None:
    """Start one IOC of the bench, enabled."""
    setup = IocSetup(
        instrument=bench.instrument,
        prefix=f"{bench.system}{cls.device}:",
        system=bench.system,
        clock=clock,
        data_root=bench.data_root,
        seed=7,
        enable=True,
    )
    stack = AsyncExitStack()
    ioc = cls(setup)
    await stack.enter_async_context(serve([ioc], ["127.0.0.1"], port))
    bench.iocs[cls.device], bench.stacks[cls.device], bench.ports[cls.device] = ioc, stack, port


@asynccontextmanager
async def make_bench(
    system: str,
    ports: Sequence[int],
    data_root: Path,
    instrument: Instrument,
    others: Sequence[type[Ioc]],
    speed: float,
) -> AsyncIterator[Bench]:
    """Start an instrument and yield a client of it."""
    data_root.mkdir(exist_ok=True)
    bench = Bench(system, data_root=data_root, instrument=instrument)
    clock = InstrumentClock(time.time, speed, time.time())
    try:
        for cls, port in zip((*others, DetectorIoc), ports, strict=False):
            await start_ioc(bench, cls, port, speed, clock)
        await bench.peers.start()
        for cls in (*others, DetectorIoc):
            await bench.until(f"{cls.device}:IOC:SummaryState", "Enabled")
        await bench.camera_sees("SHUTTER:State_RBV", "Closed")
        yield bench
    finally:
        await bench.peers.stop()
        for stack in reversed(list(bench.stacks.values())):
            await stack.aclose()


@pytest.fixture
async def client_of():
    """Make clients of an instrument by its prefix; each is ended with the test."""
    clients: list[Client] = []

    async def make(system: str) -> Client:
        clients.append(Client(system))
        await clients[-1].peers.start()
        return clients[-1]

    yield make
    for client in clients:
        await client.peers.stop()


@pytest.fixture
async def start_bench(ca_ports):
    """Start cameras with nothing but a shutter, each with a prefix of its own, on a given data root."""
    async with AsyncExitStack() as stack:
        ports = list(ca_ports)

        async def start(data_root: Path, instrument: Instrument | None = None, speed: float = SPEED) -> Bench:
            system = f"T{len(ports)}{ports[0]}:"
            mine = [ports.pop(0), ports.pop(0)]
            instrument = instrument or small_instrument()
            running = make_bench(system, mine, data_root, instrument, OTHERS[:1], speed)
            return await stack.enter_async_context(running)

        yield start


@pytest.fixture
async def bench(system_prefix, ca_ports, tmp_path, host_time):
    """Everything, at rest and ready: the camera sees every PV that a light frame asks for."""
    async with make_bench(system_prefix, ca_ports, tmp_path / "data", small_instrument(), OTHERS, SPEED) as bench:
        bench.host_time = host_time
        for suffix in ("FILTER:InPosition", "GRATING:InPosition", "STAGE:Homed_RBV"):
            await bench.camera_sees(suffix, "Yes")
        await bench.camera_sees("SHUTTER:IOC:SummaryState", "Enabled")
        for suffix in ("TEL:focus.RBV", "TEL:Seeing_RBV"):
            await bench.camera_sees(suffix, lambda value: True)
        for device in ("FILTER", "GRATING", "STAGE", "TEL"):
            await bench.iocs[device].watch("CAM:cam1:OpticsLocked_RBV").until(lambda value: True, PATIENCE)
        yield bench


@pytest.fixture
async def other_client(bench, client_of):
    """Another client of the instrument, with a circuit of its own."""
    return await client_of(bench.system)
