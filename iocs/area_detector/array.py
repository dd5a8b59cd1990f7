"""The array that flows from the camera through the plugins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray as Pixels

from drivers.camera import ReadoutResult
from slitless.fits.record import FrameRecord

__all__ = ["DATA_TYPES", "LatePixels", "NDArray", "SourceFrame", "data_type_of"]

DATA_TYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name.lower()) for name in "Int8 UInt8 Int16 UInt16 Int32 UInt32 Int64 UInt64 Float32 Float64".split()
}
"""Pixel types by the names areaDetector gives them."""


def data_type_of(dtype: np.dtype[Any]) -> str:
    """Return areaDetector's name of a pixel type.

    Raises
    ------
    TypeError
        If areaDetector has none for it.
    """
    for name, known in DATA_TYPES.items():
        if known == dtype.newbyteorder("="):
            return name
    raise TypeError(f"pixels of type {dtype} are not one of {', '.join(DATA_TYPES)}")


@dataclass(frozen=True)
class SourceFrame:
    """The frame that an array was made from, whole: for who writes it or needs its overscan."""

    record: FrameRecord
    readout: ReadoutResult
    start: Mapping[str, object]
    """What headers say of the start of the exposure, by PV."""
    end: Mapping[str, object]


class LatePixels:
    """Pixels that are made when first asked for, once, whoever asks; safe among threads.

    Parameters
    ----------
    shape : tuple of int
        Of the pixels, numpy order.
    dtype : dtype
        Of the pixels.
    make : callable
        Returns them.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], make: Callable[[], Pixels[Any]]) -> None:
        self.shape = shape
        self.dtype = dtype
        self._make = make
        self._pixels: Pixels[Any] | None = None
        self._lock = threading.Lock()

    @classmethod
    def ready(cls, pixels: Pixels[Any]) -> Self:
        """Return pixels that are there already; nobody may change them from now on."""
        return cls(pixels.shape, pixels.dtype, lambda: pixels)

    def get(self) -> Pixels[Any]:
        """Return the pixels, read-only."""
        with self._lock:
            if self._pixels is None:
                self._pixels = pixels = self._make().view()
                pixels.flags.writeable = False
                self._make = lambda: pixels  # lets go of what they were made from
            return self._pixels


@dataclass(frozen=True)
class NDArray:
    """One array: pixels, what they are of, and when."""

    unique_id: int
    """Number the camera gave the frame; kept by everything made from it."""
    late_pixels: LatePixels
    timestamp: float
    """End of the exposure, TAI unix s."""
    stamp: float
    """The same on the wall clock, UTC unix s, as EPICS stamps records."""
    port: str = ""
    """Port that sent it last."""
    offset: tuple[int, int] = (0, 0)
    """Detector pixel (x, y) of its first pixel, from 0."""
    binning: tuple[int, int] = (1, 1)
    """Detector pixels of one of its pixels along x and y."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    frame: SourceFrame | None = None
    """The frame it stems from; None if it stems from none."""

    @classmethod
    def of(cls, pixels: Pixels[Any], unique_id: int = 1, **facts: Any) -> Self:
        """Return an array of given pixels, e.g. for a test."""
        facts = {"timestamp": 0.0, "stamp": 0.0, **facts}
        return cls(unique_id, LatePixels.ready(pixels), **facts)

    @property
    def pixels(self) -> Pixels[Any]:
        """The pixels, read-only and in numpy order; work for a thread when first asked for."""
        return self.late_pixels.get()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Pixels along each dimension, x first."""
        return tuple(reversed(self.late_pixels.shape))

    @property
    def data_type(self) -> str:
        """AreaDetector's name of the pixel type."""
        return data_type_of(self.late_pixels.dtype)

    @property
    def size(self) -> int:
        """Bytes of the pixels."""
        return int(np.prod(self.late_pixels.shape, dtype=np.int64)) * self.late_pixels.dtype.itemsize

    def sent_by(self, port: str) -> NDArray:
        """Return the array as a port sends it on."""
        return replace(self, port=port)
