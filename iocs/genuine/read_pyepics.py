"""Reads PVs through pyepics' libca; names on stdin, JSON on stdout. A process of its own: libca keeps global state."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import epics

CONTROL = (
    "units precision enum_strs lower_disp_limit upper_disp_limit lower_ctrl_limit upper_ctrl_limit "
    "lower_alarm_limit upper_alarm_limit lower_warning_limit upper_warning_limit status severity"
).split()
LONGEST = 100  # elements of an array that are compared


def main() -> None:
    """Read everything with its control data."""
    names = sys.stdin.read().split()
    channels = {name: epics.ca.create_channel(name, connect=False, auto_cb=False) for name in names}
    found: dict[str, Any] = {}
    for name, channel in channels.items():
        if not epics.ca.connect_channel(channel, timeout=10):
            raise SystemExit(f"{name}: not connected")
        found[name] = _read(channel)
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


def _read(channel: Any) -> dict[str, Any]:
    native, count = epics.ca.field_type(channel), epics.ca.element_count(channel)
    with_control = epics.ca.promote_type(channel, use_ctrl=True)
    control = epics.ca.get_with_metadata(channel, ftype=with_control, as_numpy=False, count=min(count, LONGEST)) or {}
    return {
        "type": native,
        "count": count,
        "value": plain(control.get("value")),
        **{key: plain(control[key]) for key in CONTROL if key in control},
    }


def plain(value: Any) -> Any:
    """Return a value that JSON keeps as it is."""
    if isinstance(value, bytes):
        return value.split(b"\0")[0].decode("latin-1")
    if isinstance(value, (tuple, list)) or (hasattr(value, "__len__") and not isinstance(value, str)):
        return [plain(item) for item in value]
    return "nan" if value != value else value


if __name__ == "__main__":
    main()
