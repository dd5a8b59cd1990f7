"""Other people's tools read a frame without a complaint; warnings are errors here."""

from pathlib import Path
from typing import Any

import astropy.units as u
import ccdproc
import fitsio
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import WCS

NAMES = [f"Segment1{n}" for n in range(8)] + [f"Segment0{n}" for n in reversed(range(8))]


def opened(path: Path, **options: Any) -> Any:
    """Open a file with astropy, whose types promise too little."""
    return fits.open(path, **options)


def parse_section(text):
    x, y = text.strip("[]").split(",")
    return [int(n) for n in (*x.split(":"), *y.split(":"))]


def test_astropy_verifies_the_file_and_its_checksums(full_file, full_frame):
    with opened(full_file, checksum=True) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus[1:]] == NAMES
        assert hdus[0].data is None
        for hdu, pixels in zip(hdus[1:], full_frame.raw, strict=True):
            hdu.verify("exception")
            assert hdu.verify_checksum() == hdu.verify_datasum() == 1
            np.testing.assert_array_equal(hdu.data, pixels)


def test_astropy_verifies_each_card(full_file):
    with opened(full_file) as hdus:
        for hdu in hdus:
            for card in hdu.header.cards:
                card.verify("exception")


def test_fitsio_reads_all_hdus_pixel_for_pixel(full_file, full_frame):
    with fitsio.FITS(str(full_file)) as hdus:
        assert len(hdus) == 17
        assert [hdu.get_extname() for hdu in hdus][1:] == NAMES
        for number, pixels in enumerate(full_frame.raw, start=1):
            np.testing.assert_array_equal(hdus[number].read(), pixels)
            hdus[number].verify_checksum()


def test_the_file_is_as_long_as_real_ones_nearly(full_file):
    assert 75_497_472 < full_file.stat().st_size < 75_700_000
    assert full_file.stat().st_size % 2880 == 0


def test_detsec_tiles_the_detector_exactly_once(full_file):
    covered = np.zeros((4000, 4072), dtype=int)
    with opened(full_file) as hdus:
        for hdu in hdus[1:]:
            x1, x2, y1, y2 = parse_section(hdu.header["DETSEC"])
            covered[min(y1, y2) - 1 : max(y1, y2), min(x1, x2) - 1 : max(x1, x2)] += 1
            a, b, c, d = parse_section(hdu.header["DATASEC"])
            assert (b - a, d - c) == (abs(x2 - x1), abs(y2 - y1))
    assert (covered == 1).all()


def test_ccdproc_subtracts_the_overscan_and_trims(full_file, full_frame):
    segment = CCDData.read(full_file, hdu=1)
    assert segment.unit == u.adu
    rows = segment.header["DATASEC"].split(",")[1]
    exposed = ccdproc.trim_image(segment, fits_section=f"[:,{rows}")
    flat = ccdproc.subtract_overscan(exposed, fits_section=segment.header["BIASSEC"], overscan_axis=1)
    trimmed = ccdproc.trim_image(flat, fits_section=segment.header["DATASEC"])
    readout, pixels = full_frame.layout[0], full_frame.raw[0]
    np.testing.assert_allclose(trimmed.data, pixels[readout.data_slice] - 12_000.0 - readout.index)
    corrected = ccdproc.gain_correct(trimmed, segment.header["GAIN"] * u.electron / u.adu)
    assert corrected.unit == u.electron


def test_ccddata_finds_the_first_segment_and_the_primary_header(small_file, small_frame):
    segment = CCDData.read(small_file)
    np.testing.assert_array_equal(segment.data, small_frame.raw[0])
    assert segment.header["FILTER"] == "SDSSr_65mm"


@pytest.mark.parametrize("hdu", [1, 16])
def test_astropy_makes_a_wcs_of_any_header_in_silence(full_file, hdu):
    with opened(full_file) as hdus:
        header = hdus[hdu].header
        WCS(header)
        header.extend(hdus[0].header, unique=True)
        WCS(header)


def test_units_are_ones_astropy_knows(full_file):
    with opened(full_file) as hdus:
        comments = [card.comment for hdu in hdus for card in hdu.header.cards if card.comment.startswith("[")]
    for comment in comments:
        unit = comment[1 : comment.index("]")]
        assert u.Unit(unit.replace("Celsius", "deg_C"))
