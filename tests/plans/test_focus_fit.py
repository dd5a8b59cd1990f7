import numpy as np
import pytest

from plans.focus_fit import NoFocus, fit_focus
from plans.star_width import NoStars, star_width

POSITIONS = np.linspace(-0.2, 0.8, 9)


def widths(best=0.32, slope=20.0, seeing=9.0):
    return np.hypot(seeing, slope * (POSITIONS - best))


def test_the_minimum_of_a_parabola_is_found_exactly():
    fit = fit_focus(POSITIONS, widths())
    assert fit.best == pytest.approx(0.32, abs=1e-9)
    assert fit.width == pytest.approx(9.0, abs=1e-6)


def test_the_error_covers_the_scatter():
    rng = np.random.default_rng(1)
    pulls = []
    for _ in range(200):
        fit = fit_focus(POSITIONS, widths() + rng.normal(0, 0.2, len(POSITIONS)))
        pulls.append((fit.best - 0.32) / fit.error)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.4)


def test_a_width_that_could_not_be_measured_is_left_out():
    measured = widths()
    measured[3] = np.nan
    assert fit_focus(POSITIONS, measured).best == pytest.approx(0.32, abs=1e-9)


@pytest.mark.parametrize("measured", [widths(best=2.0), 20 - widths(), np.full(9, np.nan)])
def test_no_minimum_in_the_sweep_is_said(measured):
    with pytest.raises(NoFocus):
        fit_focus(POSITIONS, measured)


def stars(sigma, noise=5.0):
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:600, :800]
    image = rng.normal(100.0, noise, (600, 800))
    for cy, cx in ((120.3, 150.7), (300.0, 610.2), (470.8, 300.4)):
        image += 5e5 / (2 * np.pi * sigma**2) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
    return image


@pytest.mark.parametrize("sigma", [2.5, 4.0, 8.0])
def test_the_width_of_gaussian_stars_is_their_fwhm(sigma):
    assert star_width(stars(sigma)) == pytest.approx(2.3548 * sigma, rel=0.04)


def test_an_empty_field_has_no_width():
    with pytest.raises(NoStars):
        star_width(np.random.default_rng(3).normal(100.0, 5.0, (600, 800)))
