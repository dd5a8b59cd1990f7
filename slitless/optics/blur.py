"""Seeing and defocus: how wide a point of light becomes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.special import j1

from slitless.compiled import CORES, HAVE_NUMBA, compiled, in_threads
from slitless.definition import Instrument
from slitless.optics.beam import Beam, best_focus

__all__ = ["PointSpread"]

FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))
TABLE = 8192  # points of the transfer function along the radius
NEGLIGIBLE = 6.0  # sigma of the Gaussian's transfer function, where it is 1.5e-8


@dataclass(frozen=True)
class PointSpread:
    """The image of a point: a Gaussian (seeing) on a disc with a hole (defocus), in pixels."""

    sigma: float
    diameter: float
    """Outer diameter of the defocused pupil image."""
    hole: float
    """Inner diameter as a fraction of the outer: the shadow of the secondary."""

    @classmethod
    def of(cls, instrument: Instrument, beam: Beam) -> PointSpread:
        """Return what seeing and focus make of a point.

        Notes
        -----
        Seeing grows as airmass^0.6 [Roddier 1981, Progress in Optics 19, 281]. The defocused image of the
        pupil is a disc of diameter `defocus_scale` * |focus - best focus|, from geometrical optics.
        """
        telescope = instrument.telescope
        fwhm = beam.seeing * beam.airmass**0.6 / telescope.plate_scale
        defocus = beam.focus - best_focus(instrument, beam)
        return cls(fwhm / FWHM_PER_SIGMA, telescope.defocus_scale * abs(defocus), telescope.obstruction)

    @property
    def rms_width(self) -> float:
        """Root mean square width along one axis, pixels: the seeing and the disc in quadrature."""
        return math.sqrt(self.sigma**2 + self.diameter**2 / 16 * (1 + self.hole**2))

    @property
    def reach(self) -> int:
        """Pixels beyond which a point's light is lost in the noise."""
        return math.ceil(5 * self.sigma + self.diameter / 2) + 2

    def transfer(self, frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the transfer function at spatial frequencies (cycles/pixel): 1 at 0, so light is conserved.

        Notes
        -----
        Gaussian exp(-2 (pi sigma f)^2) times that of an annulus, a difference of two 2 J1(x)/x.
        [Goodman, Introduction to Fourier Optics, 2.1 and 6.4]
        """
        gaussian = np.exp(-2 * (np.pi * self.sigma * frequency) ** 2)
        outer, inner = (_disc(np.pi * d * frequency) for d in (self.diameter, self.diameter * self.hole))
        return gaussian * (outer - self.hole**2 * inner) / (1 - self.hole**2)

    def blur(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the image blurred; its edges wrap around, so leave `reach` pixels of margin.

        Parameters
        ----------
        image : ndarray, float32, two-dimensional
            Fast if both sides are products of small primes.
        """
        spectrum = scipy.fft.rfft2(image, workers=CORES)
        cutoff = min(NEGLIGIBLE / (2 * math.pi * self.sigma), math.sqrt(0.5)) if self.sigma > 0 else math.sqrt(0.5)
        table = self.transfer(np.linspace(0, cutoff, TABLE)).astype(np.float32)
        multiply = _multiply if HAVE_NUMBA else _multiply_in_numpy
        rows = len(spectrum)
        bounds = [(low, min(low + 256, rows)) for low in range(0, rows, 256)]
        in_threads(multiply, [(spectrum, image.shape[1], table, np.float32(cutoff), *part) for part in bounds])
        return np.asarray(scipy.fft.irfft2(spectrum, s=image.shape, workers=CORES, overwrite_x=True))


def _disc(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(x > 1e-6, 2 * j1(x) / np.where(x > 1e-6, x, 1.0), 1.0)


@compiled
def _multiply(
    spectrum: NDArray[np.complex64],
    columns: int,
    table: NDArray[np.float32],
    cutoff: np.float32,
    first: int,
    last: int,
) -> None:
    rows, half = spectrum.shape
    scale = np.float32(len(table) - 1) / cutoff
    for i in range(first, last):
        fy = np.float32(i if i <= rows // 2 else i - rows) / np.float32(rows)
        for j in range(half):
            fx = np.float32(j) / np.float32(columns)
            at = np.sqrt(fx * fx + fy * fy) * scale
            step = int(at)
            if step >= len(table) - 1:
                spectrum[i, j] = 0.0
            else:
                rest = at - np.float32(step)
                spectrum[i, j] *= table[step] * (np.float32(1.0) - rest) + table[step + 1] * rest


def _multiply_in_numpy(
    spectrum: NDArray[np.complex64],
    columns: int,
    table: NDArray[np.float32],
    cutoff: np.float32,
    first: int,
    last: int,
) -> None:
    rows, half = spectrum.shape
    fy = np.fft.fftfreq(rows)[first:last, np.newaxis]
    frequency = np.hypot(fy, np.arange(half) / columns)
    spectrum[first:last] *= np.interp(frequency, np.linspace(0, cutoff, len(table)), table, right=0.0).astype(
        np.float32
    )
