"""How evenly the field is lit and the pixels respond: illumination and PRNU."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from slitless.definition import Detector
from slitless.seeding import generator

__all__ = ["illumination", "pixel_response"]

VIGNETTING = 0.06  # fraction lost in the corners, a guess: no flat was published
GRADIENT = 0.01  # fraction across half the detector


def illumination(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the illumination of a flat field as the sum of a part by row and a part by column, mean 1."""
    y, x = np.linspace(-1, 1, height), np.linspace(-1, 1, width)
    rows = 1 - VIGNETTING / 2 * y**2
    columns = GRADIENT * x - VIGNETTING / 2 * x**2
    columns += 1 - np.mean(rows) - np.mean(columns)
    return rows.astype(np.float32), columns.astype(np.float32)


def pixel_response(detector: Detector, seed: int) -> NDArray[np.float32]:
    """Return the fixed pattern of the detector: illumination times PRNU, mean 1, shape (height, width).

    The same for every frame of one seed; made once and kept (65 MB). PRNU is Gaussian, `prnu` rms.
    """
    return _pixel_response(detector.height, detector.width, detector.prnu, detector.serial, seed)


@lru_cache(maxsize=1)
def _pixel_response(height: int, width: int, prnu: float, serial: str, seed: int) -> NDArray[np.float32]:
    response = generator(seed, "prnu", serial).standard_normal((height, width), dtype=np.float32)
    response *= np.float32(prnu)
    response += np.float32(1.0)
    rows, columns = illumination(height, width)
    for y in range(height):
        response[y] *= rows[y] + columns
    response.setflags(write=False)
    return response
