"""The charge under the clocked CCD: what light and dark current left, and where clocking carried it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import HAVE_NUMBA, compiled, in_threads
from slitless.definition import Detector
from slitless.detector.dark import dark_rate

__all__ = ["Charge", "ExpectedCharge"]

STRIP = 256  # columns summed at a time: what the slices of a few hundred rows need stays in the cache


@dataclass(frozen=True)
class ExpectedCharge:
    """Expected electrons of every pixel, as a product that need not be multiplied out.

    A pixel holds ``light[y, x] * seconds + dark[y]``.
    """

    light: NDArray[np.float32] | None
    """Shape (height, width), e-/s; None if no light fell."""
    seconds: float
    dark: NDArray[np.float32]
    """Shape (height,), e-: dark current is the same along a row, whatever was clocked."""


class Charge:
    """Expected electrons under the CCD, from flush to readout.

    Charge adds up wherever it was made, and `shift_rows` carries it on: both halves clock outwards, each
    towards its own readout edge. Full well is applied at readout. Light is kept as a list of slices
    (rate, seconds, rows shifted since) and summed once, so a stuttered frame costs little more than a plain one.

    Parameters
    ----------
    detector : Detector
        Geometry and dark current.
    seed : int
        Seed of the instrument; kept for fixed patterns of the charge.
    """

    def __init__(self, detector: Detector, seed: int) -> None:
        self.detector = detector
        self.seed = seed
        self.flush()

    def flush(self) -> None:
        """Sweep all charge out."""
        self._settled: NDArray[np.float32] | None = None
        self._settled_shift = 0
        self._rate: NDArray[np.float32] | None = None
        self._slices: list[tuple[float, int]] = []  # s, rows shifted since
        self._dark = np.zeros(self.detector.height, dtype=np.float32)

    def expose(self, rate: NDArray[np.float32] | None, seconds: float) -> None:
        """Let light fall for a while.

        Parameters
        ----------
        rate : ndarray, shape (height, width), or None
            e-/pixel/s; None with the shutter closed. It is copied unless it is read-only.
        seconds : float
            How long, s.

        Raises
        ------
        ValueError
            If the time is negative or no finite number, or the rate has another shape.
        """
        _require_duration(seconds)
        if rate is None or seconds == 0:
            return
        expected = (self.detector.height, self.detector.width)
        if rate.shape != expected:
            raise ValueError(f"rate: shape {rate.shape} is not that of the detector, {expected}")
        if rate is not self._rate:
            self._settle()
            self._rate = rate if _may_keep(rate) else np.array(rate, dtype=np.float32, order="C")
        if self._slices and self._slices[-1][1] == 0:
            self._slices[-1] = (self._slices[-1][0] + seconds, 0)
        else:
            self._slices.append((seconds, 0))
        if rate is not self._rate:
            self._settle()  # the copy of a caller's own array serves this slice only

    def dark(self, seconds: float, temperature_celsius: float) -> None:
        """Gather dark current for a while at a CCD temperature.

        Raises
        ------
        ValueError
            If the time is negative or no finite number.
        """
        _require_duration(seconds)
        self._dark += np.float32(dark_rate(self.detector, temperature_celsius) * seconds)

    def shift_rows(self, rows: int) -> None:
        """Clock both halves outwards: charge beyond the readout edges is lost, empty rows enter in the middle.

        Raises
        ------
        ValueError
            If `rows` is negative.
        """
        if rows < 0:
            raise ValueError(f"row shift: {rows} rows; it must not be negative")
        half = self.detector.rows
        kept = max(half - rows, 0)
        dark = np.zeros_like(self._dark)
        dark[:kept] = self._dark[half - kept : half]
        dark[2 * half - kept :] = self._dark[half : half + kept]
        self._dark = dark
        self._settled_shift += rows
        self._slices = [(seconds, shift + rows) for seconds, shift in self._slices]

    def expected(self) -> ExpectedCharge:
        """Return the expected charge of every pixel; later exposures do not change it."""
        plain = self._settled is None and len(self._slices) == 1 and self._slices[0][1] == 0
        if plain:
            return ExpectedCharge(self._rate, self._slices[0][0], self._dark.copy())
        self._settle()
        return ExpectedCharge(self._settled, 1.0, self._dark.copy())

    def electrons(self) -> NDArray[np.float32]:
        """Return the expected electrons of every pixel, shape (height, width)."""
        expected = self.expected()
        if expected.light is None:
            light = np.zeros((self.detector.height, self.detector.width), dtype=np.float32)
        else:
            light = expected.light * np.float32(expected.seconds)
        return light + expected.dark[:, np.newaxis]

    def _settle(self) -> None:
        """Sum the slices into one map of electrons."""
        layers: list[tuple[NDArray[np.float32], float, int]] = []
        if self._rate is not None:
            layers += [(self._rate, seconds, shift) for seconds, shift in self._slices]
        if self._settled is not None and (layers or self._settled_shift):
            layers.append((self._settled, 1.0, self._settled_shift))
        if layers:
            self._settled = _stack(layers, self.detector.rows)
        self._settled_shift = 0
        self._rate, self._slices = None, []


def _require_duration(seconds: float) -> None:
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"duration: {seconds} s; it must be finite and not negative")


def _may_keep(rate: NDArray[np.float32]) -> bool:
    return not rate.flags.writeable and rate.dtype == np.float32 and rate.flags.c_contiguous


def _stack(layers: Sequence[tuple[NDArray[np.float32], float, int]], half: int) -> NDArray[np.float32]:
    """Return the sum of (map, factor, rows shifted) layers, each carried by its rows; e-."""
    total = np.zeros_like(layers[0][0])
    add = _add_layers if HAVE_NUMBA else _add_layers_in_numpy
    for source in {id(layer): layer for layer, _, _ in layers}.values():
        own = [(factor, shift) for layer, factor, shift in layers if layer is source and shift < half]
        factors = np.array([factor for factor, _ in own], dtype=np.float32)
        shifts = np.array([shift for _, shift in own], dtype=np.int64)
        strips = range(0, total.shape[1], STRIP)
        in_threads(add, [(total, source, factors, shifts, half, low, low + STRIP) for low in strips])
    return total


@compiled
def _add_layers(
    total: NDArray[np.float32],
    source: NDArray[np.float32],
    factors: NDArray[np.float32],
    shifts: NDArray[np.int64],
    half: int,
    low: int,
    high: int,
) -> None:
    high = min(high, total.shape[1])
    for y in range(half):
        mirrored = 2 * half - 1 - y
        for layer in range(len(factors)):
            factor, shift = factors[layer], shifts[layer]
            if y + shift >= half:
                continue
            for x in range(low, high):
                total[y, x] += factor * source[y + shift, x]
            for x in range(low, high):
                total[mirrored, x] += factor * source[mirrored - shift, x]


def _add_layers_in_numpy(
    total: NDArray[np.float32],
    source: NDArray[np.float32],
    factors: NDArray[np.float32],
    shifts: NDArray[np.int64],
    half: int,
    low: int,
    high: int,
) -> None:
    columns = slice(low, min(high, total.shape[1]))
    for factor, shift in zip(factors, shifts, strict=True):
        total[: half - shift, columns] += factor * source[shift:half, columns]
        total[half + shift :, columns] += factor * source[half : 2 * half - shift, columns]
