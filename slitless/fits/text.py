"""Text in FITS headers that comes back exactly as it was given, whatever characters it holds.

FITS allows printable ASCII only, drops trailing blanks and breaks long values over CONTINUE cards.
Plain ASCII is written as it is; what FITS cannot hold is escaped with a backslash as in Python source.
"""

from __future__ import annotations

import re

__all__ = ["decode_text", "encode_text"]

NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}
UNNAMED = {escape[1]: character for character, escape in NAMED.items()}
ESCAPE = re.compile(r"\\([nrt\\]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
TRAILING = " &"  # a trailing blank would be dropped, a trailing & taken for "continued on the next card"
# astropy 8.0 ends a text at a quote before a slash, and takes "word: number" for a record-valued keyword (its _strg and
# _rvkc patterns in io/fits/card.py)
QUOTE_BEFORE_SLASH = re.compile(r"'(?= */)")
RECORD_VALUE = re.compile(r"([A-Za-z_][\w.]*):( +[+-]?(?:\d+\.?\d*|\.\d+)(?:[DEde][+-]?\d+)?)", re.ASCII)


def encode_text(text: str) -> str:
    r"""Return `text` in printable ASCII; plain ASCII without backslashes stays as it is.

    Newline, tab and backslash become ``\n``, ``\t`` and ``\\``; other characters ``\xhh``, ``\uhhhh``
    or ``\Uhhhhhhhh``; so does a blank or an ampersand at the very end, a quote before a slash, and the
    colon of a text that is nothing but ``word: number``.
    """
    encoded = "".join(c if " " <= c <= "~" and c != "\\" else _escape(c) for c in text)
    encoded = QUOTE_BEFORE_SLASH.sub(r"\\x27", encoded)
    if match := RECORD_VALUE.fullmatch(encoded):
        encoded = rf"{match[1]}\x3a{match[2]}"
    if encoded and encoded[-1] in TRAILING:
        encoded = encoded[:-1] + f"\\x{ord(encoded[-1]):02x}"
    return encoded


def decode_text(value: str) -> str:
    """Return the text that `encode_text` was given; a backslash that starts no escape stays."""
    return ESCAPE.sub(_unescape, value)


def _escape(character: str) -> str:
    code = ord(character)
    if character in NAMED:
        return NAMED[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _unescape(match: re.Match[str]) -> str:
    body = match[1]
    if body in UNNAMED:
        return UNNAMED[body]
    code = int(body[1:], 16)
    return chr(code) if code <= 0x10FFFF else match[0]
