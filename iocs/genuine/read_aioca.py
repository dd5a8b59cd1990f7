"""Reads PVs through aioca, on the libca of epicscorelibs; names on stdin, JSON on stdout."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from aioca import FORMAT_CTRL, caget

CONTROL = (
    "units precision enums lower_disp_limit upper_disp_limit lower_ctrl_limit upper_ctrl_limit "
    "lower_alarm_limit upper_alarm_limit lower_warning_limit upper_warning_limit status severity"
).split()
LONGEST = 100  # elements of an array that are compared


async def main() -> None:
    """Read everything with its control data, all at once."""
    names = sys.stdin.read().split()
    values = await caget(names, format=FORMAT_CTRL, timeout=20)
    found = {name: _described(value) for name, value in zip(names, values, strict=True)}
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


def _described(value: Any) -> dict[str, Any]:
    data = value.tolist()[:LONGEST] if hasattr(value, "tolist") else value
    control = {key: getattr(value, key) for key in CONTROL if hasattr(value, key)}
    if "enums" in control:
        control["enum_strs"] = list(control.pop("enums"))
    return {
        "type": value.datatype,
        "count": value.element_count,
        "value": _plain(data),
        **{key: _plain(item) for key, item in control.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return "nan" if value != value else value


if __name__ == "__main__":
    asyncio.run(main())
