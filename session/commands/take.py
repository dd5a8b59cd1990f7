"""`slitless take TYPE`: frames of one image type, with all arguments of its plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from session.commands.options import DataFolder, Json

__all__ = ["KINDS", "Kind", "app", "slot_or_name"]

app = typer.Typer(no_args_is_help=True, help="Take frames of one image type; the IOCs must run.")

ExposureTime = Annotated[float, typer.Argument(help="s, shutter open; for a dark, its length.")]
OptionalExposureTime = Annotated[float | None, typer.Argument(help="s, shutter open; the plan's own if not given.")]
Number = Annotated[int, typer.Option("-n", "--number", help="How many exposures.")]
Snaps = Annotated[int, typer.Option("--snaps", help="Frames per exposure.")]
Shifts = Annotated[int, typer.Option("--shifts", help="Slices on the frame.")]
Rows = Annotated[int, typer.Option("--rows", help="Rows between slices.")]
Text = str | None
COMMON = {
    "group_id": Annotated[Text, typer.Option("--group-id", help="Group id, kept verbatim; made if not given.")],
    "test_type": Annotated[Text, typer.Option("--test-type", help="TESTTYPE; the image type if not given.")],
    "reason": Annotated[Text, typer.Option("--reason", help="Why the frames are taken.")],
    "program": Annotated[Text, typer.Option("--program", help="Science programme.")],
    "sensors": Annotated[Text, typer.Option("--sensors", help="Sensors; kept for scripts of larger cameras.")],
    "note": Annotated[Text, typer.Option("--note", help="Anything worth knowing; any characters.")],
}
OPTICS = {
    "filter": Annotated[Text, typer.Option("--filter", help="Name or slot of the filter; stays if not given.")],
    "grating": Annotated[Text, typer.Option("--grating", help="Name or slot of the grating; stays if not given.")],
    "linear_stage": Annotated[float | None, typer.Option("--stage", help="mm; stays if not given.")],
}


@dataclass(frozen=True)
class Kind:
    """How one image type is asked for."""

    plan: str
    help: str
    count: str = "n"
    """Name of the plan's argument for the number of exposures."""
    timed: bool = True
    usual_time: bool = False
    """Whether the plan has an exposure time of its own, for when none is given."""
    optics: bool = True
    snaps: bool = False
    stutter: bool = False


KINDS = {
    "bias": Kind("take_bias", "Frames of zero length, shutter closed.", count="nbias", timed=False, optics=False),
    "dark": Kind("take_darks", "Frames with the shutter closed.", count="ndarks", optics=False),
    "flat": Kind("take_flats", "Frames of evenly lit screen or sky.", count="nflats"),
    "object": Kind("take_object", "Frames of a target; waits for the telescope.", snaps=True),
    "engtest": Kind("take_engtest", "Engineering tests; waits for the telescope."),
    "acq": Kind("take_acq", "Frames to find and centre a target; waits for the telescope.", usual_time=True),
    "cwfs": Kind("take_cwfs", "Defocused frames for curvature wavefront sensing; waits for the telescope."),
    "focus": Kind("take_focus", "Frames taken while focusing."),
    "indome": Kind("take_indome", "Frames inside the dome, of neither screen nor projector."),
    "cbp": Kind("take_cbp", "Frames of the collimated beam projector."),
    "sflat": Kind("take_sflat", "Frames of evenly lit sky."),
    "dflat": Kind("take_dflat", "Frames of the calibration screen in the dome."),
    "stuttered": Kind("take_stuttered", "Slices on one frame, rows apart: time resolved.", stutter=True),
}


def _parameters(kind: Kind) -> dict[str, tuple[Any, Any]]:
    """Return name -> (annotation, default) of the command for an image type."""
    parameters: dict[str, tuple[Any, Any]] = {}
    if kind.timed:
        parameters["exptime"] = (OptionalExposureTime, None) if kind.usual_time else (ExposureTime, Parameter.empty)
    parameters[kind.count] = (Number, 1)
    if kind.snaps:
        parameters["n_snaps"] = (Snaps, 1)
    if kind.stutter:
        parameters |= {"n_shift": (Shifts, Parameter.empty), "row_shift": (Rows, Parameter.empty)}
    parameters |= {name: (annotation, None) for name, annotation in COMMON.items()}
    if kind.optics:
        parameters |= {name: (annotation, None) for name, annotation in OPTICS.items()}
    return parameters | {"data": (DataFolder, Path("data")), "as_json": (Json, False)}


def _command(kind: Kind) -> Callable[..., None]:
    def take(**arguments: Any) -> None:
        data, as_json = arguments.pop("data"), arguments.pop("as_json")
        given = {name: value for name, value in arguments.items() if value is not None}
        _take(kind.plan, given, data, as_json)

    parameters = _parameters(kind)
    take.__doc__ = kind.help
    take.__signature__ = Signature(  # pyright: ignore[reportFunctionMemberAccess]
        [
            Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
            for name, (annotation, default) in parameters.items()
        ]
    )
    take.__annotations__ = {name: annotation for name, (annotation, _) in parameters.items()}
    return take


def slot_or_name(selection: str | None) -> str | int | None:
    """Return a whole number as the slot it means, and anything else as it is."""
    return int(selection) if selection is not None and selection.lstrip("-").isdigit() else selection


def _take(plan_name: str, arguments: dict[str, Any], data: Path, as_json: bool) -> None:
    from session.disk import bytes_needed, require_space
    from session.ioc_state import IocState
    from session.report import FrameLines
    from session.run_engine import connect_observing, run_plan
    from session.terminal import print_json, say
    from slitless.definition import load_instrument

    arguments |= {wheel: slot_or_name(arguments[wheel]) for wheel in ("filter", "grating") if wheel in arguments}
    state = IocState.running(data)  # refused before a folder is made for nothing
    require_space(data, bytes_needed(load_instrument(state.definition).detector, 1))
    frames = FrameLines(quiet=as_json)
    session = connect_observing(data, callbacks=(frames,))
    import plans

    names = run_plan(session.RE, getattr(plans, plan_name)(**arguments))
    if as_json:
        print_json({"exposures": names, "frames": frames.frames})
    else:
        say(f"{len(frames.frames)} frames in {session.root}")


for _name, _kind in KINDS.items():
    app.command(_name, help=_kind.help)(_command(_kind))
