"""Progress bars of what the RunEngine waits for: integration, readout, moves."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from threading import Lock
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from session.terminal import screen

__all__ = ["ProgressBars"]


class ProgressBars:
    """A waiting hook for the RunEngine (`RE.waiting_hook`); one bar a status that can be watched.

    The bars stand below what is printed meanwhile. On anything but a terminal nothing is drawn.
    """

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:>22}"),
            BarColumn(bar_width=40),
            TextColumn("{task.fields[amount]}"),
            console=screen(),
            transient=True,
            disable=not screen().is_terminal,
        )
        self._tasks: dict[int, TaskID] = {}
        self._lock = Lock()

    def __call__(self, statuses: Iterable[Any] | None) -> None:
        """Draw bars for these statuses; for None, take all away."""
        if self._progress.disable:
            return
        if statuses is None:
            self._clear()
            return
        self._progress.start()  # harmless when it runs
        for status in statuses:
            if hasattr(status, "watch") and not status.done:
                status.watch(partial(self._report, id(status)))

    def _clear(self) -> None:
        self._progress.stop()  # so that a prompt, and what is printed next, find a clean line
        with self._lock:
            for task in self._tasks.values():
                self._progress.remove_task(task)
            self._tasks.clear()

    def _report(
        self,
        key: int,
        *_args: Any,
        name: str | None = None,
        current: float | None = None,
        initial: float | None = None,
        target: float | None = None,
        unit: str = "",
        precision: int | None = None,
        fraction: float | None = None,
        **_: Any,
    ) -> None:
        if current is None or target is None:
            done, amount = 1.0 - (fraction if fraction is not None else 1.0), ""
        else:
            start = initial or 0.0
            done = (current - start) / (target - start) if target != start else 1.0
            digits = 1 if precision is None else max(precision, 0)
            amount = f"{current:.{digits}f}/{target:.{digits}f} {unit or ''}"
        with self._lock:
            if key not in self._tasks:
                self._tasks[key] = self._progress.add_task(name or "", total=1.0, amount=amount)
            self._progress.update(
                self._tasks[key], description=name or "", completed=min(max(done, 0.0), 1.0), amount=amount
            )
