"""The tables that random draws for pixels look up: Poisson for few electrons, Gaussian for many."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

__all__ = ["EXACT_BELOW", "OUTCOMES", "STEPS", "DrawTables", "draw_tables"]

EXACT_BELOW = 16.0  # e-; from here on the skewed Gaussian's distribution is within 0.0007 of Poisson's everywhere
STEPS = 8  # tables per electron
OUTCOMES = 64  # P(N >= 64) is 1e-18 at 16 e-


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
