"""Verification passes whole frames and finds each thing that can go wrong with one."""

from typing import Any

import pytest
from astropy.io import fits

from slitless.detector.geometry import Window
from slitless.exposure import ImageType
from slitless.fits.verify import verify_file


def alter(path, old, new):
    """Change text in a file and put its checksums right, so that only the change itself can be found."""
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new.ljust(len(old)), 1))
    with fits.open(path) as hdus:
        hdus.writeto(path, overwrite=True, checksum=True)


def test_a_whole_frame_passes(full_file, instrument):
    assert verify_file(full_file, instrument) == []


@pytest.mark.parametrize(
    "window",
    [
        Window(2030, 2043, 1996, 2005),
        Window(1, 4072, 1, 4000, 16, 16),
        Window(7, 1500, 3, 1999, 3, 5),
        Window(600, 700, 3000, 3102, 2, 2),
    ],
)
def test_frames_of_any_window_pass(frame_of, tmp_path, instrument, window):
    path = frame_of(window).write(tmp_path / "frame.fits").path
    assert verify_file(path, instrument) == []


@pytest.mark.parametrize("image_type", list(ImageType))
def test_frames_of_any_type_pass(frame_of, tmp_path, instrument, image_type):
    shutter_time = 30.0 if image_type.opens_shutter else 0.0
    frame = frame_of(Window(1, 100, 1, 10), image_type=image_type, shutter_time=shutter_time)
    assert verify_file(frame.write(tmp_path / "frame.fits").path, instrument) == []


@pytest.mark.parametrize("place", [100, 5000, -3000, -1])
def test_a_flipped_bit_anywhere_is_found(small_file, instrument, place):
    content = bytearray(small_file.read_bytes())
    content[place] ^= 1
    small_file.write_bytes(content)
    assert verify_file(small_file, instrument)


def test_a_flipped_byte_in_the_pixels_is_found_in_its_segment(full_file, instrument, tmp_path):
    content = bytearray(full_file.read_bytes())
    content[40_000_000] ^= 0xFF
    spoilt = tmp_path / "spoilt.fits"
    spoilt.write_bytes(content)
    data, whole = verify_file(spoilt, instrument)
    assert data.startswith("Segment07: DATASUM")
    assert whole == "Segment07: CHECKSUM is missing or wrong"


@pytest.mark.parametrize("lost", [1, 2880, 30_000])
def test_a_truncated_file_is_found(small_file, instrument, lost):
    small_file.write_bytes(small_file.read_bytes()[:-lost])
    assert verify_file(small_file, instrument)


def test_a_file_with_something_behind_it_is_found(small_file, instrument):
    small_file.write_bytes(small_file.read_bytes() + bytes(2880))
    (problem,) = verify_file(small_file, instrument)
    assert "starts no FITS header" in problem


def test_a_missing_file_is_a_problem_and_no_exception(tmp_path, instrument):
    (problem,) = verify_file(tmp_path / "gone.fits", instrument)
    assert "No such file" in problem


@pytest.mark.parametrize("name", ["OBSID", "FILTER", "LINSPOS", "AMSTART", "CCDTEMP", "HIERARCH STUTTER ROWS"])
def test_a_missing_mandatory_keyword_is_found(small_file, instrument, name):
    hdus: Any
    with fits.open(small_file, mode="update", checksum=True) as hdus:
        hdus[0].header.remove(name.removeprefix("HIERARCH "))
    assert verify_file(small_file, instrument) == [f"primary: {name.removeprefix('HIERARCH ')} is missing"]


def test_an_unknown_image_type_is_found(small_file, instrument):
    alter(small_file, b"IMGTYPE = 'OBJECT  '", b"IMGTYPE = 'SPOT    '")
    (problem,) = verify_file(small_file, instrument)
    assert "SPOT" in problem


@pytest.mark.parametrize("wrong", [b"'[2036:2029,1996:2000]'", b"'[9036:9030,1996:2000]'", b"'nowhere'"])
def test_a_wrong_detsec_is_found(small_file, instrument, wrong):
    alter(small_file, b"'[2036:2030,1996:2000]'", wrong)
    assert any("DETSEC" in problem for problem in verify_file(small_file, instrument))


def test_a_wrong_detsec_inside_the_detector_is_named(full_file, instrument, tmp_path):
    path = tmp_path / "frame.fits"
    path.write_bytes(full_file.read_bytes())
    alter(path, b"'[2036:1528,1:2000]'", b"'[2037:1529,1:2000]'")
    assert verify_file(path, instrument) == [
        "Segment13: DETSEC is '[2037:1529,1:2000]', and should be '[2036:1528,1:2000]'"
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"DTV1    =               2040.0", b"DTV1    =               2041.0"),
        (b"BIASSEC = '[11:74,1:5]'", b"BIASSEC = '[12:74,1:5]'"),
        (b"DETSIZE = '[1:4072,1:4000]'    / Imaging pixels of", b"DETSIZE = '[1:4072,1:4001]'    / Imaging pixels of"),
        (b"CHANNEL =                    4", b"CHANNEL =                    5"),
    ],
)
def test_wrong_geometry_is_found(small_file, instrument, old, new):
    content = small_file.read_bytes()
    position = content.rindex(old)
    small_file.write_bytes(content[:position] + new + content[position + len(new) :])
    with fits.open(small_file) as hdus:
        hdus.writeto(small_file, overwrite=True, checksum=True)
    (problem,) = verify_file(small_file, instrument)
    assert old.split()[0].decode() in problem


def test_segments_that_are_swapped_or_lost_are_found(small_file, instrument):
    with fits.open(small_file) as hdus:
        content = [hdu.copy() for hdu in hdus]
    for kept in ([0, 2, 1, 3, 4], [0, 1, 2, 3], [0]):
        fits.HDUList([content[n] for n in kept]).writeto(small_file, overwrite=True, checksum=True)
        (problem,) = verify_file(small_file, instrument)
        assert "amplifiers" in problem


def test_what_was_expected_is_compared_as_it_was_given(small_file, small_frame, instrument):
    expected = {"OBSANNOT": small_frame.record.note, "OBSID": "AT_O_20240624_000106", "EXPTIME": 30.0}
    assert verify_file(small_file, instrument, expected) == []
    assert verify_file(small_file, instrument, {"EXPTIME": 29.0, "NOTHERE": 1}) == [
        "primary: EXPTIME is 30.0, and should be 29.0",
        "primary: NOTHERE is None, and should be 1",
    ]
