"""One client's circuit: what it asked is done, and what it is told leaves in the order in which it came about."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import caproto as ca
from caproto import CAStatus
from caproto._commands import bytes_needed_for_command
from caproto._data import Forbidden
from caproto.asyncio import server as stock
from caproto.asyncio.utils import _TransportWrapper
from caproto.server.common import DisconnectedCircuit

from iocs.wire.client import Client, Refused

if TYPE_CHECKING:
    from iocs.wire.server import Context

__all__ = ["RECEIVE_BYTES", "Circuit"]

log = logging.getLogger(__name__)

RECEIVE_BYTES = 65536
SEND_BATCH_BYTES = 1 << 18  # updates are joined up to this size per write


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
        """Take waiting updates, oldest first, up to about `size` bytes."""
        commands: list[Any] = []
        while self._waiting and size > 0:
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

    async def subscription_queue_loop(self) -> None:
        """Send updates as they come; while the client is slow they wait, newest kept."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
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
        try:
            commands, _ = self.circuit.recv(received)
        except Exception as error:
            self._end(f"what it sends is no Channel Access: {error}".splitlines()[0])
        self._check_payload_size()
        for command in commands:
            response = await self._command_queue_iteration(command)
            if response:
                await self.send(*response)

    def _end(self, reason: str) -> NoReturn:
        log.warning("circuit of %s is closed: %s", self.identity, reason)
        raise DisconnectedCircuit(reason)

    def _check_payload_size(self) -> None:
        """Refuse to collect a message that nothing here can want."""
        header, _ = bytes_needed_for_command(self.circuit._data, ca.CLIENT) if self.circuit._data else (None, 0)  # noqa: SLF001
        size = header.payload_size if header is not None else 0
        if size > self.context.max_payload:
            self._end(f"a message claims {size} bytes")

    async def _command_queue_iteration(self, command: Any) -> list[Any] | None:
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
            task = self.context.server_tasks.create(self._write(command))
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
            return [channel.clear()]
        if isinstance(command, ca.EventCancelRequest):
            self.alive.pop(command.subscriptionid, None)
            self.drop_updates(command.subscriptionid)
        if isinstance(command, ca.EventsOffRequest):
            for update in self._waiting:
                if update.command is not None:
                    self.resend_later(update.subscription)
            self.drop_updates()
        return await super()._process_command(command)

    def resend_later(self, subscription: Any) -> None:
        """Remember to send the present value of a subscription when the client turns events on again."""
        for spec, subscriptions in self.subscriptions.items():
            if subscription in subscriptions:
                waiting = self.subscriptions_to_resend.setdefault(spec, [])
                if subscription not in waiting:
                    waiting.append(subscription)

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
        if ca.AccessRights.READ not in entry.check_access(self.client_hostname, self.client_username):
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
                await self.send(reply)
            except (DisconnectedCircuit, ca.CaprotoError) as error:
                log.debug("%s: reply to a put not delivered: %s", channel.name, error)

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
        self.unexpired_updates.clear()
        self.subscriptions_to_resend.clear()
        if self._sub_task is not None:
            self._sub_task.cancel()
            self._sub_task = None
        await stock._VirtualCircuit._on_disconnect(self)  # noqa: SLF001  the parent's own awaits a cancelled task and leaks
        self.circuit.disconnect()
        self.client.close()
        self.context.client_gone(self.identity)
