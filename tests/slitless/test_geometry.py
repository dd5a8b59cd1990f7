"""Geometry: every detector pixel is read once, by the right amplifier, in the right order."""

import numpy as np
import pytest

from slitless.definition import load_instrument
from slitless.detector.geometry import Window, amplifier_view, assemble, readout_layout
from slitless.errors import InvalidRequest

DETECTOR = load_instrument().detector
FULL = Window.full(DETECTOR)


def raw_frame(layout, image):
    """Read an unbinned detector image out by the layout, overscan -1."""
    frame = []
    for readout in layout:
        pixels = np.full(readout.raw_shape, -1, dtype=">i4")
        pixels[readout.data_slice] = amplifier_view(image, readout)
        frame.append(pixels)
    return frame


def test_full_frame_has_the_sections_of_a_latiss_file():
    layout = readout_layout(DETECTOR, FULL)
    assert [r.amplifier.name for r in layout][:2] == ["Segment10", "Segment11"]
    first, last = layout[0], layout[-1]
    assert first.raw_shape == (2048, 576)
    assert first.data_section.fits() == "[4:512,1:2000]"
    assert first.bias_section.fits() == "[513:576,1:2000]"
    assert first.detector_section.fits() == "[509:1,1:2000]"
    assert last.amplifier.name == "Segment00"
    assert last.detector_section.fits() == "[509:1,4000:2001]"
    assert layout[8].detector_section.fits() == "[4072:3564,4000:2001]"


def test_amplifiers_tile_the_detector_exactly_once():
    times_read = np.zeros((DETECTOR.height, DETECTOR.width), int)
    for readout in readout_layout(DETECTOR, FULL):
        times_read[readout.detector_slice] += 1
    assert times_read.min() == times_read.max() == 1


@pytest.mark.parametrize(
    "window", [FULL, Window(101, 1000, 1900, 2100), Window(1, 509, 1, 2000), Window(3000, 3010, 3999, 4000)]
)
def test_assembling_gives_back_the_window(window):
    image = np.arange(DETECTOR.height * DETECTOR.width, dtype=np.int32).reshape(DETECTOR.height, DETECTOR.width)
    layout = readout_layout(DETECTOR, window)
    expected = image[window.first_row - 1 : window.last_row, window.first_column - 1 : window.last_column]
    assert np.array_equal(assemble(layout, raw_frame(layout, image)), expected)


def test_bias_is_subtracted_per_amplifier():
    layout = readout_layout(DETECTOR, Window(500, 520, 10, 12))
    frame = [np.full(r.raw_shape, 100 * n, ">i4") for n, r in enumerate(layout)]
    assert not assemble(layout, frame, bias=[0.2, 100.4]).any()


def test_binning_drops_the_pixels_that_fill_no_bin():
    layout = readout_layout(DETECTOR, Window(1, 4072, 1, 4000, 2, 2))
    assert {r.data_columns for r in layout} == {254}
    assert layout[0].detector_section.fits() == "[509:2,1:2000]"
    assert layout[0].prescan == 1


@pytest.mark.parametrize(
    ("window", "named"),
    [
        (Window(10, 5, 1, 10), "columns 10 to 5"),
        (Window(0, 5, 1, 10), "columns 0 to 5"),
        (Window(1, 4073, 1, 10), "4072"),
        (Window(1, 10, 1, 4001), "4000"),
        (Window(1, 10, 1, 10, 0, 1), "column binning"),
        (Window(1, 10, 1, 10, 1, 17), "row binning"),
        (Window(505, 510, 1, 10, 4, 1), "Segment11"),
    ],
)
def test_a_window_that_cannot_be_read_is_refused(window, named):
    with pytest.raises(InvalidRequest, match=named):
        readout_layout(DETECTOR, window)
