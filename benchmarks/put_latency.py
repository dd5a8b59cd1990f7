"""How long a put to a cheap PV of the detector takes, idle and while frames are read out and written.

Each put to our IOC is followed by one to a genuine EPICS IOC, on the same machine and by the same client (the EPICS
library), so that the ratio holds whatever else the machine does. While it is busy, another client monitors the preview.

    python benchmarks/put_latency.py [--frames 5] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from processes import environment, free_ports, helper, last_line, our_ioc

PREFIX = "BENCH:"
CHEAP = f"{PREFIX}CAM:image1:MinCallbackTime"
GENUINE = f"{PREFIX}GENUINE:cheap"
LIMIT = 10.0  # ms; put-callback, 99 % of them, while a frame is read out and written
PAUSE = 0.002  # s between pairs; a client that never pauses measures how busy it keeps the machine itself


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Return count, and median, 90, 99 and 100 % in ms."""
    ordered = sorted(seconds)
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {"n": len(ordered)} | {
        key: round(1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)], 3) for key, share in at.items()
    }


def pairs(
    ours: Callable[[float], float], theirs: Callable[[float], float], going: Callable[[int], bool]
) -> dict[str, Any]:
    """Do one after the other as long as `going` says so; return the percentiles of both and the ratio of medians."""
    mine: list[float] = []
    genuine: list[float] = []
    while going(len(mine)):
        value = 0.001 * (len(mine) % 1000) + 0.001
        mine.append(ours(value))
        genuine.append(theirs(value))
        time.sleep(PAUSE)
    found: dict[str, Any] = {"ours": percentiles(mine), "genuine": percentiles(genuine)}
    found["ratio"] = {key: round(found["ours"][key] / found["genuine"][key], 2) for key in ("p50", "p99")}
    return found


def acquiring(acquire: Any, frames: int) -> Callable[[int], bool]:
    """Take frames one after the other; what is returned says whether that still goes on."""
    left, ended = [frames], acquire.start_put(1)

    def going(_: int) -> bool:
        if ended.is_set():
            left[0] -= 1
            if left[0]:
                acquire.start_put(1)
        return left[0] > 0

    return going


def measure(frames: int, count: int, speed: float, root: Path) -> dict[str, Any]:
    """Run the IOCs and return what was measured."""
    port, genuine_port = free_ports(2)
    environment([port, genuine_port])
    arguments = ("--system", PREFIX, "--enable", "--no-interlock", "--data-root", str(root), "--speed", str(speed))
    with (
        our_ioc("iocs.detector", port, *arguments, log=root / "detector.log"),
        helper("soft_ioc.py", GENUINE, port=genuine_port),
        helper("watch_preview.py", f"{PREFIX}CAM:image1:ArrayData") as watcher,
    ):
        import epics
        from libca import Channel

        ours, theirs = Channel(CHEAP), Channel(GENUINE)
        while epics.caget(f"{PREFIX}CAM:IOC:SummaryState", as_string=True) != "Enabled":
            time.sleep(0.1)
        epics.caput(f"{PREFIX}CAM:image1:EnableCallbacks", 1, wait=True)
        epics.caput(f"{PREFIX}CAM:cam1:ArrayCallbacks", 1, wait=True)
        epics.caput(f"{PREFIX}CAM:cam1:ImageType", "BIAS", wait=True)
        acquire = Channel(f"{PREFIX}CAM:cam1:Acquire")
        acquire.put(1)  # the first frame warms up
        idle, busy = {}, {}
        took = []
        for kind, ways in {
            "put": (ours.put, theirs.put),
            "monitor": (ours.put_to_monitor, theirs.put_to_monitor),
        }.items():
            idle[kind] = pairs(*ways, lambda n: n < count)
            begun = time.monotonic()
            busy[kind] = pairs(*ways, acquiring(acquire, frames))
            took.append(time.monotonic() - begun)
        found: dict[str, Any] = {"idle": idle, "busy": busy, "frames": 2 * frames}
        found["seconds per frame"] = round(sum(took) / (2 * frames), 2)
        found["previews"] = int(last_line(watcher))
    return found


def main() -> int:
    """Measure, print, and tell by the exit status whether the limit was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=5, help="frames read out in each of two rounds (%(default)s)")
    parser.add_argument("--count", type=int, default=1000, help="puts while idle (%(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="instrument seconds per second (%(default)s)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slitless-bench-", ignore_cleanup_errors=True) as root:
        found = measure(options.frames, options.count, options.speed, Path(root))
    found["load"] = [round(value, 1) for value in os.getloadavg()]
    worst = found["busy"]["put"]["ours"]["p99"]
    found["limit p99 (ms)"], found["kept"] = LIMIT, worst < LIMIT
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    out = sys.stdout.write
    out(f"{'ms':34s}{'n':>6s}{'p50':>9s}{'p90':>9s}{'p99':>9s}{'max':>9s}   ratio p50, p99\n")
    for state in ("idle", "busy"):
        for kind, label in (("put", "put-callback"), ("monitor", "put to monitor")):
            row = found[state][kind]
            for whose in ("ours", "genuine"):
                figures = row[whose]
                ratio = f"   {row['ratio']['p50']:.2f}, {row['ratio']['p99']:.2f}" if whose == "ours" else ""
                cells = "".join(f"{figures[key]:9.2f}" for key in ("p50", "p90", "p99", "max"))
                out(f"{f'{state} {label}, {whose}':<34s}"[:34] + f"{figures['n']:6d}{cells}{ratio}\n")
    out(f"{found['frames']} frames, {found['seconds per frame']} s each, {found['previews']} previews watched; ")
    out(f"load {found['load']}; p99 busy {worst} ms, limit {LIMIT:g} ms: {'kept' if found['kept'] else 'NOT KEPT'}\n")
    sys.stdout.flush()
    os._exit(0 if found["kept"] else 1)  # libca may crash at interpreter exit


if __name__ == "__main__":
    main()
