"""Frames as pictures, and their statistics, against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from slitless.compiled import HAVE_NUMBA
from slitless.detector import image as image_module
from slitless.detector import image_statistics as statistics_module
from slitless.detector.charge import Charge
from slitless.detector.geometry import Window, assemble, readout_layout
from slitless.detector.image import block_mean, image_above_overscan, image_shape, smallest_factor
from slitless.detector.image_statistics import border_mean, image_statistics
from slitless.detector.readout import read_out

needs_numba = pytest.mark.skipif(not HAVE_NUMBA, reason="needs numba")


@pytest.fixture(params=[pytest.param(True, id="compiled", marks=needs_numba), pytest.param(False, id="numpy")])
def _either_way(request, monkeypatch):
    for module in (image_module, statistics_module):
        monkeypatch.setattr(module, "HAVE_NUMBA", request.param)


@pytest.fixture
def raw_frame(small):
    detector = small().detector
    window = Window.full(detector)
    charge = Charge(detector, 1)
    charge.expose(np.full((detector.height, detector.width), 2000.0, dtype=np.float32), 1.0)
    return readout_layout(detector, window), read_out(small(), charge, window, seed=1)


def test_the_image_has_each_amplifiers_level_taken_out(raw_frame):
    layout, raw = raw_frame
    image = image_above_overscan(layout, raw)
    levels = [float(np.mean(pixels[r.overscan_slice])) for r, pixels in zip(layout, raw, strict=True)]
    assert image.shape == image_shape(layout) == assemble(layout, raw).shape
    assert image.dtype == np.int32
    assert np.array_equal(image, assemble(layout, raw, bias=levels))
    assert np.ptp(image) < 0.4 * 2000  # no amplifier pattern


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32"])
@pytest.mark.parametrize("factor", [1, 2, 8])
def test_blocks_are_means(dtype, factor):
    image = np.random.default_rng(5).integers(0, 200, (43, 51)).astype(dtype)
    found = block_mean(image, factor)
    rows, columns = 43 // factor, 51 // factor
    blocks = image[: rows * factor, : columns * factor].astype(float).reshape(rows, factor, columns, factor)
    assert found.shape == (rows, columns)
    assert found.dtype == dtype
    assert np.max(np.abs(found - blocks.mean(axis=(1, 3)))) <= (1e-4 if dtype == "float32" else 0.5)


@pytest.mark.parametrize(
    ("shape", "factor"), [((4000, 4072), 8), ((500, 509), 1), ((500, 510), 2), ((600, 600), 2), ((1, 7), 1)]
)
def test_the_factor_is_the_smallest_with_which_it_fits(shape, factor):
    assert smallest_factor(shape, 500 * 509) == factor


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize("dtype", ["int32", "uint16", "float64"])
def test_statistics_are_numpys(dtype):
    image = np.random.default_rng(7).normal(30000, 2000, (57, 33)).astype(dtype)
    image[40, 3] = image[50, 30] = image.max()
    found = image_statistics(image)
    assert (found.count, found.minimum, found.maximum) == (image.size, image.min(), image.max())
    row, column = np.unravel_index(np.argmin(image), image.shape)
    assert found.minimum_at == (column, row)
    row, column = np.unravel_index(np.argmax(image), image.shape)
    assert found.maximum_at == (column, row)
    assert found.mean == pytest.approx(image.mean(dtype=float))
    assert found.sigma == pytest.approx(image.std(dtype=float))
    assert found.total == pytest.approx(image.sum(dtype=float))


def test_the_border_counts_its_corners_twice():
    image = np.zeros((4, 5))
    image[0, 0] = 1.0
    assert border_mean(image, 1) == pytest.approx(2 / (2 * 4 + 2 * 5))
    assert border_mean(image, 100) == pytest.approx(4 / (4 * 20))
