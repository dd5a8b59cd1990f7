"""The simulated camera: times by arithmetic, charge where the clocks left it."""

import asyncio
import time

import numpy as np
import pytest

from drivers.camera import ReadoutFailed
from drivers.faults import FaultInjection, LinkLost
from drivers.simulated.camera import SimulatedCamera
from slitless.definition import load_instrument
from slitless.detector.geometry import Window, assemble
from slitless.instrument_time import InstrumentClock
from slitless.optics.beam import Beam

START = 1_719_230_437.0
SPEED = 200.0
LATISS = load_instrument()
SMALL = LATISS.model_copy(update={"detector": LATISS.detector.model_copy(update={"columns": 16, "rows": 100})})
FULL = Window.full(SMALL.detector)
BIAS = [amplifier.bias for amplifier in SMALL.detector.amplifiers]


class Wall:
    """A wall clock that a test can move on."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._ahead = 0.0

    def __call__(self) -> float:
        return START + self._ahead + time.monotonic() - self._begun

    def pass_by(self, instrument_seconds: float) -> None:
        self._ahead += instrument_seconds / SPEED


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def camera(wall):
    camera = SimulatedCamera(SMALL, InstrumentClock(wall, SPEED, START), seed=3)
    yield camera
    camera.close()


def lamp():
    wheels = SMALL.wheels
    return Beam(wheels.filter.slots[2], wheels.grating.slots[0], 50.0, 10.0, -30.0, 0.0, 1.2, 0.3, 0.9, "lamp")


async def expose(camera, seconds, beam=None, frame=1):
    """Take a frame with light of a beam all the time; return its pixels above the bias, and the readout."""
    await camera.flush(1)
    began = camera.start_integration()
    if beam is not None:
        camera.record_light(beam, seconds)
    camera.stop_integration(began + seconds)
    result = await camera.read_out(FULL, frame, lambda pixels: None)
    return assemble(result.layout, result.raw, bias=BIAS).astype(float), result


async def test_the_readout_starts_exactly_when_the_integration_ended(camera):
    flushed_at = await camera.flush(2)
    assert camera.start_integration() == flushed_at
    assert camera.stop_integration(flushed_at + 1.5) == flushed_at + 1.5
    result = await camera.read_out(FULL, 1, lambda pixels: None)
    assert result.started_at == flushed_at + 1.5
    assert result.finished_at == pytest.approx(result.started_at + SMALL.detector.readout_time, abs=1e-6)


async def test_a_dark_gathers_dark_current_as_long_as_it_lasts(camera):
    image, _ = await expose(camera, 3600.0)
    electrons = 3600.0 * SMALL.detector.dark_current
    gain = np.mean([amplifier.gain for amplifier in SMALL.detector.amplifiers])
    assert image.mean() == pytest.approx(electrons / gain, rel=0.03)  # ADU


async def test_light_falls_for_as_long_as_it_is_recorded(camera):
    once, _ = await expose(camera, 1.0, lamp())
    twice, _ = await expose(camera, 2.0, lamp())
    assert once.mean() > 1000.0  # ADU
    assert twice.mean() == pytest.approx(2 * once.mean(), rel=0.01)


async def test_shifted_rows_leave_the_middle_empty(camera):
    await camera.flush(1)
    began = camera.start_integration()
    camera.record_light(lamp(), 1.0)
    done = await camera.shift_rows(30)
    assert done >= began + 30 * SMALL.detector.row_shift_time
    result = await camera.read_out(FULL, 1, lambda pixels: None)
    image = assemble(result.layout, result.raw, bias=BIAS).astype(float)
    lit, empty = image[:65], image[72:98]
    assert empty.mean() < 0.01 * lit.mean()


async def test_the_same_frame_number_gives_the_same_pixels_and_another_gives_others(camera):
    first, _ = await expose(camera, 0.0, frame=5)
    again, _ = await expose(camera, 0.0, frame=5)
    other, _ = await expose(camera, 0.0, frame=6)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


async def test_pixels_still_to_come_fall_to_none(camera):
    told = []
    await camera.flush(1)
    result = await camera.read_out(FULL, 1, told.append)
    assert told[0] == sum(pixels.size for pixels in result.raw)
    assert told[-1] == 0
    assert told == sorted(told, reverse=True)


def test_a_window_takes_less_time_to_read_than_the_whole(camera):
    whole = camera.readout_time(FULL)
    part = camera.readout_time(Window(1, 128, 81, 120))
    assert whole == pytest.approx(SMALL.detector.readout_time)
    assert 0 < part < whole


def test_it_can_be_told_to_fail(camera):
    assert isinstance(camera, FaultInjection)


async def test_faults_are_told_from_each_other(camera):
    await camera.flush(1)
    camera.inject("NoPixels")
    with pytest.raises(ReadoutFailed, match="0 of"):
        await camera.read_out(FULL, 1, lambda pixels: None)
    camera.inject("LinkLost")
    with pytest.raises(LinkLost, match="camera"):
        await camera.flush(1)
    camera.inject("ReadoutTimeout")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await camera.read_out(FULL, 1, lambda pixels: None)
    camera.inject("None")
    await camera.flush(1)
    await camera.read_out(FULL, 1, lambda pixels: None)


async def test_light_that_cannot_be_computed_does_not_pass_as_darkness(camera, monkeypatch):
    def broken(*arguments):
        raise ArithmeticError("no light")

    monkeypatch.setattr("drivers.simulated.camera.electron_rate", broken)
    with pytest.raises(ArithmeticError, match="no light"):
        await expose(camera, 1.0, lamp())


async def test_the_ccd_cools_towards_its_set_point(camera, wall):
    assert await camera.temperature() == SMALL.detector.set_point
    await camera.set_temperature(-104.15)
    wall.pass_by(60.0)
    between = await camera.temperature()
    assert -104.15 < between < SMALL.detector.set_point
    wall.pass_by(3600.0)
    assert await camera.temperature() == pytest.approx(-104.15, abs=0.01)
