"""Random draws for pixels: exact Poisson at few electrons, Gaussian tables beyond, both inside compiled loops.

Random bits come from splitmix64 as a counter (Steele, Lea and Flood 2014), so a draw depends on seed and
position only, whatever the threads do.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from slitless.compiled import inlined

__all__ = ["EXACT_BELOW", "DrawTables", "draw_tables", "gaussian_draw", "mix", "poisson_draw"]

EXACT_BELOW = 16.0  # e-; above it the skewed Gaussian below differs from Poisson by less than 0.1 % in any quantile
STEPS = 8  # tables per electron
OUTCOMES = 64  # P(N >= 64) is 1e-18 at 16 e-
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class DrawTables(NamedTuple):
    """What the draws look up."""

    gaussian: NDArray[np.float32]
    """Shape (65536,): quantiles of the unit Gaussian, variance 1."""
    threshold: NDArray[np.uint32]
    """Shape (EXACT_BELOW * STEPS * OUTCOMES,): alias method, 26-bit probability to keep the outcome."""
    alias: NDArray[np.uint8]
    """The same shape: the outcome otherwise."""


@cache
def draw_tables() -> DrawTables:
    """Return the tables, 0.3 MB, made once."""
    quantiles = ndtri((np.arange(65536) + 0.5) / 65536)
    gaussian = (quantiles / np.sqrt(np.mean(quantiles**2))).astype(np.float32)
    rows = [_alias_table(_poisson_probabilities(step / STEPS)) for step in range(int(EXACT_BELOW) * STEPS)]
    threshold = np.concatenate([row[0] for row in rows])
    alias = np.concatenate([row[1] for row in rows])
    return DrawTables(gaussian, threshold, alias)


def _poisson_probabilities(mean: float) -> NDArray[np.float64]:
    outcomes = np.arange(OUTCOMES)
    if mean == 0:
        return (outcomes == 0).astype(float)
    log_factorial = np.array([math.lgamma(n + 1) for n in outcomes])
    return np.exp(outcomes * math.log(mean) - mean - log_factorial)


def _alias_table(probabilities: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Return thresholds and aliases after Vose (1991), IEEE Trans. Software Eng. 17, 972."""
    scaled = probabilities / probabilities.sum() * OUTCOMES
    keep = np.ones(OUTCOMES)
    alias = np.arange(OUTCOMES, dtype=np.uint8)
    small = [n for n in range(OUTCOMES) if scaled[n] < 1]
    large = [n for n in range(OUTCOMES) if scaled[n] >= 1]
    while small and large:
        low, high = small.pop(), large.pop()
        keep[low], alias[low] = scaled[low], high
        scaled[high] += scaled[low] - 1
        (small if scaled[high] < 1 else large).append(high)
    return np.rint(keep * 2**26).astype(np.uint32), alias


@inlined
def mix(state: np.uint64) -> np.uint64:
    """Return 64 random bits for a 64-bit counter."""
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def gaussian_draw(bits: np.uint64, gaussian: NDArray[np.float32]) -> np.float32:
    """Return a unit Gaussian from 32 random bits: the sum of two table draws reaches 6 sigma."""
    first = gaussian[bits & np.uint64(0xFFFF)]
    second = gaussian[(bits >> np.uint64(16)) & np.uint64(0xFFFF)]
    return (first + second) * np.float32(0.70710678)


@inlined
def poisson_draw(
    mean: np.float32,
    bits: np.uint64,
    counter: np.uint64,
    gaussian: NDArray[np.float32],
    threshold: NDArray[np.uint32],
    alias: NDArray[np.uint8],
) -> np.float32:
    """Return a Poisson draw of mean `mean` (e-) from 32 random bits, and more made from `counter` if few.

    Few electrons: N(mean) = N(grid) + N(rest), a sum of Poisson draws being Poisson: the grid point below
    by the alias method, the rest (< 1/8 e-) by inversion; both exact. Many: the quantile of a Gaussian with
    Poisson's mean, variance and skewness (Cornish and Fisher 1938); not rounded to whole electrons.
    """
    if mean >= np.float32(16.0):
        z = gaussian_draw(bits, gaussian)
        root = np.sqrt(mean)
        z2 = z * z
        return (
            mean
            + root * z
            + (z2 - np.float32(1.0)) * np.float32(1 / 6)
            + z * (np.float32(1.0) - z2) / (np.float32(72.0) * root)
        )
    if not mean > np.float32(0.0):
        return np.float32(0.0)
    more = mix(counter ^ np.uint64(0xD1B54A32D192ED03))
    step = int(mean * np.float32(8.0))
    outcome = int(more & np.uint64(63))
    place = step * 64 + outcome
    keeps = ((more >> np.uint64(6)) & np.uint64(0x3FFFFFF)) < np.uint64(threshold[place])
    electrons = outcome if keeps else int(alias[place])
    rest = np.float64(mean) - np.float64(step) * 0.125
    uniform = (np.float64(more >> np.uint64(32)) + 0.5) * 2.3283064365386963e-10
    chance = 1.0 - rest * (1.0 - rest * (0.5 - rest * (1 / 6 - rest * (1 / 24 - rest / 120))))
    extra = 0
    while uniform > chance and extra < 32:
        uniform -= chance
        extra += 1
        chance *= rest / extra
    return np.float32(electrons + extra)
