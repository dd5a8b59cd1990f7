from __future__ import annotations

import math

import numpy as np
import pytest

from slitless.optics.grating import dispersion, offset, wavelength_at

LATISS_BLUE300 = (300.0, 187.0, 0.010)  # 1/mm, mm, mm


def test_first_order_lands_where_the_grating_equation_says():
    # sin(theta) = 500e-6 mm * 300/mm = 0.15; 187 mm * tan(theta) = 28.371 mm
    assert offset(500.0, 1, *LATISS_BLUE300) == pytest.approx(187.0 * math.tan(math.asin(0.15)) / 0.010)


def test_orders_are_mirror_images_and_order_zero_stays():
    wavelengths = np.array([400.0, 600.0, 900.0])
    assert np.allclose(offset(wavelengths, -1, *LATISS_BLUE300), -offset(wavelengths, 1, *LATISS_BLUE300))
    assert np.all(offset(wavelengths, 0, *LATISS_BLUE300) == 0)


def test_second_order_of_a_wavelength_covers_first_order_of_its_double():
    assert offset(400.0, 2, *LATISS_BLUE300) == pytest.approx(offset(800.0, 1, *LATISS_BLUE300))


def test_order_beyond_grazing_does_not_exist():
    assert math.isnan(offset(1000.0, 4, *LATISS_BLUE300))


@pytest.mark.parametrize("order", [-1, 1, 2])
def test_wavelength_of_an_offset_is_the_inverse(order):
    wavelengths = np.linspace(350, 1000, 14)
    assert np.allclose(wavelength_at(offset(wavelengths, order, *LATISS_BLUE300), order, *LATISS_BLUE300), wavelengths)


def test_order_zero_has_no_wavelength_scale():
    with pytest.raises(ValueError, match="order 0"):
        wavelength_at(10.0, 0, *LATISS_BLUE300)


def test_dispersion_is_the_slope_of_the_wavelength_scale():
    slope = 0.2 / (offset(600.1, 1, *LATISS_BLUE300) - offset(599.9, 1, *LATISS_BLUE300))
    assert dispersion(600.0, 1, *LATISS_BLUE300) == pytest.approx(slope, rel=1e-6)
