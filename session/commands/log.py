"""`slitless log` and `slitless show`: what was taken."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from session.commands.options import DataFolder, Json

if TYPE_CHECKING:
    from capture.night_log import ExposureRow

__all__ = ["log", "print_rows", "show"]

COLUMNS = ("exposure", "type", "TAI", "s", "object", "filter", "grating", "mean ADU", "noise", "snap", "status", "file")


def log(
    day_obs: Annotated[int | None, typer.Option("--day-obs", help="Night, YYYYMMDD; all nights if not given.")] = None,
    image_type: Annotated[str | None, typer.Option("--type", help="Image type, e.g. FLAT.")] = None,
    object_name: Annotated[str | None, typer.Option("--object", help="Target.")] = None,
    program: Annotated[str | None, typer.Option("--program", help="Science programme.")] = None,
    data: DataFolder = Path("data"),
    as_json: Json = False,
) -> None:
    """Show the night log: every exposure, also those that failed.

    One night is read from the documents themselves, all nights from the catalogue.
    """
    from capture.night_log import search
    from session.terminal import print_json, say
    from slitless.exposure import ImageType

    wanted = ImageType.named(image_type.upper()).value if image_type else None
    rows = search(data.absolute(), day_obs=day_obs, image_type=wanted, object_name=object_name, program=program)
    if as_json:
        print_json([_without_nan(asdict(row)) for row in rows])
    elif rows:
        print_rows(rows)
    else:
        say(f"no exposures in {data}")


def print_rows(rows: list[ExposureRow]) -> None:
    """Print exposures as the table of a night log."""
    from session.terminal import table
    from slitless.instrument_time import isot

    def cells(row: ExposureRow) -> list[object]:
        facts = _without_nan(asdict(row))
        began = facts["time"] and isot(facts["time"], 1)[:19].replace("T", " ")
        snap = f"{row.snap_index}/{row.snap_count}" if row.snap_count > 1 else ""
        status = f"{row.status}: {row.reason}" if row.reason else row.status
        names = (row.object_name, row.filter, row.grating)
        numbers = (facts["mean"], facts["noise"])
        return [row.obs_id, row.image_type, began, facts["exposure_time"], *names, *numbers, snap, status, row.file]

    table(COLUMNS, [cells(row) for row in rows], title="night log")


def show(
    exposure: Annotated[str, typer.Argument(help="AT_O_20241121_000001 or 2024112100001.")],
    data: DataFolder = Path("data"),
    header: Annotated[bool, typer.Option("--header", help="The primary FITS header too.")] = False,
    as_json: Json = False,
) -> None:
    """Show one exposure: metadata, statistics, file, and with --header the FITS header."""
    from capture.night_log import find_exposure
    from session.terminal import print_json, say, table
    from slitless.fits.frame_file import read_frame

    found = find_exposure(data.absolute(), exposure)
    cards = read_frame(found.path).header if found.path and (header or as_json) else None
    if as_json:
        content = {"start": found.start, "data": found.data, "stop": found.stop, "file": str(found.path or "")}
        header_cards = {} if cards is None else {card.keyword: card.value for card in cards.cards}
        print_json(content | {"header": header_cards})
        return
    metadata = [(key, value) for key, value in found.start.items() if value not in (None, "", [], {})]
    table(("metadata", "value"), metadata)
    say()
    table(("of the frame", "value"), list(found.data.items()))
    row = found.row
    say(f"\n{row.obs_id}: {row.status}{f': {row.reason}' if row.reason else ''}, file {found.path or 'none'}")
    if cards is not None:
        say(f"\n{cards.tostring(sep=chr(10), endcard=False, padding=False)}")


def _without_nan(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in facts.items()}
