"""The night log: which exposures were taken, and all about one of them.

`search` reads the journal when it is asked for a day (quick, and complete: exposures that failed are there too)
and the catalogue when it is asked for all nights. `find_exposure` reads the journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from capture.catalogue import has_catalogue, open_catalogue
from capture.exposure_rows import PRIMARY, ExposureRow, row_from_event, row_from_ledger, rows_of_run, rows_of_summary
from capture.ingest_state import DoneList
from capture.journal_reader import JournalDamaged, RunRecord, read_run, run_files
from slitless.errors import InvalidRequest
from slitless.identifiers import ExposureName
from slitless.ledger import Ledger, LedgerEntry

if TYPE_CHECKING:
    from bluesky_tiled_plugins import CatalogOfBlueskyRuns

__all__ = [
    "ExposureDetails",
    "ExposureRow",
    "find_exposure",
    "ledger_folder",
    "search",
    "search_catalogue",
    "search_journal",
]


def search(
    root: Path,
    *,
    day_obs: int | None = None,
    image_type: str | None = None,
    object_name: str | None = None,
    program: str | None = None,
    source: Literal["auto", "catalogue", "journal"] = "auto",
) -> list[ExposureRow]:
    """Return exposures in the order they were taken.

    Parameters
    ----------
    root : Path
        Data root.
    day_obs : int, optional
        Only those of this day of observation.
    image_type, object_name, program : str, optional
        Only those that are exactly this.
    source : str
        ``journal``: read the documents themselves, and the ledger for exposures that have none.
        ``catalogue``: ask the catalogue, the journal for runs that are not in it yet, and the ledger for
        exposures that gave no frame.
        ``auto``: the catalogue if it exists and no day is given.

    Raises
    ------
    CatalogueUnusable
        If the catalogue is asked for and there is none, or this Tiled cannot read it.
    """
    chosen = source
    if source == "auto":
        chosen = "catalogue" if day_obs is None and has_catalogue(root) else "journal"
    if chosen == "journal":
        rows = search_journal(root, day_obs)
        rows = [row for row in rows if row.matches(image_type, object_name, program)]
    else:
        with open_catalogue(root) as client:
            rows = search_catalogue(client, day_obs, image_type, object_name, program)
        known = {row.obs_id for row in rows}
        rows += [
            row
            for row in (*_not_in_catalogue(root, day_obs), *_without_frame(root, day_obs))
            if row.matches(image_type, object_name, program) and row.obs_id not in known
        ]
    return sorted(rows, key=lambda row: row.exposure_id)


def search_journal(root: Path, day_obs: int | None = None) -> list[ExposureRow]:
    """Return all exposures (of a day), from documents and, where those say nothing, from the ledger."""
    rows = {row.obs_id: row for run in _runs(run_files(root), day_obs) for row in rows_of_run(run)}
    rows = {obs_id: row for obs_id, row in rows.items() if day_obs in (None, row.day_obs)}
    for row in _ledger_rows(root, day_obs):
        rows.setdefault(row.obs_id, row)
    return sorted(rows.values(), key=lambda row: row.exposure_id)


def search_catalogue(
    client: CatalogOfBlueskyRuns,
    day_obs: int | None = None,
    image_type: str | None = None,
    object_name: str | None = None,
    program: str | None = None,
) -> list[ExposureRow]:
    """Return the exposures that the catalogue knows; arguments as `search`."""
    from tiled.client.container import Container
    from tiled.queries import Key

    queries: list[Any] = [Key("night.frames") > 0]
    if day_obs is not None:
        queries += [Key("night.first_day_obs") <= day_obs, Key("night.last_day_obs") >= day_obs]
    for key, value in (("image_type", image_type), ("object", object_name), ("program", program)):
        if value is not None:
            queries.append(Key(f"start.{key}") == value)
    found: Any = client
    for query in queries:
        found = Container.search(found, query)  # a catalogue of runs puts "start." before every key
    runs = [run.metadata for run in found.values()]
    rows = [row for run in runs for row in rows_of_summary(run["start"], run["night"])]
    return sorted((row for row in rows if day_obs in (None, row.day_obs)), key=lambda row: row.exposure_id)


def ledger_folder(root: Path) -> Path:
    """Return the folder of the exposure ledger under a data root."""
    return Path(root) / "register"


def _ledger_rows(root: Path, day_obs: int | None) -> Iterator[ExposureRow]:
    ledger = Ledger(ledger_folder(root))
    for day in ledger.days() if day_obs is None else [day_obs]:
        reserved = {entry.obs_id: entry for entry in ledger.entries(day) if entry.event == "reserved"}
        for obs_id, last in ledger.last_event(day).items():
            yield row_from_ledger(reserved.get(obs_id), last)


def _without_frame(root: Path, day_obs: int | None) -> list[ExposureRow]:
    """Return the exposures that failed, were aborted or are under way: no document tells of them."""
    return [row for row in _ledger_rows(root, day_obs) if row.status != "unrecorded"]


def _not_in_catalogue(root: Path, day_obs: int | None) -> list[ExposureRow]:
    done = DoneList(root)
    left = [path for path in run_files(root) if (path.stem, path.stat().st_size) not in done]
    return [row for run in _runs(left, day_obs) for row in rows_of_run(run) if day_obs in (None, row.day_obs)]


def _runs(paths: list[Path], day_obs: int | None) -> Iterator[RunRecord]:
    """Yield the runs that can be read, of a day: by its exposures, since a simulated night has a clock of its own."""
    for path in paths:
        if day_obs is not None and b"_%08d_" % day_obs not in path.read_bytes():
            continue
        try:
            yield read_run(path)
        except JournalDamaged:
            continue  # `check_data` reports it; one bad file must not hide the night


@dataclass(frozen=True)
class ExposureDetails:
    """All that is recorded about one exposure."""

    row: ExposureRow
    path: Path | None
    """Its file; None if there is none."""
    start: dict[str, Any]
    """Start document of its run; empty if no run tells of it."""
    data: dict[str, Any]
    """Data of its event."""
    stop: dict[str, Any]
    """Stop document of its run; empty while that is open."""
    ledger: tuple[LedgerEntry, ...]
    """What the ledger says, in order."""


def find_exposure(root: Path, exposure: int | str) -> ExposureDetails:
    """Return all that is recorded about an exposure.

    Parameters
    ----------
    root : Path
        Data root.
    exposure : int or str
        Exposure id (2024062400106, also as text) or obs_id (AT_O_20240624_000106).

    Raises
    ------
    InvalidRequest
        If it is no such name, or nothing is known of it.
    """
    day_obs, seq_num = _day_and_number(exposure)
    mark = f'_{day_obs:08d}_{seq_num:06d}"'.encode()
    ledger = tuple(
        entry
        for entry in Ledger(ledger_folder(root)).entries(day_obs)
        if ExposureName.parse(entry.obs_id).seq_num == seq_num
    )
    for path in sorted(run_files(root), key=lambda path: path.parent.name != str(day_obs)):
        if mark not in path.read_bytes():
            continue
        details = _details_in(root, read_run(path), (day_obs, seq_num), ledger)
        if details:
            return details
    if not ledger:
        raise InvalidRequest("exposure", exposure, "nothing is recorded under that name")
    row = row_from_ledger(next((entry for entry in ledger if entry.event == "reserved"), None), ledger[-1])
    return ExposureDetails(row, _existing(root, row.file), {}, {}, {}, ledger)


def _details_in(
    root: Path, run: RunRecord, wanted: tuple[int, int], ledger: tuple[LedgerEntry, ...]
) -> ExposureDetails | None:
    for event in run.events(PRIMARY):
        data = event["data"]
        if not data.get("detector_obs_id"):
            continue
        row = row_from_event(run.start, data)
        if (row.day_obs, row.seq_num) == wanted:
            return ExposureDetails(row, _existing(root, row.file), run.start, data, run.stop or {}, ledger)
    return None


def _existing(root: Path, file: str) -> Path | None:
    path = Path(root) / file
    return path if file and path.is_file() else None


def _day_and_number(exposure: int | str) -> tuple[int, int]:
    text = str(exposure).strip()
    if text.isdigit() and len(text) == 13:
        return int(text[:8]), int(text[8:])
    try:
        name = ExposureName.parse(text)
    except ValueError:
        valid = "it must be an exposure id such as 2024062400106 or an obs_id such as AT_O_20240624_000106"
        raise InvalidRequest("exposure", exposure, valid) from None
    return name.day_obs, name.seq_num
