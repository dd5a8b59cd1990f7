"""A server for the tests beside this file: the same PVs on caproto's own server or on ours.

Arguments: stock, mended or impatient (ours, soon done with a client that does nothing); port; port to send beacons to.
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

    class Gate(caproto.ChannelInteger):
        """Put 1 or 0: the guarded PV may be read, or not."""

        async def verify_value(self, data):
            guarded.rights = caproto.AccessRights.READ if data else caproto.AccessRights.NO_ACCESS
            await served[0].rights_changed()
            return data

    class Guarded(caproto.ChannelDouble):
        rights = caproto.AccessRights.READ

        def check_access(self, hostname, username):
            return self.rights

    class Writer(caproto.ChannelDouble):
        """Put x: the guarded PV becomes x."""

        async def verify_value(self, data):
            await guarded.write(data)
            return data

    served: list = []
    guarded = Guarded(value=0.0)
    ours = {
        "enum": RecordDefinition("mbbo", "enum", {"ZRST": "red", "ONST": "green", "VAL": "0"}),
        "image": RecordDefinition("waveform", "image", {"FTVL": "LONG", "NELM": "1000000"}),
        "array": RecordDefinition("waveform", "array", {"FTVL": "LONG", "NELM": "10"}),
        "pixels": RecordDefinition("waveform", "pixels", {"FTVL": "USHORT", "NELM": "10"}),
        "short": RecordDefinition("waveform", "short", {"FTVL": "SHORT", "NELM": "1"}),
        "long": RecordDefinition("longout", "long", {"VAL": "7"}),
        "XF:31IDA-OP{Tbl-Ax:X1}Mtr": RecordDefinition("longout", "XF:31IDA-OP{Tbl-Ax:X1}Mtr", {"VAL": "7"}),
    }
    theirs = {
        "enum": caproto.ChannelEnum(value=0, enum_strings=["red", "green"]),
        "image": caproto.ChannelInteger(value=np.zeros(1_000_000, np.int32), max_length=1_000_000),
        "array": caproto.ChannelInteger(value=[0], max_length=10),
        "short": caproto.ChannelShort(value=7),
        "long": caproto.ChannelInteger(value=7),
    }
    records = theirs if which == "stock" else make_records(ours)
    echo = caproto.ChannelDouble(value=0.0)
    image = records["image"]
    pvdb = {
        "double": caproto.ChannelDouble(value=1.0),
        "doubling": Doubling(value=0.0),
        "echo": echo,
        "refusing": Refusing(value=1.0),
        "secret": Secret(value=42.0),
        **records,
        "guarded": guarded,
        "gate": Gate(value=1),
        "writer": Writer(value=0.0),
        "burst": Burst(value=0),
        "ramp": Ramp(value=0),
    }

    async def serve() -> None:
        if which == "stock":
            await StockContext(pvdb, ["127.0.0.1"]).run()
        else:
            context = Context(pvdb, ["127.0.0.1"], port=int(port))
            if which == "impatient":
                context.patience, context.speak_within, context.most_circuits = 1, 0.5, 20
            served.append(context)
            if which == "mended":
                await records["short"].write([7])
            await context.run()

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
