"""Settings that a device asks for in a thread of its own, so that a plan can wait for them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ophyd import Device
from ophyd.status import Status

__all__ = ["in_thread"]


def in_thread(device: Device, work: Callable[[], object]) -> Status:
    """Return a status that ends when `work` returns, and fails with what it raises."""
    status = Status(device)

    def run() -> None:
        try:
            work()
        except Exception as error:
            status.set_exception(error)
        else:
            status.set_finished()

    threading.Thread(target=run, name=f"{device.name} asks", daemon=True).start()
    return status
