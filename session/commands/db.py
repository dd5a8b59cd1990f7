"""`slitless db`: the process variables of an instrument."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from typing import Annotated

import typer

from session.commands.options import Definition

__all__ = ["db"]


class Form(StrEnum):
    """How the list is printed."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    ARCHIVER = "archiver"


def db(
    form: Annotated[Form, typer.Option("--format", "-f", help="How to print it.")] = Form.TEXT,
    device: Annotated[str, typer.Option("--device", help="Only one device: CAM, FILTER, STAGE ...")] = "",
    prefix: Annotated[str, typer.Option("--prefix", help="Another prefix of all PVs, with its colon.")] = "",
    definition: Definition = "latiss",
) -> None:
    """List the process variables that the IOCs serve; none needs to run.

    [bold]archiver[/bold] prints lines of name, sampling mode and period (s) for the EPICS Archiver Appliance.
    """
    from slitless.definition import load_instrument
    from slitless.errors import SlitlessError

    load_instrument(definition)  # says what is wrong with it better than the process would
    command = [sys.executable, "-m", "iocs.contract", "--list", form.value, "--instrument", definition]
    command += ["--device", device] if device else []
    command += ["--prefix", prefix] if prefix else []
    # what stands in the IOCs' templates is theirs to read: they are asked as a program, as they are started
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SlitlessError(done.stderr.strip() or f"iocs.contract ended with status {done.returncode}")
    sys.stdout.write(done.stdout)
