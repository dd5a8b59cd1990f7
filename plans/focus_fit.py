"""Where a focus sweep has its minimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from slitless.errors import SlitlessError

__all__ = ["FEWEST_POINTS", "FocusFit", "NoFocus", "fit_focus"]

FEWEST_POINTS = 5  # a parabola has three parameters; its error needs more


class NoFocus(SlitlessError):
    """A focus sweep has no minimum where it looked."""


@dataclass(frozen=True)
class FocusFit:
    """The minimum of a focus sweep."""

    best: float
    """mm."""
    error: float
    """mm, one sigma."""
    width: float
    """pixel, at the minimum."""


def fit_focus(positions: ArrayLike, widths: ArrayLike) -> FocusFit:
    """Return the focus at which stars are narrowest.

    The blur of defocus adds in quadrature to the seeing, so the square of the width is a parabola of
    the position.

    Parameters
    ----------
    positions : array_like, shape (n,)
        mm.
    widths : array_like, shape (n,)
        pixel; NaN where none could be measured.

    Raises
    ------
    NoFocus
        If too few widths were measured, or the parabola has no minimum between the positions.
    """
    x, squares = np.asarray(positions, dtype=float), np.asarray(widths, dtype=float) ** 2
    measured = np.isfinite(squares)
    x, squares = x[measured], squares[measured]
    if len(x) < FEWEST_POINTS:
        raise NoFocus(f"focus sweep: {len(x)} of {len(measured)} widths could be measured; {FEWEST_POINTS} are needed")
    middle = x.mean()  # keeps the normal equations well conditioned
    # a width is measured equally well everywhere, so its square is so in proportion to the width
    (a, b, c), covariance = np.polyfit(x - middle, squares, 2, w=1 / np.sqrt(squares), cov=True)
    found = ", ".join(f"{p:g} mm: {np.sqrt(s):.2f} pixel" for p, s in zip(x, squares, strict=True))
    if a <= 0:
        raise NoFocus(f"focus sweep: the widths have no minimum ({found})")
    offset = -b / (2 * a)
    best = float(middle + offset)
    if not x.min() <= best <= x.max():
        raise NoFocus(f"focus sweep: the minimum, {best:.3f} mm, is outside [{x.min():g}, {x.max():g}] mm ({found})")
    gradient = np.array([b / (2 * a**2), -1 / (2 * a), 0.0])
    error = float(np.sqrt(gradient @ covariance @ gradient))
    return FocusFit(best, error, float(np.sqrt(max(c - b**2 / (4 * a), 0.0))))
