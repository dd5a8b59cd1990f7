from __future__ import annotations

import numpy as np
import pytest

from slitless.optics.beam import fixed_beam
from slitless.optics.spectrum import star_photon_rate
from slitless.optics.throughput import ab_photon_rate, atmosphere, collecting_area, throughput


def test_magnitude_zero_is_a_thousand_photons_per_angstrom():
    # 996 photon/s/cm^2/Angstrom at 550 nm is the textbook value: 1e4 cm^2/m^2 and 10 Angstrom/nm
    assert ab_photon_rate(0.0, np.array([550.0]))[0] == pytest.approx(996e5, rel=0.003)


def test_five_magnitudes_are_a_factor_of_a_hundred():
    assert ab_photon_rate(5.0, np.array([600.0])) * 100 == pytest.approx(ab_photon_rate(0.0, np.array([600.0])))


def test_collecting_area_leaves_out_the_secondary(latiss):
    assert collecting_area(latiss) == pytest.approx(np.pi * 0.6**2 * (1 - 0.43**2))  # m^2


def test_air_dims_blue_light_most_and_more_air_dims_more():
    blue, green, red = atmosphere(np.array([400.0, 550.0, 900.0]), 1.0, 2663.0)
    assert blue < green < red < 1
    assert -2.5 * np.log10(green) == pytest.approx(0.11, abs=0.03)  # mag, V on a dry mountain
    assert atmosphere(np.array([550.0]), 2.0, 2663.0)[0] == pytest.approx(green**2)


def test_telluric_oxygen_shows_at_760_nm():
    inside, outside = atmosphere(np.array([762.0, 770.0]), 1.0, 2663.0)
    assert inside < 0.5 * outside


def test_throughput_is_the_product_of_all_elements_inside_both_bands(latiss):
    wheels = latiss.wheels
    beam = fixed_beam(wheels.filter.slot("SDSSr_65mm"), wheels.grating.slot("holo4_003"), "lamp")
    inside, outside = throughput(latiss, beam, np.array([600.0, 500.0]))
    assert inside == pytest.approx(0.72 * 0.95 * 0.92 * 0.92)
    assert outside == 0


@pytest.mark.parametrize("temperature", [3500.0, 10000.0])
def test_star_has_its_magnitude_at_550_nm(temperature):
    assert star_photon_rate(temperature, np.array([550.0])) == pytest.approx(ab_photon_rate(0.0, np.array([550.0])))


def test_hot_stars_are_blue_and_have_hydrogen_lines():
    wavelengths = np.array([400.0, 656.28, 670.0, 900.0])
    hot, cool = star_photon_rate(10000.0, wavelengths), star_photon_rate(3500.0, wavelengths)
    assert hot[0] / hot[3] > 10 * cool[0] / cool[3]
    assert hot[1] < 0.5 * hot[2]
