"""An IOC for the clients of every library: each native type, records that refuse and that wait, and a thousand more.

Arguments: port, prefix, folder in which it notes its clients.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from pathlib import Path

from iocs.records.database import make_records
from iocs.records.template import RecordDefinition, TemplateUse, load
from iocs.wire.client import Refused
from iocs.wire.server import Context

MANY = 1000


async def serve(port: int, prefix: str, folder: str) -> None:
    here = Path(__file__).parent
    database = load([TemplateUse("interop.template", {"P": prefix})], here)
    database |= {name: RecordDefinition("ao", name, {"VAL": "1"}) for name in (f"{prefix}n{i}" for i in range(MANY))}
    records = make_records(database)

    async def refuse(record, value, client):
        raise Refused(f"{value} is not wanted")

    async def wait(record, value, client):
        await asyncio.sleep(0.2)
        await record.write(value)

    records[prefix + "refusing"].client_put = refuse
    records[prefix + "slow"].client_put = wait
    await records[prefix + "boot"].write(os.getpid())
    await records[prefix + "array"].write([1.0, 2.0, 3.0])
    context = Context(records, ["127.0.0.1"], port=port, clients_file=Path(folder) / "clients.json")
    await context.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    for tick in itertools.count():
        if ended.is_set():
            break
        await records[prefix + "tick"].write(tick)
        await asyncio.sleep(0.05)
    await context.stop_serving()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), *sys.argv[2:]))
