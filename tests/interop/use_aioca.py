"""The genuine client library by way of aioca. Arguments: task, prefix. JSON on stdout, a line a finding."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

import aioca

caget: Any = aioca.caget  # its types know neither numbers for types nor scalars for values

MASKS = {"VALUE": aioca.DBE_VALUE, "LOG": aioca.DBE_LOG, "ALARM": aioca.DBE_ALARM, "PROPERTY": aioca.DBE_PROPERTY}
FORMATS = {0: aioca.FORMAT_RAW, 14: aioca.FORMAT_TIME, 28: aioca.FORMAT_CTRL}


def tell(**found: object) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


async def _read(name: str, data_type: int) -> object:
    """aioca asks for plain, TIME and CTRL types, and for the class name."""
    if data_type in (37, 38):
        value = await caget(name, datatype=data_type)
    else:
        first = data_type // 7 * 7
        value = await caget(name, datatype=data_type % 7, format=FORMATS[first])
    return str(value) if isinstance(value, str) else float(value)


async def checks(prefix: str) -> None:
    types = [*range(7), *range(14, 21), *range(28, 35), 37, 38]
    names = ("double", "long", "enum", "string")
    tell(reads={name: {str(t): await _read(prefix + name, t) for t in types} for name in names})
    text = await caget(prefix + "text", datatype=aioca.DBR_CHAR_STR)
    tell(text=str(text), array=[float(v) for v in await caget(prefix + "array")])

    begun = time.monotonic()
    await aioca.caput(prefix + "slow", 2.5, wait=True)
    tell(held=time.monotonic() - begun, slow=float(await caget(prefix + "slow")))
    await aioca.caput(prefix + "double", 3.0, wait=True)
    result = await aioca.caput(prefix + "refusing", 5, wait=True, throw=False)
    tell(accepted=True, refused=result.errorcode)
    tell(after_refusal=int(await caget(prefix + "refusing")))

    await aioca.caput(prefix + "level.HIGH", 10.0, wait=True)
    await aioca.caput(prefix + "level", 0.0, wait=True)
    heard: dict[str, list[float]] = {name: [] for name in MASKS}
    for name, mask in MASKS.items():
        aioca.camonitor(
            prefix + "level", lambda value, name=name: heard[name].append(float(value)), events=mask, all_updates=True
        )
    await _until(lambda: all(heard.values()))
    for value in (0.5, 1.2, 2.5, 11.0, 11.1):
        await aioca.caput(prefix + "level", value, wait=True)
    await aioca.caput(prefix + "level.HIGH", 50.0, wait=True)
    await _until(lambda: bool(heard["PROPERTY"][1:]))
    tell(masks={name: values[1:] for name, values in heard.items()})


async def follow(prefix: str) -> None:
    """Tell every connection, and the first value after it."""
    told: dict[str, object] = {}
    boot: list[object] = [None]
    ticking = [False]

    def take(target: list, value: Any) -> None:
        target[0] = (int(value) or True) if value.ok else None

    aioca.camonitor(prefix + "boot", lambda value: take(boot, value), notify_disconnect=True)
    aioca.camonitor(prefix + "tick", lambda value: take(ticking, value), notify_disconnect=True)
    begun = time.monotonic()
    while time.monotonic() - begun < 60:
        await asyncio.sleep(0.02)
        now = {"connected": bool(ticking[0] and boot[0]), "boot": boot[0]}
        if now != told:
            told = now
            tell(**now)


async def many(prefix: str) -> None:
    await aioca.connect(prefix + "double")
    begun = time.monotonic()
    await aioca.connect([f"{prefix}n{i}" for i in range(1000)], timeout=20)
    tell(seconds=time.monotonic() - begun)


async def stale(prefix: str) -> None:
    """Tell how often the last monitor was still the old value when a put was answered."""
    heard: list[float] = []
    aioca.camonitor(prefix + "level", lambda value: heard.append(float(value)), events=MASKS["VALUE"], all_updates=True)
    await _until(lambda: bool(heard))
    found = 0
    for i in range(1, 101):
        await aioca.caput(prefix + "level", 2.0 * i, wait=True)
        found += heard[-1] != 2.0 * i
    tell(stale=found, heard=len(heard))


async def share(prefix: str) -> None:
    """Put while another client does, and tell how many changes were heard and the last value."""
    heard: list[int] = []
    aioca.camonitor(prefix + "shared", lambda value: heard.append(int(value)), all_updates=True)
    await _until(lambda: bool(heard))
    tell(ready=True)
    await asyncio.to_thread(sys.stdin.readline)
    for i in range(100):
        await aioca.caput(prefix + "shared", 2000 + i, wait=True)
    tell(done=True)
    await asyncio.to_thread(sys.stdin.readline)
    await aioca.caput(prefix + "shared", -1, wait=True)
    await _until(lambda: heard[-1] == -1)
    tell(own=[v for v in heard if 2000 <= v], others=[v for v in heard if 1000 <= v < 2000], last=heard[-1])


async def _until(fulfilled, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not fulfilled() and time.monotonic() < deadline:
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    tasks = {task.__name__: task for task in (checks, follow, many, share, stale)}
    asyncio.run(tasks[sys.argv[1]](sys.argv[2]))
    os._exit(0)  # libca may crash at interpreter exit
