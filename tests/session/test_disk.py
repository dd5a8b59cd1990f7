from pathlib import Path

import pytest

from session import disk
from slitless.definition import load_instrument
from slitless.errors import SlitlessError


def test_a_frame_needs_its_pixels_and_more():
    detector = load_instrument().detector
    assert disk.bytes_needed(detector, 20) > 20 * detector.frame_bytes


def test_too_little_space_says_what_is_needed_and_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 12_000_000)
    with pytest.raises(SlitlessError, match="12 MB free, 900 MB needed"):
        disk.require_space(tmp_path, 900_000_000)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path):
    (tmp_path / "data").write_text("")
    with pytest.raises(SlitlessError, match="data folder"):
        disk.require_space(tmp_path / "data", 1)


def test_free_space_of_a_folder_to_be_made_is_that_of_its_disk(tmp_path: Path):
    assert disk.free_bytes(tmp_path / "a" / "b") == pytest.approx(disk.free_bytes(tmp_path), rel=0.01)


def test_the_folder_is_made(tmp_path: Path):
    disk.require_space(tmp_path / "a" / "b", 1)
    assert (tmp_path / "a" / "b").is_dir()
