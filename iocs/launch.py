"""Runs IOCs as a program: arguments, server, peers, signals.

SIGINT and SIGTERM end it, and so does SIGHUP, which with an access security file has it read again instead.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from iocs.ioc import Ioc, IocSetup
from iocs.records.access import AccessFileError, AccessSecurity, read_access_file
from iocs.records.template import TemplateError
from iocs.wire.server import Context, ServerError
from slitless.definition import Instrument, load_instrument
from slitless.errors import SlitlessError
from slitless.instrument_time import InstrumentClock

__all__ = ["arguments", "run", "run_ioc", "serve", "setup_from"]

log = logging.getLogger(__name__)

GIL_INTERVAL = 0.0005  # s; a put waits so long at most for a thread that computes, ten times less than Python's own


def arguments(classes: Sequence[type[Ioc]]) -> argparse.ArgumentParser:
    """Return the parser of an IOC program."""
    devices = ", ".join(cls.device for cls in classes)
    parser = argparse.ArgumentParser(description=f"Serves the process variables of {devices} over Channel Access.")
    parser.add_argument(
        "--instrument", default="latiss", help="name or path of the instrument definition (%(default)s)"
    )
    parser.add_argument("--system", help="prefix of the whole instrument, with colon (from the definition)")
    if len(classes) == 1:
        parser.add_argument("--prefix", help=f"prefix of this IOC, with colon (<system>{classes[0].device}:)")
    parser.add_argument("--port", type=int, help="TCP and UDP port, exactly (EPICS_CA_SERVER_PORT)")
    parser.add_argument("--interfaces", nargs="+", default=["127.0.0.1"], help="addresses to listen on (%(default)s)")
    parser.add_argument("--peers", help="where the other IOCs are: 'host:port host:port' (EPICS_CA_ADDR_LIST)")
    parser.add_argument("--beacons", action="store_true", help="announce the server by beacons")
    parser.add_argument("--no-interlock", action="store_true", help="ask no other IOC before anything moves")
    parser.add_argument("--speed", type=float, default=1.0, help="instrument seconds per wall second (%(default)s)")
    parser.add_argument("--epoch", type=float, help="UTC unix seconds at which instrument time is true (now)")
    parser.add_argument("--data-root", type=Path, help="folder below which files are written")
    parser.add_argument(
        "--autosave", type=Path, help="folder that keeps settings over a restart (autosave below the data root)"
    )
    parser.add_argument("--access-security", type=Path, help="EPICS access security file (everybody may do everything)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (%(default)s)")
    parser.add_argument("--enable", action="store_true", help="go to Enabled at start")
    parser.add_argument("--list-pvs", action="store_true", help="list the PV names and exit")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more")
    parser.add_argument("-q", "--quiet", action="store_true", help="log warnings and errors only")
    for cls in classes:
        cls.add_arguments(parser)
    return parser


def setup_from(cls: type[Ioc], options: argparse.Namespace, instrument: Instrument, clock: InstrumentClock) -> IocSetup:
    """Return what the arguments tell one IOC."""
    system = options.system or instrument.prefix
    return IocSetup(
        instrument=instrument,
        prefix=getattr(options, "prefix", None) or f"{system}{cls.device}:",
        system=system,
        clock=clock,
        data_root=options.data_root,
        security=_security(options),
        autosave=options.autosave or (options.data_root / "autosave" if options.data_root else None),
        seed=options.seed,
        enable=options.enable,
        interlock=not options.no_interlock,
        options=vars(options),
    )


def run(classes: Sequence[type[Ioc]], argv: list[str] | None = None) -> int:
    """Run IOCs in one process until a signal ends it.

    Returns
    -------
    int
        0 after a signal that ends it, 1 if it could not start.
    """
    options = arguments(classes).parse_args(argv)
    sys.setswitchinterval(GIL_INTERVAL)
    level = logging.WARNING if options.quiet else logging.DEBUG if options.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("caproto").setLevel(max(level, logging.WARNING))
    if options.peers is None and len(classes) > 1 and options.port is not None:
        options.peers = f"{options.interfaces[0]}:{options.port}"  # they are each other's peers
    if options.peers is not None:
        os.environ["EPICS_CA_ADDR_LIST"] = options.peers
        os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"
    try:
        instrument = load_instrument(options.instrument)
        epoch = time.time() if options.epoch is None else options.epoch
        clock = InstrumentClock(time.time, options.speed, epoch)
        iocs = [cls(setup_from(cls, options, instrument, clock)) for cls in classes]
        if options.list_pvs:
            sys.stdout.writelines(f"{name}\n" for ioc in iocs for name in ioc.records)
            return 0
        asyncio.run(_until_signalled(iocs, options))
    except (SlitlessError, TemplateError, ServerError, ValueError) as error:
        log.debug("while starting", exc_info=True)
        log.error("%s", error)
        return 1
    return 0


def run_ioc(cls: type[Ioc], argv: list[str] | None = None) -> int:
    """Run one IOC as a program; returns the exit status."""
    return run([cls], argv)


async def _until_signalled(iocs: Sequence[Ioc], options: argparse.Namespace) -> None:
    ended, hung_up = asyncio.Event(), asyncio.Event()
    at_hangup = hung_up if options.access_security else ended  # a terminal that closes ends what it ran
    loop = asyncio.get_running_loop()
    for number, event in ((signal.SIGINT, ended), (signal.SIGTERM, ended), (signal.SIGHUP, at_hangup)):
        loop.add_signal_handler(number, event.set)
    noted = options.data_root / "clients" / f"{options.port}.json" if options.data_root and options.port else None
    async with serve(iocs, options.interfaces, options.port, beacons=options.beacons, clients_file=noted) as context:
        rereading = asyncio.create_task(_reread_security(iocs, context, options, hung_up))
        await ended.wait()
        rereading.cancel()


async def _reread_security(
    iocs: Sequence[Ioc], context: Context, options: argparse.Namespace, asked: asyncio.Event
) -> None:
    """Read the access security file again whenever that is asked; a file that cannot be followed changes nothing."""
    while await asked.wait():
        asked.clear()
        try:
            security = _security(options)
        except AccessFileError as error:
            log.error("%s; who may do what stays as it was", error)
            continue
        for ioc in iocs:
            ioc.guard(security)
        await context.rights_changed()
        log.info("%s: read again", options.access_security)


def _security(options: argparse.Namespace) -> AccessSecurity | None:
    return read_access_file(options.access_security) if options.access_security else None


class serve:  # noqa: N801  read as a verb: async with serve(iocs, ...)
    """Serves IOCs on one port for as long as the block lasts.

    Parameters
    ----------
    iocs : sequence of Ioc
        What to serve.
    interfaces : list of str
        Addresses to listen on.
    port : int or None
        TCP and UDP port.
    beacons : bool
        Whether to send beacons.
    clients_file : Path, optional
        Where to note the clients, for the next start.
    """

    def __init__(
        self,
        iocs: Sequence[Ioc],
        interfaces: list[str] | None = None,
        port: int | None = None,
        *,
        beacons: bool = False,
        clients_file: Path | None = None,
    ) -> None:
        self.iocs = iocs
        self._options: dict[str, Any] = {
            "interfaces": interfaces,
            "port": port,
            "beacons": beacons,
            "clients_file": clients_file,
        }

    async def __aenter__(self) -> Context:
        pvdb = {name: record for ioc in self.iocs for name, record in ioc.records.items()}
        self.context = context = Context(pvdb, **self._options)
        await context.bind()
        for ioc in self.iocs:
            context.gone_callbacks.append(ioc.client_gone)
            context.count_callbacks.append(ioc.clients_changed)
            await ioc.peers.start()
        for ioc in self.iocs:
            await ioc.start()
        await context.answer()  # no client sees a record before it is filled
        log.info("%s: serving on port %d", ", ".join(ioc.setup.prefix for ioc in self.iocs), context.port)
        for ioc in self.iocs:
            await ioc.enable()
        return context

    async def __aexit__(self, *exception: object) -> None:
        for ioc in self.iocs:
            await ioc.stop()
            await ioc.peers.stop()
        await self.context.stop_serving()
