from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slitless.optics.beam import Beam
from slitless.optics.sky import FAINTEST, pixel_of, stars_around, tangent_plane

SEED = 7


@pytest.fixture
def beam(latiss):
    return Beam(
        latiss.wheels.filter.slot(0), latiss.wheels.grating.slot(0), 67.0, 150.0, -30.0, 0.0, 1.0, 0.0, 0.9, "sky"
    )


def directions(stars):
    return set(zip(stars.right_ascension, stars.declination, stars.magnitude, strict=True))


def test_stars_stay_where_they_are_when_the_telescope_moves():
    here, there = stars_around(150.0, -30.0, 0.1, SEED), stars_around(150.05, -30.0, 0.1, SEED)
    both = stars_around(150.025, -30.0, 0.05, SEED)
    assert directions(both) <= directions(here)
    assert directions(both) <= directions(there)


@pytest.mark.parametrize("centre", [(0.0, 0.0), (359.999, -30.0), (10.0, 89.97), (200.0, -90.0)])
def test_every_part_of_the_sky_has_stars_all_round(centre):
    stars = stars_around(centre[0], centre[1], 0.1, SEED)
    east, north = tangent_plane(stars.right_ascension, stars.declination, centre[0], centre[1])
    quadrants = np.bincount((east > 0) + 2 * (north > 0), minlength=4)
    assert np.all(quadrants > 30)
    assert np.all(np.hypot(east, north) <= 0.1)


def test_faint_stars_are_the_many():
    magnitudes = stars_around(150.0, -30.0, 0.5, SEED).magnitude
    assert magnitudes.max() <= FAINTEST
    ratio = np.sum(magnitudes < 20) / np.sum(magnitudes < 18)
    assert ratio == pytest.approx(10 ** (0.3 * 2), rel=0.1)


def test_there_is_always_a_star_bright_enough_for_a_spectrum():
    for right_ascension in (0.0, 77.7, 213.3):
        assert stars_around(right_ascension, -30.0, 0.1, SEED).magnitude.min() < 10.0


def test_north_is_up_and_east_is_left_and_the_scale_is_the_plate_scale(latiss, beam):
    arcsecond = 1 / 3600
    x, y = pixel_of(latiss, beam, np.array([150.0]), np.array([-30.0 + 10 * arcsecond]))
    assert (x[0], y[0]) == pytest.approx((2036.5, 2000.5 + 10 / 0.09569))
    east = 10 * arcsecond / np.cos(np.radians(-30.0))
    x, y = pixel_of(latiss, beam, np.array([150.0 + east]), np.array([-30.0]))
    assert (x[0], y[0]) == pytest.approx((2036.5 - 10 / 0.09569, 2000.5), abs=0.01)


def test_rotator_turns_the_field_about_the_boresight(latiss, beam):
    north = np.array([150.0]), np.array([-30.0 + 10 / 3600])
    x, y = pixel_of(latiss, replace(beam, rotator=90.0), *north)
    assert (x[0], y[0]) == pytest.approx((2036.5 + 10 / 0.09569, 2000.5))


def test_disperser_displaces_the_image_by_its_pointing_offset(latiss, beam):
    x, y = pixel_of(
        latiss, replace(beam, grating=latiss.wheels.grating.slot("holo4_003")), np.array([150.0]), np.array([-30.0])
    )
    assert (x[0], y[0]) == pytest.approx((2036.5 - 0.6 / 0.09569, 2000.5 + 1.1 / 0.09569))
