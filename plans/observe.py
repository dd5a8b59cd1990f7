"""Observing a whole night from a file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bluesky.utils import MsgGenerator, RunEngineControlException

from devices import Spectrograph
from plans.hooks import check_hook
from plans.in_use import spectrograph_in_use
from plans.night_file import Step, load_night

__all__ = ["StepOutcome", "observe"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepOutcome:
    """How a step of a night went."""

    step: Step
    result: Any
    """What the plan returned: exposure ids, a focus; None if it failed."""
    error: str = ""
    """Why it failed; empty if it did not."""


def observe(
    night: str,
    *,
    continue_after_failure: bool = False,
    checkpoint: Callable[[str], Any] | None = None,
    tcs_ready: Callable[[], Any] | None = None,
    spectrograph: Spectrograph | None = None,
) -> MsgGenerator[list[StepOutcome]]:
    """Observe a night from a YAML file; all of it is checked before the first exposure.

    Parameters
    ----------
    night : str
        Path of the file (see `plans.night_file`).
    continue_after_failure : bool
        Whether to go on with the next step after one failed.
    checkpoint : callable, optional
        As in `take_imgtype`, for every step that exposes.
    tcs_ready : callable, optional
        As in `take_imgtype`.

    Returns
    -------
    list of StepOutcome
        One for each step that ran.

    Raises
    ------
    NightFileError
        Listing every fault of the file, with its place; nothing has happened then.
    """
    chosen = spectrograph_in_use(spectrograph)
    check_hook("checkpoint", checkpoint)
    check_hook("tcs_ready", tcs_ready)
    steps = load_night(Path(night), chosen)
    outcomes: list[StepOutcome] = []
    for number, step in enumerate(steps, start=1):
        logger.info("step %d of %d: %s", number, len(steps), step)
        try:
            result = yield from step.start(chosen, checkpoint=checkpoint, tcs_ready=tcs_ready)
            outcomes.append(StepOutcome(step, result))
        except RunEngineControlException:
            raise
        except Exception as error:
            if not continue_after_failure:
                raise
            logger.error("%s failed: %s", step, error)
            outcomes.append(StepOutcome(step, None, str(error)))
    return outcomes
