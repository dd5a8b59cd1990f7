"""What an IOC sees of other IOCs: PVs it watches, and puts it makes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

__all__ = ["Peer", "PeerError", "Peers"]


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
        self._changed = asyncio.Event()

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
            state = f"it is {self.value!r}" if self.connected else "it is not connected"
            raise PeerError(f"{self.name}: not as expected within {timeout:g} s; {state}") from None
        return self.value

    def update(self, value: Any, connected: bool) -> None:
        """Take a new value or a change of connection."""
        self.value, self.connected = value, connected
        self._changed.set()
        self._changed = asyncio.Event()


class Peers:
    """The Channel Access client of one process."""

    def __init__(self) -> None:
        self._peers: dict[str, Peer] = {}

    def watch(self, name: str) -> Peer:
        """Watch a PV, from now on and through every restart of its IOC."""
        return self._peers.setdefault(name, Peer(name))

    async def put(self, name: str, value: Any, timeout: float) -> None:
        """Put with callback.

        Raises
        ------
        PeerError
            If the PV is not there, refuses, or does not complete in time.
        """
        raise PeerError(f"{name}: not connected")

    async def start(self) -> None:
        """Begin to search."""

    async def stop(self) -> None:
        """Close every circuit."""
