"""What an IOC sees of other IOCs: PVs it watches, and puts it makes.

A PV that is not there is searched for until it is: after a peer came up late, died or was restarted it is found again
within about a second. Until then its value is None, so that unknown can never pass for good.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

import caproto as ca

from iocs.wire.peer_circuit import PeerCircuit, PutRefused

__all__ = ["Peer", "PeerError", "Peers", "address_list"]

log = logging.getLogger(__name__)

SEARCH_PERIODS = (0.03, 0.1, 0.2, 0.4, 0.8)  # s between searches for what is missing; the last one repeats
SEARCHES_PER_DATAGRAM = 20  # keeps a datagram of ordinary names below 1472 bytes
DEFAULT_PORT = 5064  # CA_SERVER_PORT of EPICS base


class PeerError(Exception):
    """Another IOC did not do what it was asked; the message names the PV and the reason."""


class Peer:
    """One watched PV of another IOC.

    Parameters
    ----------
    name : str
        Name of the PV.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: Any = None
        """Last value, an enumeration's as the name of its state; None while unknown."""
        self.connected = False
        self.severity = 0
        """Alarm severity of the value."""
        self._changed = asyncio.Event()
        self._callbacks: list[Callable[[Peer], None]] = []

    @property
    def known(self) -> bool:
        """Whether the value is current: the PV is connected and has been read."""
        return self.connected and self.value is not None

    async def until(self, predicate: Callable[[Any], bool], timeout: float) -> Any:
        """Return the value as soon as it is known and fulfils `predicate`.

        Parameters
        ----------
        predicate : callable
            Takes the value.
        timeout : float
            Wall seconds.

        Raises
        ------
        PeerError
            If that does not happen in time.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (self.known and predicate(self.value)):
                    await self._changed.wait()
        except TimeoutError:
            state = f"it is {self.value!r}" if self.known else "it is not connected"
            raise PeerError(f"{self.name}: not as expected within {timeout:g} s; {state}") from None
        return self.value

    def on_change(self, callback: Callable[[Peer], None]) -> None:
        """Call `callback(peer)` at every new value and every change of connection."""
        self._callbacks.append(callback)

    def update(self, value: Any, connected: bool, severity: int = 0) -> None:
        """Take a new value or a change of connection."""
        self.value, self.connected, self.severity = value, connected, severity
        self._changed.set()
        self._changed = asyncio.Event()
        for callback in self._callbacks:
            try:
                callback(self)
            except Exception:
                log.exception("%s: a callback failed", self.name)


def address_list(text: str, default_port: int = DEFAULT_PORT) -> list[tuple[str, int]]:
    """Return the addresses of an EPICS_CA_ADDR_LIST.

    Raises
    ------
    ValueError
        If a port is no number.
    """
    found: list[tuple[str, int]] = []
    for entry in text.split():
        host, _, port = entry.partition(":")
        if port and not port.isdecimal():
            raise ValueError(f"address list: {entry!r} is not of the form host or host:port")
        found.append((host, int(port or default_port)))
    return found


class Peers:
    """The Channel Access client of one IOC.

    Parameters
    ----------
    addresses : iterable of (str, int), optional
        Where servers listen; EPICS_CA_ADDR_LIST if not given, this host if that is empty.
    """

    def __init__(self, addresses: Iterable[tuple[str, int]] | None = None) -> None:
        self._addresses = None if addresses is None else list(addresses)
        self._watched: dict[str, Peer] = {}
        self._missing: dict[str, int] = {}
        """Names searched for, with their search ids."""
        self._home: dict[str, PeerCircuit] = {}
        self._arrived: dict[str, asyncio.Event] = {}
        self._circuits: dict[tuple[str, int], PeerCircuit] = {}
        self._hurry = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._searching: asyncio.Task[None] | None = None
        self._last_id = 0

    def watch(self, name: str) -> Peer:
        """Watch a PV, from now on and through every restart of its IOC."""
        if name not in self._watched:
            self._watched[name] = Peer(name)
            if name in self._home:
                self._home[name].want(name, self._watched[name])
            else:
                self._search_for(name)
        return self._watched[name]

    async def put(self, name: str, value: Any, timeout: float) -> None:
        """Put with callback.

        Parameters
        ----------
        name : str
            Name of the PV.
        value : object
            Number, text, state name or array.
        timeout : float
            Wall seconds for connection and completion together.

        Raises
        ------
        PeerError
            If the PV is not there, refuses, or does not complete in time.
        """
        try:
            async with asyncio.timeout(timeout):
                circuit = await self._circuit_of(name)
                await circuit.put(name, value)
        except TimeoutError:
            state = "no completion" if name in self._home else "not connected"
            raise PeerError(f"{name}: {state} within {timeout:g} s") from None
        except (PutRefused, ConnectionError) as error:
            raise PeerError(f"{name}: {error}") from None

    async def start(self) -> None:
        """Begin to search."""
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(("", 0))
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _SearchProtocol(self._found), sock=sock)
        if self._addresses is None:
            port = int(os.environ.get("EPICS_CA_SERVER_PORT") or DEFAULT_PORT)
            self._addresses = address_list(os.environ.get("EPICS_CA_ADDR_LIST", ""), port) or [("127.0.0.1", port)]
        self._searching = asyncio.create_task(self._search())

    async def stop(self) -> None:
        """Close every circuit."""
        if self._searching is not None:
            self._searching.cancel()
            await asyncio.gather(self._searching, return_exceptions=True)
        for circuit in list(self._circuits.values()):
            circuit.close()
            await circuit.closed()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def _circuit_of(self, name: str) -> PeerCircuit:
        while name not in self._home:
            self._search_for(name)
            await self._arrived.setdefault(name, asyncio.Event()).wait()
        return self._home[name]

    def _search_for(self, name: str) -> None:
        if name not in self._missing:
            self._last_id += 1
            self._missing[name] = self._last_id
            self._hurry.set()

    async def _search(self) -> None:
        attempt = 0
        while True:
            if not self._missing:
                await self._hurry.wait()
            if self._hurry.is_set():
                self._hurry.clear()
                attempt = 0
            self._send_searches(list(self._missing.items()))
            try:
                async with asyncio.timeout(SEARCH_PERIODS[min(attempt, len(SEARCH_PERIODS) - 1)]):
                    await self._hurry.wait()
            except TimeoutError:
                attempt += 1

    def _send_searches(self, missing: list[tuple[str, int]]) -> None:
        if self._transport is None:
            return
        for start in range(0, len(missing), SEARCHES_PER_DATAGRAM):
            commands: list[Any] = [ca.VersionRequest(version=ca.DEFAULT_PROTOCOL_VERSION, priority=0)]
            commands += [
                ca.SearchRequest(name, cid, ca.DEFAULT_PROTOCOL_VERSION, ca.NO_REPLY)
                for name, cid in missing[start : start + SEARCHES_PER_DATAGRAM]
            ]
            datagram = b"".join(bytes(command) for command in commands)
            for address in self._addresses or ():
                self._transport.sendto(datagram, address)

    def _found(self, search_id: int, address: tuple[str, int]) -> None:
        name = next((name for name, cid in self._missing.items() if cid == search_id), None)
        if name is None:
            return
        del self._missing[name]
        circuit = self._circuits.get(address)
        if circuit is None:
            circuit = self._circuits[address] = PeerCircuit(address, self._lost)
        circuit.want(name, self._watched.get(name))
        self._home[name] = circuit
        if name in self._arrived:
            self._arrived.pop(name).set()

    def _lost(self, circuit: PeerCircuit) -> None:
        if self._circuits.get(circuit.address) is circuit:
            del self._circuits[circuit.address]
        for name in [name for name, home in self._home.items() if home is circuit]:
            del self._home[name]
            if name in self._watched:
                self._search_for(name)


class _SearchProtocol(asyncio.DatagramProtocol):
    """Takes the answers to searches."""

    def __init__(self, found: Callable[[int, tuple[str, int]], None]) -> None:
        self._found = found
        self._broadcaster = ca.Broadcaster(our_role=ca.CLIENT)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            commands = self._broadcaster.recv(data, addr)
        except ca.CaprotoError as error:
            log.debug("datagram from %s:%d: %s", *addr, error)
            return
        for command in commands:
            if isinstance(command, ca.SearchResponse):
                self._found(command.cid, ca.extract_address(command))

    def error_received(self, exc: Exception) -> None:
        log.debug("search: %s", exc)
