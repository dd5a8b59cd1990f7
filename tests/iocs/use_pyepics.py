"""What a pyepics user does with the demo IOC; argument: prefix. JSON on stdout."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time

import epics


def main(prefix: str) -> None:
    def pv(name: str) -> epics.PV:
        made = epics.PV(prefix + name, auto_monitor=True)
        assert made.wait_for_connection(10), name
        return made

    found: dict[str, object] = {}
    level, select, state, text = pv("Level"), pv("Select"), pv("State_RBV"), pv("Text")

    stale = 0
    for i in range(100):
        level.put(i / 20, wait=True, timeout=5)
        stale += level.get() != i / 20
    found["stale"] = stale

    level.put(99.0, wait=True, timeout=5)
    found["level after a refused put"] = level.get(use_monitor=False)
    epics.caput(prefix + "Select", 9, wait=True, timeout=5)
    found["select after a state that is not there"] = select.get(as_string=True, use_monitor=False)
    found["writable"] = [level.write_access, state.write_access]

    texts = []
    for value in ("", "plain", "x" * 60):
        text.put(value, wait=True, timeout=5)
        texts.append(text.get(as_string=True, use_monitor=False))
    found["texts"] = texts

    heard: list[float] = []
    level.add_callback(lambda value, **_: heard.append(time.perf_counter()))
    delays = []
    for i in range(200):
        heard.clear()
        begun = time.perf_counter()
        level.put(1 + i / 100, wait=False)
        while not heard:
            epics.ca.poll(1e-5, 0.01)
        delays.append(1000 * (heard[0] - begun))
    found["monitor delay"] = [statistics.median(delays), sorted(delays)[197]]
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # libca may crash at interpreter exit


if __name__ == "__main__":
    main(*sys.argv[1:])
