"""A server for `test_server.py`: the same PVs on caproto's own server or on ours.

Arguments: stock or mended, port, port to send beacons to.
"""

from __future__ import annotations

import asyncio
import os
import sys

import numpy as np


def main(which: str, port: str, beacon_port: str) -> None:
    os.environ["EPICS_CA_SERVER_PORT"] = port
    os.environ["EPICS_CAS_BEACON_PORT"] = beacon_port
    os.environ["EPICS_CAS_AUTO_BEACON_ADDR_LIST"] = "NO"
    os.environ["EPICS_CAS_BEACON_ADDR_LIST"] = "127.0.0.1"
    import caproto
    from caproto.asyncio.server import Context as StockContext

    from iocs.records.database import make_records
    from iocs.records.template import RecordDefinition
    from iocs.wire.server import Context

    class Refusing(caproto.ChannelDouble):
        async def verify_value(self, data):
            raise ValueError("not today")

    class Secret(caproto.ChannelDouble):
        def check_access(self, hostname, username):
            return caproto.AccessRights.NO_ACCESS

    class Doubling(caproto.ChannelDouble):
        async def verify_value(self, data):
            await echo.write(2 * data)
            return data

    class Burst(caproto.ChannelInteger):
        """Put n: the image is written n times."""

        async def verify_value(self, data):
            for _ in range(data):
                await image.write(np.zeros(1_000_000, np.int32))
                await asyncio.sleep(0)
            return data

    class Ramp(caproto.ChannelInteger):
        """Put n: the echo counts up to n."""

        async def verify_value(self, data):
            for i in range(data):
                await echo.write(float(i + 1))
                await asyncio.sleep(0)
            return data

    states = RecordDefinition("mbbo", "enum", {"ZRST": "red", "ONST": "green", "VAL": "0"})
    frame = RecordDefinition("waveform", "image", {"FTVL": "LONG", "NELM": "1000000"})
    records = make_records({"enum": states, "image": frame}) if which == "mended" else {}
    echo = caproto.ChannelDouble(value=0.0)
    image = records.get("image") or caproto.ChannelInteger(value=np.zeros(1_000_000, np.int32), max_length=1_000_000)
    pvdb = {
        "double": caproto.ChannelDouble(value=1.0),
        "doubling": Doubling(value=0.0),
        "echo": echo,
        "refusing": Refusing(value=1.0),
        "secret": Secret(value=42.0),
        "image": image,
        "burst": Burst(value=0),
        "ramp": Ramp(value=0),
        "enum": records.get("enum") or caproto.ChannelEnum(value=0, enum_strings=["red", "green"]),
    }

    async def serve() -> None:
        if which == "stock":
            await StockContext(pvdb, ["127.0.0.1"]).run()
        else:
            await Context(pvdb, ["127.0.0.1"], port=int(port)).run()

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
