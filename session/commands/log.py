"""`slitless log` and `slitless show`: what was taken."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from session.commands.options import DataFolder, Json

if TYPE_CHECKING:
    from capture.night_log import ExposureRow
    from slitless.ledger import LedgerEntry

__all__ = ["log", "print_rows", "show"]

COLUMNS = ("exposure", "type", "TAI", "s", "object", "filter", "grating", "mean ADU", "noise", "snap", "status", "file")
TAI_KEYS = ("detector_start", "detector_end")  # TAI unix s
DECIMALS = {"s": 2, "mean ADU": 1, "noise": 2}


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

    table(COLUMNS, [cells(row) for row in rows], title="night log", decimals=DECIMALS)


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
        content["ledger"] = [_ledger_facts(entry) for entry in found.ledger]
        header_cards = {} if cards is None else {card.keyword: card.value for card in cards.cards}
        print_json(content | {"header": header_cards})
        return
    metadata = {key: value for key, value in found.start.items() if value not in (None, "", [], {})}
    for title, facts in (("metadata", metadata), ("of the frame", found.data)):
        if facts:
            table((title, "value"), [(key, _readable(key, value)) for key, value in facts.items()])
            say()
    if not found.data:  # no frame was recorded; the ledger knows what became of it
        for entry in found.ledger:
            table(("ledger", "value"), [(k, _readable(k, v)) for k, v in _ledger_facts(entry).items()])
            say()
    row = found.row
    say(f"{row.obs_id}: {row.status}{f': {row.reason}' if row.reason else ''}, file {found.path or 'none'}")
    if cards is not None:
        say(f"\n{cards.tostring(sep=chr(10), endcard=False, padding=False)}")


def _ledger_facts(entry: LedgerEntry) -> dict[str, Any]:
    return {"event": entry.event, **entry.facts}


def _readable(key: str, value: Any) -> str:
    """Return a value as text, so that it stands to the left, and a moment as a date."""
    from slitless.instrument_time import isot

    if key in TAI_KEYS and isinstance(value, float) and math.isfinite(value):
        return f"{isot(value)} TAI"
    if key == "time" and isinstance(value, float):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%S} UTC"
    if key == "at":
        return f"{value} TAI"
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def _without_nan(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in facts.items()}
