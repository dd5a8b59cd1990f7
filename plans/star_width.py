"""How wide stars are on a frame: the diameter that holds half of their light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slitless.errors import SlitlessError
from slitless.fits.frame_file import read_frame

__all__ = ["NoStars", "star_width", "star_width_of_file"]

APERTURE = 40  # pixel, radius; holds a star that is half a millimetre out of focus
BLOCK = 4  # pixel; faint wide stars stand out once neighbours are averaged
SIGNIFICANCE = 10.0  # above the noise of a block
MOST_STARS = 25


class NoStars(SlitlessError):
    """A frame shows no star whose width could be measured."""


def star_width_of_file(path: Path | str) -> float:
    """Return the typical width of the stars on a frame (pixel); see `star_width`."""
    return star_width(read_frame(path).image(bias_subtracted=True))


def star_width(image: NDArray[np.generic]) -> float:
    """Return the typical width of the stars on an image.

    Half-flux diameters serve in focus and far out of it; that of a Gaussian is its FWHM.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        ADU, without bias.

    Returns
    -------
    float
        Median half-flux diameter of the brightest isolated stars, pixel.

    Raises
    ------
    NoStars
        If there are none.
    """
    data = np.asarray(image, dtype=np.float32)
    widths = [width for y, x in _stars(data) if (width := _half_flux_diameter(_stamp(data, y, x))) is not None]
    if not widths:
        raise NoStars(
            f"no star stands {SIGNIFICANCE:g} sigma above the background of {data.shape[1]} x {data.shape[0]} pixels"
        )
    return float(np.median(widths))


def _stars(data: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return rows and columns of the brightest stars that no brighter neighbour or edge disturbs."""
    rows, columns = (n // BLOCK * BLOCK for n in data.shape)
    blocks = data[:rows, :columns].reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).mean(axis=(1, 3))
    level = float(np.median(blocks))
    noise = 1.4826 * float(np.median(np.abs(blocks - level))) or 1.0
    from scipy import ndimage  # a third of a second to import, and few nights focus

    brightest_around = ndimage.maximum_filter(blocks, size=2 * APERTURE // BLOCK + 1)
    peaks = np.argwhere((blocks == brightest_around) & (blocks > level + SIGNIFICANCE * noise))
    ranked = sorted(peaks.tolist(), key=lambda p: -blocks[p[0], p[1]])[: 2 * MOST_STARS]
    centres = [(y * BLOCK + BLOCK // 2, x * BLOCK + BLOCK // 2) for y, x in ranked]
    inside = [(y, x) for y, x in centres if APERTURE <= y < rows - APERTURE and APERTURE <= x < columns - APERTURE]
    return inside[:MOST_STARS]


def _stamp(data: NDArray[np.float32], y: int, x: int) -> NDArray[np.float64]:
    return data[y - APERTURE : y + APERTURE, x - APERTURE : x + APERTURE].astype(np.float64)


def _half_flux_diameter(stamp: NDArray[np.float64]) -> float | None:
    y, x = np.indices(stamp.shape) + 0.5
    distance = np.hypot(y - APERTURE, x - APERTURE)
    light = stamp - np.median(stamp[(distance > 0.85 * APERTURE) & (distance < APERTURE)])
    for _ in range(2):  # the centroid of the light within the aperture, then within the aperture around it
        light_inside = np.where(distance < 0.85 * APERTURE, light, 0.0)
        total = light_inside.sum()
        if total <= 0:
            return None
        centre_y, centre_x = (light_inside * y).sum() / total, (light_inside * x).sum() / total
        distance = np.hypot(y - centre_y, x - centre_x)
    order = np.argsort(distance, axis=None)
    radii, growth = distance.ravel()[order], np.cumsum(light.ravel()[order])
    inside = int(np.searchsorted(radii, 0.85 * APERTURE))
    half = int(np.argmax(growth[:inside] >= growth[inside - 1] / 2))
    return 2.0 * float(radii[half]) if half > 0 else None
