from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slitless.detector.charge import Charge
from slitless.detector.geometry import Window, readout_layout
from slitless.detector.readout import read_out
from slitless.detector.statistics import frame_statistics
from slitless.optics import light
from slitless.optics.beam import Beam, best_focus
from slitless.optics.grating import offset
from slitless.optics.light import electron_rate, field_of_view
from slitless.optics.response import pixel_response
from slitless.optics.sky import pixel_of, sky_electron_rate, stars_around
from slitless.optics.spectrum import traces
from slitless.optics.throughput import lamp_electron_rate

SEED = 5


@pytest.fixture
def beam(latiss):
    """A sharp image through no filter of the sky around the brightest star near (250, -30) deg."""
    stars = stars_around(250.0, -30.0, 0.1, SEED)
    target = stars.brightest()
    wheels = latiss.wheels
    through = Beam(
        filter=wheels.filter.slot("empty_1"),
        grating=wheels.grating.slot("empty_1"),
        stage_position=67.0,
        right_ascension=float(stars.right_ascension[target]),
        declination=float(stars.declination[target]),
        rotator=0.0,
        airmass=1.0,
        focus=0.0,
        seeing=0.9,
        source="sky",
    )
    return replace(through, focus=best_focus(latiss, through))


@pytest.fixture
def medium(small):
    """A detector of 800 x 800 pixels; the boresight is between its middle ones."""
    return small(columns=100, rows=400)


def centroid(image):
    y, x = np.indices(image.shape)
    return np.sum(x * image) / image.sum(), np.sum(y * image) / image.sum()


def rms_radius(instrument, beam):
    """Second moment of the star on the boresight, pixels, in a box that holds its light."""
    rate = electron_rate(instrument, beam, SEED)
    box = rate[340:460, 340:460].astype(np.float64)
    box = np.clip(box - np.median(box), 0, None)
    box[box < box.max() * 1e-3] = 0
    x, y = centroid(box)
    rows, columns = np.indices(box.shape)
    return np.sqrt(np.sum(((columns - x) ** 2 + (rows - y) ** 2) * box) / box.sum())


def test_target_star_lands_on_the_boresight(medium, beam):
    rate = electron_rate(medium, beam, SEED)
    x, y = centroid(rate[380:421, 380:421].astype(np.float64) - np.median(rate))
    assert (x + 380 + 1, y + 380 + 1) == pytest.approx((400.5, 400.5), abs=0.3)


def test_light_of_a_star_is_conserved_by_seeing_and_defocus(medium, beam):
    stars, _, _ = field_of_view(medium, beam, SEED)
    star = stars.brightest()
    weight = traces(medium, beam)[0].weight[stars.temperature[star], 0]
    expected = weight * 10 ** (-0.4 * stars.magnitude[star])
    for focus in (beam.focus, beam.focus + 1.0):
        rate = light.star_light(medium, replace(beam, focus=focus), SEED)
        assert rate[300:501, 300:501].sum() == pytest.approx(expected, rel=0.02)


def test_ten_second_frame_shows_tens_of_stars(latiss, beam):
    in_r = replace(beam, filter=latiss.wheels.filter.slot("SDSSr_65mm"))
    peaks = 10 * (light.star_light(latiss, in_r, SEED))
    blocks = peaks[:4000, :4064].reshape(100, 40, 127, 32).max(axis=(1, 3))
    assert 30 < np.sum(blocks > 5 * 9.0) < 1000


def test_images_are_sharpest_where_the_model_says(medium, beam):
    positions = best_focus(medium, beam) + np.array([-0.6, -0.3, 0.0, 0.3, 0.6])
    squares = [rms_radius(medium, replace(beam, focus=float(position))) ** 2 for position in positions]
    parabola = np.polynomial.Polynomial.fit(positions, squares, 2)
    assert parabola.deriv().roots()[0] == pytest.approx(best_focus(medium, beam), abs=0.02)  # mm


def test_best_focus_moves_by_the_offsets_of_both_wheels(latiss, beam):
    r_filter, hologram = latiss.wheels.filter.slot("SDSSr_65mm"), latiss.wheels.grating.slot("holo4_003")
    through = replace(beam, filter=r_filter, grating=hologram)
    assert best_focus(latiss, through) == pytest.approx(0.32 - 0.0379 - 0.0126)  # mm


@pytest.mark.parametrize("stage", [30.0, 67.0])
@pytest.mark.parametrize(("grating", "order"), [("holo4_003", 1), ("blue300lpmm_qn1", 1), ("holo4_003", -1)])
def test_hydrogen_alpha_lands_within_a_pixel_of_the_grating_equation(latiss, beam, grating, order, stage):
    element = latiss.wheels.grating.slot(grating)
    through = replace(beam, grating=element, stage_position=stage)
    (trace,) = [each for each in traces(latiss, through) if each.order == order]
    hottest = trace.weight[-1].astype(np.float64)
    distance = latiss.stage.disperser_distance(stage)
    expected = offset(656.28, order, element.lines_per_mm, distance, latiss.detector.pixel_size)
    near = np.abs(trace.dy - expected) < 30
    continuum = np.linspace(hottest[near][0], hottest[near][-1], near.sum())
    depth = continuum - hottest[near]
    assert np.sum(trace.dy[near] * depth) / depth.sum() == pytest.approx(expected, abs=1.0)


def test_band_edge_falls_on_the_pixel_the_grating_equation_names(latiss, beam):
    # the SDSS r filter ends at 552 nm; with the stage at 1 mm that edge of holo4_003 is on the detector
    element = latiss.wheels.grating.slot("holo4_003")
    through = replace(beam, filter=latiss.wheels.filter.slot("SDSSr_65mm"), grating=element, stage_position=1.0)
    through = replace(through, focus=best_focus(latiss, through), seeing=0.3)
    rate = light.star_light(latiss, through, SEED)
    x, y = pixel_of(latiss, through, np.array([beam.right_ascension]), np.array([beam.declination]))
    column = round(x[0]) - 1
    profile = rate[:, column - 6 : column + 7].sum(axis=1)
    for wavelength in (552.0, 691.0):
        edge = y[0] - 1 + offset(wavelength, 1, element.lines_per_mm, 121.0, 0.010)
        assert edge < 3990
        near = np.arange(int(edge) - 20, int(edge) + 21)
        inside, outside = (profile[near[part]].mean() for part in (slice(-12, None), slice(12)))
        rising = (profile[near] - outside) / (inside - outside)
        assert near[0] + np.argmax(rising > 0.5) - 0.5 == pytest.approx(edge, abs=1.0), f"{wavelength} nm"


def test_filter_in_either_wheel_limits_the_band(medium, beam):
    r_filter = replace(beam, filter=medium.wheels.filter.slot("SDSSr_65mm"))
    both = replace(r_filter, grating=medium.wheels.grating.slot("SDSSy_65mm"))
    assert 0 < sky_electron_rate(medium, r_filter) < sky_electron_rate(medium, beam)
    assert traces(medium, both) == []
    assert sky_electron_rate(medium, both) == 0
    assert not electron_rate(medium, both, SEED).any()


def test_dome_flat_in_sdss_r_gives_4900_adu_per_second(latiss, beam):
    flat = replace(beam, filter=latiss.wheels.filter.slot("SDSSr_65mm"), source="lamp")
    charge = Charge(latiss.detector, SEED)
    charge.expose(electron_rate(latiss, flat, SEED), 2.0)
    window = Window.full(latiss.detector)
    raw = read_out(latiss, charge, window, seed=1)
    assert frame_statistics(readout_layout(latiss.detector, window), raw).mean == pytest.approx(9800, rel=0.005)


def test_dome_flat_follows_filter_and_disperser(latiss, beam):
    def level(filter_name, grating_name):
        wheels = latiss.wheels
        elements = {"filter": wheels.filter.slot(filter_name), "grating": wheels.grating.slot(grating_name)}
        return lamp_electron_rate(latiss, replace(beam, source="lamp", **elements))

    assert level("empty_1", "empty_1") > level("BG40_65mm_1", "empty_1") > level("SDSSr_65mm", "empty_1")
    shares = sum(latiss.wheels.grating.slot("holo4_003").order_efficiency.values())
    dispersed = level("SDSSr_65mm", "holo4_003") / level("SDSSr_65mm", "empty_1")
    assert dispersed == pytest.approx(shares * 0.92)


def test_pixels_differ_by_the_prnu_and_stay_the_same(latiss):
    response = pixel_response(latiss.detector, SEED)
    patch = response[2000:2200, 2000:2200]
    assert patch.std() / patch.mean() == pytest.approx(latiss.detector.prnu, rel=0.05)
    assert response.mean() == pytest.approx(1.0, abs=1e-4)
    assert response[10, 10] < response[2000, 2000]
    assert not np.array_equal(patch, pixel_response(latiss.detector, SEED + 1)[2000:2200, 2000:2200])


def test_dark_beam_brings_no_light(medium, beam):
    assert not electron_rate(medium, replace(beam, source="dark"), SEED).any()


def test_same_beam_gives_the_very_same_map_and_flickering_readbacks_do_not_matter(medium, beam):
    first = electron_rate(medium, beam, SEED)
    flicker = replace(beam, right_ascension=beam.right_ascension + 1e-9, airmass=beam.airmass + 1e-4)
    assert electron_rate(medium, flicker, SEED) is first
    assert not first.flags.writeable


def test_another_seed_has_another_sky(medium, beam):
    assert not np.array_equal(electron_rate(medium, beam, SEED), electron_rate(medium, beam, SEED + 1))
