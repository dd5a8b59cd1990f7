"""How many arrays a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["watch_rates"]

PERIOD = 1.0  # s, as areaDetector looks


async def watch_rates(record: Callable[[str], Record], prefixes: Sequence[str]) -> None:
    """Keep ``ArrayRate_RBV`` of camera and plugins up to date: by how much the counter grew within a second.

    Parameters
    ----------
    record : callable
        Returns a record of the IOC by its name, e.g. ``Stats1:ArrayCounter_RBV``.
    prefixes : sequence of str
        Whose rates, e.g. ``Stats1:``.
    """
    counted = {prefix: record(f"{prefix}ArrayCounter_RBV").value for prefix in prefixes}
    looked = time.monotonic()
    while True:
        await asyncio.sleep(PERIOD)
        now = time.monotonic()
        for prefix, before in counted.items():
            counted[prefix] = counter = record(f"{prefix}ArrayCounter_RBV").value
            await record(f"{prefix}ArrayRate_RBV").write(max(counter - before, 0) / (now - looked))
        looked = now
