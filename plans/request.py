"""From the arguments of a plan to the frames it asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plans.arguments import OPTICS, Annotations, given_optics
from plans.exposing import Frames
from slitless.exposure import ImageType, Stutter

__all__ = ["Checkpoint", "Selection", "frames"]

Checkpoint = Callable[[str], Any]
Selection = str | int | None

NOT_RECORDED = ("checkpoint", "tcs_ready", "spectrograph", "unknown")
"""Arguments that are no part of what was asked for."""


def frames(
    kind: ImageType,
    plan_name: str,
    arguments: dict[str, Any],
    exposure_time: float,
    n: int,
    n_snaps: int = 1,
    stutter: Stutter | None = None,
    n_argument: str = "n",
) -> Frames:
    """Return the request that the arguments of a plan make.

    Parameters
    ----------
    kind : ImageType
        What the frames are for.
    plan_name : str
        The plan's.
    arguments : dict
        All arguments of the plan, by name; its annotations, optics and hooks are taken from them.
    exposure_time : float
        s.
    n, n_snaps : int
        Exposures, and frames of each.
    stutter : Stutter, optional
        Of a stuttered frame.
    n_argument : str
        What the plan calls n.
    """
    optics = given_optics(*(arguments.get(name) for name in OPTICS))
    return Frames(
        plan_name=plan_name,
        plan_args={name: value for name, value in arguments.items() if name not in NOT_RECORDED},
        image_type=kind,
        exposure_time=exposure_time,
        n=n,
        n_snaps=n_snaps,
        n_argument=n_argument,
        stutter=stutter,
        annotations=Annotations(**{name: arguments[name] for name in Annotations.__dataclass_fields__}),
        optics=optics | arguments["unknown"],
        checkpoint=arguments["checkpoint"],
        tcs_ready=arguments.get("tcs_ready"),
        spectrograph=arguments["spectrograph"],
    )
