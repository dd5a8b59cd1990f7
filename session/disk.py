"""Disk space: what a night needs, and whether it is there, before anything starts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from slitless.definition import Detector
from slitless.errors import SlitlessError

__all__ = ["bytes_needed", "free_bytes", "require_space", "size_text"]

HEADERS = 120_000  # bytes of 17 FITS headers, generously
PICTURE = 1_500_000  # bytes of one quick-look PNG, at most
BOOKKEEPING = 30_000_000  # bytes of journal, catalogue and logs of a night, at most
MARGIN = 1.05


def bytes_needed(detector: Detector, frames: int, pictures: int = 0) -> int:
    """Return the disk space (bytes) that so many full frames and quick-look pictures take, with a margin."""
    return round(MARGIN * (frames * (detector.frame_bytes + HEADERS) + pictures * PICTURE) + BOOKKEEPING)


def free_bytes(folder: Path) -> int:
    """Return the free disk space (bytes) where a folder is, or where it would be made."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def require_space(folder: Path, needed: int) -> None:
    """Make the folder, and refuse if it cannot be written or has too little space.

    Raises
    ------
    SlitlessError
        Naming the folder, what is needed and what is free.
    """
    try:
        free = free_bytes(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SlitlessError(f"data folder {folder}: cannot be made: {error.strerror or error}") from error
    if not folder.is_dir():
        raise SlitlessError(f"data folder {folder}: is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SlitlessError(f"data folder {folder}: is not writable")
    if free < needed:
        raise SlitlessError(f"data folder {folder}: {size_text(free)} free, {size_text(needed)} needed")


def size_text(size: float) -> str:
    """Return bytes in the unit that reads best, e.g. ``831 MB``."""
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
