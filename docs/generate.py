"""Write the reference pages that come from the code: `python docs/generate.py`, or `--check` to compare only."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from iocs.contract import ioc_classes
from iocs.records.template import load
from slitless.definition import load_instrument
from slitless.fits.keyword_page import keyword_table_markdown

REFERENCE = Path(__file__).parent / "reference"
STATE_FIELDS = (
    "ZNAM", "ONAM", "ZRST", "ONST", "TWST", "THST", "FRST", "FVST", "SXST", "SVST", "EIST", "NIST", "TEST", "ELST",
    "TVST", "TTST", "FTST", "FFST",
)  # fmt: skip
TEMPLATES = Path(__file__).parent.parent / "db"
UPSTREAM = Path(__file__).parent.parent / "tests" / "upstream" / "expected"


def process_variables() -> str:
    """Return the page of process variables, one table an IOC, from the record templates."""
    instrument = load_instrument()
    lines = [
        "# Process variables",
        "",
        f"Made from `db/` for {instrument.name}. A name is the prefix and the record. Types are EPICS record types.",
    ]
    for ioc in ioc_classes():
        prefix = f"{instrument.prefix}{ioc.device}:"
        records = load(ioc.all_templates(instrument, prefix), TEMPLATES).values()
        lines += [
            "",
            f"## `{prefix}`",
            "",
            "| record | type | unit | limits or states | what |",
            "|---|---|---|---|---|",
        ]
        for record in records:
            unit, what = record.fields.get("EGU", ""), record.fields.get("DESC", "")
            name = record.name.removeprefix(prefix)
            lines.append(f"| `{name}` | {record.type} | {unit} | {_bounds(record.fields)} | {what} |")
    return "\n".join(lines) + "\n"


def _bounds(fields: dict[str, str]) -> str:
    """Return what a record accepts: its states, or its drive limits."""
    states = [fields[key] for key in STATE_FIELDS if fields.get(key)]
    if states:
        return ", ".join(states)
    low, high = (fields.get(key) or fields.get(other, "") for key, other in (("DRVL", "LLM"), ("DRVH", "HLM")))
    return f"{low} to {high}" if low or high else ""


def fits_keywords() -> str:
    """Return the page of FITS keywords, from the keyword table."""
    return "# FITS keywords\n\nMade from `slitless/fits/keywords.py`.\n\n" + keyword_table_markdown()


def commands() -> str:
    """Return the page of the `slitless` command, from its own help."""
    typer = [sys.executable, "-m", "typer", "session.cli", "utils", "docs", "--name", "slitless", "--title", "Commands"]
    made = subprocess.run(typer, capture_output=True, text=True, check=True, cwd=TEMPLATES.parent).stdout
    text = html.unescape(re.sub(r"</?span[^>]*>", "`", made))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def upstream_tests() -> str:
    """Return the page of other projects' tests that run against our IOCs, from the lists the tests compare with."""
    lines = [
        "# Tests of other projects",
        "",
        "Test modules of other projects, run as they are installed and unmodified, against our IOCs. Each list is",
        "compared with what happens by `tests/upstream`, so a test that stops passing, or is no longer there, fails",
        "the build: `make upstream`, which CI runs after `make test`.",
        "",
        "What is started, and which arguments the module gets, stands in the module of that name in `tests/upstream`.",
        "ophyd's modules run once for each of its control layers, `caproto` and `pyepics`, which uses EPICS' libca, in",
        "a process of their own: `pytest --pyargs ophyd.tests.<module> -k <layer>`, with the IOC's port in",
        "`EPICS_CA_ADDR_LIST`.",
        "",
        "## Stock classes that are tried beside these modules",
        "",
        "`tests/upstream/test_stock_clients.py` takes frames with ophyd's `SimDetector`, `SingleTrigger`,",
        "`MultiTrigger`, plugins and `FileStorePluginBase` with `FileStoreIterativeWrite` on `FITS1:` in Single,",
        "Stream and Capture mode, on both control layers, and with ophyd-async's `SimDetector`, `NDStatsIO`,",
        "`NDROIIO` and `ADMultipartDataLogic` over Channel Access. Neither package has a class for FITS: with",
        "ophyd a file store names template and `_plugin_type`, with ophyd-async an `ADWriterFactory` of its own",
        "classes names extension and media type; both stand in that folder. ophyd-async's `ADHDFDataLogic` cannot",
        "work, for there is no HDF5 plugin.",
    ]
    for path in sorted(UPSTREAM.glob("*.txt")):
        text = path.read_text(encoding="utf-8").splitlines()
        tests = [line.split(maxsplit=1) for line in text if line and not line.startswith("#")]
        counts = ", ".join(f"{n} {outcome}" for outcome, n in sorted(Counter(test[0] for test in tests).items()))
        lines += ["", f"## `{path.stem}`", "", *(line[1:].strip() for line in text if line.startswith("#"))]
        lines += ["", f"{len(tests)} tests: {counts}.", "", "| outcome | test |", "|---|---|"]
        lines += [f"| {outcome} | `{name.partition('::')[2]}` |" for outcome, name in tests]
    return "\n".join(lines) + "\n"


PAGES = {
    "upstream-tests.md": upstream_tests,
    "commands.md": commands,
    "process-variables.md": process_variables,
    "fits-keywords.md": fits_keywords,
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
