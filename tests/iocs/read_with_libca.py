"""Reads PVs with the genuine Channel Access library; names on stdin, JSON on stdout."""

from __future__ import annotations

import json
import os
import sys

import epics

CONTROL = (
    "units precision enum_strs lower_disp_limit upper_disp_limit lower_ctrl_limit upper_ctrl_limit "
    "lower_alarm_limit upper_alarm_limit lower_warning_limit upper_warning_limit"
).split()


def main() -> None:
    names = sys.stdin.read().split()
    channels = {name: epics.ca.create_channel(name, connect=False, auto_cb=False) for name in names}
    found: dict[str, dict] = {}
    for name, channel in channels.items():
        if not epics.ca.connect_channel(channel, timeout=10):
            raise SystemExit(f"{name}: not connected")
        control = epics.ca.get_ctrlvars(channel) or {}
        found[name] = {
            "type": epics.ca.field_type(channel),
            "count": epics.ca.element_count(channel),
            **{key: _plain(control[key]) for key in CONTROL if key in control},
        }
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return "nan" if value != value else value


if __name__ == "__main__":
    main()
