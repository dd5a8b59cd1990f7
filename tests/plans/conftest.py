"""Plans: rehearsed without EPICS, and in a RunEngine against all IOCs of a fast instrument."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from slitless.definition import Instrument, load_instrument
from slitless.instrument_time import InstrumentClock

SPEED = 20.0
MODULES = ("detector", "shutter", "filter_wheel", "grating_wheel", "linear_stage", "telescope")


@pytest.fixture(scope="session")
def instrument() -> Instrument:
    return load_instrument()


@pytest.fixture(scope="session")
def fake() -> Any:
    from devices.fake import fake_spectrograph

    return fake_spectrograph()


@dataclass
class Rig:
    """All IOCs of an instrument, one process each."""

    prefix: str
    root: Path
    clock: InstrumentClock
    ports: dict[str, int]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, module: str) -> None:
        peers = " ".join(f"127.0.0.1:{port}" for port in self.ports.values())
        command = [sys.executable, "-m", f"iocs.{module}", "--system", self.prefix, "--port", str(self.ports[module])]
        command += ["--peers", peers, "--speed", str(SPEED), "--epoch", str(self.clock.epoch), "--enable", "-q"]
        if module == "detector":
            command += ["--data-root", str(self.root)]
        with open(self.root.parent / f"{module}.log", "ab") as log:
            self.processes[module] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def wait_until_listening(self) -> None:
        deadline = time.monotonic() + 60
        for module, port in self.ports.items():
            while True:
                assert self.processes[module].poll() is None, (self.root.parent / f"{module}.log").read_text()
                with closing(socket.socket()) as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert time.monotonic() < deadline, f"{module} does not listen"
                time.sleep(0.05)  # a process that imports announces nothing to wait for

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


@pytest.fixture(scope="session")
def rig(ca_ports: list[int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    root = tmp_path_factory.mktemp("rig") / "data"
    root.mkdir()
    ports: dict[str, int] = dict(zip(MODULES, ca_ports[-8:-2], strict=True))
    rig = Rig(f"P{secrets.token_hex(3).upper()}:", root, InstrumentClock(time.time, SPEED, time.time()), ports)
    try:
        for module in MODULES:
            rig.start(module)
        rig.wait_until_listening()
        yield rig
    finally:
        rig.stop()


@pytest.fixture(scope="session")
def connected(rig: Rig) -> Iterator[Any]:
    import devices

    spectrograph = devices.connect(rig.prefix, timeout=30)
    for status in spectrograph.health.enable().values():
        status.wait(60)
    yield spectrograph
    for device in spectrograph.devices:
        device.destroy()


@pytest.fixture
def spectrograph(connected: Any) -> Iterator[Any]:
    """The instrument, in use by plans, with nothing running afterwards."""
    import plans
    from plans import in_use

    plans.use(connected)
    yield connected
    in_use._spectrograph = in_use._tcs_ready = None
    connected.detector.stop()
    assert connected.shutter.state.get() == "Closed"
    assert connected.detector.cam.sequence_owner.get() == ""


class Documents(list):
    """Documents of all runs, in order."""

    def of(self, name: str) -> list[dict[str, Any]]:
        return [doc for kind, doc in self if kind == name]

    @property
    def start(self) -> dict[str, Any]:
        (doc,) = self.of("start")
        return doc

    @property
    def stop(self) -> dict[str, Any]:
        (doc,) = self.of("stop")
        return doc

    def events(self, stream: str = "primary") -> list[dict[str, Any]]:
        streams = {doc["uid"]: doc["name"] for doc in self.of("descriptor")}
        return [doc for doc in self.of("event") if streams[doc["descriptor"]] == stream]


@pytest.fixture
def documents() -> Documents:
    return Documents()


@pytest.fixture
def run_engine(documents: Documents) -> Iterator[Any]:
    from bluesky import RunEngine

    from slitless.metadata import validate_metadata

    engine = RunEngine({}, call_returns_result=True)
    engine.md_validator = validate_metadata
    engine.record_interruptions = True
    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    yield engine
    if engine.state != "idle":
        engine.halt()
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join(10)
    engine.loop.close()


@pytest.fixture
def when(spectrograph: Any) -> Iterator[Callable[[str, Callable[[], Any]], None]]:
    """Do something, once, when the camera's frame reaches a state."""
    subscribed: list[Callable[..., None]] = []
    state = spectrograph.detector.cam.frame_state

    def when(wanted: str, action: Callable[[], Any]) -> None:
        happened = threading.Event()

        def changed(value: str, **_: Any) -> None:
            if value == wanted and not happened.is_set():
                happened.set()
                threading.Thread(target=action).start()

        state.subscribe(changed, run=False)
        subscribed.append(changed)

    yield when
    for callback in subscribed:
        state.clear_sub(callback)
