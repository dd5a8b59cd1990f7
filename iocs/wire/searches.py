"""Where a server is found: it answers searches, calls the clients of an earlier one, and sends beacons when asked."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import caproto as ca
from caproto.asyncio import server as stock

from iocs.wire.returning import ReturningClients
from iocs.wire.sockets import beacon_socket

__all__ = ["SearchContext"]

log = logging.getLogger(__name__)

DATAGRAM_BACKLOG = 1000  # searches waiting; a client repeats a search that is lost
CALLS = (0.0, 0.2, 0.8, 2.0)  # s; pauses before each round of calls to the clients of an earlier server
NOTE_PERIOD = 0.2  # s; a client that connected less than this before a crash is not called


class _DatagramQueue:
    """Searches waiting for an answer; when too many wait, new ones are dropped."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue(DATAGRAM_BACKLOG)

    def put(self, item: Any) -> None:
        if not self._queue.full():
            self._queue.put_nowait(item)

    async def async_get(self) -> Any:
        return await self._queue.get()


class SearchContext(stock.Context):
    """The part of the server that speaks UDP.

    Parameters
    ----------
    pvdb : mapping of str to channel
        PV name to what serves it.
    interfaces : list of str
        Addresses to listen on.
    beacons : bool
        Whether to announce the server by beacons.
    clients_file : Path, optional
        Where to note who is connected, so that a server started again calls them at once.
    """

    def __init__(
        self, pvdb: Mapping[str, Any], interfaces: list[str], *, beacons: bool, clients_file: Path | None
    ) -> None:
        super().__init__(dict(pvdb), interfaces)
        self.beacons = beacons
        self.broadcaster_datagram_queue = _DatagramQueue()  # type: ignore[assignment]
        self.returning = ReturningClients(clients_file)

    async def open_broadcasters(self) -> None:
        """Hear searches from now on.

        Raises
        ------
        OSError
            If somebody else hears them on that port.
        """
        for interface in self.interfaces:
            self.broadcaster.server_addresses.append((interface, self.port))
            await self._create_broadcaster_transport(interface)

    def search_loops(self) -> list[asyncio.Task[None]]:
        """Return what answers, calls and announces until it is cancelled."""
        loops = [self.broadcaster_receive_loop(), self.broadcaster_queue_loop()]
        loops += [self._call_clients_back(), self._note_clients()]
        if self.beacons:
            self._open_beacon_sockets()
            loops.append(self.broadcast_beacon_loop())
        return [asyncio.create_task(loop) for loop in loops]

    async def _call_clients_back(self) -> None:
        """Call the clients of an earlier server, some times as datagrams get lost."""
        for pause in CALLS:
            await asyncio.sleep(pause)
            for address, answers in self.returning.answers(int(self.port), self.__contains__):
                datagram = self.broadcaster.send(*answers)
                for sock in self.udp_socks.values():
                    with contextlib.suppress(OSError, ca.CaprotoNetworkError):  # it may be gone for good
                        await sock.sendto(datagram, address)

    async def _note_clients(self) -> None:
        while True:
            self.returning.save()
            await asyncio.sleep(NOTE_PERIOD)

    def __contains__(self, name: object) -> bool:
        try:
            return self[name] is not None
        except KeyError:
            return False

    async def _broadcaster_queue_iteration(self, addr: tuple[str, int], commands: Any) -> None:
        """Answer the searches of a datagram, under the number it had: by it libca learns that it may ask for more."""
        self.broadcaster.process_commands(commands)
        if addr in self.ignore_addresses:
            return
        answers: list[Any] = []
        for command in commands:
            if isinstance(command, ca.VersionRequest):
                version = ca.VersionResponse(ca.DEFAULT_PROTOCOL_VERSION)
                version.header.data_type = command.header.data_type  # whether the number counts
                version.header.parameter1 = command.header.parameter1
                answers.append(version)
            elif isinstance(command, ca.SearchRequest) and command.name in self:
                answers.append(ca.SearchResponse(self.port, None, command.cid, ca.DEFAULT_PROTOCOL_VERSION))
                self.returning.searched(addr, command.cid, command.name)
        if any(isinstance(answer, ca.SearchResponse) for answer in answers):
            datagram = self.broadcaster.send(*answers)
            for sock in self.udp_socks.values():
                await sock.sendto(datagram, addr)

    async def _broadcaster_recv_datagram(self, bytes_received: bytes, address: tuple[str, int]) -> None:
        """Take a datagram; one that is not Channel Access is nobody's business."""
        try:
            await super()._broadcaster_recv_datagram(bytes_received, address)
        except Exception as error:
            log.debug("datagram from %s:%d dropped: %s", *address[:2], error)

    def _open_beacon_sockets(self) -> None:
        for address in ca.get_beacon_address_list():
            transport = stock._UdpTransportWrapper(beacon_socket(address), address)  # noqa: SLF001
            self.beacon_socks[address] = (self.interfaces[0], transport)
