"""`slitless setup`: filter, grating and stage to where they should be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from session.commands.options import DataFolder

__all__ = ["setup"]


def setup(
    filter: Annotated[str | None, typer.Option("--filter", help="Name or slot.")] = None,
    grating: Annotated[str | None, typer.Option("--grating", help="Name or slot.")] = None,
    linear_stage: Annotated[float | None, typer.Option("--stage", help="mm.")] = None,
    data: DataFolder = Path("data"),
) -> None:
    """Move filter, grating and linear stage, in parallel; what is not given stays."""
    from session.commands.take import slot_or_name
    from session.run_engine import connect_observing, run_plan
    from session.terminal import say

    if filter is None and grating is None and linear_stage is None:
        raise typer.BadParameter("give --filter, --grating or --stage")
    session = connect_observing(data)
    import plans

    optics = {"filter": slot_or_name(filter), "grating": slot_or_name(grating), "linear_stage": linear_stage}
    run_plan(session.RE, plans.setup_instrument(**optics))
    where = session.spectrograph
    optics = f"filter {where.filter.element_name.get()}, grating {where.grating.element_name.get()}"
    say(f"{optics}, stage {where.stage.position:.3f} mm")
