"""A genuine EPICS IOC with the records of substitutions files; arguments: their folder, files.

It ends with its standard input.
"""

from __future__ import annotations

import os
import sys


def main(folder: str, *substitutions: str) -> None:
    os.environ["EPICS_DB_INCLUDE_PATH"] = folder
    from epicscorelibs import ioc

    ioc.iocshRegisterCommon()
    if ioc.dbLoadDatabase(b"base.dbd", ioc.DEFAULT_DBD_PATH.encode(), None):
        raise SystemExit("base.dbd does not load")
    if ioc.registerRecordDeviceDriver(ioc.pdbbase):
        raise SystemExit("record support does not register")
    for path in substitutions:
        if ioc.ioc(f'dbLoadTemplate "{path}"'):
            raise SystemExit(f"{path} does not load")
    if ioc.iocInit():
        raise SystemExit("iocInit fails")
    sys.stdout.write("running\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the C library's exit handlers take seconds and may crash


if __name__ == "__main__":
    main(*sys.argv[1:])
