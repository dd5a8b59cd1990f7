"""A genuine EPICS IOC with the records of database or substitutions files: `python -m iocs.genuine.server FILE ...`.

It says `running`, and ends with its standard input. With `--access-security FILE` it follows that file.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.resources import files


def main() -> None:
    """Serve until the standard input ends; the port is the one of EPICS_CA_SERVER_PORT."""
    parser = argparse.ArgumentParser(description="Serves records with EPICS base itself.")
    parser.add_argument("files", nargs="+", help="substitutions (.substitutions) or records, in the order of loading")
    parser.add_argument("--access-security", help="EPICS access security file")
    options = parser.parse_args()
    os.environ["EPICS_DB_INCLUDE_PATH"] = f"{files('db')}"
    from epicscorelibs import ioc

    ioc.iocshRegisterCommon()
    if ioc.dbLoadDatabase(b"base.dbd", ioc.DEFAULT_DBD_PATH.encode(), None):
        raise SystemExit("base.dbd does not load")
    if ioc.registerRecordDeviceDriver(ioc.pdbbase):
        raise SystemExit("record support does not register")
    for path in options.files:
        load = "dbLoadTemplate" if path.endswith(".substitutions") else "dbLoadRecords"
        if ioc.ioc(f'{load} "{path}"'):
            raise SystemExit(f"{path} does not load")
    if options.access_security and ioc.ioc(f'asSetFilename "{options.access_security}"'):
        raise SystemExit(f"{options.access_security} does not load")
    if ioc.iocInit():
        raise SystemExit("iocInit fails")
    sys.stdout.write("running\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the C library's exit handlers take seconds and may crash


if __name__ == "__main__":
    main()
