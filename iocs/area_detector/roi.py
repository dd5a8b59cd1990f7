"""The plugin that cuts out a region: NDROI."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray as Pixels

from iocs.area_detector.array import DATA_TYPES, LatePixels, NDArray
from iocs.area_detector.plugin import Plugin

__all__ = ["Cut", "RoiPlugin", "region"]

AXES = "XY"


@dataclass(frozen=True)
class Cut:
    """What is taken of one axis; pixels from 0."""

    first: int
    size: int
    binning: int = 1
    reverse: bool = False

    def clipped(self, length: int) -> Cut:
        """Return what of it an axis of `length` pixels has; at least one pixel."""
        first = min(max(self.first, 0), length - 1)
        size = min(max(self.size, 1), length - first)
        return replace(self, first=first, size=size, binning=min(max(self.binning, 1), size))


class RoiPlugin(Plugin):
    """Cuts out, bins, mirrors, scales and converts."""

    async def process(self, array: NDArray) -> NDArray:
        """Send on the region, which is clipped to the array; it is cut when somebody wants its pixels."""
        if len(array.sizes) != len(AXES):
            raise ValueError(f"an array of {len(array.sizes)} dimensions has no region in x and y")
        x, y = (self._cut(axis, length) for axis, length in zip(AXES, array.sizes, strict=True))
        scale, dtype = self._scale(), self._dtype(array)
        shape: tuple[int, ...] = (y.size // y.binning, x.size // x.binning)
        if self["CollapseDims"].value == "Yes":
            shape = tuple(length for length in shape if length > 1) or (1,)
        await self._show_cuts((x, y), array.sizes)
        await self.records.shape(array, plane=tuple(reversed(shape)))
        (left, low), (x_binning, y_binning) = array.offset, array.binning
        return replace(
            array,
            late_pixels=LatePixels(shape, dtype, lambda: region(array.pixels, x, y, scale, dtype).reshape(shape)),
            offset=(left + x.first * x_binning, low + y.first * y_binning),
            binning=(x_binning * x.binning, y_binning * y.binning),
        )

    def _cut(self, axis: str, length: int) -> Cut:
        reverse = self[f"Reverse{axis}"].value == "Yes"
        if self[f"Enable{axis}"].value != "Enable":
            return Cut(0, length, 1, reverse)
        size = length if self[f"AutoSize{axis}"].value == "Yes" else self[f"Size{axis}"].value
        return Cut(self[f"Min{axis}"].value, size, self[f"Bin{axis}"].value, reverse).clipped(length)

    def _scale(self) -> float:
        return self["Scale"].value if self["EnableScale"].value == "Enable" else 1.0

    def _dtype(self, array: NDArray) -> np.dtype[Any]:
        wanted = self["DataTypeOut"].value
        return DATA_TYPES[array.data_type if wanted == "Automatic" else wanted]

    async def _show_cuts(self, cuts: tuple[Cut, Cut], lengths: tuple[int, ...]) -> None:
        for axis, cut, length in zip(AXES, cuts, lengths, strict=True):
            await self[f"MaxSize{axis}_RBV"].write(length)
            await self[f"Max{axis}"].write(length)
            if self[f"Enable{axis}"].value == "Enable":
                await self[f"Min{axis}_RBV"].write(cut.first)
                await self[f"Size{axis}_RBV"].write(cut.size)
                await self[f"Bin{axis}_RBV"].write(cut.binning)


def region(pixels: Pixels[Any], x: Cut, y: Cut, scale: float, dtype: np.dtype[Any]) -> Pixels[Any]:
    """Return a part of an image.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        The whole.
    x, y : Cut
        What to take of each axis, within the image. Pixels are binned by summing; those that fill no bin are dropped.
        Mirroring comes last.
    scale : float
        What the sums are divided by, before they are made `dtype`; 0 and 1 divide by nothing.
    dtype : dtype
        Of the result. As in areaDetector numbers that do not fit an integer type wrap, and fractions are cut off.

    Returns
    -------
    ndarray, shape (y.size // y.binning, x.size // x.binning)
    """
    rows, columns = y.size // y.binning, x.size // x.binning
    part = pixels[y.first : y.first + rows * y.binning, x.first : x.first + columns * x.binning]
    scales = scale not in (0.0, 1.0)
    sums = part if not scales else part.astype(np.float64)
    if (x.binning, y.binning) != (1, 1):
        wide = np.float64 if sums.dtype.kind == "f" else np.int64
        sums = sums.reshape(rows, y.binning, columns, x.binning).sum(axis=(1, 3), dtype=wide)
    if scales:
        sums = sums / scale
    mirrored = sums[:: -1 if y.reverse else 1, :: -1 if x.reverse else 1]
    if mirrored.dtype.kind == "f" and dtype.kind in "iu":
        mirrored = np.trunc(mirrored).astype(np.int64)
    return np.ascontiguousarray(mirrored.astype(dtype))
