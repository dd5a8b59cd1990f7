"""A client that monitors the preview, as a live display does; tells at its end how many it got. Argument: PV."""

from __future__ import annotations

import os
import sys

import epics


def main(name: str) -> None:
    """Monitor until the standard input ends."""
    got = [0]

    def take(**_: object) -> None:
        got[0] += 1

    channel = epics.ca.create_channel(name, connect=False, auto_cb=False)
    if not epics.ca.connect_channel(channel, timeout=30):
        raise SystemExit(f"{name}: not connected")
    kept = epics.ca.create_subscription(channel, callback=take)
    sys.stdout.write("watching\n")
    sys.stdout.flush()
    sys.stdin.read()
    sys.stdout.write(f"{got[0]}\n")
    sys.stdout.flush()
    del kept
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
