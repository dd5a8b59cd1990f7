"""The kinds of value a record holds: how each is checked, kept, shown and put on the wire.

A kind turns what Python or a client gives into what is kept (`store`, `from_wire`), and what is kept into what
Python sees (`present`) or a client reads (`to_wire`). Nothing wraps and nothing is silently cut but text of a
40-byte EPICS string.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from caproto import ChannelType
from caproto._dbr import DbrStringArray

from iocs.wire.client import Refused

__all__ = ["ENUM_STATES", "Array", "Enumeration", "Kind", "LongText", "Number", "ShortText", "StringArray"]

STRING_BYTES = 39  # 40 with the NUL that ends it
ENUM_STATES = 16  # that Channel Access names; a menu may have more
DTYPES = {
    ChannelType.INT: np.dtype(">i2"),
    ChannelType.FLOAT: np.dtype(">f4"),
    ChannelType.ENUM: np.dtype(">u2"),
    ChannelType.CHAR: np.dtype("u1"),
    ChannelType.LONG: np.dtype(">i4"),
    ChannelType.DOUBLE: np.dtype(">f8"),
}
INTEGER_BOUNDS = {
    ChannelType.LONG: (-(2**31), 2**31 - 1),
    ChannelType.INT: (-(2**15), 2**15 - 1),
    ChannelType.CHAR: (-128, 255),
}

Wire = Any
"""ndarray (big-endian) or DbrStringArray."""


class Kind(Protocol):
    """What the value of a record is."""

    data_type: ChannelType
    max_length: int
    default: Any

    def store(self, value: Any) -> Any:
        """Return what is kept for a Python value; ValueError or TypeError if it cannot be."""
        ...

    def present(self, stored: Any) -> Any:
        """Return what Python code sees."""
        ...

    def from_wire(self, data: Wire, native: ChannelType) -> Any:
        """Return the Python value (as for `store`) a client sent; Refused if it means none."""
        ...

    def to_wire(self, stored: Any, native: ChannelType) -> Wire:
        """Return elements of type `native`."""
        ...


def decode(raw: bytes) -> str:
    """Text up to the first NUL, UTF-8 or else Latin-1."""
    raw = raw.split(b"\0", 1)[0]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def cut(text: str, size: int = STRING_BYTES) -> bytes:
    """UTF-8 of `text`, at most `size` bytes, no character halved."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore").encode("utf-8")


def strings(*texts: str) -> DbrStringArray:
    """Elements of type DBR_STRING."""
    return DbrStringArray([cut(text) for text in texts])


def cast(values: Any, native: ChannelType) -> np.ndarray:
    """Numbers as elements of type `native`; what does not fit an integer becomes its nearest bound, NaN 0."""
    numbers = np.atleast_1d(np.asarray(values))
    target = DTYPES[native]
    if target.kind in "iu" and numbers.dtype.kind == "f":
        bounds = np.iinfo(target)
        numbers = np.clip(np.nan_to_num(numbers), bounds.min, bounds.max)
    return numbers.astype(target)


def text_of(data: Wire, native: ChannelType) -> str:
    """Text a client sent as a string, as characters or as a number."""
    if native == ChannelType.STRING:
        return decode(data[0]) if len(data) else ""
    if native == ChannelType.CHAR:
        return decode(np.asarray(data).tobytes())
    return str(data[0]) if len(data) else ""


def _number(text: str) -> float | int:
    text = text.strip()
    try:
        return int(text, 0)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise Refused(f"{text!r} is no number") from None


class Number:
    """One number: DOUBLE, LONG or a short (INT)."""

    max_length = 1
    default: float | int = 0

    def __init__(self, data_type: ChannelType, precision: int = 0) -> None:
        self.data_type = data_type
        self.precision = precision

    def store(self, value: Any) -> float | int:
        """Keep a number; an integer type within its bounds."""
        if isinstance(value, (str, bytes)):
            raise TypeError(f"{value!r} is no number")
        number = float(value) if not isinstance(value, (int, np.integer)) else int(value)
        if self.data_type == ChannelType.DOUBLE:
            return float(number)
        if self.data_type == ChannelType.FLOAT:
            return float(np.float32(number))
        low, high = INTEGER_BOUNDS[self.data_type]
        if not low <= number <= high:
            raise ValueError(f"{number:g} is outside [{low}, {high}]")
        return int(number)

    def present(self, stored: float | int) -> float | int:
        """Show the number."""
        return stored

    def from_wire(self, data: Wire, native: ChannelType) -> float | int:
        """Take a finite number, or text that is one."""
        if not len(data):
            raise Refused("no value was sent")
        number = _number(decode(data[0])) if native == ChannelType.STRING else data[0].item()
        if not math.isfinite(number):
            raise Refused(f"{number} is no finite number")
        return number

    def to_wire(self, stored: float | int, native: ChannelType) -> Wire:
        """Serve the number, or its text with the record's decimals."""
        if native == ChannelType.STRING:
            return strings(str(stored) if isinstance(stored, int) else f"{stored:.{max(self.precision, 0)}f}")
        return cast(stored, native)


class Enumeration:
    """One of at most 16 named states; kept as its index."""

    data_type = ChannelType.ENUM
    max_length = 1
    default = 0

    def __init__(self, states: Sequence[str]) -> None:
        self.states = tuple(states)
        """As Python code knows them."""
        self.labels = self.states
        """As clients see and name them; they may rename them."""

    def store(self, value: Any) -> int:
        """Keep the index of a state given by name or by number."""
        if isinstance(value, str):
            if value in self.states:
                return self.states.index(value)
            if not value.isdecimal():
                raise ValueError(f"{value!r} is not one of {', '.join(self.states)}")
        index = int(value)
        if index != value and not isinstance(value, str):
            raise ValueError(f"{value!r} is no state number")
        if not 0 <= index < len(self.states):
            raise ValueError(f"state {index} does not exist; states are 0 to {len(self.states) - 1}")
        return index

    def present(self, stored: int) -> str:
        """Show the name of the state."""
        return self.states[stored] if stored < len(self.states) else ""

    def from_wire(self, data: Wire, native: ChannelType) -> str | int:
        """Take a name or a number."""
        if not len(data):
            raise Refused("no value was sent")
        if native == ChannelType.STRING:
            text = decode(data[0])
            if text in self.labels:
                return self.labels.index(text)
            if not text.isdecimal():
                raise Refused(f"{text!r} is not one of {', '.join(self.labels)}")
            return text
        number = data[0].item()
        if not math.isfinite(number):
            raise Refused(f"{number} is no state number")
        return int(number)

    def to_wire(self, stored: int, native: ChannelType) -> Wire:
        """Serve the index, or the name as text."""
        if native == ChannelType.STRING:
            return strings(self.labels[stored] if stored < len(self.labels) else "")
        return cast(stored, native)


class ShortText:
    """Text of at most 39 bytes, cut there as EPICS cuts it."""

    data_type = ChannelType.STRING
    max_length = 1
    default = ""

    def store(self, value: Any) -> str:
        """Keep text, cut to what a string holds."""
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is no text")
        return cut(value).decode("utf-8")

    def present(self, stored: str) -> str:
        """Show the text."""
        return stored

    def from_wire(self, data: Wire, native: ChannelType) -> str:
        """Take text as a string or as characters."""
        return text_of(data, native)

    def to_wire(self, stored: str, native: ChannelType) -> Wire:
        """Serve the text as a string or as characters."""
        if native == ChannelType.STRING:
            return strings(stored)
        if native == ChannelType.CHAR:
            return np.frombuffer(cut(stored) + b"\0", dtype="u1")
        return cast(_number(stored), native)


class LongText:
    """Text in a CHAR array; any UTF-8 up to its size, and the empty text too."""

    data_type = ChannelType.CHAR
    default = ""

    def __init__(self, size: int) -> None:
        self.max_length = size

    def store(self, value: Any) -> str:
        """Keep text that fits."""
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is no text")
        size = len(value.encode("utf-8", "replace"))
        if size > self.max_length:
            raise ValueError(f"text of {size} bytes is longer than {self.max_length}")
        return value

    def present(self, stored: str) -> str:
        """Show the text."""
        return stored

    def from_wire(self, data: Wire, native: ChannelType) -> str:
        """Take text as characters or as a string."""
        if native in (ChannelType.STRING, ChannelType.CHAR):
            return text_of(data, native)
        return decode(np.asarray(data).astype("u1").tobytes())

    def to_wire(self, stored: str, native: ChannelType) -> Wire:
        """Serve the bytes of the text."""
        if native == ChannelType.STRING:
            return strings(stored)
        # A zero-length reply trips several clients, so the empty text is one NUL.
        return cast(np.frombuffer(stored.encode("utf-8", "replace") or b"\0", dtype="u1"), native)


class Array:
    """Numbers, as many as there are up to a maximum."""

    def __init__(self, data_type: ChannelType, max_length: int, precision: int = 0) -> None:
        self.data_type = data_type
        self.max_length = max_length
        self.precision = precision
        self.default = np.zeros(0, DTYPES[data_type])

    def store(self, value: Any) -> np.ndarray:
        """Keep a read-only copy of numbers that fit in count and in range."""
        numbers = np.atleast_1d(np.asarray(value)).ravel()
        if len(numbers) > self.max_length:
            raise ValueError(f"{len(numbers)} elements are more than {self.max_length}")
        if numbers.dtype.kind not in "iufb":
            raise TypeError(f"elements of type {numbers.dtype} are no numbers")
        target = DTYPES[self.data_type]
        if target.kind in "iu" and len(numbers) and not np.can_cast(numbers.dtype, target):
            low, high = np.iinfo(target).min, np.iinfo(target).max
            if not (low <= numbers.min() and numbers.max() <= high):
                raise ValueError(f"an element is outside [{low}, {high}]")
        stored = numbers.astype(target)  # always a copy: the caller may go on using his array
        stored.flags.writeable = False
        return stored

    def present(self, stored: np.ndarray) -> np.ndarray:
        """Show the read-only array."""
        return stored

    def from_wire(self, data: Wire, native: ChannelType) -> Any:
        """Take numbers, or texts that are."""
        return [_number(decode(text)) for text in data] if native == ChannelType.STRING else np.asarray(data)

    def to_wire(self, stored: np.ndarray, native: ChannelType) -> Wire:
        """Serve the elements."""
        if native == self.data_type:
            return stored
        if native == ChannelType.STRING:
            return strings(*(f"{x:.{self.precision}f}" if stored.dtype.kind == "f" else str(x) for x in stored))
        return cast(stored, native)


class StringArray:
    """Texts of at most 39 bytes each."""

    data_type = ChannelType.STRING
    default: tuple[str, ...] = ()

    def __init__(self, max_length: int) -> None:
        self.max_length = max_length

    def store(self, value: Any) -> tuple[str, ...]:
        """Keep texts, each cut to what a string holds."""
        texts = (value,) if isinstance(value, str) else tuple(value)
        if len(texts) > self.max_length:
            raise ValueError(f"{len(texts)} elements are more than {self.max_length}")
        return tuple(cut(text).decode("utf-8") for text in texts)

    def present(self, stored: tuple[str, ...]) -> np.ndarray:
        """Show the texts as an array."""
        return np.array(stored, dtype=str)

    def from_wire(self, data: Wire, native: ChannelType) -> Any:
        """Take texts."""
        return [decode(text) for text in data] if native == ChannelType.STRING else [str(x) for x in data]

    def to_wire(self, stored: tuple[str, ...], native: ChannelType) -> Wire:
        """Serve the texts."""
        return strings(*stored) if native == ChannelType.STRING else cast([_number(t) for t in stored] or [0], native)
