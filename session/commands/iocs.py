"""`slitless iocs`: the IOCs in the foreground, with their health."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from session.commands.options import DataFolder, Definition, Speed
from slitless.errors import SlitlessError

if TYPE_CHECKING:
    from session.processes import IocFleet

__all__ = ["HEALTH_COLUMNS", "health_rows", "iocs"]

HEALTH_COLUMNS = ("IOC", "state", "heartbeat", "up s", "CPU %", "memory MB", "clients", "error")
PERIOD = 2.0  # s between looks at the processes


def iocs(
    names: Annotated[
        list[str] | None, typer.Argument(help="detector, shutter, filter, grating, stage, telescope; all if none.")
    ] = None,
    data: DataFolder = Path("data"),
    definition: Definition = "latiss",
    prefix: Annotated[str, typer.Option(help="Prefix of the system, if not the instrument's.")] = "",
    speed: Speed = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the simulated instrument.")] = 0,
    one_process: Annotated[bool, typer.Option("--one-process", help="All IOCs in a single process.")] = False,
    standby: Annotated[bool, typer.Option("--standby", help="Do not enable them.")] = False,
    access_security: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="EPICS access security file that they obey.")
    ] = None,
) -> None:
    """Start IOCs and keep them running until Ctrl-C, with the catalogue of the data folder being fed.

    Prints the address list that other Channel Access clients need. An IOC that died can be started again by its
    name from another terminal; it comes back on its own port.
    """
    from session.catalogue_feed import feeding
    from session.epoch import epoch_after
    from session.interruption import signals_noted
    from session.ioc_state import IocState, require_speed
    from session.processes import IocFleet
    from session.terminal import say
    from slitless.definition import load_instrument

    require_speed(speed)
    found = IocState.read(data)
    joins = found is not None and bool(found.alive)  # then time is theirs
    fleet = IocFleet(
        load_instrument(definition),
        data,
        names or (),
        definition=definition,
        prefix=prefix,
        speed=speed,
        epoch=time() if joins else epoch_after(data.absolute(), speed, time()),
        seed=seed,
        one_process=one_process,
        access_security=access_security,
    )
    with ExitStack() as stack:
        stack.enter_context(signals_noted())
        stack.enter_context(fleet)
        fleet.start()
        _show_health(fleet, standby)
        stack.enter_context(feeding(fleet.root))
        say(f"\nEPICS_CA_AUTO_ADDR_LIST=NO EPICS_CA_ADDR_LIST='{fleet.state.address_list}'")
        say("Ctrl-C ends them.")
        _keep_running(fleet)
    say("IOCs ended")


def health_rows(report: dict[str, dict[str, Any]]) -> list[list[object]]:
    """Return the rows of a health table; an IOC that does not answer says so."""
    rows: list[list[object]] = []
    for name, values in report.items():
        if values["Heartbeat"] is None:
            rows.append([name, "no answer", *[None] * 6])
        else:
            pvs = ("SummaryState", "Heartbeat", "UpTime", "CpuLoad", "MemoryUsed", "ClientCount", "ErrorReport")
            rows.append([name, *(values[pv] for pv in pvs)])
    return rows


def _show_health(fleet: IocFleet, standby: bool) -> None:
    from session.channel_access import ChannelAccess
    from session.processes import health
    from session.terminal import table

    with ChannelAccess() as client:
        fleet.wait_healthy(client)
        if not standby:
            fleet.enable(client)
        table(HEALTH_COLUMNS, health_rows(health(client, fleet.state)))


def _keep_running(fleet: IocFleet) -> None:
    from session.interruption import Interrupted, pause
    from session.terminal import say

    try:
        while fleet.processes:
            pause(PERIOD)
            for death in fleet.bury():
                say(death, style="red")
    except Interrupted:  # the way it is meant to end
        return
    raise SlitlessError("no IOC is left")
