"""The genuine client library, used so that its own waiting adds nothing to what is measured."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Any

import epics
from epics import dbr

__all__ = ["Channel"]

TIMEOUT = 30.0  # s


class Channel:
    """One scalar PV; puts are timed to the reply or to the monitor they cause.

    Parameters
    ----------
    name : str
        Name of the PV.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.channel: Any = epics.ca.create_channel(name, connect=False, auto_cb=False)
        if not epics.ca.connect_channel(self.channel, timeout=TIMEOUT):
            raise SystemExit(f"{name}: not connected within {TIMEOUT:g} s")
        self._library: Any = epics.ca.libca
        self._replied = threading.Event()
        self._heard = threading.Event()
        self._when = 0.0
        self._status = dbr.ECA_NORMAL

        @ctypes.CFUNCTYPE(None, dbr.event_handler_args)
        def done(arguments: Any) -> None:
            self._when, self._status = time.perf_counter(), arguments.status
            self._replied.set()

        self._done = done
        self._subscription: Any = None

    def put(self, value: float) -> float:
        """Put with callback; return the seconds until the reply."""
        self._replied.clear()
        data = ctypes.c_double(value)
        begun = time.perf_counter()
        self._library.ca_array_put_callback(dbr.DOUBLE, 1, self.channel, ctypes.byref(data), self._done, None)
        self._library.ca_flush_io()
        self._wait(self._replied, "reply")
        if self._status != dbr.ECA_NORMAL:
            raise SystemExit(f"{self.name}: {value:g} was refused")
        return self._when - begun

    def start_put(self, value: float) -> threading.Event:
        """Put with callback and return at once; the event tells of the reply."""
        self._replied.clear()
        data = ctypes.c_double(value)
        self._library.ca_array_put_callback(dbr.DOUBLE, 1, self.channel, ctypes.byref(data), self._done, None)
        self._library.ca_flush_io()
        return self._replied

    def put_to_monitor(self, value: float) -> float:
        """Put without callback; return the seconds until the monitor it causes."""
        if self._subscription is None:
            self._subscription = epics.ca.create_subscription(self.channel, callback=self._take)
            self._wait(self._heard, "first value")
        self._heard.clear()
        data = ctypes.c_double(value)
        begun = time.perf_counter()
        self._library.ca_array_put(dbr.DOUBLE, 1, self.channel, ctypes.byref(data))
        self._library.ca_flush_io()
        self._wait(self._heard, "monitor")
        return self._when - begun

    def _take(self, **_: Any) -> None:
        self._when = time.perf_counter()
        self._heard.set()

    def _wait(self, event: threading.Event, what: str) -> None:
        if not event.wait(TIMEOUT):
            raise SystemExit(f"{self.name}: no {what} within {TIMEOUT:g} s")
