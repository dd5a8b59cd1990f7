"""Synthetic nights: a real RunEngine, a fake detector that writes real (small) FITS files, documents as in service."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky.protocols import Reading
from event_model.documents import DataKey
from ophyd.status import Status

from capture.catalogue import catalogue_folder, has_catalogue, open_for_writing
from capture.ingest import follow
from capture.journal import Journal
from slitless.definition import Instrument, load_instrument
from slitless.detector.geometry import Window, assemble, readout_layout
from slitless.exposure import ImageType
from slitless.fits.header import primary_header
from slitless.fits.record import FrameRecord
from slitless.fits.writer import write_frame
from slitless.identifiers import ExposureName, day_obs_at
from slitless.instrument_time import tai_minus_utc
from slitless.ledger import Ledger

OPTICS = {
    "FILTER:Name_RBV": "SDSSr_65mm",
    "FILTER:Band_RBV": "r",
    "FILTER:Slot_RBV": 1,
    "GRATING:Name_RBV": "holo4_003",
    "GRATING:Band_RBV": "holo4_003",
    "GRATING:Slot_RBV": 1,
    "STAGE:m1.RBV": 67.0,
}
"""What the optics' PVs say."""
NIGHT = 1_767_240_000.0  # UTC unix s, 2026-01-01T04:00, so day_obs 20251231


def small_instrument() -> Instrument:
    """LATISS with 12 x 10 data pixels an amplifier, so that a frame is a few kilobytes."""
    latiss = load_instrument()
    detector = latiss.detector.model_copy(
        update={"columns": 12, "rows": 10, "serial_prescan": 4, "serial_overscan": 6, "parallel_overscan": 3}
    )
    return latiss.model_copy(update={"detector": detector})


@dataclass(eq=False)
class FakeDetector:
    """A detector that exposes at once: one FITS file and one Resource a frame, as the real device reports them."""

    root: Path
    instrument: Instrument
    day_obs: int
    image_type: str = "BIAS"
    seq_num: int = 0
    name: str = "detector"
    parent: Any = None
    images: dict[str, np.ndarray] = field(default_factory=dict)
    _assets: list[tuple[str, dict]] = field(default_factory=list)
    _reading: dict[str, Any] = field(default_factory=dict)

    def trigger(self) -> Status:
        self.expose()
        status = Status()
        status.set_finished()
        return status

    def expose(self) -> ExposureName:
        self.seq_num += 1
        names = self.instrument.identifiers
        name = ExposureName(names.camera_code, names.controller, self.day_obs, self.seq_num)
        started = NIGHT + tai_minus_utc(NIGHT) + 10.0 * self.seq_num
        ledger = Ledger(self.root / "register")
        ledger.reserved(name, started)
        file = f"{self.day_obs}/{name.file_name(names)}"
        image = write_fits(self.root / file, self.instrument, name, self.image_type, started)
        ledger.written(name, started + 1.0, file)
        self.images[name.obs_id] = image
        resource, datum = str(uuid4()), str(uuid4())
        self._assets += [
            (
                "resource",
                {
                    "uid": resource,
                    "spec": "SLITLESS_FITS",
                    "root": str(self.root),
                    "resource_path": file,
                    "resource_kwargs": {},
                    "path_semantics": "posix",
                },
            ),
            ("datum", {"datum_id": datum, "resource": resource, "datum_kwargs": {}}),
        ]
        self._reading = {
            "detector_obs_id": name.obs_id,
            "detector_exposure_id": name.exposure_id,
            "detector_day_obs": self.day_obs,
            "detector_seq_num": self.seq_num,
            "detector_image_type": self.image_type,
            "detector_exposure_time": 0.0,
            "detector_shutter_time": 0.0,
            "detector_dark_time": 0.25,
            "detector_start": started,
            "detector_end": started + 1.0,
            "detector_mean": float(image.mean()),
            "detector_noise": np.float64(4.5),
            "detector_snap_index": np.int32(1),
            "detector_snap_count": 1,
            "detector_file": file,
            "detector_header_problems": "",
            "filter_name": "SDSSr_65mm",
            "grating_name": "holo4_003",
            "detector_image": datum,
        }
        return name

    def describe(self) -> dict[str, DataKey]:
        detector = self.instrument.detector
        kinds = {"detector_obs_id": "string", "detector_image_type": "string", "detector_file": "string"}
        kinds |= {"detector_header_problems": "string", "filter_name": "string", "grating_name": "string"}
        integers = ("exposure_id", "day_obs", "seq_num", "snap_index", "snap_count")
        kinds |= {f"detector_{key}": "integer" for key in integers}
        keys: dict[str, Any] = {
            key: {"source": f"PV:{key}", "dtype": kinds.get(key, "number"), "shape": []}
            for key in self._reading
            if key != "detector_image"
        }
        keys["detector_image"] = {
            "source": "PV:FITS1:FullFileName_RBV",
            "dtype": "array",
            "dtype_numpy": "<i4",
            "shape": [1, detector.height, detector.width],
            "external": "FILESTORE:",
        }
        return keys

    def read(self) -> dict[str, Reading]:
        now = time.time()
        return {key: {"value": value, "timestamp": now} for key, value in self._reading.items()}

    def read_configuration(self) -> dict:
        return {}

    def describe_configuration(self) -> dict:
        return {}

    def collect_asset_docs(self) -> Iterator[tuple[str, dict]]:
        yield from self._assets
        self._assets = []


def write_fits(path: Path, instrument: Instrument, name: ExposureName, image_type: str, started: float) -> np.ndarray:
    """Write one small frame as the detector IOC does; returns the assembled image."""
    window = Window.full(instrument.detector)
    layout = readout_layout(instrument.detector, window)
    random = np.random.default_rng(name.exposure_id)
    raw = [random.integers(1000, 200_000, readout.raw_shape).astype(">i4") for readout in layout]
    record = FrameRecord(
        name=name,
        image_type=ImageType(image_type),
        window=window,
        exposure_time=0.0,
        shutter_time=0.0,
        dark_time=0.25,
        started_at=started,
        ended_at=started + 1.0,
        read_out_at=started + 1.0,
        created_at=started + 2.0,
        group_id="2026-01-01T04:00:00.000",
        temperature=-100.0,
        set_point=-100.0,
        simulated=True,
        software_version="0.1",
    )
    header, _ = primary_header(instrument, record, OPTICS, OPTICS)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_frame(path, instrument, header, layout, raw)
    return assemble(layout, raw)


@pytest.fixture
def instrument() -> Instrument:
    return small_instrument()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def empty_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue without runs; making one takes seconds, copying it does not."""
    folder = tmp_path_factory.mktemp("empty")
    with open_for_writing(folder):
        pass
    return catalogue_folder(folder)


@pytest.fixture
def ingest_once(root: Path, empty_catalogue: Path) -> Callable[..., int]:
    """Bring the catalogue of the data root up to date within this process; returns the backlog."""

    def _ingest(where: Path = root) -> int:
        if not has_catalogue(where):
            shutil.copytree(empty_catalogue, catalogue_folder(where), dirs_exist_ok=True)
        return follow(where, once=True)

    return _ingest


@pytest.fixture
def run_engine() -> Iterator[RunEngine]:
    loop = asyncio.new_event_loop()
    engine = RunEngine(loop=loop, context_managers=[])
    yield engine
    loop.call_soon_threadsafe(loop.stop)
    engine._th.join()
    loop.close()


@pytest.fixture
def detector(root: Path, instrument: Instrument) -> FakeDetector:
    return FakeDetector(root, instrument, day_obs_at(time.time() + 37.0))


@pytest.fixture
def take(root: Path, run_engine: RunEngine, detector: FakeDetector) -> Iterator[Callable[..., str]]:
    """Take frames as one run through a RunEngine with a journal; returns the run's uid."""
    journal = Journal(root)
    run_engine.subscribe(journal)

    def _take(n: int = 1, image_type: str = "BIAS", fail_after: int | None = None, **md: Any) -> str:
        detector.image_type = image_type
        metadata = {
            "plan_name": f"take_{image_type.lower()}",
            "image_type": image_type,
            "num_exposures": n,
            "exposure_time": 0.0,
            "object": "",
            "program": "",
            **md,
        }

        @bpp.run_decorator(md=metadata)
        def plan():
            for index in range(n):
                if index == fail_after:
                    raise RuntimeError("the shutter stuck")
                yield from bps.trigger_and_read([detector])

        if fail_after is None:
            uids = run_engine(plan())
            assert isinstance(uids, tuple)
            (uid,) = uids
        else:
            with pytest.raises(RuntimeError, match="shutter stuck"):
                run_engine(plan())
            uid = sorted((root / "journal").glob("*/*.jsonl"), key=lambda p: p.stat().st_mtime)[-1].stem
        return uid

    yield _take
    journal.close()


@pytest.fixture
def night() -> SimpleNamespace:
    """Constants of the synthetic night."""
    return SimpleNamespace(utc=NIGHT, day_obs=20251231)
