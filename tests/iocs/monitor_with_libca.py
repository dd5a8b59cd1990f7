"""What a monitor of each mask hears of a series of puts; [[pv to put to, value], ...] of one record on stdin, as JSON.

JSON on stdout: mask to how many updates came for each put, the first one besides.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter

from aioca import FORMAT_TIME, caget, camonitor, caput

MASKS = {"VALUE": 1, "LOG": 2, "ALARM": 4, "PROPERTY": 8}  # DBE_... of caeventmask.h


async def main() -> None:
    puts = json.load(sys.stdin)
    record = puts[0][0].split(".")[0]
    heard: Counter[str] = Counter()
    monitors = [
        camonitor(record, lambda _, mask=mask: heard.update([mask]), events=bits, all_updates=True, format=FORMAT_TIME)
        for mask, bits in MASKS.items()
    ]
    while any(heard[mask] < 1 for mask in MASKS):
        await asyncio.sleep(0.01)
    told = []
    for name, value in puts:
        heard.clear()
        await caput(name, value, wait=True, timeout=5)
        await caget(record)  # answered after whatever the put caused on this circuit
        for _ in range(5):
            await asyncio.sleep(0.01)  # callbacks are called from the loop
        told.append([heard[mask] for mask in MASKS])
    for monitor in monitors:
        monitor.close()
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
