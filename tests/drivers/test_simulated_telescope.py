"""A simulated telescope: where things stand in the sky, slews, weather."""

import warnings
from typing import Any

import pytest
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers

from drivers import LinkLost, Pointing, TelescopeDriver
from drivers.simulated import SimulatedTelescope
from drivers.simulated.sky import airmass, local_place, local_sidereal_time, separation


@pytest.fixture
def telescope(latiss, now):
    return SimulatedTelescope(latiss, now, seed=3)


def test_a_simulated_telescope_is_a_telescope(telescope):
    driver: TelescopeDriver = telescope
    assert driver is telescope


@pytest.mark.parametrize(("ra", "dec"), [(10.0, -30.0), (101.3, -16.7), (200.0, -80.0), (330.0, 10.0)])
@pytest.mark.parametrize("moment", ["2024-06-25T03:00:00", "2025-12-01T08:30:00"])
def test_places_agree_with_astropy(latiss, ra, dec, moment):
    site = latiss.site
    with iers.conf.set_temp("auto_download", False), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time: Any = Time(moment, scale="tai")
        place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.elevation)
        expected: Any = SkyCoord(ra, dec, unit="deg").transform_to(AltAz(obstime=time, location=place))
        azimuth, elevation = expected.az.deg, expected.alt.deg
    ours = local_place(ra, dec, time.unix_tai, site.longitude, site.latitude)
    assert separation(ours.azimuth, ours.elevation, azimuth, elevation) < 0.02


def test_a_star_on_the_meridian_has_no_hour_angle(latiss, now):
    sidereal = local_sidereal_time(now(), latiss.site.longitude)
    place = local_place(sidereal, latiss.site.latitude, now(), latiss.site.longitude, latiss.site.latitude)
    assert abs(place.hour_angle) < 0.5  # precession since 2000
    assert place.elevation > 89.5


@pytest.mark.parametrize(
    ("elevation", "expected"), [(90.0, 1.0), (30.0, 1.994), (10.0, 5.59), (0.0, 37.9), (-20.0, 37.9)]
)
def test_airmass_follows_the_table(elevation, expected):
    assert airmass(elevation) == pytest.approx(expected, rel=0.003)


async def test_a_telescope_left_alone_points_above_the_horizon_all_day(telescope, now):
    for _ in range(24):
        assert (await telescope.status()).elevation > 19.0
        now.advance(3600.0)


async def test_a_slew_takes_its_angle_and_the_settling(telescope, now):
    here = (await telescope.status()).pointing
    target = Pointing(here.right_ascension, here.declination + 20.0, here.rotator)
    await telescope.slew(target)
    status = await telescope.status()
    assert status.slewing
    assert status.expected_end == pytest.approx(now() + 20.0 / 2.0 + 2.0)
    now.advance(5.0)
    assert (await telescope.status()).pointing.declination == pytest.approx(here.declination + 10.0)
    now.advance(7.0)
    status = await telescope.status()
    assert (status.pointing, status.slewing) == (target, False)


async def test_a_slew_across_zero_goes_the_short_way(telescope, now):
    await telescope.slew(Pointing(359.0, -30.0, 0.0))
    now.advance(200.0)
    await telescope.slew(Pointing(1.0, -30.0, 0.0))
    now.advance(0.3)
    assert (await telescope.status()).pointing.right_ascension > 359.0


async def test_a_slew_to_where_it_is_takes_no_time(telescope):
    await telescope.slew((await telescope.status()).pointing)
    assert not (await telescope.status()).slewing


async def test_a_stopped_slew_stays_where_it_got_to(telescope, now):
    here = (await telescope.status()).pointing
    await telescope.slew(Pointing(here.right_ascension, here.declination + 20.0, here.rotator))
    now.advance(5.0)
    await telescope.stop()
    now.advance(60.0)
    assert (await telescope.status()).pointing.declination == pytest.approx(here.declination + 10.0)


async def test_the_weather_is_plausible_smooth_and_repeats(telescope, latiss, now):
    before = None
    for _ in range(200):
        air = await telescope.weather()
        assert 5 < air.air_temperature < 17
        assert 73_000 < air.pressure < 75_500
        assert 10 < air.humidity < 60
        assert 0 < air.wind_speed < 12
        assert 0 <= air.wind_direction < 360
        assert 0.6 < air.seeing < 1.3
        if before is not None:
            assert abs(air.air_temperature - before.air_temperature) < 0.5
        before = air
        now.advance(60.0)
    assert await telescope.weather() == await SimulatedTelescope(latiss, now, seed=3).weather()
    assert await telescope.weather() != await SimulatedTelescope(latiss, now, seed=4).weather()


async def test_the_lamp_is_on_when_it_was_switched_on(telescope):
    await telescope.set_lamp(True)
    assert (await telescope.status()).lamp


async def test_a_lost_link_names_the_telescope(telescope):
    telescope.inject("LinkLost")
    with pytest.raises(LinkLost, match="telescope"):
        await telescope.weather()
