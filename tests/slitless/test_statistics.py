from __future__ import annotations

import numpy as np
import pytest

from slitless.compiled import HAVE_NUMBA
from slitless.detector import statistics as statistics_module
from slitless.detector.charge import Charge
from slitless.detector.geometry import Window, readout_layout
from slitless.detector.readout import read_out
from slitless.detector.statistics import frame_statistics

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
