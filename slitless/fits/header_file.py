"""Header files: keywords of the observer's own, checked as a whole before any of them reaches a frame.

The format is that of AzCam's header files: a keyword a line, ``KEYWORD value / comment``; blank lines and lines that
begin with ``#`` say nothing. A slash ends a value only after a blank, so that URLs stay whole, and never within quotes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from slitless.errors import SlitlessError
from slitless.fits.cards import card_image
from slitless.fits.keywords import KEYWORDS

__all__ = ["HeaderFileWrong", "OwnCard", "parse_header_file", "shown"]

MAXIMUM_CARDS = 200
NAME = re.compile(r"[A-Z0-9_-]{1,8}")  # FITS 4.0, 4.1.2.1
QUOTED = re.compile(r"(?P<quote>['\"])(?P<text>.*?)(?P=quote)\s*(?:/(?P<comment>.*))?$")
STRUCTURE = (
    "SIMPLE BITPIX NAXIS EXTEND XTENSION PCOUNT GCOUNT END COMMENT HISTORY CONTINUE HIERARCH INHERIT EXTNAME EXTVER "
    "EXTLEVEL BSCALE BZERO BLANK BLOCKED GROUPS CHECKSUM DATASUM LONGSTRN NEXTEND"
)
AMPLIFIER = (
    "CHANNEL CCDSUM DATASEC BIASSEC TRIMSEC DETSEC DETSIZE DTV1 DTV2 DTM1_1 DTM2_2 DTM1_2 DTM2_1 GAIN RDNOISE BIASLVL "
    "FULLWELL SATURATE AVGBIAS STDVBIAS"
)
PROTECTED = frozenset([*STRUCTURE.split(), *AMPLIFIER.split(), *(keyword.name for keyword in KEYWORDS)])
"""Keywords that the file itself, an amplifier or the keyword table speaks for."""
NUMBERED = re.compile(r"NAXIS\d+|T(TYPE|FORM|UNIT)\d+")


class HeaderFileWrong(SlitlessError):
    """A header file that is not taken, no line of it; the message names the line and what is wrong."""


@dataclass(frozen=True)
class OwnCard:
    """A keyword of the observer's own."""

    name: str
    value: str | bool | int | float
    comment: str = ""

    def image(self) -> str:
        """Return the card, or several, as it stands in the file."""
        return card_image(self.name, self.value, self.comment)


def parse_header_file(text: str) -> tuple[OwnCard, ...]:
    """Read a header file.

    Parameters
    ----------
    text : str
        Its content.

    Returns
    -------
    tuple of OwnCard
        In the order of the file. Whole numbers are int, other numbers float, T and F bool, all else is text; quotes
        around a text are not part of it.

    Raises
    ------
    HeaderFileWrong
        If any line is not right: no value, a name that FITS does not allow or that is spoken for or given twice, a
        comment that is not printable ASCII, a card that is too long.
    """
    cards: dict[str, OwnCard] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            card = _card(line)
            if card.name in cards:
                raise ValueError(f"{card.name} is given twice")
        except ValueError as error:
            raise HeaderFileWrong(f"header file: line {number}: {error}") from None
        cards[card.name] = card
    if len(cards) > MAXIMUM_CARDS:
        raise HeaderFileWrong(f"header file: {len(cards)} keywords are more than {MAXIMUM_CARDS}")
    return tuple(cards.values())


def _card(line: str) -> OwnCard:
    name, _, rest = line.partition(" ") if " " in line else line.partition("\t")
    name, rest = name.upper(), rest.strip()
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no keyword; FITS allows 1 to 8 of A-Z, 0-9, - and _")
    if name in PROTECTED or NUMBERED.fullmatch(name):
        raise ValueError(f"{name} is written by the system itself")
    value, comment = _value_and_comment(rest)
    if value == "" and not rest.startswith(("'", '"')):
        raise ValueError(f"{name} has no value")
    card = OwnCard(name, value, comment)
    if any(not " " <= character <= "~" for character in comment):
        raise ValueError(f"{name}: the comment {comment!r} holds other characters than printable ASCII")
    card.image()  # too long for a card: refused here, not when a frame is written
    return card


def _value_and_comment(rest: str) -> tuple[str | bool | int | float, str]:
    if quoted := QUOTED.match(rest):
        return quoted["text"], (quoted["comment"] or "").strip()
    parts = re.split(r"(?:^|\s)/(?:\s|$)", rest, maxsplit=1)
    return _typed(parts[0].strip()), (parts[1].strip() if len(parts) > 1 else "")


def _typed(text: str) -> str | bool | int | float:
    if text in ("T", "F"):
        return text == "T"
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    try:
        number = float(text) if re.match(r"[+-]?[.\d]", text) and "_" not in text else math.nan
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def shown(cards: Iterable[OwnCard]) -> list[list[Any]]:
    """Return name, value and comment of each card, for JSON."""
    return [[card.name, card.value, card.comment] for card in cards]
