"""The whole instrument as an observer meets it: six IOC processes, a RunEngine with its journal, a data folder."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from capture.check import check_data
from session.channel_access import ChannelAccess, write
from session.children import start_module, stop_all
from session.processes import IOCS, _listens
from session.run_engine import OnSignal, make_run_engine
from slitless.definition import Instrument, load_instrument
from slitless.fits.frame_file import FrameFile, read_frame
from slitless.identifiers import ExposureName, day_obs_at
from slitless.instrument_time import InstrumentClock

SPEED = 50.0
PATIENCE = 30.0  # wall s
ROWS = 40  # of the window most tests read; a full frame is 75 MB


@dataclass
class Meanwhile:
    """What was done while a plan ran."""

    done: bool = False
    error: Exception | None = None
    took: float = 0.0
    """s the action took, as the host had time for it."""


@dataclass
class Observatory:
    """Six IOC processes over one data folder, and one observer's client of them.

    Parameters
    ----------
    root : Path
        Data folder.
    ports : sequence of int
        For the IOCs, in the order of `IOCS`; the address list of this process names them.
    """

    root: Path
    ports: Sequence[int]
    instrument: Instrument
    host_time: Callable[[], float]
    """s, for what must happen within a second."""
    prefix: str = field(default_factory=lambda: f"T{secrets.token_hex(3).upper()}:")
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    documents: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    clock: InstrumentClock = field(default_factory=lambda: InstrumentClock(time.time, SPEED, time.time()))

    # IOCs

    def start(self, *names: str, clock: InstrumentClock | None = None) -> None:
        """Start IOCs (all, if none is named), enabled; return when they listen."""
        clock = clock or self.clock
        ports = dict(zip(IOCS, self.ports, strict=False))
        peers = " ".join(f"127.0.0.1:{port}" for port in ports.values())
        for name in names if hasattr(self, "spectrograph") else ():
            ioc = self.spectrograph.health["camera" if name == "detector" else name]
            self.until(lambda ioc=ioc: not ioc.summary_state.connected, f"{name} is known to be gone")
        for name in names or IOCS:
            arguments = ["--system", self.prefix, "--port", str(ports[name]), "--peers", peers, "--enable"]
            arguments += ["--speed", repr(clock.speed), "--epoch", repr(clock.epoch), "--seed", "3"]
            arguments += ["--data-root", str(self.root)]
            log = self.root.parent / f"{name}.log"
            self.processes[name] = start_module(IOCS[name].module, arguments, log)
        for name in names or IOCS:
            self.until(lambda name=name: _listens(ports[name]), f"{name} listens")

    def kill(self, name: str) -> None:
        """End an IOC as a power cut would."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def restart(self, name: str, clock: InstrumentClock | None = None) -> None:
        """End an IOC as an operator would, start it again, and wait until everybody sees it."""
        stop_all([self.processes.pop(name)])
        self.start(name, clock=clock)
        self.until_healthy()

    def until_healthy(self) -> None:
        """Wait until this client sees all IOCs enabled and all its PVs, and the camera sees the light path."""
        devices = self.spectrograph
        self.until(lambda: set(devices.health.states().values()) == {"Enabled"}, "all are enabled")
        self.until(lambda: all(signal.connected for signal in devices.signals()), "all is connected")

    # The observer

    def connect(self) -> None:
        """Connect devices and make a RunEngine."""
        import plans
        from devices import connect
        from plans.in_use import group_ids

        self.plans = plans
        group_ids._last = 0  # ids of an instrument with a later epoch, in this process, must not push these on
        self.spectrograph = plans.use(connect(self.prefix, self.instrument, PATIENCE))
        self.other = ChannelAccess()
        """Another client, which asks the wire every time."""
        self.until_healthy()
        self.RE = make_run_engine(self.root, on_signal=OnSignal.PAUSE)
        self.RE.subscribe(lambda name, doc: self.documents.append((name, doc)))

    def take(self, plan: Any) -> Any:
        """Run a plan and return what it returns; `documents` are those of this plan."""
        self.documents.clear()
        return self.RE(plan).plan_result  # pyright: ignore[reportAttributeAccessIssue]

    def docs(self, name: str) -> list[dict[str, Any]]:
        """Return the documents of one kind of the last plan."""
        return [doc for kind, doc in self.documents if kind == name]

    def events(self, stream: str = "primary") -> list[dict[str, Any]]:
        """Return the events of one stream of the last plan."""
        uids = {doc["uid"] for doc in self.docs("descriptor") if doc["name"] == stream}
        return [doc for doc in self.docs("event") if doc["descriptor"] in uids]

    @property
    def exit_status(self) -> str:
        """How the one run of the last plan ended."""
        (stop,) = self.docs("stop")
        return stop["exit_status"]

    # Another client

    def read(self, suffix: str) -> Any:
        """Ask the wire for a PV."""
        name = self.prefix + suffix
        return self.other.read([name], timeout=5.0)[name]

    def put(self, suffix: str, value: object) -> None:
        """Put with confirmation, from a circuit of its own; raises SlitlessError if it is refused."""
        write(self.prefix + suffix, value, timeout=PATIENCE)

    def window(self, rows: int) -> None:
        """Read only the middle rows; 0 for all."""
        detector = self.instrument.detector
        self.put("CAM:cam1:SizeY", rows or detector.height)
        self.put("CAM:cam1:MinY", (detector.height - rows) // 2 if rows else 0)

    def recover(self, device: str) -> None:
        """Lead an IOC from Fault to Enabled."""
        for step in ("Standby", "Start", "Enable"):
            self.put(f"{device}:IOC:StateCommand", step)

    # What is there

    @property
    def ledger(self) -> list[tuple[str, str]]:
        """Event and obs_id of each line of the exposure ledger."""
        lines: list[dict[str, str]] = []
        for path in sorted((self.root / "register").glob("*.jsonl")):
            lines += [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
        return [(line["event"], line["obs_id"]) for line in lines]

    def fates(self, count: int = 1) -> list[str]:
        """Return what became of the latest exposures: the last event of each."""
        last = {obs_id: event for event, obs_id in self.ledger}
        return [last[obs_id] for obs_id in sorted(last)][len(last) - count :]

    @property
    def last_id(self) -> int:
        """The exposure id spent last; that before the first of the day if none was."""
        none_yet = day_obs_at(self.clock.now()) * 100_000
        return max((ExposureName.parse(obs_id).exposure_id for _, obs_id in self.ledger), default=none_yet)

    @property
    def files(self) -> dict[int, Path]:
        """The frames on disk by exposure id."""
        paths = self.root.glob("*/AT_O_*.fits")
        return {ExposureName.parse(path.name[:20]).exposure_id: path for path in sorted(paths)}

    def frame(self, exposure_id: int) -> FrameFile:
        """Read a frame."""
        return read_frame(self.files[exposure_id])

    def header(self, exposure_id: int) -> Any:
        """Return the primary header of a frame."""
        return self.frame(exposure_id).header

    # Watching

    def until(self, condition: Callable[[], Any], what: str = "", patience: float = PATIENCE) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + patience
        tick = threading.Event()
        while not condition():
            assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
            tick.wait(0.005)

    @property
    def is_dark(self) -> bool:
        """Whether the shutter says, on the wire, that it is closed."""
        return self.read("SHUTTER:State_RBV") == "Closed"

    @contextmanager
    def watching(self) -> Iterator[list[tuple[str, Any]]]:
        """Collect the changes that shutter and mechanisms report, in the order they arrive."""
        devices = self.spectrograph
        watched = (
            devices.shutter.state,
            *(signal for wheel in (devices.filter, devices.grating) for signal in (wheel.moving, wheel.in_position)),
            devices.stage.motor_is_moving,  # DMOV blinks for a target beyond the limits too
        )
        seen: list[tuple[str, Any]] = []
        last = {signal_.name: signal_.get() for signal_ in watched}

        def note(*, obj: Any, value: Any, **_: Any) -> None:
            if value != last[obj.name]:
                last[obj.name] = value
                seen.append((obj.name, value))

        for signal_ in watched:
            signal_.subscribe(note, run=False)
        try:
            yield seen
        finally:
            for signal_ in watched:
                signal_.clear_sub(note)

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Assert that nothing moved, opened, was spent or written, and that no run was opened."""
        state = ("SHUTTER:OpenCount_RBV", "FILTER:Slot_RBV", "GRATING:Slot_RBV", "STAGE:m1.RBV", "TEL:focus.RBV")
        at_rest = {"FILTER:Moving": "No", "GRATING:Moving": "No", "STAGE:m1.DMOV": 1, "SHUTTER:State_RBV": "Closed"}
        before = {suffix: self.read(suffix) for suffix in state}
        ledger, files = self.ledger, self.files
        self.documents.clear()
        with self.watching() as seen:
            yield
            assert {suffix: self.read(suffix) for suffix in at_rest} == at_rest
        assert seen == []
        assert {suffix: self.read(suffix) for suffix in state} == before
        assert (self.ledger, self.files) == (ledger, files)
        assert self.docs("start") == []

    @contextmanager
    def meanwhile(self, condition: Callable[[], Any], action: Callable[[], Any]) -> Iterator[Meanwhile]:
        """Do something in another thread as soon as a condition holds; the block ends when it is done."""
        outcome = Meanwhile()

        def act() -> None:
            try:
                self.until(condition, "what to wait for before acting")
                began = self.host_time()
                action()
                outcome.took = self.host_time() - began
                outcome.done = True
            except Exception as error:
                outcome.error = error

        thread = threading.Thread(target=act)
        thread.start()
        try:
            yield outcome
        finally:
            thread.join(2 * PATIENCE)

    def expect_good_bias(self) -> int:
        """Show that the next exposure works, with the next id; return that."""
        before, files = self.last_id, set(self.files)
        (number,) = self.take(self.plans.take_bias(1))
        assert number == before + 1
        assert set(self.files) - files == {number}
        assert self.exit_status == "success"
        return number

    def problems(self) -> list[str]:
        """Return where journal, ledger and files disagree."""
        return [
            f"{p.kind} {p.subject}: {p.message}" for p in check_data(self.root, instrument=self.instrument).problems
        ]

    def close(self) -> None:
        """End everything."""
        if hasattr(self, "RE"):
            if self.RE.state != "idle":
                self.RE.halt()
            self.RE.loop.call_soon_threadsafe(self.RE.loop.stop)
            self.RE._th.join(PATIENCE)
            self.RE.loop.close()
        if hasattr(self, "other"):
            self.other.close()
            for device in self.spectrograph.devices:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    device.destroy()
        stop_all(list(self.processes.values()))


@pytest.fixture(scope="module")
def observatory(
    ca_ports: list[int], tmp_path_factory: pytest.TempPathFactory, host_time: Callable[[], float]
) -> Iterator[Observatory]:
    """An instrument at rest, with a window of few rows; it and its data are gone after the module."""
    folder = tmp_path_factory.mktemp("observatory")
    root = folder / "data"
    root.mkdir()
    observatory = Observatory(root, ca_ports[: len(IOCS)], load_instrument(), host_time)
    try:
        observatory.start()
        observatory.connect()
        observatory.window(ROWS)
        yield observatory
    finally:
        observatory.close()
        shutil.rmtree(folder)


@pytest.fixture
def log_of(observatory: Observatory) -> Callable[[str], str]:
    """Return what an IOC logged."""
    return lambda name: (observatory.root.parent / f"{name}.log").read_text(errors="replace")


@pytest.fixture(scope="session")
def is_root() -> bool:
    """Whether the tests may mount file systems, and permissions do not bind them."""
    return os.geteuid() == 0
