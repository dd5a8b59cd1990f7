"""A frame is read back as it was written."""

import numpy as np
import pytest

from slitless.detector.geometry import Window, assemble
from slitless.errors import SlitlessError
from slitless.fits.frame_file import read_frame

WINDOWS = [
    Window(2030, 2043, 1996, 2005),
    Window(1, 4072, 1, 4000, 16, 16),
    Window(7, 1500, 3, 1999, 3, 5),
    Window(600, 700, 3000, 3100),
    Window(509, 510, 1, 1),
]


@pytest.mark.parametrize("window", WINDOWS)
def test_layout_and_pixels_come_back(frame_of, tmp_path, window):
    frame = frame_of(window)
    written = frame.write(tmp_path / "frame.fits")
    read = read_frame(written.path)
    assert read.layout == frame.layout
    for stored, pixels in zip(read.raw, frame.raw, strict=True):
        np.testing.assert_array_equal(stored, pixels)
    assert read.header["OBSID"] == "AT_O_20240624_000106"


def test_a_full_frame_is_put_together(full_file, full_frame):
    read = read_frame(full_file)
    image = read.image()
    assert image.shape == (4000, 4072)
    assert image.dtype == np.int32
    np.testing.assert_array_equal(image, assemble(full_frame.layout, full_frame.raw))


def test_the_bias_of_each_amplifier_is_taken_off(small_file, small_frame):
    read = read_frame(small_file)
    assert read.bias_levels() == [12_000.0 + readout.index for readout in small_frame.layout]
    levels = assemble(small_frame.layout, [np.full(r.raw_shape, 12_000 + r.index) for r in small_frame.layout])
    np.testing.assert_array_equal(read.image() - read.image(bias_subtracted=True), levels)


def test_texts_come_back_as_they_were_given(small_file, small_frame):
    read = read_frame(small_file)
    assert read.text("OBSANNOT") == small_frame.record.note
    assert read.text("NOTHERE") == ""


def test_pixels_may_be_changed_in_memory(small_file):
    read_frame(small_file).raw[0][:] = 0


@pytest.mark.parametrize("keep", [0, 1, 2879, 2880, 20_000, -1, -2880])
def test_a_file_cut_short_is_refused_by_name(small_file, keep):
    small_file.write_bytes(small_file.read_bytes()[:keep])
    with pytest.raises(SlitlessError, match=small_file.name):
        read_frame(small_file)


@pytest.mark.parametrize("content", [b"no FITS file", b"SIMPLE  =".ljust(2880), bytes(5760)])
def test_a_file_of_something_else_is_refused_by_name(tmp_path, content):
    path = tmp_path / "other.fits"
    path.write_bytes(content)
    with pytest.raises(SlitlessError, match=r"other\.fits"):
        read_frame(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(SlitlessError, match=r"gone\.fits: No such file"):
        read_frame(tmp_path / "gone.fits")


@pytest.mark.parametrize("card", [b"DATASEC =", b"GAIN    =", b"CCDSUM  =", b"DETSEC  ="])
def test_an_extension_that_is_no_amplifier_is_refused_by_name(small_file, card):
    small_file.write_bytes(small_file.read_bytes().replace(card, b"OTHER   ="))
    with pytest.raises(SlitlessError, match=r"Segment13 is no amplifier"):
        read_frame(small_file)
