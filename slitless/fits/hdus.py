"""Takes a FITS file apart into its HDUs: headers, and data as bytes."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from slitless.errors import SlitlessError
from slitless.fits.checksum import CLEAN, data_sum, ones_complement

__all__ = ["BLOCK", "FrameUnreadable", "Hdu", "read_hdus"]

BLOCK = 2880  # bytes; FITS 4.0, 3.1
CARD = 80  # characters
END = b"END".ljust(CARD)


class FrameUnreadable(SlitlessError):
    """A file is no whole frame; the message names the path and what is wrong."""


@dataclass(frozen=True)
class Hdu:
    """One header and data unit."""

    header: fits.Header
    header_block: memoryview
    """The header as it stands in the file."""
    data: memoryview
    """The data as it stands in the file, without the fill at its end."""
    fill: memoryview
    """What fills the last block."""

    @property
    def name(self) -> str:
        """EXTNAME, or "primary" for the first HDU."""
        return str(self.header.get("EXTNAME", "primary" if "SIMPLE" in self.header else "unnamed extension"))

    def checksum_problems(self) -> list[str]:
        """Say which of DATASUM and CHECKSUM is missing or wrong."""
        data_total = ones_complement(data_sum(self.data) + data_sum(self.fill))
        whole = ones_complement(data_sum(self.header_block) + data_total)
        problems = []
        stored = self.header.get("DATASUM")
        if stored != str(data_total):
            problems.append(f"{self.name}: DATASUM is {stored!r}, the data sum is {data_total}")
        if "CHECKSUM" not in self.header or whole not in CLEAN:
            problems.append(f"{self.name}: CHECKSUM is missing or wrong")
        return problems


def read_hdus(path: Path | str) -> list[Hdu]:
    """Read a FITS file.

    Raises
    ------
    FrameUnreadable
        If it cannot be read, is no FITS file, is cut short, or holds more than its HDUs.
    """
    try:
        content = _content(path)
    except OSError as error:
        raise FrameUnreadable(f"{path}: {error.strerror or error}") from error
    hdus: list[Hdu] = []
    position = 0
    while position < len(content) or not hdus:
        hdu = _read_hdu(path, content, position)
        hdus.append(hdu)
        position += len(hdu.header_block) + len(hdu.data) + len(hdu.fill)
    return hdus


def _content(path: Path | str) -> memoryview:
    """Return the bytes of a file, and let other threads go on meanwhile, as `np.fromfile` does not."""
    with open(path, "rb", buffering=0) as file:
        content = np.empty(os.fstat(file.fileno()).st_size, dtype=np.uint8).data
        length = 0
        while length < len(content) and (count := file.readinto(content[length:])):
            length += count
    return content[:length]


def _read_hdu(path: Path | str, content: memoryview, start: int) -> Hdu:
    data_start = _header_end(content, start)
    try:
        if not data_start:
            raise ValueError("no END card")
        block = content[start:data_start]
        header = fits.Header.fromstring(bytes(block))
        size = _data_size(header)
    except (KeyError, ValueError, fits.VerifyError) as error:
        raise FrameUnreadable(f"{path}: byte {start} starts no FITS header: {error}") from error
    data_end, unit_end = data_start + size, data_start + math.ceil(size / BLOCK) * BLOCK
    if len(content) < unit_end:
        raise FrameUnreadable(f"{path}: cut short: {len(content)} bytes, needs {unit_end} or more")
    return Hdu(header, block, content[data_start:data_end], content[data_end:unit_end])


def _header_end(content: memoryview, start: int) -> int:
    """Return where the header that starts here ends, 0 if it does not."""
    for block in range(start, len(content) - BLOCK + 1, BLOCK):
        cards = bytes(content[block : block + BLOCK])
        if block == start and cards[:6] not in (b"SIMPLE", b"XTENSI"):
            return 0
        if any(cards[card : card + CARD] == END for card in range(0, BLOCK, CARD)):
            return block + BLOCK
    return 0


def _data_size(header: Any) -> int:
    axes = [int(header[f"NAXIS{n}"]) for n in range(1, int(header["NAXIS"]) + 1)]
    if not axes:
        return 0
    pixels = int(header.get("GCOUNT", 1)) * (int(header.get("PCOUNT", 0)) + math.prod(axes))
    size = abs(int(header["BITPIX"])) // 8 * pixels
    if size < 0:
        raise ValueError(f"a data size of {size} bytes")
    return size
