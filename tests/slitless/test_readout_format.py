"""The arithmetic of format and region: AzCam's own sizes, in closed form."""

import pytest

from slitless.definition import load_instrument
from slitless.detector.geometry import Window, image_shape, readout_layout
from slitless.detector.readout_format import ReadoutFormat, axis_readout
from slitless.errors import InvalidRequest

DETECTOR = load_instrument().detector


def size(roi, *, serial_amplifiers=1, parallel_amplifiers=1, underscan=0, over_columns=8, over_rows=2):
    """Return columns and rows of the whole image of a 64 x 32 CCD with 4 dark columns, as AzCam delivers it."""
    first_column, last_column, first_row, last_row, column_bin, row_bin = roi
    columns = axis_readout(
        first_column, last_column, column_bin,
        total=64, dark=4, underscan=underscan, overscan=over_columns, amplifiers=serial_amplifiers,
    )  # fmt: skip
    rows = axis_readout(
        first_row, last_row, row_bin, total=32, overscan=over_rows, amplifiers=parallel_amplifiers
    )  # fmt: skip
    return columns.pixels * serial_amplifiers, rows.pixels * parallel_amplifiers


@pytest.mark.parametrize(
    ("roi", "image"),
    [
        ((1, 64, 1, 32, 1, 1), (72, 34)),
        ((11, 50, 6, 25, 1, 1), (48, 22)),
        ((11, 50, 6, 25, 2, 2), (28, 12)),
        ((11, 49, 6, 25, 2, 2), (27, 12)),
        ((1, 64, 1, 32, 3, 1), (29, 34)),
    ],
)
def test_one_amplifier_reads_what_azcam_reads(roi, image):
    assert size(roi) == image


@pytest.mark.parametrize(("binning", "image"), [(1, (84, 32)), (2, (52, 16))])
def test_four_amplifiers_read_what_azcam_reads(binning, image):
    roi = (1, 64, 1, 32, binning, binning)
    assert size(roi, serial_amplifiers=2, parallel_amplifiers=2, underscan=2, over_rows=0) == image


def test_every_physical_pixel_is_read_or_skipped():
    for first, last, binning in ((1, 509, 1), (101, 350, 3), (7, 7, 1), (1, 509, 16)):
        axis = axis_readout(first, last, binning, total=509, dark=3, underscan=2, overscan=10)
        assert axis.preskip + axis.underscan * binning == 3
        assert axis.skip + axis.data * binning + axis.postskip == 509


@pytest.mark.parametrize("roi", [(50, 11, 1), (0, 64, 1), (1, 65, 1), (1, 64, 0), (1, 64, -2)])
def test_a_region_that_cannot_be_is_refused(roi):
    with pytest.raises(InvalidRequest):
        axis_readout(*roi, total=64)


def test_the_layout_of_the_ccd_is_that_of_its_format():
    beside = ReadoutFormat(1, 20, 5)
    for readout in readout_layout(DETECTOR, Window(1, 4072, 1, 4000, 2, 2, beside)):
        assert readout.raw_shape == (1000 + 5, 1 + 254 + 20)
        assert readout.data_section.fits() == "[2:255,1:1000]"
        assert readout.bias_section.fits() == "[256:275,1:1000]"
    assert image_shape(readout_layout(DETECTOR, Window(1, 4072, 1, 4000, 2, 2, beside))) == (2000, 8 * 254)


@pytest.mark.parametrize("counts", [(4, 64, 48), (-1, 64, 48), (3, 1025, 48), (3, 64, -1), (1.5, 64, 48)])
def test_a_format_the_ccd_does_not_have_is_refused(counts):
    with pytest.raises(InvalidRequest):
        readout_layout(DETECTOR, Window(1, 4072, 1, 4000, format=ReadoutFormat(*counts)))
