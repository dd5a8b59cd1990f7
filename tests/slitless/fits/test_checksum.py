"""Checksums are those of the FITS standard."""

import numpy as np
import pytest
from astropy.io import fits

from slitless.fits.checksum import checksum_text, data_sum, ones_complement


@pytest.mark.parametrize("shape", [(3, 7), (101, 64), (2048, 576)])
def test_the_data_sum_is_astropys(shape):
    pixels = np.random.default_rng(2).integers(-(2**31), 2**31 - 1, shape).astype(">i4")
    hdu = fits.ImageHDU(pixels)
    hdu.add_datasum()
    assert str(data_sum(pixels.data.cast("B"))) == hdu.header["DATASUM"]


def test_a_carry_is_added_at_the_low_end():
    assert ones_complement(0x1_FFFF_FFFF) == 1
    assert ones_complement(0xFFFF_FFFF) == 0xFFFF_FFFF


@pytest.mark.parametrize(
    "total", [0, 1, 0xFFFFFFFF, 868229149, 0x3A3B3C3D, *np.random.default_rng(3).integers(0, 2**32, 500)]
)
def test_the_text_brings_any_sum_to_minus_zero(total):
    text = checksum_text(int(total))
    assert text.isalnum()
    assert len(text) == 16
    rotated = (text[1:] + text[0]).encode()  # as the words of the card see it
    zeros = data_sum(b"0" * 16)  # what stood in its place when the sum was taken
    assert ones_complement(int(total) + data_sum(rotated)) % 0xFFFFFFFF == (0 if not zeros else zeros) % 0xFFFFFFFF
