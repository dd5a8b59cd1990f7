"""Finds the value of each keyword of the table and says what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from slitless.definition import Detector, Instrument
from slitless.detector.geometry import Section
from slitless.detector.readout_format import ReadoutFormat
from slitless.fits.keywords import HEADER_VERSION, Keyword
from slitless.fits.observatory import observatory_coordinates
from slitless.fits.plausibility import value_at
from slitless.fits.record import FrameRecord

__all__ = ["detector_section", "look_up"]

TRUE_TEXTS = ("simulated", "yes", "on", "true", "1")
FALSE_TEXTS = ("hardware", "no", "off", "false", "0")


def look_up(
    keyword: Keyword, instrument: Instrument, record: FrameRecord, pvs: Mapping[str, object]
) -> tuple[Any, str]:
    """Find the value of a keyword for a frame.

    Parameters
    ----------
    keyword : Keyword
        Row of the table.
    instrument : Instrument
        What the instrument is.
    record : FrameRecord
        What the exposure knows about itself.
    pvs : mapping
        PV suffix to value at the keyword's phase; absent or None means not known.

    Returns
    -------
    value : str, float, int, bool or None
        In the keyword's kind, a time in TAI unix s; None if it is not known.
    fault : str
        What is wrong with it; empty if nothing.
    """
    found = [_sourced(source, instrument, record, pvs) for source in keyword.source.split("|")]
    found = [None if _is_unknown(value, keyword) else value for value in found]
    try:
        value = _any_true(found) if keyword.kind == "bool" else _first_known(found)
        if value is not None:
            value = _typed(keyword, value)
    except (TypeError, ValueError, OverflowError):
        return (
            None,
            f"{keyword.name}: {found[0] if len(found) == 1 else found!r:.60} is no {keyword.kind} ({keyword.source})",
        )
    if value is None or (value == "" and keyword.mandatory):
        missing = keyword.mandatory and keyword.mandatory.holds_for(record.image_type)
        return None, f"{keyword.name}: not known ({keyword.source})" if missing else ""
    fault = keyword.valid.fault(value, instrument) if keyword.valid and value != "" else ""
    if not fault:
        return value, ""
    return None, f"{keyword.name}: {value!r:.60} {fault} {keyword.unit}".rstrip() + f" ({keyword.source})"


def _sourced(source: str, instrument: Instrument, record: FrameRecord, pvs: Mapping[str, object]) -> Any:
    scheme, _, rest = source.partition(":")
    if scheme == "pv":
        return pvs.get(rest)
    if scheme == "frame":
        return value_at(rest, record)
    if scheme == "instrument":
        return value_at(rest, instrument)
    return rest if scheme == "value" else _of_file(rest, instrument, record)


def _of_file(what: str, instrument: Instrument, record: FrameRecord) -> object:
    if what.startswith("site_"):
        return observatory_coordinates(instrument.site)[what.removeprefix("site_")]
    beside = record.window.format or ReadoutFormat.of(instrument.detector)
    return {
        "serial_underscan": beside.serial_underscan,
        "serial_overscan": beside.serial_overscan,
        "parallel_overscan": beside.parallel_overscan,
        "file_name": record.name.file_name(instrument.identifiers),
        "header_version": HEADER_VERSION,
        "detector_size": detector_section(instrument.detector).fits(),
    }[what]


def _is_unknown(value: Any, keyword: Keyword) -> bool:
    return isinstance(value, Real) and (math.isnan(value) or value == keyword.unknown)


def _first_known(found: list[Any]) -> Any:
    known = [value for value in found if value is not None]
    return next((value for value in known if value != ""), "" if known else None)


def _any_true(found: list[Any]) -> bool | None:
    truths = [None if value is None else _truth(value) for value in found]
    return True if True in truths else None if None in truths else False


def _truth(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in TRUE_TEXTS + FALSE_TEXTS:
        raise ValueError(value)
    return word in TRUE_TEXTS


def _typed(keyword: Keyword, value: Any) -> Any:
    """Turn a value into its keyword's kind; times stay TAI unix s until they are written."""
    if keyword.kind == "text":
        if not isinstance(value, str):
            raise TypeError(value)
        return str(value)
    if keyword.kind == "bool":
        return value
    if not isinstance(value, Real | str):
        raise TypeError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    if keyword.kind == "int":
        if number != int(number):
            raise ValueError(value)
        return int(number)
    return number


def detector_section(detector: Detector) -> Section:
    """Return all imaging pixels of a detector: DETSIZE."""
    return Section(1, detector.width, 1, detector.height)
