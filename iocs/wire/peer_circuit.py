"""One Channel Access circuit to another IOC, for what IOCs ask of each other: watch and put."""

from __future__ import annotations

import asyncio
import getpass
import logging
import socket
from collections.abc import Callable
from typing import Any, Protocol

import caproto as ca
import numpy as np
from caproto import CAStatus, ChannelType
from caproto._dbr import SubscriptionType, native_type

from iocs.records.kinds import decode

__all__ = ["PeerChannel", "PeerCircuit", "PutRefused"]

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 2.0  # s
ECHO_AFTER = 2.0  # s of silence; then it is asked whether it lives
UNANSWERED = 2  # of these in a row; a stopped process keeps its sockets open, so only silence tells
RECEIVE_BYTES = 65536
UPDATES = SubscriptionType.DBE_VALUE | SubscriptionType.DBE_ALARM
SUBSCRIBED_AS = {
    ChannelType.ENUM: ChannelType.GR_ENUM,  # carries the names of the states
    ChannelType.STRING: ChannelType.STS_STRING,
    ChannelType.CHAR: ChannelType.STS_CHAR,
    ChannelType.INT: ChannelType.STS_INT,
    ChannelType.LONG: ChannelType.STS_LONG,
    ChannelType.FLOAT: ChannelType.STS_FLOAT,
    ChannelType.DOUBLE: ChannelType.STS_DOUBLE,
}


class PutRefused(Exception):
    """The other side refused a put; the message is its reason as far as it is known."""


class PeerChannel(Protocol):
    """A PV that is wanted from the circuit."""

    name: str

    def update(self, value: Any, connected: bool, severity: int = 0) -> None:
        """Take a value, or the loss of the connection."""
        ...


class PeerCircuit:
    """A circuit, open until it fails or is closed.

    Parameters
    ----------
    address : (str, int)
        Host and TCP port of the server.
    lost : callable
        Called once with this circuit when it has ended.
    """

    def __init__(self, address: tuple[str, int], lost: Callable[[PeerCircuit], None]) -> None:
        self.address = address
        self.wanted: dict[str, PeerChannel | None] = {}
        """PV name to who watches it, None for one that is only put to."""
        self._lost = lost
        self._circuit = ca.VirtualCircuit(ca.CLIENT, address, 0)
        self._channels: dict[str, Any] = {}
        self._ready: dict[str, asyncio.Future[Any]] = {}
        self._subscribed: dict[int, str] = {}
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._task = asyncio.create_task(self._run())

    def want(self, name: str, watcher: PeerChannel | None) -> None:
        """Connect to a PV, and watch it if there is a watcher."""
        known, watched = name in self.wanted, self.wanted.get(name) is not None
        if watcher is not None or not known:
            self.wanted[name] = watcher
        if self._writer is not None and not known:
            self._create(name)
        elif watcher is not None and not watched and (ready := self._ready.get(name)) and ready.done():
            self._subscribe(ready.result())  # it was only put to until now

    async def connected(self, name: str) -> Any:
        """Wait until a wanted PV is connected; returns its channel."""
        return await asyncio.shield(self._future(name))

    async def put(self, name: str, value: Any) -> None:
        """Put with callback.

        Raises
        ------
        PutRefused
            If the server says so.
        ConnectionError
            If the circuit ends before the reply.
        """
        channel = await self.connected(name)
        data, data_type = _put_form(value, channel.native_data_type)
        command = channel.write(data, data_type=data_type, data_count=len(data), notify=True)
        reply = await self._ask(command)
        if reply.status.code != CAStatus.ECA_NORMAL.value.code:
            raise PutRefused(await self._reason(name) or f"refused ({reply.status.name})")

    def close(self) -> None:
        """End the circuit."""
        self._task.cancel()

    async def closed(self) -> None:
        """Wait until it has ended."""
        await asyncio.gather(self._task, return_exceptions=True)

    async def _reason(self, name: str) -> str:
        """Why a command was refused, as its group says in CommandError_RBV; empty for a PV that is no command."""
        base = name.partition(".")[0]
        for group in (f"{base}:", base[: base.rfind(":") + 1]):
            self.want(f"{group}CommandError_RBV", None)
            try:
                channel = await self.connected(f"{group}CommandError_RBV")
                reply = await self._ask(channel.read(data_type=ChannelType.CHAR))
            except PutRefused:
                continue
            if text := decode(np.asarray(reply.data).tobytes()):
                return text
        return ""

    async def _ask(self, command: Any) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies[command.ioid] = future
        try:
            self._send(command)
            return await future
        finally:
            self._replies.pop(command.ioid, None)

    def _future(self, name: str) -> asyncio.Future[Any]:
        if name not in self._ready:
            self._ready[name] = asyncio.get_running_loop().create_future()
        return self._ready[name]

    def _send(self, *commands: Any) -> None:
        if self._writer is None:
            raise ConnectionError(f"{self.address[0]}:{self.address[1]}: the connection is lost")
        self._writer.write(b"".join(self._circuit.send(*commands)))

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, self._writer = await asyncio.open_connection(*self.address)
            self._writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._send(
                ca.VersionRequest(version=ca.DEFAULT_PROTOCOL_VERSION, priority=0),
                ca.HostNameRequest(socket.gethostname()),
                ca.ClientNameRequest(_user()),
            )
            for name in list(self.wanted):
                self._create(name)
            await self._receive(reader)
        except (OSError, TimeoutError, ca.CaprotoError, KeyError) as error:
            log.debug("circuit to %s:%d: %s", *self.address, error)
        finally:
            self._end()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        unanswered = 0  # counted, not timed: a stall of this process is no silence of the other
        while True:
            try:
                async with asyncio.timeout(ECHO_AFTER):
                    received = await reader.read(RECEIVE_BYTES)
            except TimeoutError:
                if unanswered >= UNANSWERED:
                    raise ConnectionError("it does not answer") from None
                unanswered += 1
                self._send(ca.EchoRequest())
                continue
            if not received:
                return
            unanswered = 0
            commands, _ = self._circuit.recv(received)
            for command in commands:
                self._circuit.process_command(command)
                self._take(command)

    def _create(self, name: str) -> None:
        channel = ca.ClientChannel(name, self._circuit)
        self._channels[name] = channel
        self._send(channel.create())

    def _take(self, command: Any) -> None:
        match command:
            case ca.CreateChanResponse():
                self._connected(self._circuit.channels[command.cid])
            case ca.CreateChFailResponse() | ca.ServerDisconnResponse():
                self._gone(command.cid)
            case ca.EventAddResponse():
                watcher = self.wanted.get(self._subscribed.get(command.subscriptionid, ""))
                if watcher is not None and command.payload_size and command.metadata is not None:
                    watcher.update(_value_of(command), True, command.metadata.severity)
            case ca.WriteNotifyResponse() | ca.ReadNotifyResponse():
                future = self._replies.get(command.ioid)
                if future is not None and not future.done():
                    future.set_result(command)
            case ca.ErrorResponse():
                log.warning("%s:%d says: %s", *self.address, command.error_message)

    def _connected(self, channel: Any) -> None:
        future = self._future(channel.name)
        if not future.done():
            future.set_result(channel)
        if self.wanted.get(channel.name) is not None:
            self._subscribe(channel)

    def _subscribe(self, channel: Any) -> None:
        command = channel.subscribe(data_type=SUBSCRIBED_AS[channel.native_data_type], data_count=0, mask=UPDATES)
        self._subscribed[command.subscriptionid] = channel.name
        self._send(command)

    def _gone(self, cid: int) -> None:
        name = next((name for name, channel in self._channels.items() if channel.cid == cid), "")
        self._channels.pop(name, None)
        watcher = self.wanted.pop(name, None)
        future = self._ready.pop(name, None)
        if future is not None and not future.done():
            future.set_exception(PutRefused(f"{name}: no such PV"))
            future.exception()  # nobody need be waiting
        if watcher is not None:
            watcher.update(None, False)

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        lost = ConnectionError("the connection was lost")
        for future in (*self._replies.values(), *self._ready.values()):
            if not future.done():
                future.set_exception(lost)
                future.exception()
        for watcher in self.wanted.values():
            if watcher is not None:
                watcher.update(None, False)
        self._lost(self)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "ioc"


def _put_form(value: Any, native: ChannelType) -> tuple[Any, ChannelType]:
    """Elements and type to put a Python value as; the server converts."""
    if isinstance(value, str):
        raw = value.encode("utf-8")
        if native == ChannelType.CHAR:
            return np.frombuffer(raw or b"\0", dtype="u1"), ChannelType.CHAR
        return [raw], ChannelType.STRING
    if isinstance(value, (bool, int, np.integer)) and abs(int(value)) < 2**31:
        return [int(value)], ChannelType.LONG
    if isinstance(value, (int, float, np.floating)):
        return [float(value)], ChannelType.DOUBLE
    return np.atleast_1d(np.asarray(value)), native


def _value_of(command: Any) -> Any:
    """Python value of an update: state by name, text, number, or array."""
    data, native = command.data, native_type(command.data_type)
    if native == ChannelType.ENUM:
        states = [decode(bytes(state)) for state in command.metadata.enum_strings]
        index = int(data[0])
        return states[index] if index < len(states) else str(index)
    if native == ChannelType.STRING:
        return decode(data[0]) if len(data) == 1 else [decode(text) for text in data]
    if native == ChannelType.CHAR:
        return decode(np.asarray(data).tobytes())
    return data[0].item() if len(data) == 1 else np.array(data)
