"""`slitless status`: what the instrument does at this moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from session.commands.iocs import HEALTH_COLUMNS, health_rows
from session.commands.options import DataFolder, Json

__all__ = ["status"]

READBACKS = {
    "detector": "CAM:cam1:DetectorState_RBV",
    "last exposure": "CAM:cam1:ExposureId_RBV",
    "sequence owner": "CAM:cam1:SequenceOwner_RBV",
    "temperature (Celsius)": "CAM:cam1:TemperatureActual",
    "shutter": "SHUTTER:State_RBV",
    "filter": "FILTER:Name_RBV",
    "filter in position": "FILTER:InPosition",
    "grating": "GRATING:Name_RBV",
    "grating in position": "GRATING:InPosition",
    "linear stage (mm)": "STAGE:m1.RBV",
    "focus (mm)": "TEL:focus.RBV",
    "telescope ready": "TEL:Ready_RBV",
    "target": "TEL:Target",
    "airmass": "TEL:Airmass_RBV",
}
"""What a status page shows, by PV after the system's prefix."""


def status(data: DataFolder = Path("data"), as_json: Json = False) -> None:
    """Show the health of the IOCs and where everything stands.

    The exit code is 1 if an IOC does not answer or is in Fault.
    """
    import typer

    from session.channel_access import ChannelAccess, use_addresses
    from session.ioc_state import IocState
    from session.processes import health
    from session.terminal import print_json, table

    state = IocState.running(data)
    use_addresses(state.address_list)
    with ChannelAccess() as client:
        report = health(client, state)
        values = client.read([state.prefix + pv for pv in READBACKS.values()], timeout=1.0)
    readbacks: dict[str, Any] = {name: values[state.prefix + pv] for name, pv in READBACKS.items()}
    if as_json:
        print_json({"iocs": report, "readbacks": readbacks, "speed": state.speed, "address_list": state.address_list})
    else:
        table(HEALTH_COLUMNS, health_rows(report))
        table(("what", "value"), list(readbacks.items()))
    bad = [name for name, pvs in report.items() if pvs["Heartbeat"] is None or pvs["SummaryState"] == "Fault"]
    raise typer.Exit(1 if bad else 0)
