"""When the rows of a stuttered frame move, in time since the shutter opened."""

from __future__ import annotations

from dataclasses import dataclass

from slitless.exposure import Stutter

__all__ = ["RowShift", "stutter_schedule", "stutter_seconds"]


@dataclass(frozen=True)
class RowShift:
    """Charge to be moved while light falls."""

    after: float
    """s of open shutter, in the whole frame."""
    rows: int


def stutter_schedule(stutter: Stutter, slice_time: float, row_shift_time: float) -> tuple[RowShift, ...]:
    """Return the shifts of a stuttered frame: one after each slice but the last.

    Parameters
    ----------
    stutter : Stutter
        Slices and rows.
    slice_time : float
        Time (s) for which the charge stands still under each slice.
    row_shift_time : float
        Time (s) that shifting by one row takes.
    """
    shifting = stutter.row_shift * row_shift_time
    return tuple(
        RowShift(number * slice_time + (number - 1) * shifting, stutter.row_shift)
        for number in range(1, stutter.n_shift)
    )


def stutter_seconds(stutter: Stutter, slice_time: float, row_shift_time: float) -> float:
    """Return how long (s) the shutter is open in all: the slices, and the shifts between them."""
    return stutter.n_shift * slice_time + (stutter.n_shift - 1) * stutter.row_shift * row_shift_time
