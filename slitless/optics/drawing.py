"""Put points of light onto a map, each shared between the four pixels around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import HAVE_NUMBA, compiled

__all__ = ["draw_points"]


def draw_points(
    image: NDArray[np.float32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    brightness: NDArray[np.float32],
    kind: NDArray[np.int64],
    dx: NDArray[np.float64],
    dy: NDArray[np.float64],
    weight: NDArray[np.float32],
) -> None:
    """Add a pattern of points to `image` at every star; what falls outside is lost.

    Parameters
    ----------
    image : ndarray, float32
        Indexed [y, x].
    x, y, brightness, kind : ndarray, shape (stars,)
        0-based pixel, factor, and row of `weight`.
    dx, dy : ndarray, shape (points,)
        The pattern, pixels from the star.
    weight : ndarray, shape (kinds, points)
        Light in each point of the pattern. Bilinear sharing keeps both light and its centre.
    """
    draw = _draw if HAVE_NUMBA else _draw_in_numpy
    draw(image, x, y, brightness, kind, dx, dy, weight)


@compiled
def _draw(
    image: NDArray[np.float32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    brightness: NDArray[np.float32],
    kind: NDArray[np.int64],
    dx: NDArray[np.float64],
    dy: NDArray[np.float64],
    weight: NDArray[np.float32],
) -> None:
    height, width = image.shape
    for star in range(len(x)):
        for point in range(len(dx)):
            px, py = x[star] + dx[point], y[star] + dy[point]
            if not (0 <= px < width - 1 and 0 <= py < height - 1):
                continue
            left, low = int(px), int(py)
            right_share, high_share = np.float32(px - left), np.float32(py - low)
            light = brightness[star] * weight[kind[star], point]
            upper = light * high_share
            lower = light - upper
            image[low, left] += lower * (np.float32(1.0) - right_share)
            image[low, left + 1] += lower * right_share
            image[low + 1, left] += upper * (np.float32(1.0) - right_share)
            image[low + 1, left + 1] += upper * right_share


def _draw_in_numpy(
    image: NDArray[np.float32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    brightness: NDArray[np.float32],
    kind: NDArray[np.int64],
    dx: NDArray[np.float64],
    dy: NDArray[np.float64],
    weight: NDArray[np.float32],
) -> None:
    height, width = image.shape
    for star in range(len(x)):
        px, py = x[star] + dx, y[star] + dy
        inside = (px >= 0) & (px < width - 1) & (py >= 0) & (py < height - 1)
        px, py = px[inside], py[inside]
        light = brightness[star] * weight[kind[star], inside]
        left, low = px.astype(np.int64), py.astype(np.int64)
        right_share, high_share = px - left, py - low
        for up in (0, 1):
            for right in (0, 1):
                share = np.abs(1 - up - high_share) * np.abs(1 - right - right_share)
                np.add.at(image, (low + up, left + right), (light * share).astype(np.float32))
