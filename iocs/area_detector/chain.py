"""Who gets arrays from whom, and how many are under way.

The camera and every plugin have a port. A plugin names in ``NDArrayPort`` the port whose arrays it gets, so that the
ports form a tree whose root is the camera.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from iocs.area_detector.array import NDArray
from iocs.wire.client import Refused

if TYPE_CHECKING:
    from iocs.area_detector.plugin import Plugin
    from iocs.records.record import Record

__all__ = ["Chain"]

log = logging.getLogger(__name__)


class Chain:
    """The plugins of one camera.

    Parameters
    ----------
    record : callable
        Returns a record of the IOC by its name, e.g. ``Stats1:MeanValue_RBV``.
    camera : str
        Prefix of the camera, e.g. ``cam1:``.
    """

    def __init__(self, record: Callable[[str], Record], camera: str = "cam1:") -> None:
        self.record = record
        self.camera = camera
        self.port: str = record(f"{camera}PortName_RBV").value
        """The camera's."""
        self.plugins: dict[str, Plugin] = {}
        """By port."""
        self.on_queued: Callable[[int], Awaitable[None]] | None = None
        """Told how many arrays are under way whenever that changes."""
        self._under_way: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, plugin: Plugin) -> None:
        """Let a plugin take part; its constructor does this."""
        self.plugins[plugin.port] = plugin

    async def start(self) -> None:
        """Let the plugins take over settings that records got without a put; a loop among them is cut."""
        for plugin in self.plugins.values():
            if self._is_in_loop(plugin):
                log.warning("%sNDArrayPort: %s is a loop, taken back to %s", plugin.prefix, plugin.source, self.port)
                await plugin.set("NDArrayPort", self.port)
            await plugin.start()

    async def publish(self, array: NDArray) -> None:
        """Hand an array of the camera to the plugins; return when those are done that the camera waits for.

        Nothing is sent while the camera's ``ArrayCallbacks`` is Disable. Plugins that do not get the array are told,
        so that none shows results of an earlier frame as if they were of this one.
        """
        if self.record(f"{self.camera}ArrayCallbacks").value == "Enable":
            await self.deliver(array.sent_by(self.port))
        for plugin in self.plugins.values():
            if not self.reaches(plugin):
                await plugin.missed()

    async def deliver(self, array: NDArray) -> None:
        """Hand an array to the plugins that listen to its port."""
        listeners = [plugin for plugin in self.plugins.values() if plugin.source == array.port]
        await asyncio.gather(*(plugin.receive(array) for plugin in listeners))

    def reaches(self, plugin: Plugin) -> bool:
        """Whether arrays of the camera get to a plugin, as switches and ports stand."""
        if not plugin.is_enabled:
            return False
        if plugin.source == self.port:
            return self.record(f"{self.camera}ArrayCallbacks").value == "Enable"
        source = self.plugins.get(plugin.source)
        return source is not None and source["ArrayCallbacks"].value == "Enable" and self.reaches(source)

    def check_source(self, plugin: Plugin, port: str) -> None:
        """Refuse a port through which a plugin would get its own arrays.

        A port that is not there is taken, as areaDetector does, and gives no arrays: clients that build a chain look
        for what is missing afterwards.

        Raises
        ------
        Refused
            Naming the ports that are possible.
        """
        if port in self.plugins and port not in self._possible_sources(plugin):
            valid = ", ".join(self._possible_sources(plugin))
            raise Refused(f"{plugin.prefix}NDArrayPort: {port!r}: that is a loop; it is one of {valid}")

    # How many are under way.

    @property
    def queued(self) -> int:
        """Arrays that wait in queues, or are being worked on without anybody waiting for it."""
        return self._under_way.total()

    async def drained(self) -> None:
        """Wait until no array is under way any more."""
        await self._idle.wait()

    async def enter(self, array: NDArray) -> None:
        """Count an array that starts to wait."""
        await self._change(array.port, 1)

    async def leave(self, array: NDArray) -> None:
        """Count an array that is done with."""
        await self._change(array.port, -1)

    async def stop(self) -> None:
        """Drop what waits and end what runs."""
        for plugin in self.plugins.values():
            await plugin.stop()

    async def _change(self, port: str, step: int) -> None:
        self._under_way[port] += step
        if self.queued:
            self._idle.clear()
        else:
            self._idle.set()
        if port in self.plugins:
            await self.plugins[port]["NumQueuedArrays"].write(self._under_way[port])
        if self.on_queued is not None:
            await self.on_queued(self.queued)

    def _is_in_loop(self, plugin: Plugin) -> bool:
        seen: set[str] = set()
        port = plugin.port
        while port in self.plugins and port not in seen:
            seen.add(port)
            port = self.plugins[port].source
        return port in seen

    def _possible_sources(self, plugin: Plugin) -> list[str]:
        others = [port for port, other in self.plugins.items() if not self._depends(other, plugin)]
        return [self.port, *others]

    def _depends(self, plugin: Plugin, on: Plugin) -> bool:
        """Whether arrays of a plugin come through another, or it is that one."""
        while plugin is not on:
            if plugin.source not in self.plugins:
                return False
            plugin = self.plugins[plugin.source]
        return True
