"""Commands out of the bytes a client sent, one at a time, each with no more memory than its own."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import caproto as ca
from caproto._commands import Commands, bytes_needed_for_command
from caproto._headers import ExtendedMessageHeader

__all__ = ["CommandStream"]


class CommandStream:
    """What was received and not yet done.

    caproto's own parser lets each small command hold a copy of all that was received with it: 90 MB for 60 kB of puts.

    Parameters
    ----------
    largest : callable
        Bytes a payload may have, by its header.
    """

    def __init__(self, largest: Callable[[Any], float]) -> None:
        self._largest = largest
        self._unread = bytearray()

    def feed(self, received: bytes) -> Iterator[Any]:
        """Yield the commands that are complete now, each when the one before it is done.

        Raises
        ------
        caproto.RemoteProtocolError
            If what was received is no Channel Access, or a message is larger than it may be.
        """
        self._unread += received
        while (command := self._take()) is not None:
            yield command

    def _take(self) -> Any:
        header, _ = bytes_needed_for_command(self._unread[: ctypes.sizeof(ExtendedMessageHeader)], ca.CLIENT)
        if header is None:
            return None
        if header.command not in Commands[ca.CLIENT]:
            raise ca.RemoteProtocolError(f"there is no command {header.command}")
        if header.payload_size > self._largest(header):
            raise ca.RemoteProtocolError(f"a message claims {header.payload_size} bytes")
        begin = ctypes.sizeof(header)
        end = begin + header.payload_size
        if len(self._unread) < end:
            return None
        payload = self._unread[begin:end]
        del self._unread[:end]
        return Commands[ca.CLIENT][header.command].from_wire(header, payload)
