"""One client's circuit: what it asked is done, and what it is told leaves in the order in which it came about."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import caproto as ca
import numpy as np
from caproto import CAStatus
from caproto._data import Forbidden
from caproto.asyncio import server as stock
from caproto.asyncio.utils import _TransportWrapper
from caproto.server.common import DisconnectedCircuit

from iocs.wire.client import Client, Refused
from iocs.wire.stream import CommandStream

if TYPE_CHECKING:
    from iocs.wire.server import Context

__all__ = ["RECEIVE_BYTES", "Circuit"]

log = logging.getLogger(__name__)

RECEIVE_BYTES = 65536
SEND_BATCH_BYTES = 1 << 18  # updates are joined up to this size per write
PIECE_BYTES = 1 << 17  # written at once
LONGEST_ELEMENT = 40  # bytes of a DBR_STRING
PAYLOAD_MARGIN = 65536  # bytes; for metadata, names, and client habits such as padded strings
MOST_PUTS = 1000  # of one client under way at once; it is not listened to until one ends
EVENTS_OFF_PATIENCE = 1.0  # s a put's reply waits for its monitors while the client has turned events off


class _Update:
    """One monitor event waiting to be sent."""

    __slots__ = ("command", "subscription")

    def __init__(self, subscription: Any, command: Any) -> None:
        self.subscription = subscription
        self.command = command


class _AlwaysSet:
    """Stands for the write lock of the stock server, which made a read wait for a running put."""

    def set(self) -> None: ...

    def clear(self) -> None: ...

    def is_set(self) -> bool:
        return True

    async def wait(self, timeout: float | None = None) -> bool:
        return True


class Circuit(stock.VirtualCircuit):
    """The connection of one client.

    Parameters
    ----------
    circuit : caproto.VirtualCircuit
        Its protocol state.
    client : caproto transport
        Its socket.
    context : Context
        The server.
    """

    context: Context  # type: ignore[assignment]

    def __init__(self, circuit: ca.VirtualCircuit, client: _TransportWrapper, context: Context) -> None:
        super().__init__(circuit, client, context)  # type: ignore[arg-type]
        self.write_event = _AlwaysSet()
        self.events_on.set()
        self.alive: dict[int, Any] = {}
        """Subscription by id."""
        self._waiting: deque[_Update] = deque()
        self._per_subscription: dict[int, deque[_Update]] = {}
        self._wake = asyncio.Event()
        self._send_lock = asyncio.Lock()
        self._stream = CommandStream(self._largest_payload)
        self._puts = asyncio.Semaphore(MOST_PUTS)
        self._granted: dict[int, ca.AccessRights] = {}
        self.has_spoken = False
        """Whether anything was received."""

    @property
    def identity(self) -> Client:
        """Who is at the other end."""
        host, port = self.circuit.address[:2]
        return Client((host, port), self.client_username or "", self.client_hostname or "")

    async def run(self) -> None:
        """Start sending updates; commands are taken by `recv`."""
        self._sub_task = self.tasks.create(self.subscription_queue_loop())

    def post(self, subscription: Any, command: Any, backlog: int) -> None:
        """Put an update in line; the oldest of its subscription is dropped if more than `backlog` wait."""
        mine = self._per_subscription.setdefault(subscription.subscriptionid, deque())
        if len(mine) >= backlog:
            mine.popleft().command = None
        update = _Update(subscription, command)
        mine.append(update)
        self._waiting.append(update)
        self._wake.set()

    def drop_updates(self, subscription_id: int | None = None) -> None:
        """Forget waiting updates, of one subscription or of all."""
        dropped = [subscription_id] if subscription_id is not None else list(self._per_subscription)
        for key in dropped:
            for update in self._per_subscription.pop(key, ()):
                update.command = None
        if subscription_id is None:
            self._waiting.clear()

    def _take(self, size: float) -> list[Any]:
        """Take waiting updates, oldest first, up to about `size` bytes; none while the client has turned them off."""
        commands: list[Any] = []
        while self._waiting and size > 0 and self.events_on.is_set():
            update = self._waiting.popleft()
            if update.command is None:
                continue
            key = update.subscription.subscriptionid
            mine = self._per_subscription[key]
            mine.popleft()
            if not mine:
                del self._per_subscription[key]
            if self.alive.get(key) is update.subscription:
                commands.append(update.command)
                size -= len(update.command)
        return commands

    async def send(self, *commands: Any) -> None:
        """Send commands after every update that came about before them."""
        async with self._send_lock:
            await super().send(*self._take(float("inf")), *commands)

    async def _send_buffers(self, *buffers: Any) -> None:
        """Write in pieces: others have their turn in between, and a lost connection takes no image with it."""
        for piece in _pieces(buffers):
            await self.client.send(piece)
            if len(piece) == PIECE_BYTES:
                await asyncio.sleep(0)

    async def subscription_queue_loop(self) -> None:
        """Send updates as they come; while the client is slow they wait, newest kept."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting and self.events_on.is_set():
                    async with self._send_lock:
                        await super().send(*self._take(SEND_BATCH_BYTES))
        except DisconnectedCircuit:
            self.client.close()  # the receiving side then ends the circuit
        except Exception:
            log.exception("circuit of %s: sending failed; it is closed", self.identity)
            self.client.close()

    async def recv(self) -> None:
        """Receive, and do at once what was asked; a client that does not read its replies is not read either."""
        try:
            received = await self.client.recv(RECEIVE_BYTES)
        except (OSError, ca.CaprotoNetworkError):
            received = b""
        if not received:
            raise DisconnectedCircuit
        self.has_spoken = True
        commands = self._stream.feed(received)
        while (command := self._next(commands)) is not None:
            response = await self._command_queue_iteration(command)
            if response:
                await self.send(*response)

    def _next(self, commands: Iterator[Any]) -> Any:
        try:
            return next(commands, None)
        except Exception as error:
            self._end(f"what it sends is no Channel Access: {error}".splitlines()[0])

    def _end(self, reason: str) -> NoReturn:
        log.warning("circuit of %s is closed: %s", self.identity, reason)
        raise DisconnectedCircuit(reason)

    def _largest_payload(self, header: Any) -> float:
        """Bytes a message may have: a put may fill its PV, and no more."""
        wanted = PAYLOAD_MARGIN
        if header.command in (ca.WriteRequest.ID, ca.WriteNotifyRequest.ID):
            channel = self.circuit.channels_sid.get(header.parameter1)
            if channel is not None:
                wanted += self.context[channel.name].max_length * LONGEST_ELEMENT
        return min(wanted, self.context.max_payload)

    async def _command_queue_iteration(self, command: Any) -> list[Any] | None:
        if isinstance(command, ca.VersionRequest):
            self.circuit.priority = command.priority  # a name-server circuit of libca says it again, otherwise
        try:
            self.circuit.process_command(command)
        except (ca.RemoteProtocolError, KeyError) as error:
            self._end(f"{type(command).__name__} breaks the protocol: {error}")
        try:
            return await self._process_command(command)
        except DisconnectedCircuit:
            raise
        except Exception as error:
            return [self._error(command, CAStatus.ECA_INTERNAL, error)]

    def _error(self, command: Any, status: Any, error: Exception) -> Any:
        cid, _ = self._get_ids_from_command(command)
        if not isinstance(error, (Refused, Forbidden)):
            log.error("%s from %s failed", type(command).__name__, self.identity, exc_info=error)
        return ca.ErrorResponse(command, cid, status=status, error_message=str(error) or type(error).__name__)

    async def _process_command(self, command: Any) -> Any:
        if isinstance(command, (ca.WriteRequest, ca.WriteNotifyRequest)):
            await self._puts.acquire()
            task = self.context.server_tasks.create(self._write(command))
            task.add_done_callback(lambda _: self._puts.release())
            # One turn of the loop: a put with nothing to wait for is done before the client's next command.
            await asyncio.sleep(0)
            if task.done() and (error := task.exception()):
                raise error
            return []
        if isinstance(command, (ca.ReadRequest, ca.ReadNotifyRequest)):
            return await self._read(command)
        if isinstance(command, ca.EventAddRequest):
            return await self._subscribe(command)
        if isinstance(command, ca.ClearChannelRequest):
            channel, _ = self._get_db_entry_from_command(command)
            await self._forget(lambda subscription: subscription.channel is channel)
            self._granted.pop(channel.cid, None)
            return [channel.clear()]
        if isinstance(command, ca.CreateChanRequest):
            return self._note_channel(await super()._process_command(command))
        if isinstance(command, ca.EventCancelRequest):
            self.alive.pop(command.subscriptionid, None)
            self.drop_updates(command.subscriptionid)
        response = await super()._process_command(command)
        if isinstance(command, ca.EventsOnRequest):
            self._wake.set()  # what came about meanwhile waited, as for any slow client
        return response

    def _note_channel(self, response: list[Any]) -> list[Any]:
        for reply in response:
            if isinstance(reply, ca.AccessRightsResponse):
                self._granted[reply.cid] = reply.access_rights
            elif isinstance(reply, ca.CreateChanResponse):
                name = self.circuit.channels[reply.cid].name
                self.context.returning.connected(self, self.circuit.address[0], reply.cid, name)
        return response

    async def tell_rights(self) -> None:
        """Tell the client which of its channels it may read and write now otherwise than before."""
        changed = []
        for cid, channel in self.circuit.channels.items():
            rights = self.context[channel.name].check_access(self.client_hostname, self.client_username)
            if self._granted.get(cid) != rights:
                self._granted[cid] = rights
                changed.append(ca.AccessRightsResponse(cid=cid, access_rights=rights))
        if changed:
            await self.send(*changed)

    def may_read(self, entry: Any) -> bool:
        """Whether the client may read a PV."""
        return ca.AccessRights.READ in entry.check_access(self.client_hostname, self.client_username)

    async def _forget(self, doomed: Callable[[Any], bool]) -> None:
        for subscription in [s for subscriptions in self.subscriptions.values() for s in subscriptions if doomed(s)]:
            self.alive.pop(subscription.subscriptionid, None)
            self.drop_updates(subscription.subscriptionid)
        await self._cull_subscriptions(None, doomed)

    async def _read(self, command: Any) -> list[Any]:
        channel, _ = self._get_db_entry_from_command(command)
        try:
            return await super()._process_command(command)
        except Forbidden as error:
            return [self._error(command, CAStatus.ECA_NORDACCESS, error)]
        except Exception as error:
            log.warning("%s: a read failed: %s", channel.name, error)
            return [self._error(command, CAStatus.ECA_GETFAIL, Refused(f"{channel.name}: {error}"))]

    async def _subscribe(self, command: Any) -> list[Any]:
        channel, entry = self._get_db_entry_from_command(command)
        if not self.may_read(entry):
            return [self._error(command, CAStatus.ECA_NORDACCESS, Forbidden(f"{channel.name} may not be read"))]
        return await super()._process_command(command)

    async def _write(self, command: Any) -> None:
        channel, entry = self._get_db_entry_from_command(command)
        waiting = isinstance(command, ca.WriteNotifyRequest)
        try:
            await entry.auth_write(
                self.client_hostname,
                self.client_username,
                command.data,
                command.data_type,
                command.metadata,
                user_address=self.circuit.address,
            )
        except Exception as error:
            reply = self._refusal(command, channel, error)
        else:
            reply = self._put_reply(command, channel, CAStatus.ECA_NORMAL) if waiting else None
        if reply is not None and self.connected and self.circuit.channels.get(channel.cid) is channel:
            try:
                await self._monitors_told()
                await self.send(reply)
            except (DisconnectedCircuit, ca.CaprotoError) as error:
                log.debug("%s: reply to a put not delivered: %s", channel.name, error)

    async def _monitors_told(self) -> None:
        """Wait while the client, behind with reading, has turned events off: the reply must not overtake them."""
        if self._waiting and not self.events_on.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVENTS_OFF_PATIENCE):
                    await self.events_on.wait()

    def _refusal(self, command: Any, channel: Any, error: Exception) -> Any:
        status = CAStatus.ECA_NOWTACCESS if isinstance(error, Forbidden) else CAStatus.ECA_PUTFAIL
        if isinstance(error, (Refused, Forbidden, ca.CaprotoError, ValueError)):
            log.warning("%s: put by %s refused: %s", channel.name, self.identity, error)
        else:
            log.error("%s: put by %s failed", channel.name, self.identity, exc_info=error)
        if isinstance(command, ca.WriteNotifyRequest):
            return self._put_reply(command, channel, status)
        message = f"{channel.name}: {error}"
        return ca.ErrorResponse(command, channel.cid, status=status, error_message=message)

    @staticmethod
    def _put_reply(command: Any, channel: Any, status: Any) -> Any:
        return channel.write(command.ioid, data_type=command.data_type, data_count=command.data_count, status=status)

    async def _on_disconnect(self) -> None:
        if not self.connected:
            return
        self.alive.clear()
        self.drop_updates()
        self.events_on.set()
        if self._sub_task is not None:
            self._sub_task.cancel()
            self._sub_task = None
        await stock._VirtualCircuit._on_disconnect(self)  # noqa: SLF001  the parent's own awaits a cancelled task and leaks
        self.circuit.disconnect()
        self.client.close()
        self.context.client_gone(self.identity)


def _pieces(buffers: Iterable[Any]) -> Iterator[bytes]:
    """Bytes of the buffers in order, in pieces of one size, the last one shorter."""
    piece = bytearray()
    for buffer in buffers:
        view = memoryview(buffer)
        if len(piece) + view.nbytes < PIECE_BYTES:
            piece += view
            continue
        rest = np.frombuffer(view, np.uint8).data
        while len(rest):
            room = PIECE_BYTES - len(piece)
            piece += rest[:room]
            rest = rest[room:]
            if len(piece) == PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
    if piece:
        yield bytes(piece)
