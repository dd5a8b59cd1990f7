"""The plugin that clients get pictures from: NDStdArrays.

Channel Access is no way to send whole frames about, so that an array larger than ``ArrayData`` is averaged over blocks
of the smallest size with which it fits; ``PreviewFactor_RBV`` says which.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray as Pixels

from iocs.area_detector.array import NDArray
from iocs.area_detector.plugin import Plugin
from slitless.detector.image import block_mean, smallest_factor

__all__ = ["StdArraysPlugin"]


class StdArraysPlugin(Plugin):
    """Serves the pixels of the latest array as a waveform."""

    async def process(self, array: NDArray) -> NDArray:
        """Serve the array; send it on whole."""
        waveform = self["ArrayData"]
        picture, factor = await asyncio.to_thread(_picture, array, waveform.kind.max_length)
        await self["PreviewFactor_RBV"].write(factor)
        await self.records.shape(array, tuple(reversed(picture.shape)))
        await waveform.write(picture.ravel(), timestamp=array.stamp)
        return array


def _picture(array: NDArray, most: int) -> tuple[Pixels[Any], int]:
    """Return pixels that fit, as the waveform holds them, and the factor they were averaged by."""
    pixels = array.pixels
    if pixels.ndim != 2:
        return _whole_numbers(pixels.ravel()[:most]), 1
    factor = smallest_factor((pixels.shape[0], pixels.shape[1]), most)
    return _whole_numbers(block_mean(pixels, factor)), factor


def _whole_numbers(pixels: Pixels[Any]) -> Pixels[np.int32]:
    if pixels.dtype == np.int32:
        return pixels
    bounds = np.iinfo(np.int32)
    return np.clip(np.rint(np.nan_to_num(pixels.astype(np.float64))), bounds.min, bounds.max).astype(np.int32)
