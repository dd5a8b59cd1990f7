"""Start-up of a Bluesky queue server's worker: plans, devices and a RunEngine with the journal.

    start-re-manager --startup-module session.startup --keep-re

The IOCs are those that run over the data folder SLITLESS_DATA (default ``data``); importing this
connects to them. The catalogue is fed by whoever started the IOCs.
"""

from __future__ import annotations

import os
from pathlib import Path

from session.console import namespace
from session.run_engine import OnSignal, connect_observing

__all__ = ["RE"]

_observing = connect_observing(Path(os.environ.get("SLITLESS_DATA", "data")), on_signal=OnSignal.PAUSE)
globals().update(namespace(_observing))
RE = _observing.RE
