"""Calls the clients of the server that ran here before, so that they need not find out by themselves.

The EPICS client library looks for a lost channel only when a timer of ten seconds next runs out, whatever beacons say
[disconnectGovernorTimer.cpp of EPICS base]; but an answer to its earlier search it takes at any time. So a server
notes who searched for what and then connected, keeps that in a file, and when it starts again answers those searches
once more.
"""

from __future__ import annotations

import json
import logging
import os
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import caproto as ca

__all__ = ["ReturningClients"]

log = logging.getLogger(__name__)

MOST_SEARCHES = 20_000  # remembered between a search and the connection that follows it
ANSWERS_PER_DATAGRAM = 50  # 24 bytes each

Address = tuple[str, int]


class ReturningClients:
    """Who is connected, and by which search each channel was found.

    Parameters
    ----------
    path : Path or None
        File; nothing outlives the process without one.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.earlier: dict[Address, dict[int, str]] = {}
        """Search id and name by address, of the clients that the server before this one had."""
        self._searched: OrderedDict[tuple[str, int, str], Address] = OrderedDict()
        self._connected: dict[Any, dict[Address, dict[int, str]]] = {}
        self.is_changed = False
        if path is not None:
            self._read(path)

    def searched(self, address: Address, search_id: int, name: str) -> None:
        """Note a search that was answered."""
        key = (address[0], search_id, name)
        self._searched[key] = address
        self._searched.move_to_end(key)
        if len(self._searched) > MOST_SEARCHES:
            self._searched.popitem(last=False)

    def connected(self, circuit: Any, host: str, channel_id: int, name: str) -> None:
        """Note a channel; the EPICS library gives it the id it searched with, so that tells where it asked from."""
        address = self._searched.pop((host, channel_id, name), None)
        if address is not None:
            self._connected.setdefault(circuit, {}).setdefault(address, {})[channel_id] = name
            self.is_changed = True

    def gone(self, circuit: Any) -> None:
        """Forget a client that left."""
        if self._connected.pop(circuit, None) is not None:
            self.is_changed = True

    def save(self) -> None:
        """Write the file, whole or not at all, if anything changed."""
        if self.path is None or not self.is_changed:
            return
        self.is_changed = False
        clients = [
            {"host": host, "port": port, "channels": {str(key): name for key, name in channels.items()}}
            for addresses in self._connected.values()
            for (host, port), channels in addresses.items()
        ]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            written = self.path.with_suffix(".new")
            written.write_text(json.dumps(clients))
            os.replace(written, self.path)
        except OSError as error:
            log.warning("%s: clients are not noted: %s", self.path, error)

    def answers(self, port: int, is_served: Any) -> Iterator[tuple[Address, list[Any]]]:
        """Yield datagrams for earlier clients: address and search responses."""
        for address, channels in self.earlier.items():
            served = [search_id for search_id, name in channels.items() if is_served(name)]
            for start in range(0, len(served), ANSWERS_PER_DATAGRAM):
                batch = served[start : start + ANSWERS_PER_DATAGRAM]
                answers = [ca.SearchResponse(port, None, search_id, ca.DEFAULT_PROTOCOL_VERSION) for search_id in batch]
                yield address, [ca.VersionResponse(ca.DEFAULT_PROTOCOL_VERSION), *answers]

    def _read(self, path: Path) -> None:
        try:
            for client in json.loads(path.read_text()):
                channels = {int(key): str(name) for key, name in client["channels"].items()}
                self.earlier[(str(client["host"]), int(client["port"]))] = channels
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s: earlier clients are not known: %s", path, error)
