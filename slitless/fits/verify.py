"""Checks a frame on disk: structure, checksums, mandatory keywords, geometry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astropy.io import fits
from pydantic import ValidationError

from slitless.definition import Detector, Instrument
from slitless.detector.geometry import AmplifierReadout, Window, readout_layout
from slitless.detector.readout_format import ReadoutFormat
from slitless.errors import InvalidRequest
from slitless.exposure import ImageType
from slitless.fits.frame_file import readout_of
from slitless.fits.hdus import FrameUnreadable, Hdu, read_hdus
from slitless.fits.header import amplifier_geometry
from slitless.fits.keywords import KEYWORDS
from slitless.fits.text import decode_text

__all__ = ["integrity_problems", "verify_file"]


def verify_file(path: Path | str, instrument: Instrument, expected: Mapping[str, Any] | None = None) -> list[str]:
    """Check that a file is a whole, unspoilt frame of an instrument.

    Parameters
    ----------
    path : Path
        The file.
    instrument : Instrument
        What the instrument is.
    expected : mapping, optional
        Primary keyword to the value it must have; texts as they were given, not escaped.

    Returns
    -------
    list of str
        What is wrong; empty if nothing is.
    """
    try:
        primary, *segments = read_hdus(path)
    except FrameUnreadable as error:
        return [str(error)]
    problems = _integrity_problems([primary, *segments], instrument.detector)
    problems += _primary_problems(primary.header)
    problems += _expectation_problems(primary.header, expected or {})
    return problems


def integrity_problems(path: Path | str, instrument: Instrument) -> list[str]:
    """Check that a file just written reads back whole: structure, checksums, geometry.

    What its header could not say is not asked: that is known when it is composed.

    Returns
    -------
    list of str
        What is wrong; empty if nothing is.
    """
    try:
        hdus = read_hdus(path)
    except FrameUnreadable as error:
        return [str(error)]
    return _integrity_problems(hdus, instrument.detector)


def _integrity_problems(hdus: list[Hdu], detector: Detector) -> list[str]:
    problems = [problem for hdu in hdus for problem in hdu.checksum_problems()]
    return problems + _geometry_problems(hdus[0].header, hdus[1:], detector)


def _primary_problems(header: fits.Header) -> list[str]:
    problems = [] if header.get("NAXIS") == 0 else ["primary: holds data, and should be empty"]
    try:
        image_type = ImageType.named(str(header.get("IMGTYPE", "")))
    except InvalidRequest as error:
        return [*problems, f"primary: IMGTYPE: {error}"]
    return problems + [
        f"primary: {keyword.name} is missing"
        for keyword in KEYWORDS
        if keyword.mandatory.holds_for(image_type) and header.get(keyword.name) in (None, "")
    ]


def _geometry_problems(primary: fits.Header, segments: list[Hdu], detector: Detector) -> list[str]:
    found: list[AmplifierReadout] = []
    for hdu in segments:
        try:
            found.append(readout_of(hdu))
        except (KeyError, TypeError, ValueError, ValidationError) as error:
            return [f"{hdu.name}: is no amplifier: {error}"]
    if not found:
        return ["no amplifiers"]
    try:
        due = readout_layout(detector, _window(found, _format(primary, detector)))
    except InvalidRequest as error:
        return [f"DETSEC, or the format in PREH, OVERH and OVERV: {error}"]
    names, due_names = [r.amplifier.name for r in found], [r.amplifier.name for r in due]
    if names != due_names:
        return [f"amplifiers are {', '.join(names)}, and should be {', '.join(due_names)}"]
    return [
        f"{hdu.name}: {name} is {hdu.header.get(name)!r}, and should be {value!r}"
        for hdu, readout in zip(segments, due, strict=True)
        for name, value in amplifier_geometry(detector, readout, readout.raw_shape).items()
        if hdu.header.get(name) != value
    ]


def _format(primary: fits.Header, detector: Detector) -> ReadoutFormat:
    """Return the format that the primary header says; the detector's own where it says none."""
    own = ReadoutFormat.of(detector)
    counts: list[Any] = [
        primary.get("PREH", own.serial_underscan),
        primary.get("OVERH", own.serial_overscan),
        primary.get("OVERV", own.parallel_overscan),
    ]
    return ReadoutFormat(*counts)


def _window(found: list[AmplifierReadout], beside: ReadoutFormat) -> Window:
    """Return the window whose layout the amplifiers should be: all the detector pixels they say they hold."""
    rows, columns = zip(*(readout.detector_slice for readout in found), strict=True)
    return Window(
        first_column=min(c.start for c in columns) + 1,
        last_column=max(c.stop for c in columns),
        first_row=min(r.start for r in rows) + 1,
        last_row=max(r.stop for r in rows),
        column_binning=found[0].column_binning,
        row_binning=found[0].row_binning,
        format=beside,
    )


def _expectation_problems(header: fits.Header, expected: Mapping[str, Any]) -> list[str]:
    problems = []
    for name, value in expected.items():
        found = header.get(name)
        if (decode_text(found) if isinstance(found, str) else found) != value:
            problems.append(f"primary: {name} is {found!r}, and should be {value!r}")
    return problems
