"""Signals that say only what the IOC said.

ophyd's own signals echo a value locally as soon as it was put, and ask the wire again at each read.
These are always monitored: a reading is the last value the IOC published, and a put changes nothing
here until the IOC publishes it. Text lives in CHAR waveforms as UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ophyd import EpicsSignal, EpicsSignalRO
from ophyd.signal import DEFAULT_EPICSSIGNAL_VALUE
from ophyd.utils.errors import DisconnectedError

from slitless.errors import SlitlessError

PUT_FAILED = (DisconnectedError, OSError, TimeoutError, RuntimeError, ValueError)
"""What putting to a signal may raise."""

__all__ = [
    "PUT_FAILED",
    "Count",
    "Disconnected",
    "Readback",
    "Setting",
    "SettingWithReadback",
    "Text",
    "TextSetting",
    "decode",
    "encode",
]


def encode(text: str) -> np.ndarray:
    """Return text as the bytes of a CHAR waveform: UTF-8, closed by a NUL."""
    return np.frombuffer(text.encode("utf-8") + b"\0", dtype=np.uint8)


def decode(value: Any) -> str:
    """Return the text that a CHAR waveform holds: UTF-8 up to the first NUL."""
    if isinstance(value, str):
        return value
    values = np.atleast_1d(np.asarray([] if value is None else value))
    return values.astype(np.uint8).tobytes().split(b"\0", 1)[0].decode("utf-8", errors="replace")


class Disconnected(SlitlessError, DisconnectedError):
    """The IOC of a signal does not answer; the message names the PV."""


class _Monitored:
    """What the last monitor said, without a round trip; a lost connection is an error, never an old value."""

    def read(self) -> dict[str, Any]:
        """Return the last value that arrived and when, as an event holds them."""
        self._require_connection()
        return super().read()  # type: ignore[misc]

    def _require_connection(self) -> None:
        if not self.connected:  # type: ignore[attr-defined]
            raise Disconnected(f"{self.pvname} is not connected; does its IOC run?")  # type: ignore[attr-defined]

    def get(self, **kwargs: Any) -> Any:
        self._require_connection()
        value = self._readback  # type: ignore[attr-defined]
        if value is DEFAULT_EPICSSIGNAL_VALUE:  # connected, the first monitor still on its way
            # The client library may hold a value from before the connection was lost, so the wire is asked.
            return super().get(**{"use_monitor": False, **kwargs})  # type: ignore[misc]
        return value

    def _pv_connected(self, pvname: str, conn: bool, pv: Any) -> None:
        if not conn:  # after a reconnection the old value must not pass for the present one
            self._readback = DEFAULT_EPICSSIGNAL_VALUE
        super()._pv_connected(pvname, conn, pv)  # type: ignore[misc]

    def _read_changed(self, value: Any = None, **kwargs: Any) -> None:
        super()._read_changed(value=self._understood(value), **kwargs)  # type: ignore[misc]

    def _fix_type(self, value: Any) -> Any:
        return self._understood(super()._fix_type(value))  # type: ignore[misc]

    def _understood(self, value: Any) -> Any:
        return value.item() if isinstance(value, np.generic) else value


class _Text:
    def _understood(self, value: Any) -> str:
        return decode(value)

    def describe(self) -> dict[str, Any]:
        """Return the description of the value, without the limits that CHAR waveforms come with."""
        description = super().describe()  # type: ignore[misc]
        for key in ("lower_ctrl_limit", "upper_ctrl_limit"):
            description[self.name].pop(key, None)  # type: ignore[attr-defined]
        return description


class Readback(_Monitored, EpicsSignalRO):
    """A monitored value that only the IOC changes."""

    def __init__(self, read_pv: str, *, auto_monitor: bool = True, **kwargs: Any) -> None:
        super().__init__(read_pv, auto_monitor=auto_monitor, **kwargs)


class Count(Readback):
    """A whole number that Channel Access carries as a double because it needs more than 32 bits."""

    def _understood(self, value: Any) -> Any:
        is_number = isinstance(value, (float, np.floating)) and np.isfinite(value)
        return int(value) if is_number else super()._understood(value)


class Text(_Text, Readback):
    """A monitored long string."""


class Setting(_Monitored, EpicsSignal):
    """A monitored value that a client may set; it reads as set only once the IOC says so."""

    def __init__(self, read_pv: str, write_pv: str | None = None, *, auto_monitor: bool = True, **kwargs: Any) -> None:
        super().__init__(read_pv, write_pv, auto_monitor=auto_monitor, **kwargs)

    def put(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, value: Any, *, callback: Callable[..., None] | None = None, **kwargs: Any
    ) -> None:
        """Send a value to the IOC and return at once.

        Whether it was taken shows in the readback: no client library reports a refused put reliably.
        `callback` is called when the IOC has dealt with it, taken or refused.
        """
        if not self.connected:
            raise Disconnected(f"{self.setpoint_pvname} is not connected; does its IOC run?")
        pv: Any = self._write_pv
        pv.put(self._on_the_wire(value), wait=False, callback=callback, timeout=None)

    def _on_the_wire(self, value: Any) -> Any:
        return value


class SettingWithReadback(Setting):
    """A setting in the naming of areaDetector: put to ``Name``, read from ``Name_RBV``."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        super().__init__(prefix + "_RBV", prefix, **kwargs)


class TextSetting(_Text, Setting):
    """A long string that a client may set."""

    def _on_the_wire(self, value: Any) -> Any:
        return encode(value)
