"""A frame appears whole and durable, never over another file, or not at all."""

import errno
import os
import stat
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from slitless.errors import SlitlessError
from slitless.fits.frame_file import read_frame
from slitless.fits.writer import check_destination, write_frame


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_written_frame_stands_alone_under_its_name(small_frame, tmp_path):
    path = tmp_path / "frame.fits"
    written = small_frame.write(path)
    assert contents(tmp_path) == ["frame.fits"]
    assert written.path == path
    assert written.size == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_the_data_sums_are_those_of_the_file(small_frame, tmp_path):
    written = small_frame.write(tmp_path / "frame.fits")
    hdus: Any
    with fits.open(written.path) as hdus:
        assert [hdu.header["DATASUM"] for hdu in hdus] == ["0", *map(str, written.data_sums)]


def test_an_existing_file_is_never_overwritten(small_frame, tmp_path):
    path = tmp_path / "frame.fits"
    path.write_text("precious")
    with pytest.raises(SlitlessError, match=r"frame\.fits: exists already"):
        small_frame.write(path)
    assert path.read_text() == "precious"
    assert contents(tmp_path) == ["frame.fits"]


def test_a_file_that_appears_during_the_writing_is_never_overwritten(small_frame, tmp_path, monkeypatch):
    path = tmp_path / "frame.fits"
    fsync = os.fsync

    def intrude(descriptor):
        fsync(descriptor)
        if not path.exists():
            path.write_text("precious")

    monkeypatch.setattr(os, "fsync", intrude)
    with pytest.raises(SlitlessError, match="exists already"):
        small_frame.write(path)
    assert path.read_text() == "precious"
    assert contents(tmp_path) == ["frame.fits"]


def test_the_file_is_on_disk_before_it_has_its_name_and_the_name_after(small_frame, tmp_path, monkeypatch):
    path = tmp_path / "frame.fits"
    fsync, synced = os.fsync, []

    def note(descriptor):
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    small_frame.write(path)
    assert synced == [(False, False), (True, True)]


@pytest.mark.parametrize("call", ["pwrite", "ftruncate", "fsync", "link"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_an_error_of_the_disk_leaves_nothing_behind(small_frame, tmp_path, monkeypatch, call, code):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(SlitlessError, match=rf"frame\.fits: {os.strerror(code)}"):
        small_frame.write(tmp_path / "frame.fits")
    assert contents(tmp_path) == []


def test_a_disk_that_fills_up_midway_leaves_nothing_behind(full_frame, tmp_path, monkeypatch):
    pwrite = os.pwrite

    def fill_up(descriptor, data, offset):
        if offset > 30_000_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", fill_up)
    with pytest.raises(SlitlessError, match=r"frame\.fits: No space left"):
        full_frame.write(tmp_path / "frame.fits")
    assert contents(tmp_path) == []


def test_a_missing_folder_is_named(small_frame, tmp_path):
    with pytest.raises(SlitlessError, match=r"nowhere/frame\.fits: No such file or directory"):
        small_frame.write(tmp_path / "nowhere" / "frame.fits")


def test_pixels_of_the_wrong_shape_leave_nothing_behind(small_frame, tmp_path):
    raw = [small_frame.raw[0][:-1], *small_frame.raw[1:]]
    with pytest.raises(ValueError, match="Segment13"):
        write_frame(tmp_path / "frame.fits", small_frame.instrument, small_frame.header, small_frame.layout, raw)
    assert contents(tmp_path) == []


@pytest.mark.parametrize(
    "convert", [np.asfortranarray, lambda p: p.astype("<i4"), lambda p: np.repeat(p, 2, 1)[:, ::2]]
)
def test_pixels_in_any_byte_and_memory_order_are_stored_right(small_frame, tmp_path, convert):
    path = tmp_path / "frame.fits"
    raw = [convert(pixels) for pixels in small_frame.raw]
    write_frame(path, small_frame.instrument, small_frame.header, small_frame.layout, raw)
    for stored, pixels in zip(read_frame(path).raw, small_frame.raw, strict=True):
        np.testing.assert_array_equal(stored, pixels)


def test_the_header_given_is_left_alone(small_frame, tmp_path):
    before = small_frame.header.tostring()
    small_frame.write(tmp_path / "frame.fits")
    assert small_frame.header.tostring() == before


def test_a_good_destination_passes_and_stays_empty(tmp_path):
    check_destination(tmp_path / "frame.fits", 75_000_000)
    assert contents(tmp_path) == []


def test_a_missing_folder_is_found_before_exposing(tmp_path):
    with pytest.raises(SlitlessError, match=r"nowhere does not exist"):
        check_destination(tmp_path / "nowhere" / "frame.fits", 1000)


def test_a_name_that_is_taken_is_found_before_exposing(tmp_path):
    path = tmp_path / "frame.fits"
    path.symlink_to(tmp_path / "gone")
    with pytest.raises(SlitlessError, match="exists already"):
        check_destination(path, 1000)


def test_a_full_disk_is_found_before_exposing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=10, f_frsize=4096))
    with pytest.raises(SlitlessError, match="has 40960 free"):
        check_destination(tmp_path / "frame.fits", 75_000_000)


def test_a_folder_that_cannot_be_written_is_found_before_exposing(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(SlitlessError, match="not writable: Read-only file system"):
        check_destination(tmp_path / "frame.fits", 1000)
