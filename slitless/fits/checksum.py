"""FITS checksums: the 32-bit ones' complement sum, and its text form.

[FITS Standard 4.0, 4.4.2.7 and appendix J]
"""

from __future__ import annotations

import numpy as np

__all__ = ["CLEAN", "checksum_text", "data_sum", "ones_complement"]

WORD = 0xFFFFFFFF
CLEAN = (0, WORD)
"""Sums of a whole HDU whose CHECKSUM is right: minus zero, or zero of nothing."""
ZERO = 0x30
PUNCTUATION = frozenset((*range(0x3A, 0x41), *range(0x5B, 0x61)))


def data_sum(data: bytes | memoryview) -> int:
    """Return the sum of big-endian 32-bit words, the number that DATASUM holds.

    Parameters
    ----------
    data : bytes or contiguous memoryview
        A whole number of words; the zeros that fill the last FITS block change nothing.
    """
    words = np.frombuffer(data, dtype=">u4")
    return ones_complement(int(words.sum(dtype=np.uint64)))


def ones_complement(total: int) -> int:
    """Fold a sum into 32 bits, carries added at the low end."""
    while total > WORD:
        total = (total & WORD) + (total >> 32)
    return total


def checksum_text(total: int) -> str:
    """Return the 16 characters of CHECKSUM that bring an HDU with this sum to minus zero."""
    complement = ~total & WORD
    columns = []
    for byte in complement.to_bytes(4, "big"):
        quarter, rest = divmod(byte, 4)
        columns.append(_without_punctuation([quarter + ZERO + (rest if n == 0 else 0) for n in range(4)]))
    text = "".join(chr(columns[byte][quarter]) for quarter in range(4) for byte in range(4))
    return text[-1] + text[:-1]  # the value starts at an odd place of the card


def _without_punctuation(characters: list[int]) -> list[int]:
    """Move pairs of characters apart, sum kept, until all are letters or digits."""
    while any(c in PUNCTUATION for c in characters):
        for first in (0, 2):
            if characters[first] in PUNCTUATION or characters[first + 1] in PUNCTUATION:
                characters[first] += 1
                characters[first + 1] -= 1
    return characters
