"""caproto's clients. Arguments: task, prefix, threading or asyncio. JSON on stdout, a line a finding."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time

from caproto import ChannelType, SubscriptionType

TYPES = [*range(35), 37, 38]
NAMES = ("double", "long", "enum", "string")
MASKS = {
    "VALUE": SubscriptionType.DBE_VALUE,
    "LOG": SubscriptionType.DBE_LOG,
    "ALARM": SubscriptionType.DBE_ALARM,
    "PROPERTY": SubscriptionType.DBE_PROPERTY,
}
STEPS = (("level", 0.5), ("level", 1.2), ("level", 2.5), ("level", 11.0), ("level", 11.1), ("level.HIGH", 50.0))


def tell(**found: object) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


class Threading:
    """The threading client behind the calls of the asyncio one."""

    def __init__(self) -> None:
        from caproto.threading.client import Context

        self.context = Context()

    async def connect(self, *names: str) -> list:
        pvs = await asyncio.to_thread(self.context.get_pvs, *names)
        for pv in pvs:
            await asyncio.to_thread(pv.wait_for_connection, timeout=20)
        return pvs

    @staticmethod
    async def read(pv, **options):
        return await asyncio.to_thread(lambda: pv.read(**options))

    @staticmethod
    async def write(pv, value):
        return await asyncio.to_thread(lambda: pv.write([value], wait=True, timeout=5))


class Asyncio:
    """The asyncio client."""

    def __init__(self) -> None:
        from caproto.asyncio.client import Context

        self.context = Context()

    async def connect(self, *names: str) -> list:
        pvs = await self.context.get_pvs(*names)
        for pv in pvs:
            await pv.wait_for_connection(timeout=20)
        return pvs

    @staticmethod
    async def read(pv, **options):
        return await pv.read(**options)

    @staticmethod
    async def write(pv, value):
        return await pv.write([value], wait=True, timeout=5)


def _plain(reply) -> object:
    if reply.data_type in (ChannelType.CLASS_NAME, ChannelType.STSACK_STRING):
        return bytes(reply.metadata.value).split(b"\0", 1)[0].decode()
    value = reply.data[0]
    return value.decode() if isinstance(value, bytes) else float(value)


async def checks(client, prefix: str) -> None:
    pvs = await client.connect(*(prefix + name for name in NAMES))
    reads = {}
    for name, pv in zip(NAMES, pvs, strict=True):
        reads[name] = {str(t): _plain(await client.read(pv, data_type=ChannelType(t))) for t in TYPES}
    tell(reads=reads)
    text, array, slow, refusing, double = await client.connect(
        *(prefix + name for name in ("text", "array", "slow", "refusing", "double"))
    )
    characters = bytes((await client.read(text)).data).split(b"\0", 1)[0].decode()
    tell(text=characters, array=list((await client.read(array)).data))
    begun = time.monotonic()
    await client.write(slow, 2.5)
    tell(held=time.monotonic() - begun, slow=(await client.read(slow)).data[0])
    accepted, refused = await client.write(double, 3.0), await client.write(refusing, 5)
    tell(accepted=accepted.status.name == "ECA_NORMAL", refused=refused.status.code_with_severity)
    tell(after_refusal=int((await client.read(refusing)).data[0]))

    level, high = await client.connect(prefix + "level", prefix + "level.HIGH")
    await client.write(high, 10.0)
    await client.write(level, 0.0)
    heard: dict[str, list[float]] = {name: [] for name in MASKS}
    kept = []
    for name, mask in MASKS.items():
        subscription = level.subscribe(mask=mask)

        def take(_, event, name=name):
            heard[name].append(float(event.data[0]))

        subscription.add_callback(take)
        kept.append((subscription, take))
    await _until(lambda: all(heard.values()))
    for name, value in STEPS:
        await client.write(level if name == "level" else high, value)
    await _until(lambda: bool(heard["PROPERTY"][1:]))
    tell(
        masks={name: sorted(values[1:]) for name, values in heard.items()}
    )  # its callbacks run in a pool, in any order


async def follow(client, prefix: str) -> None:
    """Tell every connection, and the first value after it."""
    (boot,) = await client.connect(prefix + "boot")
    last: list[object] = [None]
    heard = threading.Event()

    def take(_, event):
        last[0] = int(event.data[0])
        heard.set()

    subscription = boot.subscribe()
    subscription.add_callback(take)
    told: dict[str, object] = {}
    begun = time.monotonic()
    while time.monotonic() - begun < 60:
        await asyncio.sleep(0.02)
        if not boot.connected:
            last[0] = None
        now = {"connected": bool(boot.connected and last[0]), "boot": last[0]}
        if now != told:
            told = now
            tell(**now)


async def many(client, prefix: str) -> None:
    await client.connect(prefix + "double")
    begun = time.monotonic()
    await client.connect(*(f"{prefix}n{i}" for i in range(1000)))
    tell(seconds=time.monotonic() - begun)


async def _until(fulfilled, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not fulfilled() and time.monotonic() < deadline:
        await asyncio.sleep(0.005)


async def main(task: str, prefix: str, which: str) -> None:
    client = Threading() if which == "threading" else Asyncio()
    await {"checks": checks, "follow": follow, "many": many}[task](client, prefix)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]), debug=False)
    os._exit(0)
