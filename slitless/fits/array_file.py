"""Files beside a frame's own: another name for it, or one array as plain FITS. Neither ever replaces a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astropy.io import fits
from numpy.typing import NDArray

from slitless.durable import sync_folder
from slitless.fits.writer import FrameNotWritten

__all__ = ["link_file", "write_array"]

FILE_MODE = 0o644


def link_file(source: Path, path: Path) -> None:
    """Give a file another name, durably.

    Raises
    ------
    FrameNotWritten
        If the name is taken, or its folder does not take it.
    """
    try:
        os.link(source, path)
        sync_folder(path.parent)
    except FileExistsError as error:
        raise FrameNotWritten(f"{path}: exists already and is never overwritten") from error
    except OSError as error:
        raise FrameNotWritten(f"{path}: {error.strerror or error}") from error


def write_array(path: Path, pixels: NDArray[Any], facts: Mapping[str, Any]) -> None:
    """Write an array as a FITS file of one image; return when it is durable.

    Parameters
    ----------
    path : Path
        Final name; nothing may stand there yet.
    pixels : ndarray
        The array.
    facts : mapping
        Numbers and text of the header, by names that become ``HIERARCH`` keywords.

    Raises
    ------
    FrameNotWritten
        If the name is taken, or the file cannot be written whole; nothing is left behind.
    """
    image = fits.PrimaryHDU(pixels)
    for name, value in facts.items():
        image.header[f"HIERARCH {name.upper().replace('_', ' ')}"] = value
    try:
        descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    except OSError as error:
        raise FrameNotWritten(f"{path}: {error.strerror or error}") from error
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(file.fileno(), FILE_MODE)
            image.writeto(file, checksum=True)
            file.flush()
            os.fsync(file.fileno())
        link_file(Path(partial), path)
    except OSError as error:
        raise FrameNotWritten(f"{path}: {error.strerror or error}") from error
    finally:
        os.unlink(partial)
