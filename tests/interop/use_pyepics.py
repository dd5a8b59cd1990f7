"""The genuine client library by way of pyepics. Arguments: task, prefix. JSON on stdout, a line a finding."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from typing import Any, cast

import epics
from epics import dbr

C_TYPES = {
    1: ctypes.c_int16,
    2: ctypes.c_float,
    3: ctypes.c_uint16,
    4: ctypes.c_uint8,
    5: ctypes.c_int32,
    6: ctypes.c_double,
}
MASKS = {"VALUE": dbr.DBE_VALUE, "LOG": dbr.DBE_LOG, "ALARM": dbr.DBE_ALARM, "PROPERTY": dbr.DBE_PROPERTY}
NORMAL = dbr.ECA_NORMAL


def tell(**found: object) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def connect(name: str) -> Any:
    channel = epics.ca.create_channel(name, connect=False, auto_cb=False)
    assert epics.ca.connect_channel(channel, timeout=10), name
    return channel


def read_as(channel: Any, data_type: int) -> object:
    """The first element as a DBR type, decoded by its documented offset in the structure."""
    library: Any = epics.ca.libca
    buffer = ctypes.create_string_buffer(4096)
    library.ca_array_get(data_type, 1, channel, buffer)
    status = library.ca_pend_io(ctypes.c_double(5.0))
    assert status == NORMAL, (data_type, status)
    if data_type in (37, 38):
        return buffer.raw[8 if data_type == 37 else 0 :].split(b"\0", 1)[0].decode()
    offset = (ctypes.c_ushort * 39).in_dll(library, "dbr_value_offset")[data_type]
    native = data_type % 7
    if native == 0:
        return buffer.raw[offset:].split(b"\0", 1)[0].decode()
    return C_TYPES[native].from_buffer(buffer, offset).value


def put_status(channel: Any, value: float) -> int:
    """The status of a put-callback, which pyepics itself does not tell."""
    told: list[int] = []

    @ctypes.CFUNCTYPE(None, dbr.event_handler_args)
    def done(arguments: dbr.event_handler_args) -> None:
        told.append(arguments.status)

    data = ctypes.c_double(value)
    library: Any = epics.ca.libca
    library.ca_array_put_callback(6, 1, channel, ctypes.byref(data), done, None)
    deadline = time.monotonic() + 5
    while not told and time.monotonic() < deadline:
        epics.ca.poll(1e-3, 0.1)
    return told[0]


def checks(prefix: str) -> None:
    types = [t for t in range(39) if t not in (28, 35, 36)]  # 28 is laid out nowhere, 35 and 36 can only be put
    names = ("double", "long", "enum", "string")
    channels = {name: connect(prefix + name) for name in names}
    tell(reads={name: {str(t): read_as(channels[name], t) for t in types} for name in names})
    text, array = epics.PV(prefix + "text"), cast(Any, epics.caget(prefix + "array"))
    tell(text=text.get(as_string=True), array=[float(v) for v in array])

    begun = time.monotonic()
    epics.caput(prefix + "slow", 2.5, wait=True, timeout=5)
    tell(held=time.monotonic() - begun, slow=epics.caget(prefix + "slow"))
    tell(
        accepted=put_status(connect(prefix + "double"), 3.0) == NORMAL,
        refused=put_status(connect(prefix + "refusing"), 5.0),
    )
    epics.caput(prefix + "refusing", 5, wait=True, timeout=5)
    tell(after_refusal=epics.caget(prefix + "refusing", use_monitor=False))

    level, high = connect(prefix + "level"), connect(prefix + "level.HIGH")
    for channel, value in ((high, 10.0), (level, 0.0)):
        epics.ca.put(channel, value, wait=True)
    heard: dict[str, list[float]] = {name: [] for name in MASKS}
    kept = [
        epics.ca.create_subscription(
            level, mask=mask, use_time=True, callback=lambda value, name=name, **_: heard[name].append(value)
        )
        for name, mask in MASKS.items()
    ]
    _until(lambda: all(heard.values()))
    for value in (0.5, 1.2, 2.5, 11.0, 11.1):
        epics.ca.put(level, value, wait=True)
    epics.ca.put(high, 50.0, wait=True)
    _until(lambda: heard["PROPERTY"][1:])
    tell(masks={name: values[1:] for name, values in heard.items()})
    del kept


def follow(prefix: str) -> None:
    """Tell every connection, and the first value after it: a PV object itself goes on showing the last value it had."""
    boot: list[object] = [None]

    def lost(conn: bool, **_: object) -> None:
        if not conn:
            boot[0] = None

    def take(value: int, **_: object) -> None:
        boot[0] = value

    pv = epics.PV(prefix + "boot", auto_monitor=True, callback=take, connection_callback=lost)
    told: dict[str, object] = {}
    begun = time.monotonic()
    while time.monotonic() - begun < 60:
        epics.ca.poll(1e-3, 0.02)
        now = {"connected": pv.connected and boot[0] is not None, "boot": boot[0]}
        if now != told:
            told = now
            tell(**now)


def many(prefix: str) -> None:
    connect(prefix + "double")
    begun = time.monotonic()
    channels = [epics.ca.create_channel(f"{prefix}n{i}", connect=False, auto_cb=False) for i in range(1000)]
    _until(lambda: all(map(epics.ca.isConnected, channels)), 20)
    tell(seconds=time.monotonic() - begun)


def share(prefix: str) -> None:
    """Put while another client does, and tell how many changes were heard and the last value."""
    heard: list[int] = []
    shared = epics.PV(prefix + "shared", auto_monitor=True, callback=lambda value, **_: heard.append(value))
    _until(lambda: bool(heard))
    tell(ready=True)
    sys.stdin.readline()
    for i in range(100):
        shared.put(1000 + i, wait=True, timeout=5)
    tell(done=True)
    sys.stdin.readline()
    _until(lambda: heard[-1] == -1)
    tell(own=[v for v in heard if 1000 <= v < 2000], others=[v for v in heard if 2000 <= v], last=heard[-1])


def _until(fulfilled, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not fulfilled() and time.monotonic() < deadline:
        epics.ca.poll(1e-3, 0.1)


if __name__ == "__main__":
    {"checks": checks, "follow": follow, "many": many, "share": share}[sys.argv[1]](sys.argv[2])
    os._exit(0)  # libca may crash at interpreter exit
