"""`slitless verify`: whether every frame is what it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from session.commands.options import Definition, Json

__all__ = ["verify"]


def verify(
    folder: Annotated[
        Path, typer.Argument(envvar="SLITLESS_DATA", help="A data folder, or any folder of frames.")
    ] = Path("data"),
    definition: Definition = "latiss",
    as_json: Json = False,
) -> None:
    """Check every FITS file: structure, checksums, mandatory keywords, and that it matches its documents.

    Lists what is wrong; the exit code is 1 if anything is.
    """
    from session.terminal import print_json, say
    from session.verification import verify_folder
    from slitless.definition import load_instrument

    count, problems = verify_folder(folder, load_instrument(definition))
    if as_json:
        print_json({"files": count, "problems": problems})
    else:
        for place, found in problems.items():
            for problem in found:
                say(f"{place}: {problem}", style="red")
        bad = f"{len(problems)} with problems" if problems else "all good"
        say(f"{folder}: {count} FITS files, {bad}")
    raise typer.Exit(1 if problems else 0)
