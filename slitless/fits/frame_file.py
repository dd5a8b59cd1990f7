"""Reads a frame back: header, pixels as read, and how they lie on the detector."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from pydantic import ValidationError

from slitless.definition import Amplifier
from slitless.detector.geometry import AmplifierReadout, Section, assemble
from slitless.fits.hdus import FrameUnreadable, Hdu, read_hdus
from slitless.fits.text import decode_text

__all__ = ["FrameFile", "read_frame", "readout_of"]

SECTION = re.compile(r"\[(\d+):(\d+),(\d+):(\d+)\]")
PIXEL = np.dtype(">i4")


@dataclass(frozen=True)
class FrameFile:
    """A frame as a file holds it."""

    header: fits.Header
    """Primary header."""
    layout: tuple[AmplifierReadout, ...]
    raw: tuple[NDArray[Any], ...]
    """Pixels as read, ADU, '>i4', one array for each amplifier."""

    def text(self, name: str) -> str:
        """Return a text of the primary header as it was given, empty if it is not there."""
        return decode_text(str(self.header.get(name, "")))

    def image(self, *, bias_subtracted: bool = False) -> NDArray[np.int32]:
        """Return the imaging pixels put together, overscan trimmed.

        Parameters
        ----------
        bias_subtracted : bool
            Whether each amplifier's mean serial overscan, rounded, is taken off.

        Returns
        -------
        ndarray, shape (rows, columns) of the window, binned, int32
            ADU.
        """
        return assemble(self.layout, self.raw, self.bias_levels() if bias_subtracted else None)

    def bias_levels(self) -> list[float]:
        """Return the mean serial overscan of each amplifier, ADU; NaN where it has none."""
        pairs = zip(self.layout, self.raw, strict=True)
        overscans: Sequence[NDArray[Any]] = [pixels[readout.overscan_slice] for readout, pixels in pairs]
        return [float(o.mean(dtype=np.float64)) if o.size else np.nan for o in overscans]


def read_frame(path: Path | str) -> FrameFile:
    """Read a frame that `write_frame` wrote.

    Raises
    ------
    FrameUnreadable
        If the file cannot be read or is no such frame.
    """
    primary, *segments = read_hdus(path)
    if not segments:
        raise FrameUnreadable(f"{path}: holds no amplifiers")
    layout = []
    for segment in segments:
        try:
            layout.append(readout_of(segment))
        except (KeyError, TypeError, ValueError, ValidationError) as error:
            raise FrameUnreadable(f"{path}: {segment.name} is no amplifier: {error}") from error
    pixels = [np.frombuffer(hdu.data, dtype=PIXEL) for hdu in segments]
    raw = tuple(p.reshape(readout.raw_shape) for p, readout in zip(pixels, layout, strict=True))
    return FrameFile(primary.header, tuple(layout), raw)


def readout_of(hdu: Hdu) -> AmplifierReadout:
    """Return what an extension says of its amplifier and pixels.

    Raises
    ------
    KeyError, ValueError
        If a keyword is missing, malformed, or contradicts the size of the array.
    """
    header: Any = hdu.header
    if header["BITPIX"] != 32 or header["NAXIS"] != 2:
        raise ValueError("not an array of 32-bit pixels with two axes")
    data, detector = _section(header, "DATASEC"), _section(header, "DETSEC")
    column_binning, row_binning = (int(n) for n in str(header["CCDSUM"]).split())
    columns, rows = int(header["NAXIS1"]), int(header["NAXIS2"])
    if not (1 <= data.x1 <= data.x2 <= columns and 1 == data.y1 <= data.y2 <= rows):
        raise ValueError(f"DATASEC {data.fits()} does not lie in {columns} x {rows} pixels")
    return AmplifierReadout(
        index=int(header["CHANNEL"]) - 1,
        amplifier=Amplifier(
            name=header["EXTNAME"],
            gain=header["GAIN"],
            read_noise=header["RDNOISE"],
            bias=header["BIASLVL"],
            full_well=header["FULLWELL"],
        ),
        data_columns=data.x2 - data.x1 + 1,
        data_rows=data.y2,
        prescan=data.x1 - 1,
        serial_overscan=columns - data.x2,
        parallel_overscan=rows - data.y2,
        column_binning=column_binning,
        row_binning=row_binning,
        near_x=detector.x1,
        near_y=detector.y1,
        flip_x=header["DTM1_1"] < 0,
        flip_y=header["DTM2_2"] < 0,
    )


def _section(header: Any, name: str) -> Section:
    match = SECTION.fullmatch(str(header[name]))
    if not match:
        raise ValueError(f"{name} {header[name]!r} is no section")
    return Section(*(int(n) for n in match.groups()))
