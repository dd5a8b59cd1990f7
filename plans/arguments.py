"""Checking what the observer asked for, before anything moves."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slitless.definition import Instrument
from slitless.errors import InvalidRequest

__all__ = ["OPTICS", "Annotations", "Optics", "check_text", "given_optics", "refuse_unknown"]

OPTICS = ("filter", "grating", "linear_stage")
LONGEST_TEXT = 1023
"""Bytes of UTF-8 that the text records of the camera and the telescope hold, beside the NUL that ends them."""


def given_optics(filter_: Any, grating: Any, linear_stage: Any) -> dict[str, Any]:
    """Return what is asked of the optics, by argument; what is to stay as it is left out."""
    return {
        name: value for name, value in zip(OPTICS, (filter_, grating, linear_stage), strict=True) if value is not None
    }


def check_text(argument: str, text: object) -> str:
    """Return `text` if a text record can hold it.

    Raises
    ------
    InvalidRequest
        If it is no text, has characters that no record keeps, or is too long.
    """
    if not isinstance(text, str) or "\0" in text:
        raise InvalidRequest(argument, text, "it must be text without NUL characters")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise InvalidRequest(argument, text, "it must be text that UTF-8 can express") from None
    if size > LONGEST_TEXT:
        raise InvalidRequest(argument, text[:40] + "...", f"{size} bytes of UTF-8; at most {LONGEST_TEXT} fit")
    return text


@dataclass(frozen=True)
class Annotations:
    """What is written to headers and documents about the purpose of frames."""

    group_id: str | None = None
    test_type: str | None = None
    reason: str | None = None
    program: str | None = None
    sensors: str | None = None
    note: str | None = None

    def check(self) -> None:
        """Refuse anything but text that fits.

        Raises
        ------
        InvalidRequest
            Naming the argument.
        """
        for argument in self.__dataclass_fields__:
            text = getattr(self, argument)
            if text is not None:
                check_text(argument, text)


@dataclass(frozen=True)
class Optics:
    """Where the optics should be; None leaves an axis alone."""

    filter: str | int | None = None
    grating: str | int | None = None
    linear_stage: float | None = None
    """mm."""

    @classmethod
    def checked(cls, instrument: Instrument, given: Mapping[str, object]) -> Optics:
        """Return the positions asked for if the instrument has them.

        Raises
        ------
        InvalidRequest
            For an unknown argument, element or position; the message lists the valid ones.
        """
        refuse_unknown(given, OPTICS)
        filter_, grating, stage = (given.get(argument) for argument in OPTICS)
        wheels = instrument.wheels
        return cls(
            None if filter_ is None else wheels.filter.slot(filter_).name,  # type: ignore[arg-type]
            None if grating is None else wheels.grating.slot(grating).name,  # type: ignore[arg-type]
            None if stage is None else instrument.stage.check(stage),  # type: ignore[arg-type]
        )


def refuse_unknown(given: Iterable[str], valid: Iterable[str]) -> None:
    """Refuse an argument that is not among the valid ones.

    Raises
    ------
    InvalidRequest
        Listing the valid ones, and the one that was probably meant.
    """
    names = tuple(valid)
    for argument in given:
        if argument not in names:
            close = difflib.get_close_matches(argument.lower(), names, n=1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            listed = f"it must be one of {', '.join(names)}" if names else "no further arguments are taken"
            raise InvalidRequest("argument", argument, listed + meant)
