"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DataFolder", "Definition", "Json", "Speed"]

DataFolder = Annotated[
    Path, typer.Option("--data", envvar="SLITLESS_DATA", help="Data folder; the IOCs of the same folder are used.")
]
Definition = Annotated[
    str, typer.Option("--instrument", help="Instrument definition: a name that ships with Slitless, or a TOML file.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Speed = Annotated[
    float, typer.Option("--speed", help="Instrument seconds per second; headers are the same at any speed.")
]
