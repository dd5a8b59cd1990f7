from __future__ import annotations

import numpy as np
import pytest

from slitless.compiled import HAVE_NUMBA
from slitless.optics import blur as blur_module
from slitless.optics.blur import PointSpread

needs_numba = pytest.mark.skipif(not HAVE_NUMBA, reason="needs numba")


@pytest.fixture(params=[pytest.param(True, id="compiled", marks=needs_numba), pytest.param(False, id="numpy")])
def _either_way(request, monkeypatch):
    monkeypatch.setattr(blur_module, "HAVE_NUMBA", request.param)


def point(side=256):
    image = np.zeros((side, side), dtype=np.float32)
    image[side // 2, side // 2] = 1000.0
    return image


def second_moments(image):
    y, x = np.indices(image.shape) - image.shape[0] // 2
    return np.sqrt(np.sum(x**2 * image) / image.sum()), np.sqrt(np.sum(y**2 * image) / image.sum())


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize(
    "spread", [PointSpread(4.0, 0.0, 0.43), PointSpread(3.0, 30.0, 0.43), PointSpread(2.0, 50.0, 0.0)]
)
def test_blur_keeps_all_light_and_widens_as_seeing_and_disc_in_quadrature(spread):
    image = spread.blur(point())
    assert image.sum() == pytest.approx(1000.0, rel=1e-5)
    assert second_moments(image) == pytest.approx((spread.rms_width, spread.rms_width), rel=0.005)


@pytest.mark.usefixtures("_either_way")
def test_seeing_alone_is_the_gaussian():
    image = PointSpread(4.0, 0.0, 0.43).blur(point())
    y, x = np.indices(image.shape) - 128
    gaussian = 1000 / (2 * np.pi * 16) * np.exp(-(x**2 + y**2) / 32)
    assert np.allclose(image, gaussian, atol=1e-3 * gaussian.max())


def test_far_out_of_focus_a_star_is_a_ring():
    image = PointSpread(1.5, 60.0, 0.43).blur(point())
    ring, hole = image[128, 128 + 22], image[128, 128]
    assert hole < 0.02 * ring
    assert image[128, 128 + 40] < 0.01 * ring
    assert ring == pytest.approx(1000 / (np.pi * 30**2 * (1 - 0.43**2)), rel=0.03)
