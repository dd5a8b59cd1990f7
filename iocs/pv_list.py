"""The PVs of an instrument as a list: for people, spreadsheets, programs, and an archiver."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from iocs.records.menus import state_fields
from iocs.records.template import RecordDefinition

__all__ = ["FORMATS", "ListedPv", "list_pvs", "listing"]

FORMATS = ("text", "csv", "json", "archiver")
LONGEST_ARCHIVED = 100  # elements; a longer array of numbers is an image, a profile or a histogram
MOTOR_ARCHIVED = ("VAL", "RBV", "DMOV", "OFF")
"""Fields of a motor that tell what it did."""
SLOW = ("IOC:Heartbeat", "IOC:UpTime", "IOC:CpuLoad", "IOC:MemoryUsed")
"""They change every second and say little; archived now and then."""


@dataclass(frozen=True)
class ListedPv:
    """One PV, as its record declares it."""

    name: str
    type: str
    """EPICS record type."""
    unit: str
    low: str
    high: str
    """Drive limits, else display limits."""
    states: tuple[str, ...]
    elements: int
    """More than 1 for an array; a text counts its bytes."""
    is_text: bool
    is_setting: bool
    """Whether it survives a restart of its IOC."""
    description: str


def list_pvs(definitions: Iterable[RecordDefinition]) -> list[ListedPv]:
    """Return the PVs of records, aliases among them, in the order of declaration."""
    return [_listed(record, name) for record in definitions for name in (record.name, *record.aliases)]


def _listed(record: RecordDefinition, name: str) -> ListedPv:
    given = record.fields
    low, high = (
        next((given[field] for field in names if given.get(field)), "")
        for names in (("DRVL", "LLM", "LOPR"), ("DRVH", "HLM", "HOPR"))
    )
    text = record.type in ("stringin", "stringout", "lsi", "lso") or given.get("FTVL") in ("CHAR", "STRING")
    return ListedPv(
        name=name,
        type=record.type,
        unit=given.get("EGU", ""),
        low=low,
        high=high,
        states=tuple(given[field] for field in _states(record.type) if given.get(field)),
        elements=int(given.get("NELM") or 1),
        is_text=text,
        is_setting="autosaveFields" in record.info,
        description=given.get("DESC", ""),
    )


def _states(record_type: str) -> list[str]:
    return state_fields(record_type) if record_type in ("bi", "bo", "busy", "mbbi", "mbbo") else []


def listing(pvs: list[ListedPv], form: str) -> str:
    """Return a list of PVs as text.

    Parameters
    ----------
    pvs : list of ListedPv
        What to list.
    form : str
        One of `FORMATS`. ``archiver`` gives ``PV,mode,period (s)`` lines as the EPICS Archiver Appliance takes them,
        without images.
    """
    return {"text": _text, "csv": _csv, "json": _json, "archiver": _archiver}[form](pvs)


def _text(pvs: list[ListedPv]) -> str:
    width = max((len(pv.name) for pv in pvs), default=0)
    return "".join(f"{pv.name:{width}}  {pv.type:9}  {_range(pv)}{pv.description}\n" for pv in pvs)


def _range(pv: ListedPv) -> str:
    bounds = f"{pv.low} to {pv.high} " if pv.low or pv.high else ""
    known = f"{bounds}{pv.unit}".strip() or "|".join(pv.states)
    return f"[{known}] " if known else ""


def _csv(pvs: list[ListedPv]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(field.name for field in fields(ListedPv))
    table.writerows([_cell(value) for value in asdict(pv).values()] for pv in pvs)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return "|".join(value)
    return int(value) if isinstance(value, bool) else value


def _json(pvs: list[ListedPv]) -> str:
    return json.dumps([asdict(pv) for pv in pvs], indent=1) + "\n"


def _archiver(pvs: list[ListedPv]) -> str:
    lines = []
    for pv in pvs:
        if pv.elements > LONGEST_ARCHIVED and not pv.is_text:
            continue
        names = [f"{pv.name}.{field}" for field in MOTOR_ARCHIVED] if pv.type == "motor" else [pv.name]
        lines += [f"{name},{'SCAN,60' if name.endswith(SLOW) else 'MONITOR,1'}\n" for name in names]
    return "".join(lines)
