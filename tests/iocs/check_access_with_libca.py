"""What libca is told of its rights, and whether a put and a monitor come through; JSON [[pv, value], ...] on stdin."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from aioca import caget, cainfo, camonitor, caput


async def main() -> None:
    told = []
    for name, value in json.load(sys.stdin):
        rights = await cainfo(name, timeout=5)
        seen: list[object] = []
        monitor = camonitor(name, seen.append, all_updates=True)
        done = await caput(name, value, wait=True, timeout=5, throw=False)
        got = await caget(name, timeout=5, throw=False)
        monitor.close()
        told.append([rights.read, rights.write, done.ok, got.ok, any(getattr(event, "ok", False) for event in seen)])
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
