"""Progress of an exposure, as Bluesky's progress bars want it: seconds of integration, then pixels of readout."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ophyd.status import Status

from devices.camera import Camera
from devices.signals import Readback

__all__ = ["watch"]


def watch(status: Status, camera: Camera, func: Callable[..., Any]) -> None:
    """Call `func` whenever the camera publishes how much of the exposure remains, until `status` is done.

    `func` gets the keywords of `ophyd.status.MoveStatus.watch`: name, current, initial, target, unit,
    precision, fraction (of what remains), time_elapsed, time_remaining.
    """
    detector: Any = camera.parent
    started = time.time()
    reports = [
        _report(camera.time_remaining, f"{detector.name} integration", "s", 1, started, func),
        _report(camera.pixels_remaining, f"{detector.name} readout", "pixel", 0, started, func),
    ]

    def finished(_: Status) -> None:
        for signal, report in reports:
            signal.clear_sub(report)
        func(name=detector.name, fraction=0.0)

    status.add_callback(finished)


def _report(
    signal: Readback, name: str, unit: str, precision: int, started: float, func: Callable[..., Any]
) -> tuple[Readback, Callable[..., None]]:
    whole = 0.0

    def report(value: Any, **_: Any) -> None:
        nonlocal whole
        remaining = max(float(value), 0.0)
        whole = max(whole, remaining)
        if whole == 0.0:
            return
        elapsed, fraction = time.time() - started, remaining / whole
        func(
            name=name,
            current=whole - remaining,
            initial=0.0,
            target=whole,
            unit=unit,
            precision=precision,
            fraction=fraction,
            time_elapsed=elapsed,
            time_remaining=elapsed * fraction / (1 - fraction) if fraction < 1 else None,
        )

    signal.subscribe(report, run=False)
    return signal, report
