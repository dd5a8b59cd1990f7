"""Writes a frame as LATISS files are: an empty primary HDU and an image extension for each amplifier.

A file appears under its final name only when all of it is durable, and never in place of another file.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from slitless.definition import Instrument
from slitless.detector.geometry import AmplifierReadout
from slitless.durable import sync_folder
from slitless.errors import SlitlessError
from slitless.fits.cards import card_image
from slitless.fits.checksum import checksum_text, data_sum, ones_complement
from slitless.fits.disk import DirectFile
from slitless.fits.hdus import BLOCK
from slitless.fits.header import amplifier_cards

__all__ = ["FrameNotWritten", "WrittenFile", "check_destination", "write_frame"]

PIXEL = np.dtype(">i4")
HEADERS = 17 * 4 * BLOCK  # bytes, generous, that headers add to the pixels
NO_CHECKSUM = "0" * 16
FILE_MODE = 0o644


class FrameNotWritten(SlitlessError):
    """A frame cannot be written, or was not; the message names the path and the reason."""


@dataclass(frozen=True)
class WrittenFile:
    """A frame on disk."""

    path: Path
    size: int
    """bytes."""
    data_sums: tuple[int, ...]
    """DATASUM of each amplifier, in file order."""


def check_destination(path: Path | str, bytes_needed: int) -> None:
    """Refuse a place where a frame could not be written; called before the shutter opens.

    Parameters
    ----------
    path : Path
        Final name of the file.
    bytes_needed : int
        Size of its pixels, bytes.

    Raises
    ------
    FrameNotWritten
        If the file exists, or its folder is missing, not writable, or too full.
    """
    path = Path(path)
    folder = path.parent
    if not folder.is_dir():
        raise FrameNotWritten(f"{path}: folder {folder} does not exist")
    if os.path.lexists(path):
        raise FrameNotWritten(f"{path}: exists already and is never overwritten")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        room = os.statvfs(folder)
    except OSError as error:
        raise FrameNotWritten(f"{path}: folder {folder} is not writable: {_reason(error)}") from error
    free, needed = room.f_bavail * room.f_frsize, bytes_needed + HEADERS
    if free < needed:
        raise FrameNotWritten(f"{path}: needs {needed} bytes, and {folder} has {free} free")


def write_frame(
    path: Path | str,
    instrument: Instrument,
    header: fits.Header,
    layout: Sequence[AmplifierReadout],
    raw: Sequence[NDArray[Any]],
) -> WrittenFile:
    """Write a frame and return when it is durable under its final name.

    Parameters
    ----------
    path : Path
        Final name; nothing may stand there yet.
    instrument : Instrument
        What the instrument is.
    header : fits.Header
        Primary header, as `slitless.fits.header.primary_header` makes it.
    layout : sequence of AmplifierReadout
        What each raw array is.
    raw : sequence of ndarray, each of shape `readout.raw_shape`, '>i4'
        Pixels, ADU. Arrays in this type and C order are written without a copy.

    Raises
    ------
    FrameNotWritten
        If the file exists already, or cannot be written whole; nothing is left behind.
    """
    path = Path(path)
    try:
        descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    except OSError as error:
        raise FrameNotWritten(f"{path}: {_reason(error)}") from error
    try:
        with open(descriptor, "wb", buffering=0) as file:
            os.fchmod(file.fileno(), FILE_MODE)
            size, sums = _write_hdus(file.fileno(), instrument, header, layout, raw)
        os.link(partial, path)  # fails if the name is taken, where a rename would overwrite
    except FileExistsError as error:
        raise FrameNotWritten(f"{path}: exists already and is never overwritten") from error
    except OSError as error:
        raise FrameNotWritten(f"{path}: {_reason(error)}") from error
    finally:
        os.unlink(partial)
    sync_folder(path.parent)
    return WrittenFile(path, size, sums)


def _write_hdus(
    descriptor: int,
    instrument: Instrument,
    header: fits.Header,
    layout: Sequence[AmplifierReadout],
    raw: Sequence[NDArray[Any]],
) -> tuple[int, tuple[int, ...]]:
    """Write all HDUs and return the size of the file in bytes, and the data sums of the amplifiers."""
    primary = header.copy()
    for name in ("CHECKSUM", "DATASUM"):
        primary.remove(name, ignore_missing=True)
    cards = primary.tostring(endcard=False, padding=False)
    sums = []
    with DirectFile(descriptor) as file:
        file.write(_header_block(cards, 0))
        for readout, pixels in zip(layout, raw, strict=True):
            if pixels.shape != readout.raw_shape:
                raise ValueError(f"{readout.amplifier.name}: {pixels.shape} pixels, expected {readout.raw_shape}")
            stored = np.ascontiguousarray(pixels, dtype=PIXEL)
            data = stored.data.cast("B")
            sums.append(data_sum(data))
            file.write(_header_block(amplifier_cards(instrument, readout, stored), sums[-1]))
            file.write(data)
            file.write(bytes(-len(data) % BLOCK))
        return file.finish(), tuple(sums)


def _header_block(cards: str, data_total: int) -> bytes:
    """Return a header as it stands in the file, with DATASUM and CHECKSUM."""
    total_card = card_image("DATASUM", str(data_total), "Data unit checksum")
    text = cards + total_card + card_image("CHECKSUM", NO_CHECKSUM, "HDU checksum") + "END"
    block = text.ljust(math.ceil(len(text) / BLOCK) * BLOCK).encode("ascii")
    checksum = checksum_text(ones_complement(data_sum(block) + data_total))
    place = len(cards) + len(total_card) + len("CHECKSUM= '")
    return block[:place] + checksum.encode() + block[place + len(checksum) :]


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
