"""Header cards as they stand in a file: 80 characters each, long texts over CONTINUE cards."""

from __future__ import annotations

from slitless.fits.text import encode_text

__all__ = ["CARD", "card_image"]

CARD = 80  # characters of a card; FITS 4.0, 3.3.1
CHUNK = 67  # characters of a text that one card of a long value holds: 80 - "CONTINUE  '" - "&'"


def card_image(name: str, value: str | bool | int | float, comment: str = "") -> str:
    """Return a card, or several for a long text.

    Parameters
    ----------
    name : str
        Keyword; with a blank in it the card is a HIERARCH one, and the value no text.
    value : str, bool, int or float
        Any text, not yet encoded; a float is written so that it is read back exactly.
    comment : str
        Printable ASCII. Beside a text it is left out if it does not fit.

    Raises
    ------
    ValueError
        If a number and its comment do not fit on a card.
    """
    if isinstance(value, str):
        return _text_image(name, value, comment)
    start = f"HIERARCH {name} = " if " " in name else f"{name:8}= "
    field = _number(value) if " " in name else f"{_number(value):>20}"
    image = f"{start}{field} / {comment}" if comment else f"{start}{field}"
    if len(image) > CARD:
        raise ValueError(f"{name}: {image!r} is longer than {CARD} characters")
    return f"{image:{CARD}}"


def _number(value: bool | int | float) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    text = repr(value).upper()
    mantissa, exponent_sign, exponent = text.partition("E")
    return text if "." in mantissa or not exponent else f"{mantissa}.0{exponent_sign}{exponent}"


def _text_image(name: str, text: str, comment: str) -> str:
    """Break a text where every reader joins it right: never inside a doubled quote, never after an ampersand."""
    quoted = encode_text(text).replace("'", "''")
    values = []
    while len(quoted) > CHUNK + 1:  # the last card needs no ampersand
        cut = _cut(quoted)
        values.append(f"'{quoted[:cut]}&'")
        quoted = quoted[cut:]
    values.append(f"'{quoted:8}'")
    starts = [f"{name:8}= "] + ["CONTINUE  "] * (len(values) - 1)
    cards = [start + value for start, value in zip(starts, values, strict=True)]
    commented = f"{cards[-1]:30} / {comment}"
    if comment and len(commented) <= CARD:
        cards[-1] = commented
    return "".join(f"{card:{CARD}}" for card in cards)


def _cut(quoted: str) -> int:
    """Where to break a text whose quotes are doubled."""
    cut = CHUNK
    run = len(quoted[:cut]) - len(quoted[:cut].rstrip("'"))
    if run % 2:
        cut -= 1
    while cut > 1 and quoted[cut - 1] == "&":
        cut -= 1
    return cut
