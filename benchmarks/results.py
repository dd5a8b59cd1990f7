"""Runs the benchmarks and writes what they found to RESULTS.md: `make bench`.

python benchmarks/results.py [--date 2026-11-21] [--frames 20]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGES = ("caproto", "epicscorelibs", "numpy", "numba", "pyepics")


def machine() -> str:
    """Describe the machine in a line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = models[0] if models else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()} {platform.release()}"


def put_latency(frames: int) -> dict[str, Any]:
    """Run the benchmark of puts and return its figures."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "put_latency.json"
        command = [sys.executable, str(HERE / "put_latency.py"), "--frames", str(frames), "--json", str(figures)]
        subprocess.run(command, check=False)  # it tells by its status whether the limit was kept; so do the figures
        if not figures.exists():
            raise SystemExit("put_latency.py found nothing")
        return json.loads(figures.read_text())


def put_latency_lines(found: dict[str, Any]) -> list[str]:
    """Return the table of puts."""
    lines = [
        "## Puts to a cheap PV of the detector (`put_latency.py`)",
        "",
        f"{found['frames']} full frames read out and written, {found['seconds per frame']} s each, "
        f"{found['previews']} previews watched by another client. Times in ms; ratio to the genuine EPICS IOC, "
        "which got a put after each of ours. Client: the EPICS library.",
        "",
        "| | n | p50 | p90 | p99 | max | genuine p50 | genuine p99 | ratio p50 | ratio p99 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for state in ("idle", "busy"):
        for kind, label in (("put", "put-callback"), ("monitor", "put to monitor")):
            row = found[state][kind]
            ours, genuine, ratio = row["ours"], row["genuine"], row["ratio"]
            cells = [ours[key] for key in ("n", "p50", "p90", "p99", "max")]
            cells += [genuine["p50"], genuine["p99"], ratio["p50"], ratio["p99"]]
            lines.append(f"| {state}, {label} | " + " | ".join(str(cell) for cell in cells) + " |")
    kept = "kept" if found["kept"] else "NOT kept"
    limit = f"{found['limit p99 (ms)']:g} ms"
    return [*lines, "", f"Limit for the put-callback while busy: p99 below {limit}; {kept}.", ""]


def main() -> None:
    """Run them all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d", time.gmtime()), help="as to stand on the page")
    parser.add_argument("--frames", type=int, default=10, help="frames in each round (%(default)s)")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    found = put_latency(options.frames)
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    lines = [
        "# What the benchmarks found",
        "",
        "Written by `make bench`. Look at ratios and percentiles; absolute times are those of one machine.",
        "",
        f"- date: {options.date}",
        f"- machine: {machine()}",
        f"- load before: {before:.1f} (other work on the machine lengthens the tails of every row)",
        f"- Python {platform.python_version()}; {versions}",
        "",
        *put_latency_lines(found),
    ]
    (HERE / "RESULTS.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
