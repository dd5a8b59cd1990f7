"""Write the reference pages that come from the code: `python docs/generate.py`, or `--check` to compare only."""

from __future__ import annotations

import sys
from pathlib import Path

from iocs.contract import load_records
from slitless.definition import load_instrument
from slitless.fits.keyword_page import keyword_table_markdown

REFERENCE = Path(__file__).parent / "reference"


def process_variables() -> str:
    """Return the page of process variables, one table an IOC, from the record templates."""
    instrument = load_instrument()
    lines = [
        "# Process variables",
        "",
        f"Made from `db/` for {instrument.name}. A name is the prefix and the record. Types are EPICS record types.",
    ]
    for prefix, records in load_records(instrument).items():
        lines += ["", f"## `{prefix}`", "", "| record | type | unit | limits | what |", "|---|---|---|---|---|"]
        for record in records:
            low, high = record.fields.get("DRVL", ""), record.fields.get("DRVH", "")
            limits = f"{low} to {high}" if low or high else ""
            name = record.name.removeprefix(prefix)
            lines.append(
                f"| `{name}` | {record.type} | {record.fields.get('EGU', '')} | {limits} | {record.fields.get('DESC', '')} |"
            )
    return "\n".join(lines) + "\n"


PAGES = {
    "process-variables.md": process_variables,
    "fits-keywords.md": keyword_table_markdown,
}


def main() -> int:
    """Write the pages, or with --check say which are stale and return 1."""
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if "--check" in sys.argv[1:]:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stderr.write(f"docs/reference/{name} is stale: run python docs/generate.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
