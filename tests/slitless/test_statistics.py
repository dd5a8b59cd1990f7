from __future__ import annotations

import numpy as np
import pytest

from slitless.compiled import HAVE_NUMBA
from slitless.detector import statistics as statistics_module
from slitless.detector.charge import Charge
from slitless.detector.geometry import Window, assemble, readout_layout
from slitless.detector.readout import read_out
from slitless.detector.statistics import frame_statistics, preview

needs_numba = pytest.mark.skipif(not HAVE_NUMBA, reason="needs numba")


@pytest.fixture(params=[pytest.param(True, id="compiled", marks=needs_numba), pytest.param(False, id="numpy")])
def _either_way(request, monkeypatch):
    monkeypatch.setattr(statistics_module, "HAVE_NUMBA", request.param)


@pytest.fixture
def frame(small):
    detector = small().detector
    window = Window.full(detector)
    layout = readout_layout(detector, window)
    scene = np.full((detector.height, detector.width), 2000.0, dtype=np.float32)
    scene[20, 30] = 90000.0
    charge = Charge(detector, 1)
    charge.expose(scene, 1.0)
    return layout, read_out(small(), charge, window, seed=1)


@pytest.mark.usefixtures("_either_way")
def test_statistics_are_those_of_the_overscan_subtracted_image(frame):
    layout, raw = frame
    image = np.concatenate(
        [
            (pixels[r.data_slice] - pixels[r.overscan_slice].astype(np.float64).mean()).ravel()
            for r, pixels in zip(layout, raw, strict=True)
        ]
    )
    noise = np.median([np.std(pixels[r.overscan_slice]) for r, pixels in zip(layout, raw, strict=True)])
    result = frame_statistics(layout, raw)
    assert result.mean == pytest.approx(image.mean())
    assert result.sigma == pytest.approx(image.std())
    assert (result.minimum, result.maximum) == pytest.approx((image.min(), image.max()))
    assert result.total == pytest.approx(image.sum())
    assert result.noise == pytest.approx(noise)


@pytest.mark.usefixtures("_either_way")
def test_statistics_of_a_window_and_binned_frame_count_its_pixels_only(small):
    detector = small().detector
    window = Window(60, 70, 11, 20, 2, 2)
    layout = readout_layout(detector, window)
    charge = Charge(detector, 1)
    charge.expose(np.full((detector.height, detector.width), 1000.0, dtype=np.float32), 1.0)
    result = frame_statistics(layout, read_out(small(), charge, window, seed=2))
    assert result.mean == pytest.approx(4000 / 1.065, rel=0.02)
    assert result.noise == pytest.approx(8.0, rel=0.1)


def test_preview_is_the_block_mean_of_the_assembled_frame(frame):
    layout, raw = frame
    image = assemble(layout, raw).astype(np.float64)
    picture = preview(layout, raw, factor=8)
    assert picture.shape == (25, 64)
    assert picture.dtype == np.int32
    assert picture[0, 0] == round(image[:8, :8].mean())
    assert np.max(np.abs(picture - image.reshape(25, 8, 64, 8).mean(axis=(1, 3)))) <= 0.5


def test_preview_without_overscan_shows_no_amplifiers(frame):
    layout, raw = frame
    picture = preview(layout, raw, subtract_overscan=True)
    assert np.ptp(np.delete(picture.ravel(), picture.argmax())) < 0.1 * 2000


def test_preview_of_a_frame_smaller_than_a_block_is_the_frame(small):
    window = Window(1, 5, 1, 5)
    layout = readout_layout(small().detector, window)
    raw = read_out(small(), Charge(small().detector, 1), window, seed=2)
    assert preview(layout, raw).shape == (5, 5)
