"""A frame with everything known, and a file of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from slitless.definition import Instrument, load_instrument
from slitless.detector.geometry import AmplifierReadout, Window, readout_layout
from slitless.exposure import ImageType
from slitless.fits.header import primary_header
from slitless.fits.record import FrameRecord
from slitless.fits.writer import WrittenFile, write_frame
from slitless.identifiers import ExposureName

STARTED = 1_719_278_875.160  # TAI unix s: 2024-06-25T01:27:55.160
NOTE = "O'Brien: \"ß\",\n#1 = 'é' " + "x&y ''quoted'' " * 80 + "  "


@dataclass(frozen=True)
class Frame:
    """All that a file is written from."""

    instrument: Instrument
    record: FrameRecord
    header: fits.Header
    layout: tuple[AmplifierReadout, ...]
    raw: list[NDArray[Any]]

    def write(self, path: Path) -> WrittenFile:
        return write_frame(path, self.instrument, self.header, self.layout, self.raw)


@pytest.fixture(scope="session")
def instrument() -> Instrument:
    return load_instrument()


@pytest.fixture(scope="session")
def pvs() -> dict[str, object]:
    """What the PVs of a working instrument say."""
    return {
        "FILTER:Name_RBV": "SDSSr_65mm",
        "FILTER:Band_RBV": "r",
        "FILTER:Slot_RBV": 2,
        "FILTER:Wavelength_RBV": 623.0,
        "GRATING:Name_RBV": "holo4_003",
        "GRATING:Band_RBV": "H4-003",
        "GRATING:Slot_RBV": 3,
        "GRATING:LinesPerMm_RBV": 156.0,
        "STAGE:m1.RBV": 67.0,
        "STAGE:DisperserDistance_RBV": 187.0,
        "TEL:Target": "HD 131586",
        "TEL:Observer": "Vera",
        "TEL:focus.RBV": 0.742,
        "TEL:RightAscension": 223.7736,
        "TEL:Declination": -20.0134,
        "TEL:RightAscension_RBV": 223.7737,
        "TEL:Declination_RBV": -20.0135,
        "TEL:Rotator_RBV": 98.6,
        "TEL:HourAngle_RBV": 0.042,
        "TEL:ParallacticAngle_RBV": 3.6,
        "TEL:Elevation_RBV": 79.86,
        "TEL:Azimuth_RBV": -3.37,
        "TEL:Airmass_RBV": 1.0156,
        "TEL:DomeAzimuth_RBV": 358.96,
        "TEL:AirTemperature_RBV": 1.575,
        "TEL:Pressure_RBV": 73880.0,
        "TEL:Humidity_RBV": 40.65,
        "TEL:WindSpeed_RBV": 12.6,
        "TEL:WindDirection_RBV": 21.1,
        "TEL:Seeing_RBV": 0.9,
        "SHUTTER:IOC:SimulationMode": "Simulated",
        "FILTER:IOC:SimulationMode": "Simulated",
        "GRATING:IOC:SimulationMode": "Hardware",
        "STAGE:IOC:SimulationMode": "Hardware",
        "TEL:IOC:SimulationMode": 0,
    }


@pytest.fixture
def record(instrument: Instrument) -> FrameRecord:
    return make_record(Window.full(instrument.detector))


def make_record(window: Window, **changes: Any) -> FrameRecord:
    record = FrameRecord(
        name=ExposureName("AT", "O", 20240624, 106),
        image_type=ImageType.OBJECT,
        window=window,
        exposure_time=30.0,
        shutter_time=30.0,
        dark_time=30.24,
        started_at=STARTED,
        ended_at=STARTED + 30.24,
        read_out_at=STARTED + 30.25,
        created_at=STARTED + 32.7,
        group_id="2024-06-25T01:26:31.895#1",
        reason="INTRA",
        program="cwfs",
        note=NOTE,
        temperature=-94.1,
        set_point=-94.15,
        simulated=True,
        software_version="0.1.0",
    )
    return replace(record, **changes)


def make_frame(instrument: Instrument, pvs: dict[str, object], window: Window, **changes: Any) -> Frame:
    record = make_record(window, **changes)
    header, _ = primary_header(instrument, record, pvs, pvs)
    layout = readout_layout(instrument.detector, window)
    rng = np.random.default_rng(1)
    raw = []
    for readout in layout:
        pixels = rng.integers(20_000, 100_000, readout.raw_shape)
        pixels[readout.overscan_slice] = 12_000 + readout.index
        raw.append(pixels.astype(">i4"))
    return Frame(instrument, record, header, layout, raw)


@pytest.fixture(scope="session")
def full_frame(instrument: Instrument, pvs: dict[str, object]) -> Frame:
    return make_frame(instrument, pvs, Window.full(instrument.detector))


@pytest.fixture(scope="session")
def full_file(full_frame: Frame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full frame on disk; not to be changed."""
    path = tmp_path_factory.mktemp("frames") / "AT_O_20240624_000106_R00_S00.fits"
    full_frame.write(path)
    return path


@pytest.fixture(scope="session")
def small_frame(instrument: Instrument, pvs: dict[str, object]) -> Frame:
    """A window of a few columns and rows around the middle of the detector, which touches four amplifiers."""
    return make_frame(instrument, pvs, Window(2030, 2043, 1996, 2005))


@pytest.fixture
def small_file(small_frame: Frame, tmp_path: Path) -> Path:
    """A small frame on disk, to do with as a test likes."""
    path = tmp_path / "AT_O_20240624_000106_R00_S00.fits"
    small_frame.write(path)
    return path


@pytest.fixture
def frame_of(instrument: Instrument, pvs: dict[str, object]) -> Callable[..., Frame]:
    """Makes a frame of any window."""
    return partial(make_frame, instrument, pvs)
