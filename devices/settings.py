"""Writing settings and knowing that the IOC took them."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

from ophyd import Device
from ophyd.status import Status

from devices.command import CommandFailed
from devices.signals import PUT_FAILED, Setting

__all__ = ["SettingsStatus"]

TIMEOUT = 10.0
"""s of wall time for an IOC to publish a setting that was put."""


class SettingsStatus(Status):
    """Done when the IOC has published all settings as asked; fails at a timeout naming those it did not take.

    Settings that read as wanted already are not put again.
    """

    def __init__(self, obj: Device, settings: Mapping[Setting, Any], timeout: float = TIMEOUT) -> None:
        super().__init__(obj)
        self._guard = threading.RLock()
        self._missing = {signal: value for signal, value in settings.items() if not _agrees(signal.get(), value)}
        if not self._missing:
            self.set_finished()
            return
        self._timer = threading.Timer(timeout, self._give_up)
        self._timer.daemon = True
        self._timer.start()
        for signal, value in tuple(self._missing.items()):
            signal.subscribe(self._changed, run=False)
            try:
                signal.put(_for_wire(signal, value))
            except PUT_FAILED as error:
                self._end(CommandFailed(f"{signal.setpoint_pvname}: {error}"))
                return

    def _changed(self, *, obj: Setting, value: Any, **_: Any) -> None:
        with self._guard:
            if obj in self._missing and _agrees(value, self._missing[obj]):
                del self._missing[obj]
                obj.clear_sub(self._changed)
                if not self._missing:
                    self._end(None)

    def _give_up(self) -> None:
        with self._guard:
            refused = ", ".join(
                f"{signal.setpoint_pvname} = {value!r} (it is {signal.get()!r})"
                for signal, value in self._missing.items()
            )
            self._end(CommandFailed(f"not taken by the IOC: {refused}"))

    def _end(self, error: Exception | None) -> None:
        with self._guard:
            if self.done:
                return
            self._timer.cancel()
            for signal in self._missing:
                signal.clear_sub(self._changed)
            if error is None:
                self.set_finished()
            else:
                self.set_exception(error)


def _agrees(published: Any, wanted: Any) -> bool:
    if isinstance(wanted, float) and isinstance(published, (int, float)):
        return math.isclose(published, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return published == wanted


def _for_wire(signal: Setting, value: Any) -> Any:
    """Return the number of an enum state given by name, as both client libraries take it."""
    states: Any = signal.enum_strs
    return list(states).index(value) if isinstance(value, str) and states else value
