"""`slitless night`: a whole night, from nothing to a night log."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer

from session.commands.options import DataFolder, Definition

__all__ = ["night"]


def night(
    file: Annotated[Path | None, typer.Argument(help="The night's plan calls (YAML); a demonstration if none.")] = None,
    data: DataFolder = Path("data"),
    definition: Definition = "latiss",
    speed: Annotated[float | None, typer.Option("--speed", help="Instrument seconds per second.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated instrument.")] = 0,
) -> None:
    """Take a simulated night, end to end.

    Starts the six IOCs, takes what the night file says, shows each frame as it lands, and ends with the night log
    and a picture of a frame of each type. Ctrl-C at any moment closes the shutter, closes the run as aborted, and
    ends the IOCs.
    """
    from session.night import DEFAULT_SPEED, Night, demo_night, take_night
    from session.terminal import say

    began = monotonic()
    frames = take_night(
        Night(
            root=data,
            file=file or demo_night(),
            definition=definition,
            speed=DEFAULT_SPEED if speed is None else speed,
            seed=seed,
        )
    )
    _report(data.absolute(), frames)
    say(f"\n{len(frames.frames)} frames in {monotonic() - began:.0f} s")
    raise typer.Exit(1 if frames.problems else 0)


def _report(root: Path, frames: Any) -> None:
    from capture.night_log import search
    from session.commands.log import print_rows
    from session.quicklook import quicklook
    from session.terminal import say

    say()
    taken = {frame["detector_obs_id"] for frame in frames.frames}
    if taken:
        print_rows([row for row in search(root, source="catalogue") if row.obs_id in taken])
    for problem in frames.problems:
        say(f"problem: {problem}", style="red")
    if not taken:  # a night that only moves things has no catalogue, no picture, and nothing to look at
        return
    first = {frame["detector_image_type"]: frame["detector_file"] for frame in reversed(frames.frames)}
    pictures = [quicklook(root / file, root / "quicklook") for file in dict(reversed(first.items())).values()]
    say("\npictures, one of each type:")
    for picture in pictures:
        say(f"  {picture}")
    example = root / frames.frames[0]["detector_file"]
    say(f"\ndata are in {root}")
    say(f"  frames    ds9 -mosaicimage iraf {example}")
    say(f"            astropy.io.fits.open({str(example)!r})")
    say(f"  catalogue slitless log --data {root}")
    say(f"            slitless show {frames.frames[0]['detector_obs_id']} --data {root}")
    say(f"  check     slitless verify {root}")
