"""What a component says, sample by sample, for coroutines."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

__all__ = ["Message", "Topic"]

QUEUE = 100  # samples kept for `next`, as in ts_salobj


class Message(SimpleNamespace):
    """One sample of a topic; its fields are attributes, `private_sndStamp` is when it was said, UTC unix s."""


class Topic:
    """Samples of one topic of a component, made from what its process variables say.

    Parameters
    ----------
    name : str
        For messages, e.g. ``ATCamera heartbeat``.
    signals : sequence of ophyd signals
        What it is made from. While one of them is not connected there is nothing to say.
    fields : callable
        Returns the fields of a sample from the values of the signals, None if there is nothing to say.
    needs_all : bool
        Whether a new sample needs news of every signal, as a heartbeat does.
    only_changes : bool
        Whether a sample like the one before is none.
    """

    def __init__(
        self,
        name: str,
        signals: Sequence[Any],
        fields: Callable[..., Mapping[str, Any] | None],
        *,
        needs_all: bool = False,
        only_changes: bool = False,
    ) -> None:
        self.name = name
        self._signals = tuple(signals)
        self._fields = fields
        self._needs_all = needs_all
        self._only_changes = only_changes
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Message] = deque(maxlen=QUEUE)
        self._last: Message | None = None
        self._values: dict[int, tuple[Any, float]] = {}
        """Value and time of each signal that is connected, by its number."""
        self._fresh: set[int] = set()
        self._news = asyncio.Event()
        self._listeners: list[tuple[Any, Callable[..., None]]] = []
        for number, signal in enumerate(self._signals):
            self._listen(number, signal)

    @property
    def is_connected(self) -> bool:
        """Whether every process variable it is made from answers."""
        return len(self._values) == len(self._signals)

    @property
    def has_data(self) -> bool:
        """Whether there is a sample."""
        return self.get() is not None

    def get(self) -> Message | None:
        """Return the latest sample, None if there is none; one of a component that is gone is none."""
        return self._last if self.is_connected else None

    async def aget(self, timeout: float | None = None) -> Message:
        """Return the latest sample, or wait for the first one.

        Raises
        ------
        TimeoutError
            If there is none within `timeout` s.
        """
        async with asyncio.timeout(timeout):
            while (last := self.get()) is None:
                await self._wait()
            return last

    async def next(self, flush: bool, timeout: float | None = None) -> Message:
        """Return the next sample that nobody took; with `flush`, one that comes from now on.

        Raises
        ------
        TimeoutError
            If there is none within `timeout` s.
        """
        if flush:
            self.flush()
        before = self._last
        async with asyncio.timeout(timeout):
            # whoever wants a new one gets it, also where others wait for one too
            while not self._queue and not (flush and self._last is not before):
                await self._wait()
            return self._queue.popleft() if self._queue else cast("Message", self._last)

    def get_oldest(self) -> Message | None:
        """Return the next sample that nobody took, None if there is none."""
        return self._queue.popleft() if self._queue else None

    def flush(self) -> None:
        """Forget the samples that nobody took."""
        self._queue.clear()

    def close(self) -> None:
        """Listen no longer."""
        for signal, listener in self._listeners:
            signal.clear_sub(listener)
        self._listeners.clear()

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _listen(self, number: int, signal: Any) -> None:
        def heard(value: Any = None, timestamp: float = 0.0, **_: Any) -> None:
            self._in_loop(self._take, number, value, timestamp)

        def link_changed(connected: bool = True, **_: Any) -> None:
            if not connected:
                self._in_loop(self._lose, number)

        signal.subscribe(heard, run=signal.connected)
        signal.subscribe(link_changed, event_type=signal.SUB_META, run=False)
        self._listeners += [(signal, heard), (signal, link_changed)]

    def _in_loop(self, function: Callable[..., None], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def _lose(self, number: int) -> None:
        self._values.pop(number, None)
        self._fresh.clear()
        self._news.set()

    def _take(self, number: int, value: Any, timestamp: float) -> None:
        if value is None:
            return
        self._values[number] = (value, timestamp)
        self._fresh.add(number)
        if not self.is_connected or (self._needs_all and len(self._fresh) < len(self._signals)):
            return
        self._fresh.clear()
        fields = self._fields(*(self._values[n][0] for n in range(len(self._signals))))
        if fields is None:
            return
        stamp = max(stamp for _, stamp in self._values.values())
        if self._only_changes and self._last is not None and self._was(fields):
            return
        is_first, self._last = self._last is None, Message(**fields, private_sndStamp=stamp)
        if not is_first:  # that one tells how things are, not that something happened
            self._queue.append(self._last)
        self._news.set()

    def _was(self, fields: Mapping[str, Any]) -> bool:
        return all(getattr(self._last, name) == value for name, value in fields.items())
