"""One exposure as a row of the night log, from documents or from the ledger."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capture.journal_reader import RunRecord
from slitless.identifiers import ExposureName
from slitless.ledger import LedgerEntry

__all__ = ["ExposureRow", "row_from_event", "row_from_ledger", "rows_of_run", "rows_of_summary", "run_summary"]

PRIMARY = "primary"
SHOWN = (
    "detector_obs_id",
    "detector_image_type",
    "detector_start",
    "detector_exposure_time",
    "detector_mean",
    "detector_noise",
    "detector_file",
    "detector_snap_index",
    "detector_snap_count",
    "filter_name",
    "grating_name",
)
"""Data keys of an event that make up a row."""


@dataclass(frozen=True)
class ExposureRow:
    """What the night log says of an exposure; numbers that are not known are NaN, texts empty."""

    exposure_id: int
    obs_id: str
    day_obs: int
    seq_num: int
    image_type: str
    time: float
    """Start of the exposure, TAI unix s."""
    object_name: str
    program: str
    group_id: str
    filter: str
    grating: str
    exposure_time: float
    """s."""
    mean: float
    """ADU, overscan-subtracted."""
    noise: float
    """ADU."""
    file: str
    """Path relative to the data root."""
    status: str
    """``written``; ``unrecorded``: the frame is on disk and no document tells of it; ``failed``, ``aborted``:
    there is no frame; ``reserved``: not ended, or its IOC died."""
    reason: str
    """Why it failed or was aborted."""
    run: str
    """Uid of its run, empty if it has none."""
    snap_index: int
    snap_count: int

    def matches(self, image_type: str | None, object_name: str | None, program: str | None) -> bool:
        """Tell whether the exposure is of this type, object and program; None stands for any."""
        wanted = ((image_type, self.image_type), (object_name, self.object_name), (program, self.program))
        return all(want is None or want == have for want, have in wanted)


def row_from_event(start: Mapping[str, Any], data: Mapping[str, Any]) -> ExposureRow:
    """Return the row of a primary event of a run.

    Raises
    ------
    ValueError
        If the event tells of no exposure.
    """
    name = ExposureName.parse(_text(data, "detector_obs_id"))
    return ExposureRow(
        exposure_id=name.exposure_id,
        obs_id=name.obs_id,
        day_obs=name.day_obs,
        seq_num=name.seq_num,
        image_type=_text(data, "detector_image_type") or _text(start, "image_type"),
        time=_number(data, "detector_start"),
        object_name=_text(start, "object"),
        program=_text(start, "program"),
        group_id=_text(start, "group_id"),
        filter=_text(data, "filter_name"),
        grating=_text(data, "grating_name"),
        exposure_time=_number(data, "detector_exposure_time"),
        mean=_number(data, "detector_mean"),
        noise=_number(data, "detector_noise"),
        file=_text(data, "detector_file"),
        status="written",
        reason="",
        run=_text(start, "uid"),
        snap_index=int(data.get("detector_snap_index") or 1),
        snap_count=int(data.get("detector_snap_count") or 1),
    )


def row_from_ledger(reserved: LedgerEntry | None, last: LedgerEntry) -> ExposureRow:
    """Return the row of an exposure that no document tells of."""
    name = ExposureName.parse(last.obs_id)
    facts = {**(reserved.facts if reserved else {}), **last.facts}
    return ExposureRow(
        exposure_id=name.exposure_id,
        obs_id=name.obs_id,
        day_obs=name.day_obs,
        seq_num=name.seq_num,
        image_type=_text(facts, "image_type"),
        time=math.nan,
        object_name=_text(facts, "object_name"),
        program=_text(facts, "program"),
        group_id=_text(facts, "group_id"),
        filter="",
        grating="",
        exposure_time=_number(facts, "exposure_time"),
        mean=math.nan,
        noise=math.nan,
        file=_text(facts, "file"),
        status="unrecorded" if last.event == "written" else last.event,
        reason=_text(facts, "reason") if last.event != "reserved" else "",
        run="",
        snap_index=1,
        snap_count=1,
    )


def rows_of_run(run: RunRecord) -> list[ExposureRow]:
    """Return the exposures that a run tells of, in order."""
    return [row_from_event(run.start, event["data"]) for event in run.events(PRIMARY) if _tells_of_exposure(event)]


def run_summary(run: RunRecord) -> dict[str, Any]:
    """Return what the catalogue keeps beside the documents of a run, so that searching need not open its tables.

    Number of frames, bounds of their days and exposure ids, and of each frame what the night log shows,
    as one list for each data key.
    """
    events = [event["data"] for event in run.events(PRIMARY) if _tells_of_exposure(event)]
    if not events:
        return {"frames": 0}
    names = [ExposureName.parse(data["detector_obs_id"]) for data in events]
    days, ids = [name.day_obs for name in names], [name.exposure_id for name in names]
    return {
        "frames": len(names),
        "first_day_obs": min(days),
        "last_day_obs": max(days),
        "first_exposure_id": min(ids),
        "last_exposure_id": max(ids),
        "exposures": {key: [data.get(key) for data in events] for key in SHOWN},
    }


def rows_of_summary(start: Mapping[str, Any], summary: Mapping[str, Any]) -> list[ExposureRow]:
    """Return the exposures of a run from what `run_summary` kept of it."""
    columns = summary.get("exposures", {})
    return [
        row_from_event(start, dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)
    ]


def _tells_of_exposure(event: Mapping[str, Any]) -> bool:
    return bool(event["data"].get("detector_obs_id"))


def _text(facts: Mapping[str, Any], key: str) -> str:
    value = facts.get(key)
    return "" if value is None else str(value)


def _number(facts: Mapping[str, Any], key: str) -> float:
    value = facts.get(key)
    return math.nan if value is None else float(value)
