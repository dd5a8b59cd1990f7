"""Compares what clients are told of every PV by our IOCs and by a genuine one: `python -m iocs.genuine.compare`.

Both serve the records of an instrument; both are asked by pyepics and by aioca. What differs must stand in
`iocs.genuine.differences`; `--write` brings `docs/reference/pv-differences.md` up to date.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from socket import create_connection, socket
from typing import Any

from iocs.contract import has_motor, substitutions, template_uses
from iocs.genuine.differences import BEHAVIOUR, DIFFERENCES, Difference, reason_for
from iocs.genuine.process import CLIENTS, genuine_ioc, read_all
from iocs.records.field_table import record_fields
from iocs.records.template import RecordDefinition, load
from slitless.definition import Instrument, load_instrument

__all__ = ["Comparison", "compare", "main", "page"]

SYSTEM = "CMP:"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "pv-differences.md"
FIELD_PROPERTIES = frozenset({"type", "count", "value", "units", "precision", "enum_strs", "status", "severity"})
"""What is compared of a field; limits are compared of values only."""
STARTING = 60.0  # s, for an IOC to listen


@dataclass
class Comparison:
    """What came out."""

    records: Counter[str] = field(default_factory=Counter)
    """How many records of each type."""
    pvs: int = 0
    """How many PVs were read, fields included, by each client from each server."""
    properties: int = 0
    """How many properties were compared."""
    unexplained: list[str] = field(default_factory=list)
    """Differences for which there is no reason."""
    explained: Counter[Difference] = field(default_factory=Counter)


def records_of(instrument: Instrument, system: str) -> tuple[str, dict[str, RecordDefinition]]:
    """Return the substitutions and the records, by name, of everything but the motors."""
    uses = [use for use in template_uses(instrument, system) if not has_motor(use)]
    return substitutions(uses), dict(load(uses, Path(str(files("db")))))


def names_to_read(records: dict[str, RecordDefinition]) -> dict[str, str]:
    """PV to record type: every record, its DESC and RTYP, and every field of the first record of each type."""
    first = {definition.type: name for name, definition in reversed(records.items())}
    wanted: dict[str, str] = {}
    for name, definition in records.items():
        fields = record_fields(definition.type) if first[definition.type] == name else ("DESC", "RTYP")
        wanted |= dict.fromkeys((name, *(f"{name}.{each}" for each in fields)), definition.type)
    return wanted


def compare(theirs: dict[str, Any], ours: dict[str, Any], names: dict[str, str], into: Comparison) -> None:
    """Compare what two servers said of PVs; `names` is PV to record type."""
    for name, record_type in names.items():
        told, tells = theirs[name], ours[name]
        for what in sorted(told.keys() | tells.keys()):
            if "." in name and what not in FIELD_PROPERTIES:
                continue
            into.properties += 1
            if _same(told.get(what), tells.get(what)):
                continue
            known = reason_for(record_type, name.removeprefix(SYSTEM), what)
            if known is None:
                into.unexplained.append(f"{name} {what}: genuine {told.get(what)!r:.80}, ours {tells.get(what)!r:.80}")
            else:
                into.explained[known] += 1


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same; an array may be filled up with zeros."""
    if isinstance(one, list) and isinstance(other, list):
        return _trimmed(one) == _trimmed(other)
    return one == other


def _trimmed(values: list[Any]) -> list[Any]:
    length = len(values)
    while length and not values[length - 1]:
        length -= 1
    return values[:length]


def run(instrument: Instrument, ports: tuple[int, int], definition: str = "latiss") -> Comparison:
    """Start both servers, ask both clients, compare.

    Parameters
    ----------
    instrument : Instrument
        Whose records.
    ports : tuple of int
        For the genuine IOC and for ours.
    definition : str
        Name or path of the instrument definition, for the process.
    """
    text, records = records_of(instrument, SYSTEM)
    names = names_to_read(records)
    result = Comparison(Counter(definition.type for definition in records.values()), len(names))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.substitutions"
        path.write_text(text, encoding="utf-8")
        with genuine_ioc([path], ports[0]):
            theirs = {client: read_all(client, names, ports[0]) for client in CLIENTS}
        ours = _read_ours(names, ports[1], folder, definition)
    for client in CLIENTS:
        compare(theirs[client], ours[client], names, result)
    return result


def _read_ours(names: Iterable[str], port: int, folder: str, definition: str) -> dict[str, dict[str, Any]]:
    arguments = ["--system", SYSTEM, "--port", str(port), "--data-root", folder, "--instrument", definition, "-q"]
    with subprocess.Popen([sys.executable, "-m", "iocs.all", *arguments], stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            return {client: read_all(client, names, port) for client in CLIENTS}
        finally:
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTING
    while process.poll() is None and time.monotonic() < deadline:
        try:
            create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"our IOCs do not listen on port {port}")


def page(result: Comparison) -> str:
    """Return the reference page of the differences."""
    types = ", ".join(f"{count} {name}" for name, count in sorted(result.records.items()))
    rows = [
        f"| {known.what} | {', '.join(known.properties)} | {known.ours} | {known.genuine} | {known.reason} | {count} |"
        for known in DIFFERENCES
        if (count := result.explained[known])
    ]
    behaviour = [f"| {' | '.join(row)} |" for row in BEHAVIOUR]
    return "\n".join(
        [
            "# Differences from a genuine EPICS IOC",
            "",
            "Made by `python -m iocs.genuine.compare --write`: an IOC of EPICS base (epicscorelibs) and ours serve the "
            "same `db/`, and pyepics and aioca ask both for every PV.",
            "",
            f"- {sum(result.records.values())} records without the motors: {types};",
            f"- {result.pvs} PVs: each record, its DESC and RTYP, and every field of one record of each type;",
            f"- {result.properties} properties compared: native type, count, first value, unit, precision, display, "
            "control, warning and alarm limits, state names, alarm;",
            f"- {sum(result.explained.values())} differ, for the reasons below; {len(result.unexplained)} without one.",
            "",
            "## What reading shows",
            "",
            "| PVs | property | ours | genuine | reason | times |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "## What writing shows",
            "",
            "| what | ours | genuine | reason |",
            "|---|---|---|---|",
            *behaviour,
            "",
        ]
    )


def _free_port() -> int:
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main(argv: list[str] | None = None) -> int:
    """Compare; return 1 if something differs without a reason."""
    parser = argparse.ArgumentParser(description="Compares our IOCs with a genuine one that has the same records.")
    parser.add_argument("--instrument", default="latiss", help="name or path of the definition (%(default)s)")
    parser.add_argument("--write", action="store_true", help="write docs/reference/pv-differences.md")
    options = parser.parse_args(argv)
    result = run(load_instrument(options.instrument), (_free_port(), _free_port()), options.instrument)
    if options.write:
        PAGE.write_text(page(result), encoding="utf-8")
    sys.stdout.writelines(f"{line}\n" for line in result.unexplained)
    sys.stdout.write(
        f"{sum(result.records.values())} records, {result.pvs} PVs, {result.properties} properties, "
        f"{sum(result.explained.values())} explained differences, {len(result.unexplained)} others\n"
    )
    return 1 if result.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
