"""A genuine EPICS IOC with the records of an instrument, or of files: `python -m iocs.genuine.server`.

A stand-in for screen work: readbacks follow their settings, no instrument stands behind them. It says `running`, and
ends with its standard input.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from iocs.contract import has_motor, substitutions, template_uses
from iocs.genuine.links import follow_links
from iocs.records.template import load
from slitless.definition import load_instrument


def main() -> None:
    """Serve until the standard input ends; the port is the one of EPICS_CA_SERVER_PORT."""
    parser = argparse.ArgumentParser(description="Serves records with EPICS base itself.")
    parser.add_argument("files", nargs="*", help="substitutions or records, instead of an instrument's")
    parser.add_argument("--instrument", default="latiss", help="name or path of the definition (%(default)s)")
    parser.add_argument("--prefix", help="prefix of all PVs, with its colon (the one of the definition)")
    parser.add_argument("--access-security", help="EPICS access security file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _run(options.files or _instrument_files(options.instrument, options.prefix, Path(folder)), options)
    sys.stdout.write("running\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the C library's exit handlers take seconds and may crash


def _instrument_files(instrument: str, prefix: str | None, folder: Path) -> list[str]:
    """Write what loads an instrument's records, but for the motors, and the links between them."""
    uses = [use for use in template_uses(load_instrument(instrument), prefix) if not has_motor(use)]
    records, links = folder / "records.substitutions", folder / "links.db"
    records.write_text(substitutions(uses), encoding="utf-8")
    links.write_text(follow_links(load(uses, Path(str(files("db"))))), encoding="utf-8")
    return [str(records), str(links)]


def _run(paths: list[str], options: argparse.Namespace) -> None:
    """Load files and start the IOC."""
    os.environ["EPICS_DB_INCLUDE_PATH"] = f"{files('db')}"
    from epicscorelibs import ioc

    ioc.iocshRegisterCommon()
    if ioc.dbLoadDatabase(b"base.dbd", ioc.DEFAULT_DBD_PATH.encode(), None):
        raise SystemExit("base.dbd does not load")
    if ioc.registerRecordDeviceDriver(ioc.pdbbase):
        raise SystemExit("record support does not register")
    for path in paths:
        load = "dbLoadTemplate" if path.endswith(".substitutions") else "dbLoadRecords"
        if ioc.ioc(f'{load} "{path}"'):
            raise SystemExit(f"{path} does not load")
    if options.access_security and ioc.ioc(f'asSetFilename "{options.access_security}"'):
        raise SystemExit(f"{options.access_security} does not load")
    if ioc.iocInit():
        raise SystemExit("iocInit fails")


if __name__ == "__main__":
    main()
