"""`slitless config`: look at an instrument definition."""

from __future__ import annotations

from typing import Annotated

import typer

from session.commands.options import Json

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at an instrument definition.")


@app.callback()
def _config() -> None:
    """Look at an instrument definition."""  # a callback keeps `check` a subcommand although it is the only one


@app.command()
def check(
    definition: Annotated[str, typer.Argument(help="A name that ships with Slitless, or a TOML file.")] = "latiss",
    as_json: Json = False,
) -> None:
    """Check an instrument definition and show what it says.

    Faults are listed with their place in the file, and the exit code is 1.
    """
    from session.config_check import doubts, summary
    from session.terminal import print_json, say, table
    from slitless.definition import load_instrument

    instrument = load_instrument(definition)
    found = doubts(instrument)
    if as_json:
        print_json({"instrument": instrument.name, "doubts": found, "definition": instrument.model_dump(mode="json")})
    else:
        table(("what", "value"), summary(instrument))
        for doubt in found:
            say(f"doubtful: {doubt}", style="yellow")
        say(f"{definition}: {'good' if not found else f'{len(found)} doubtful'}")
    raise typer.Exit(1 if found else 0)
