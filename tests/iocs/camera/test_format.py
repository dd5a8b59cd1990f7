"""Format and region of interest: taken whole or not at all, and true in pixels and headers."""

import warnings
from pathlib import Path
from typing import Any

import ccdproc
import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData

from slitless.fits.frame_file import read_frame
from slitless.fits.verify import verify_file

WIDTH, HEIGHT = 192, 400  # of the bench: 8 x 24 columns, 2 x 200 rows


async def numbers(bench, name):
    return [int(number) for number in await bench.cam(name)]


def opened(path: Path) -> Any:
    """astropy types its lists of HDUs as if each held lists."""
    return fits.open(path)


async def test_the_region_starts_whole_and_a_part_of_it_can_be_set(bench):
    assert await numbers(bench, "ROI_RBV") == [1, WIDTH, 1, HEIGHT, 1, 1]
    await bench.set(ROI=[-1, -1, 5, 8])
    assert await numbers(bench, "ROI_RBV") == [1, WIDTH, 5, 8, 1, 1]
    assert (await bench.cam("MinY_RBV"), await bench.cam("SizeY")) == (4, 4)
    await bench.set(BinX=2)
    assert await numbers(bench, "ROI_RBV") == [1, WIDTH, 5, 8, 2, 1]
    await bench.put("CAM:cam1:ROIReset", 1)
    assert await numbers(bench, "ROI_RBV") == [1, WIDTH, 1, HEIGHT, 2, 1]


BAD_FORMATS = [
    ([WIDTH + 1], "ns_total"),
    ([-1, 5], "dark columns"),
    ([-1, -1, 4], "dark columns"),
    ([-1, -1, -1, 2000], "overscan"),
    ([-1, -1, -1, 20, -1, 2], "np_predark"),
    ([-1, -1, -1, 20, -1, -1, -1, -1, 100], "storage"),
    ([-1, -1, 1.5], "whole number"),
]
"""Counts, and what the reason says."""


async def test_a_format_that_cannot_be_is_refused_and_the_old_one_kept(bench):
    before = await numbers(bench, "Format_RBV")
    assert before == [WIDTH, 3, 3, 64, HEIGHT, 0, 0, 48, 0]
    for counts, why in BAD_FORMATS:
        assert why in await bench.refused("CAM:cam1:Format", counts)
        assert await numbers(bench, "Format_RBV") == before
        assert await bench.cam("SerialOverscan") == 64


async def test_pixels_and_headers_follow_format_region_and_binning(bench):
    await bench.set(Format=[-1, -1, 1, 20, -1, -1, -1, 6])
    await bench.set(ROI=[13, 180, 101, 300, 2, 2], ImageType="BIAS")
    await bench.acquire()
    path = bench.files[-1]
    assert verify_file(path, bench.instrument) == []
    with opened(path) as hdus:
        primary = hdus[0].header
        assert (primary["PREH"], primary["OVERH"], primary["OVERV"]) == (1, 20, 6)
        assert len(hdus) == 17
        widths = {hdu.name: hdu.data.shape for hdu in hdus[1:]}
        assert widths["Segment11"] == (50 + 6, 1 + 12 + 20)
        assert widths["Segment10"] == (50 + 6, 1 + 6 + 20)
        header = hdus["Segment11"].header
        assert (header["DATASEC"], header["BIASSEC"]) == ("[2:13,1:50]", "[14:33,1:50]")
        assert (header["CCDSUM"], header["DETSEC"]) == ("2 2", "[48:25,101:200]")
        assert header["DTM1_1"] * 2 + header["DTV1"] == 47.5  # the first data pixel covers columns 48 and 47
        assert header["DTM2_2"] * 1 + header["DTV2"] == 101.5
    assert read_frame(path).image().shape == (100, 84)
    assert (await bench.cam("ArraySizeX_RBV"), await bench.cam("ArraySizeY_RBV")) == (84, 100)


async def test_ccdproc_takes_the_overscan_off_as_the_header_says(bench):
    await bench.set(Format=[-1, -1, 0, 200, -1, -1, -1, 0], ImageType="BIAS")
    await bench.acquire()
    with opened(bench.files[-1]) as hdus:
        for hdu in hdus[1:3]:
            frame = CCDData(hdu.data.astype(float), unit="adu")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                clean = ccdproc.subtract_overscan(frame, fits_section=hdu.header["BIASSEC"])
                data = ccdproc.trim_image(clean, fits_section=hdu.header["DATASEC"])
            assert data.shape == (200, 24)
            noise = bench.instrument.detector.amplifiers[0].read_noise
            assert abs(float(np.mean(data.data))) < 5 * noise / np.sqrt(data.data.size)  # ADU


async def test_a_frame_without_overscan_is_whole_too(bench):
    await bench.set(Format=[-1, -1, 0, 0, -1, -1, -1, 0], ImageType="BIAS")
    await bench.acquire()
    assert verify_file(bench.files[-1], bench.instrument) == []
    with opened(bench.files[-1]) as hdus:
        assert hdus[1].data.shape == (200, 24)
        assert "BIASSEC" not in hdus[1].header
