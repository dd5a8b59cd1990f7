"""Full frames, judged as files: structure, geometry, noise, and light where it should be."""

from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from scipy.ndimage import uniform_filter

from plans import take_bias, take_object, take_stuttered
from slitless.fits.verify import verify_file

SEGMENTS = [f"Segment1{column}" for column in range(8)] + [f"Segment0{column}" for column in range(7, -1, -1)]


@pytest.fixture(scope="module", autouse=True)
def full_frames(observatory):
    observatory.window(0)


@pytest.fixture(scope="module")
def biases(observatory):
    return observatory.take(take_bias(2))


@pytest.fixture(scope="module")
def stuttered(observatory):
    (number,) = observatory.take(take_stuttered(0.1, 4, 100, filter=0, grating=0, note="four slices"))
    return number


def section(text):
    """Return the two ends of a FITS section in x and in y, each in rising order, and whether they were reversed."""
    columns, rows = (tuple(int(end) for end in axis.split(":")) for axis in text.strip("[]").split(","))
    return sorted(columns), sorted(rows)


def test_a_frame_has_an_empty_primary_and_sixteen_amplifiers_in_file_order(observatory, biases):
    path = observatory.files[biases[0]]
    with fits.open(path, checksum=True) as frame:  # a wrong checksum is a warning, and that an error
        frame.verify("exception")
        hdus: list[Any] = list(frame)
        assert len(hdus) == 17
        assert hdus[0].data is None
        assert [hdu.header["EXTNAME"] for hdu in hdus[1:]] == SEGMENTS
        assert [hdu.header["CHANNEL"] for hdu in hdus[1:]] == list(range(1, 17))
        assert {hdu.data.shape for hdu in hdus[1:]} == {(2048, 576)}
        assert {hdu.header["BITPIX"] for hdu in hdus[1:]} == {32}
    assert path.stat().st_size >= 16 * 2048 * 576 * 4
    assert verify_file(path, observatory.instrument) == []


def test_the_amplifiers_tile_the_detector_exactly_once(observatory, biases):
    hits = np.zeros((4000, 4072), dtype=int)
    with fits.open(observatory.files[biases[0]]) as frame:
        hdus: list[Any] = list(frame)
        for hdu in hdus[1:]:
            (x1, x2), (y1, y2) = section(hdu.header["DETSEC"])
            (d1, d2), (e1, e2) = section(hdu.header["DATASEC"])
            assert (x2 - x1, y2 - y1) == (d2 - d1, e2 - e1)
            assert hdu.header["DETSIZE"] == "[1:4072,1:4000]"
            hits[y1 - 1 : y2, x1 - 1 : x2] += 1
    assert (hits == 1).all()


def test_the_overscan_of_every_amplifier_is_its_bias(observatory, biases):
    frame = observatory.frame(biases[0])
    for readout, pixels in zip(frame.layout, frame.raw, strict=True):
        assert pixels[readout.overscan_slice].mean() == pytest.approx(readout.amplifier.bias, abs=1.0)  # ADU
        assert pixels[readout.data_slice].mean() == pytest.approx(readout.amplifier.bias, abs=1.0)


def test_a_pair_of_biases_has_the_read_noise_of_each_amplifier(observatory, biases):
    first, second = (observatory.frame(number) for number in biases)
    table = observatory.instrument.detector.amplifiers
    for readout, one, other in zip(first.layout, first.raw, second.raw, strict=True):
        amplifier = table[readout.index]
        pixels = readout.data_slice
        difference = one[pixels].astype(float) - other[pixels].astype(float)
        noise = difference.std() / np.sqrt(2) * amplifier.gain  # e-
        assert noise == pytest.approx(amplifier.read_noise, rel=0.05), amplifier.name


def test_two_biases_are_two_frames(observatory, biases):
    one, other = (observatory.frame(number).raw for number in biases)
    assert not np.array_equal(one[0], other[0])


def test_a_stuttered_frame_is_one_file_that_says_how_it_was_made(observatory, stuttered):
    header = observatory.header(stuttered)
    assert (header["STUTTER ROWS"], header["STUTTER NSHIFTS"], header["STUTTER DELAY"]) == (100, 4, 0.1)
    assert (header["IMGTYPE"], header["EXPTIME"]) == ("STUTTERED", 0.1)
    assert observatory.frame(stuttered).text("OBSANNOT") == "four slices"
    assert verify_file(observatory.files[stuttered], observatory.instrument) == []


@pytest.mark.parametrize("half", ["lower", "upper"])
def test_a_stuttered_star_has_four_images_100_rows_apart(observatory, stuttered, half):
    image = observatory.frame(stuttered).image(bias_subtracted=True).astype(float)
    rows = image[:2000][::-1] if half == "lower" else image[2000:]  # from the middle of the detector outwards
    smooth = uniform_filter(rows - np.median(rows), 7)
    brightest, column = divmod(int(smooth[400:1500].argmax()), rows.shape[-1])
    profile = smooth[:, column]
    windows = [profile[400 + brightest + 100 * step - 15 :][:31] for step in range(-4, 5)]  # rows around each place
    peaks = np.array([window.max() for window in windows]) / smooth[400 + brightest, column]
    images = np.flatnonzero(peaks > 0.4)
    assert len(images) == 4, peaks
    assert images[-1] - images[0] == 3
    centroids = [np.average(np.arange(-15, 16), weights=windows[place].clip(0)) for place in images]
    assert np.array(centroids) - np.mean(centroids) == pytest.approx([0, 0, 0, 0], abs=1.5)  # rows


def test_twenty_slices_100_rows_apart_just_fit(observatory):
    (number,) = observatory.take(take_stuttered(0.1, 20, 100))
    assert observatory.header(number)["STUTTER NSHIFTS"] == 20


def test_the_statistics_of_an_event_are_those_of_its_file(observatory):
    (number,) = observatory.take(take_object(0.5, filter=0, grating=0))
    frame = observatory.frame(number)
    (event,) = observatory.events()
    pixels = frame.image(bias_subtracted=True)
    assert event["data"]["detector_mean"] == pytest.approx(pixels.mean(), abs=0.6)  # ADU; the level is rounded
    assert event["data"]["detector_maximum"] == pytest.approx(pixels.max(), abs=2.0)


@pytest.mark.parametrize(
    ("record", "value", "usual"), [("EnableCallbacks", 0, 1), ("NDArrayPort", "ROI1", "CCD1")], ids=["off", "region"]
)
def test_an_event_has_no_statistics_when_there_are_none_of_its_whole_frame(observatory, record, value, usual):
    observatory.put(f"CAM:Stats1:{record}", value)
    try:
        observatory.take(take_bias(1))
    finally:
        observatory.put(f"CAM:Stats1:{record}", usual)
    (event,) = observatory.events()
    assert all(np.isnan(event["data"][f"detector_{key}"]) for key in ("mean", "sigma", "maximum", "noise"))
    observatory.take(take_bias(1))
    (event,) = observatory.events()
    assert abs(event["data"]["detector_mean"]) < 1.0  # ADU


def test_journal_ledger_and_files_agree_in_the_end(observatory):
    assert observatory.problems() == []
