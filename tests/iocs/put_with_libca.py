"""Puts with the genuine client library, one after the other; JSON [[pv, value], ...] on stdin.

JSON on stdout: for each put whether it completed without complaint, and value, status and severity of the record.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from aioca import FORMAT_TIME, caget, caput


async def main() -> None:
    told = []
    for name, value in json.load(sys.stdin):
        done = await caput(name, value, wait=True, timeout=5, throw=False)
        got = await caget(name.split(".")[0], format=FORMAT_TIME, timeout=5)
        shown = got.item() if hasattr(got, "item") else got + 0 if isinstance(got, (int, float)) else str(got)
        told.append([done.ok, shown, getattr(got, "status", None), getattr(got, "severity", None)])
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
