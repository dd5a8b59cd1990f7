from __future__ import annotations

import numpy as np
import pytest

from slitless.compiled import HAVE_NUMBA
from slitless.optics import drawing
from slitless.optics.drawing import draw_points

needs_numba = pytest.mark.skipif(not HAVE_NUMBA, reason="needs numba")


@pytest.fixture(params=[pytest.param(True, id="compiled", marks=needs_numba), pytest.param(False, id="numpy")])
def _either_way(request, monkeypatch):
    monkeypatch.setattr(drawing, "HAVE_NUMBA", request.param)


def draw(x, y, dx, weight):
    image = np.zeros((40, 50), dtype=np.float32)
    stars = np.array(x, dtype=float), np.array(y, dtype=float)
    points = np.array(dx, dtype=float)
    kinds = np.zeros(len(x), dtype=np.int64)
    draw_points(
        image, *stars, np.ones(len(x), np.float32), kinds, points, 0 * points, np.array([weight], dtype=np.float32)
    )
    return image


@pytest.mark.usefixtures("_either_way")
def test_point_between_pixels_keeps_its_light_and_its_place():
    image = draw([10.3], [20.8], [0.0], [7.0])
    y, x = np.indices(image.shape)
    assert image.sum() == pytest.approx(7.0)
    assert (np.sum(x * image) / 7, np.sum(y * image) / 7) == pytest.approx((10.3, 20.8), abs=1e-5)


@pytest.mark.usefixtures("_either_way")
def test_pattern_is_repeated_at_every_star_and_cut_at_the_edge():
    image = draw([5.0, 45.0], [3.0, 9.0], [0.0, 10.0], [1.0, 2.0])
    assert {(y, x): image[y, x] for y, x in np.argwhere(image)} == {(3, 5): 1.0, (3, 15): 2.0, (9, 45): 1.0}
