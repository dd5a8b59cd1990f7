"""A genuine EPICS IOC with one record to compare with; ends with its standard input. Argument: name of the record."""

from __future__ import annotations

import os
import sys
import tempfile


def main(name: str) -> None:
    """Serve the record until the standard input ends."""
    from epicscorelibs import ioc

    ioc.iocshRegisterCommon()
    if ioc.dbLoadDatabase(b"base.dbd", ioc.DEFAULT_DBD_PATH.encode(), None):
        raise SystemExit("base.dbd does not load")
    if ioc.registerRecordDeviceDriver(ioc.pdbbase):
        raise SystemExit("record support does not register")
    with tempfile.NamedTemporaryFile("w", suffix=".db") as database:
        database.write(f'record(ao, "{name}") {{ field(DRVH, "1e6") field(DRVL, "-1e6") field(PREC, "3") }}\n')
        database.flush()
        if ioc.dbLoadRecords(database.name.encode(), b""):
            raise SystemExit("the record does not load")
    if ioc.iocInit():
        raise SystemExit("iocInit fails")
    sys.stdout.write("running\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the C library's exit handlers take seconds and may crash


if __name__ == "__main__":
    main(*sys.argv[1:])
