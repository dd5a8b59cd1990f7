"""Headers of a frame: the primary one from the keyword table, and one for each amplifier.

Section keywords follow the y convention of LATISS files: DETSEC puts `Segment1k` in detector rows 1 to 2000 and
`Segment0k` above, read in reverse. obs_lsst's camera geometry is flipped in y against this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from slitless.definition import Amplifier, Detector, Instrument
from slitless.detector.geometry import AmplifierReadout
from slitless.fits.cards import card_image
from slitless.fits.keywords import KEYWORDS, Keyword
from slitless.fits.record import FrameRecord
from slitless.fits.text import encode_text
from slitless.fits.values import detector_section, look_up
from slitless.instrument_time import isot

__all__ = ["amplifier_cards", "amplifier_geometry", "amplifier_header", "primary_header"]

Card = tuple[str, Any, str]
MJD_1970 = 40587.0
STRUCTURE: tuple[Card, ...] = (
    ("SIMPLE", True, "Standard FITS"),
    ("BITPIX", 8, "Bits per pixel"),
    ("NAXIS", 0, "No data here"),
    ("EXTEND", True, "Amplifiers follow as extensions"),
)
GEOMETRY_COMMENTS = {
    "EXTNAME": "Amplifier",
    "CHANNEL": "Amplifier number, from 1",
    "CCDSUM": "Binning of columns and rows",
    "DATASEC": "Imaging pixels",
    "BIASSEC": "Serial overscan",
    "DETSEC": "Imaging pixels on the detector",
    "DETSIZE": "Imaging pixels of the detector",
    "DTV1": "Detector x at raw x = 0",
    "DTV2": "Detector y at raw y = 0",
    "DTM1_1": "Detector x per raw x",
    "DTM2_2": "Detector y per raw y",
}
TIME_TOLERANCE = 0.01  # s, by which a measured duration may exceed another it is part of


def primary_header(
    instrument: Instrument, record: FrameRecord, start: Mapping[str, object], end: Mapping[str, object]
) -> tuple[fits.Header, list[str]]:
    """Make the primary header of a frame.

    Parameters
    ----------
    instrument : Instrument
        What the instrument is.
    record : FrameRecord
        What the exposure knows about itself.
    start, end : mapping
        PV suffix to value when the integration started and ended; absent or None means not known.

    Returns
    -------
    header : fits.Header
        With HDRPROB, the number of problems, and a HISTORY entry for each.
    problems : list of str
        Each mandatory value that is missing, and each value that cannot be; such a keyword is left out.
    """
    problems: list[str] = []
    images = [card_image(*card) for card in STRUCTURE]
    written = {}
    for keyword in KEYWORDS:
        if keyword.source == "file:problem_count":
            continue
        value, problem = look_up(keyword, instrument, record, end if keyword.phase == "end" else start)
        if problem:
            problems.append(problem)
        elif value is not None and (value != "" or keyword.keep_empty):
            written[keyword.name] = value
            images.append(_keyword_image(keyword, value))
    problems += _contradictions(instrument, record, written)
    images += [card.image() for card in record.own_cards]
    images.append(card_image("HDRPROB", len(problems), "Values missing or implausible"))
    header = fits.Header.fromstring("".join(images))
    for problem in problems:
        header.add_history(encode_text(problem))
    return header, problems


def amplifier_header(
    instrument: Instrument, readout: AmplifierReadout, raw: NDArray[np.signedinteger[Any]]
) -> fits.Header:
    """Make the header of one amplifier's image extension.

    Parameters
    ----------
    instrument : Instrument
        What the instrument is.
    readout : AmplifierReadout
        Which amplifier, and which of its pixels.
    raw : ndarray, shape `readout.raw_shape`
        Its pixels, ADU; the bias level and noise of its serial overscan go into AVGBIAS and STDVBIAS.

    Notes
    -----
    DTM and DTV turn the centre of a raw pixel (1-based) into detector coordinates:
    ``detector = DTM * raw + DTV``; with binning that is the middle of the binned pixel.
    """
    return fits.Header.fromstring(amplifier_cards(instrument, readout, raw))


def amplifier_cards(instrument: Instrument, readout: AmplifierReadout, raw: NDArray[np.signedinteger[Any]]) -> str:
    """Return the cards of `amplifier_header` as they stand in the file."""
    amplifier = readout.amplifier
    geometry = amplifier_geometry(instrument.detector, readout, raw.shape)
    cards: list[Card] = [("XTENSION", "IMAGE", "Image extension"), ("BITPIX", 32, "Bits per pixel")]
    cards += [(name, value, GEOMETRY_COMMENTS.get(name, "")) for name, value in geometry.items()]
    cards += [
        ("INHERIT", True, "Primary header holds here too"),
        ("BUNIT", "adu", "Unit of the pixels"),
        ("GAIN", amplifier.gain, "[electron/adu] Gain"),
        ("RDNOISE", amplifier.read_noise, "[electron] Read noise, rms"),
        ("BIASLVL", amplifier.bias, "[adu] Bias level by definition"),
        ("FULLWELL", amplifier.full_well, "[electron] Full well"),
        ("SATURATE", _saturation(instrument.detector, amplifier), "[adu] Level that is saturated"),
    ]
    overscan = raw[readout.overscan_slice]
    if overscan.size:
        level, deviation = _level_and_deviation(overscan)
        cards.append(("AVGBIAS", level, "[adu] Mean of BIASSEC"))
        cards.append(("STDVBIAS", deviation, "[adu] Deviation of BIASSEC"))
    return "".join(card_image(*card) for card in cards)


def _level_and_deviation(pixels: NDArray[np.signedinteger[Any]]) -> tuple[float, float]:
    """Return mean and standard deviation, ADU, to 3 decimals; numpy's own are slow on big-endian pixels.

    No dot product: BLAS would wake its threads, which costs more than the sum.
    """
    values = pixels.astype(np.float64).ravel()
    level = float(values.mean())
    values -= level
    values *= values
    return round(level, 3), round(math.sqrt(float(values.mean())), 3)


def amplifier_geometry(detector: Detector, readout: AmplifierReadout, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the keywords that say how an amplifier's pixels lie, in the order of the header.

    Parameters
    ----------
    detector : Detector
        The whole detector.
    readout : AmplifierReadout
        Which amplifier, and which of its pixels.
    shape : tuple of int
        Rows and columns of the array.
    """
    rows, columns = shape
    geometry: dict[str, Any] = {"NAXIS": 2, "NAXIS1": columns, "NAXIS2": rows, "PCOUNT": 0, "GCOUNT": 1}
    geometry |= {
        "EXTNAME": readout.amplifier.name,
        "CHANNEL": readout.index + 1,
        "CCDSUM": f"{readout.column_binning} {readout.row_binning}",
        "DATASEC": readout.data_section.fits(),
    }
    if readout.serial_overscan:
        geometry["BIASSEC"] = readout.bias_section.fits()
    geometry |= {"DETSEC": readout.detector_section.fits(), "DETSIZE": detector_section(detector).fits()}
    return geometry | _detector_transform(readout)


def _detector_transform(readout: AmplifierReadout) -> dict[str, float]:
    """DTM and DTV, so that the first data pixel lies in the middle of the detector pixels it binned."""
    x_scale = (-1 if readout.flip_x else 1) * readout.column_binning
    y_scale = (-1 if readout.flip_y else 1) * readout.row_binning
    x_middle = readout.near_x + (x_scale - math.copysign(1, x_scale)) / 2
    y_middle = readout.near_y + (y_scale - math.copysign(1, y_scale)) / 2
    return {
        "DTV1": x_middle - x_scale * (readout.prescan + 1),
        "DTV2": y_middle - y_scale,
        "DTM1_1": float(x_scale),
        "DTM2_2": float(y_scale),
        "DTM1_2": 0.0,
        "DTM2_1": 0.0,
    }


def _saturation(detector: Detector, amplifier: Amplifier) -> float:
    """ADU at which the full well or the converter ends."""
    full = amplifier.full_well / amplifier.gain + amplifier.bias
    return round(min(full, detector.saturation, 2**detector.adc_bits - 1), 1)


def _keyword_image(keyword: Keyword, value: Any) -> str:
    comment = f"[{keyword.unit}] {keyword.comment}" if keyword.unit else keyword.comment
    if keyword.kind == "time":
        value = isot(value, 3)
    elif keyword.kind == "mjd":
        value = round(MJD_1970 + value / 86400, 9)
    return card_image(keyword.name, value, comment)


def _contradictions(instrument: Instrument, record: FrameRecord, written: Mapping[str, Any]) -> list[str]:
    """List what cannot be true together, though each value alone could."""
    problems = []
    started, ended, shutter, dark = record.started_at, record.ended_at, record.shutter_time, record.dark_time
    if started is not None and ended is not None and ended < started:
        problems.append(f"DATE-END: {isot(ended)} is before DATE-BEG {isot(started)}")
    if shutter is not None and dark is not None and dark < shutter - TIME_TOLERANCE:
        problems.append(f"DARKTIME: {dark:g} s is shorter than SHUTTIME {shutter:g} s")
    if shutter is not None and (shutter > 0) != record.image_type.opens_shutter:
        problems.append(f"SHUTTIME: {shutter:g} s cannot be for image type {record.image_type}")
    for name, slot, wheel in (
        ("FILTER", "FILTSLOT", instrument.wheels.filter),
        ("GRATING", "GRATSLOT", instrument.wheels.grating),
    ):
        if {name, slot} <= written.keys() and wheel.names.index(written[name]) != written[slot]:
            problems.append(f"{slot}: slot {written[slot]} does not hold {name} {written[name]}")
    return problems
