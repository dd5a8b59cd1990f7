"""What every plugin does: take arrays, in the sender's time or in its own, and send its output on (NDPluginBase)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from iocs.area_detector.array import NDArray
from iocs.area_detector.array_records import ArrayRecords
from iocs.area_detector.chain import Chain
from iocs.area_detector.outlet import Outlet
from iocs.binding import bindings_of, on_put
from iocs.records.kinds import Enumeration
from iocs.wire.client import Client, Refused

if TYPE_CHECKING:
    from iocs.records.record import Put, Record

__all__ = ["Plugin"]

log = logging.getLogger(__name__)
MAJOR = 2


class Plugin:
    """A plugin; one kind of it overrides `process`.

    Puts to records of the plugin are handled by methods marked `iocs.binding.on_put` with the record's name after the
    plugin's prefix. Such a method runs before the value is stored; it may return another one to store, or refuse. The
    stored value shows in the record's readback too.

    Parameters
    ----------
    prefix : str
        Relative to the IOC's, e.g. ``Stats1:``.
    chain : Chain
        What it takes part in.
    """

    def __init__(self, prefix: str, chain: Chain) -> None:
        self.prefix = prefix
        self.chain = chain
        self.port: str = self["PortName_RBV"].value
        self.previous: NDArray | None = None
        """The latest array it got, for processing it again."""
        self.records = ArrayRecords(self.__getitem__)
        self.outlet = Outlet(self.__getitem__, chain, chain.deliver)
        self._queue: deque[NDArray] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._taken_at = -float("inf")
        for binding in bindings_of(type(self)):
            self[binding.record].client_put = self._put(binding.record, getattr(self, binding.method))
        chain.add(self)

    def __getitem__(self, name: str) -> Record:
        """Return a record of the plugin, e.g. ``"EnableCallbacks"``."""
        return self.chain.record(self.prefix + name)

    # What kinds of plugin override.

    async def process(self, array: NDArray) -> NDArray | None:
        """Do what this plugin does with an array; return what it sends on, by default the array, or None.

        Runs in the event loop, one array after the other: long work belongs into threads. An exception shows in
        ``Error_RBV`` and does no other harm.
        """
        await self.records.shape(array)
        return array

    async def missed(self) -> None:
        """Take back results that somebody could take for those of a frame the plugin did not get."""

    # What the chain uses.

    @property
    def source(self) -> str:
        """Port whose arrays it gets."""
        return self["NDArrayPort_RBV"].value

    @property
    def is_enabled(self) -> bool:
        """Whether it takes arrays."""
        return self["EnableCallbacks"].value == "Enable"

    async def receive(self, array: NDArray) -> None:
        """Take an array: work on it if the sender is to wait, else let it wait; a full queue loses the newest."""
        if not self.is_enabled:
            return
        now = time.monotonic()
        shortest = self["MinCallbackTime"].value
        if shortest and now - self._taken_at <= shortest:
            return
        self._taken_at = now
        if self["BlockingCallbacks"].value == "Yes":
            await self._work(array)
        elif len(self._queue) >= self["QueueSize"].value:
            dropped = self["DroppedArrays_RBV"]
            await dropped.write(dropped.value + 1)
        else:
            await self._enqueue(array)

    async def start(self) -> None:
        """Show what follows from settings that records got without a put."""
        await self._show_highest_rate(self["MinCallbackTime"].value)
        await self._show_queue_limits(self["QueueSize"].value)
        await self._show_sort_limits(self["SortSize"].value)

    async def stop(self) -> None:
        """Drop what waits and end what runs."""
        self._queue.clear()
        await self.outlet.stop()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    # Inside.

    async def _enqueue(self, array: NDArray) -> None:
        self._queue.append(array)
        await self.chain.enter(array)
        await self._show_queue()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work_off())

    async def _work_off(self) -> None:
        while self._queue:
            array = self._queue.popleft()
            try:
                await self._show_queue()
                await self._work(array)
            finally:
                await self.chain.leave(array)

    async def _work(self, array: NDArray) -> None:
        """Process an array and send the output on; whatever goes wrong ends here."""
        async with self._turn:
            began = time.perf_counter()
            output = None
            try:
                self.previous = array
                output = await self.process(array)
                await self.records.identity(array)
                await self._show_error("")
            except Exception as error:
                log.exception("%s: array %d", self.prefix, array.unique_id)
                await self.missed()
                await self._show_error(f"array {array.unique_id}: {type(error).__name__}: {error}")
            await self["ExecutionTime_RBV"].write(1e3 * (time.perf_counter() - began))
            await self._show_memory()
        if output is not None:
            await self.outlet.send(output.sent_by(self.port))

    def _put(self, name: str, method: Callable[[Any, Client], Awaitable[Any]]) -> Put:
        async def put(record: Record, value: Any, client: Client) -> None:
            replacement = await method(value, client)
            await self.set(name, value if replacement is None else replacement)

        return put

    async def set(self, name: str, value: Any) -> None:
        """Store a setting, and show it in its readback if it has one."""
        record = self[name]
        await record.write(value)
        if f"{name}_RBV" in self:
            await self[f"{name}_RBV"].write(record.index if isinstance(record.kind, Enumeration) else value)

    def __contains__(self, name: str) -> bool:
        try:
            self[name]
        except KeyError:
            return False
        return True

    async def _show_queue(self) -> None:
        await self["QueueUse"].write(len(self._queue))
        await self["QueueFree"].write(max(self["QueueSize"].value - len(self._queue), 0))

    async def _show_error(self, reason: str) -> None:
        text = reason.encode("utf-8", "replace")[:1000].decode("utf-8", "ignore")
        if text or self["Error_RBV"].value:
            await self["Error_RBV"].write(text, severity=MAJOR if text else None)

    async def _show_memory(self) -> None:
        held = [*self._queue, *([self.previous] if self.previous else [])]
        for name in ("PoolAllocBuffers", "PoolUsedBuffers"):
            await self[name].write(len(held))
        await self["PoolUsedMem"].write(sum(array.size for array in held) / 1e6)

    # Puts.

    @on_put("NDArrayPort")
    async def _put_array_port(self, value: str, client: Client) -> None:
        self.chain.check_source(self, value)

    @on_put("EnableCallbacks")
    async def _put_enable_callbacks(self, value: str, client: Client) -> None:
        if value == "Disable":
            self.previous = None
            await self.missed()
            await self._show_memory()

    @on_put("ProcessPlugin")
    async def _put_process_plugin(self, value: str, client: Client) -> str:
        if self.previous is None:
            raise Refused(f"{self.prefix}ProcessPlugin: no array has come since it was enabled")
        await self.receive(self.previous)
        return "Done"

    @on_put("MinCallbackTime")
    async def _put_min_callback_time(self, value: float, client: Client) -> None:
        await self._show_highest_rate(value)

    @on_put("MaxArrayRate")
    async def _put_max_array_rate(self, value: float, client: Client) -> None:
        shortest = 1.0 / value if value else 0.0
        await self.set("MinCallbackTime", shortest)
        await self._show_highest_rate(shortest)

    @on_put("QueueSize")
    async def _put_queue_size(self, value: int, client: Client) -> None:
        await self._show_queue_limits(value)

    @on_put("SortSize")
    async def _put_sort_size(self, value: int, client: Client) -> None:
        await self._show_sort_limits(value)

    @on_put("NDAttributesFile")
    async def _put_attributes_file(self, value: str, client: Client) -> None:
        if value:
            await self["NDAttributesStatus"].write("File not found")
            raise Refused(f"{self.prefix}NDAttributesFile: attributes come with the frame, not from a file")
        await self["NDAttributesStatus"].write("Attributes file OK")

    # What follows from settings.

    async def _show_highest_rate(self, shortest: float) -> None:
        await self["MaxArrayRate_RBV"].write(1.0 / shortest if shortest else 0.0)

    async def _show_queue_limits(self, value: int) -> None:
        limits = {"QueueFreeLow": round(0.25 * value), "QueueUseHIGH": round(0.75 * value), "QueueUseHIHI": value}
        for name, limit in limits.items():
            await self[name].write(limit)
        await self._set_alarm("QueueFree", LOW=limits["QueueFreeLow"])
        await self._set_alarm("QueueUse", HIGH=limits["QueueUseHIGH"], HIHI=limits["QueueUseHIHI"])
        await self["QueueFree"].write(max(value - len(self._queue), 0))

    async def _show_sort_limits(self, value: int) -> None:
        await self["SortFreeLow"].write(round(0.25 * value))
        await self._set_alarm("SortFree", LOW=round(0.25 * value))
        await self["SortFree"].write(value)

    async def _set_alarm(self, name: str, **limits: int) -> None:
        record = self[name]
        record.definition.fields.update({field: str(limit) for field, limit in limits.items()})
        await record.take_fields()
