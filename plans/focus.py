"""Finding the focus: a sweep of frames, or several images on one frame."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from bluesky.utils import MsgGenerator
from ophyd import Signal

from devices import FocusFrame, Spectrograph
from plans.arguments import Annotations, given_optics
from plans.exposing import Exposing, Frames, prepared
from plans.focus_fit import FEWEST_POINTS, FocusFit, fit_focus
from plans.hooks import call_hook
from plans.in_use import spectrograph_in_use
from plans.star_width import NoStars, star_width_of_file
from slitless.errors import InvalidRequest, require_range, require_whole
from slitless.exposure import ImageType

__all__ = ["FocusResult", "focus_frame", "focus_sweep"]

Measure = Callable[[Path], float]


@dataclass(frozen=True)
class FocusResult:
    """What a focus sweep found."""

    best: float
    """mm; the telescope's focus is there now."""
    error: float
    """mm, one sigma."""
    width: float
    """pixel, at the best focus."""
    positions: tuple[float, ...]
    """mm."""
    widths: tuple[float, ...]
    """pixel; NaN where none could be measured."""
    exposure_ids: tuple[int, ...]


def focus_sweep(
    exptime: float,
    step: float = 0.05,
    n_steps: int = 7,
    center: float | None = None,
    *,
    measure: Measure | str = star_width_of_file,
    group_id: str | None = None,
    test_type: str | None = None,
    reason: str | None = None,
    program: str | None = None,
    sensors: str | None = None,
    note: str | None = None,
    checkpoint: Callable[[str], Any] | None = None,
    filter: str | int | None = None,
    grating: str | int | None = None,
    linear_stage: float | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[FocusResult | None]:
    """Find the best focus by exposing at several and leave the telescope there.

    If anything goes wrong the focus is put back where it was.

    Parameters
    ----------
    exptime : float
        Exposure time, s.
    step : float
        mm between focus positions.
    n_steps : int
        Positions; at least 5.
    center : float, optional
        Middle of the sweep, mm; where the focus is if not given.
    measure : callable or str
        Returns a width (pixel) from the path of a frame; or the data key of the detector that holds one.

    Other arguments as in `take_imgtype`.

    Returns
    -------
    FocusResult
        None in a rehearsal.

    Raises
    ------
    NoFocus
        If the widths have no minimum in the sweep.
    """
    chosen = spectrograph_in_use(spectrograph)
    n_steps = require_whole("n_steps", n_steps, FEWEST_POINTS, 99)
    step = require_range("step", step, 1e-4, 5.0, "mm")
    center = _checked_center(chosen, center, step, n_steps)
    if not isinstance(measure, str) and not callable(measure):
        raise InvalidRequest("measure", measure, "it must be callable, or a data key of the detector")
    arguments = {"exptime": exptime, "step": step, "n_steps": n_steps, "center": center}
    frames = Frames(
        plan_name="focus_sweep",
        plan_args=arguments,
        image_type=ImageType.FOCUS,
        exposure_time=exptime,
        n=n_steps,
        annotations=Annotations(group_id, test_type, reason, program, sensors, note),
        optics=given_optics(filter, grating, linear_stage) | unknown,
        checkpoint=checkpoint,
        spectrograph=chosen,
    )
    return (yield from prepared(frames, partial(_sweep, center=center, step=step, measure=measure)))


def focus_frame(
    exptime: float,
    steps: int = 7,
    step: float = 0.05,
    row_shift: int = 50,
    center: float | None = None,
    *,
    group_id: str | None = None,
    test_type: str | None = None,
    reason: str | None = None,
    program: str | None = None,
    sensors: str | None = None,
    note: str | None = None,
    checkpoint: Callable[[str], Any] | None = None,
    filter: str | int | None = None,
    grating: str | int | None = None,
    linear_stage: float | None = None,
    spectrograph: Spectrograph | None = None,
    **unknown: Any,
) -> MsgGenerator[list[int]]:
    """Take one frame that holds images at several focus positions, shifted by rows.

    The camera steps the focus itself and puts it back.

    Parameters
    ----------
    exptime : float
        Exposure time of each image, s.
    steps : int
        Images on the frame; at least 2.
    step : float
        mm of focus between them.
    row_shift : int
        Rows between them; the last gap is double. steps * row_shift must be below the rows of an amplifier.
    center : float, optional
        Focus in the middle of the steps, mm; where the focus is if not given.

    Other arguments as in `take_imgtype`.
    """
    chosen = spectrograph_in_use(spectrograph)
    frame = _checked_focus_frame(chosen, steps, step, row_shift)
    center = _checked_center(chosen, center, frame.step, frame.steps)
    frames = Frames(
        plan_name="focus_frame",
        plan_args={"exptime": exptime, "steps": steps, "step": step, "row_shift": row_shift, "center": center},
        image_type=ImageType.FOCUS,
        exposure_time=exptime,
        focus_frame=frame,
        annotations=Annotations(group_id, test_type, reason, program, sensors, note),
        optics=given_optics(filter, grating, linear_stage) | unknown,
        checkpoint=checkpoint,
        spectrograph=chosen,
    )
    return (yield from prepared(frames, partial(_one_focus_frame, center=center, step=frame.step, steps=frame.steps)))


def _sweep(
    exposing: Exposing, *, center: float | None, step: float, measure: Measure | str
) -> MsgGenerator[FocusResult | None]:
    focus: Any = exposing.spectrograph.telescope.focus
    start = yield from bps.rd(focus.user_readback, default_value=0.0)
    positions = _positions(exposing.spectrograph, start if center is None else center, step, exposing.total)
    widths: list[float] = []
    try:
        for number, position in enumerate(positions):
            yield from bps.abs_set(focus, position, wait=True)
            reading = yield from exposing.frame(number)
            widths.append((yield from _measured(exposing, reading, measure)))
        if not exposing.ids:
            return None
        fit = fit_focus(positions, widths)
        yield from bps.abs_set(focus, fit.best, wait=True)
        yield from _record(fit)
    except Exception:
        yield from bps.abs_set(focus, start, wait=True)
        raise
    return FocusResult(fit.best, fit.error, fit.width, tuple(positions), tuple(widths), tuple(exposing.ids))


def _one_focus_frame(exposing: Exposing, *, center: float | None, step: float, steps: int) -> MsgGenerator[list[int]]:
    focus: Any = exposing.spectrograph.telescope.focus
    start = yield from bps.rd(focus.user_readback, default_value=0.0)
    first = _positions(exposing.spectrograph, start if center is None else center, step, steps)[0]

    def at_the_first_step() -> MsgGenerator[None]:
        yield from bps.abs_set(focus, first, wait=True)
        yield from exposing.frame(0)

    yield from bpp.finalize_wrapper(at_the_first_step(), bps.abs_set(focus, start, wait=True))
    return exposing.ids


def _measured(exposing: Exposing, reading: dict[str, Any], measure: Measure | str) -> MsgGenerator[float]:
    if not reading:
        return math.nan
    if isinstance(measure, str):
        return float(reading[measure]["value"])
    path = Path(exposing.data_root, reading[f"{exposing.spectrograph.detector.name}_file"]["value"])
    try:
        return float((yield from call_hook(partial(asyncio.to_thread, measure, path))))
    except NoStars:
        return math.nan


def _record(fit: FocusFit) -> MsgGenerator[None]:
    values = {"focus_best": fit.best, "focus_best_error": fit.error, "focus_best_width": fit.width}
    signals: list[Any] = [Signal(name=name, value=value) for name, value in values.items()]
    yield from bps.trigger_and_read(signals, name="focus_fit")


def _positions(spectrograph: Spectrograph, center: float, step: float, count: int) -> list[float]:
    low, high = spectrograph.instrument.telescope.focus_limits
    positions = [center + (number - (count - 1) / 2) * step for number in range(count)]
    for position in positions:
        require_range("focus", position, low, high, "mm")
    return positions


def _checked_center(spectrograph: Spectrograph, center: float | None, step: float, count: int) -> float | None:
    """Return the middle of a sweep if all its positions can be reached; where the focus is now stays None."""
    if center is None:
        return None
    center = require_range("center", center, *spectrograph.instrument.telescope.focus_limits, "mm")
    _positions(spectrograph, center, step, count)
    return center


def _checked_focus_frame(spectrograph: Spectrograph, steps: int, step: float, row_shift: int) -> FocusFrame:
    rows = spectrograph.instrument.detector.rows
    steps = require_whole("steps", steps, 2, 100)
    row_shift = require_whole("row_shift", row_shift, 1, rows)
    if steps * row_shift >= rows:
        raise InvalidRequest(
            "row_shift", row_shift, f"steps * row_shift = {steps * row_shift} must be below {rows} rows"
        )
    step = require_range("step", step, -5.0, 5.0, "mm")
    if step == 0:
        raise InvalidRequest("step", step, "it must not be 0 mm")
    return FocusFrame(steps, step, row_shift)
