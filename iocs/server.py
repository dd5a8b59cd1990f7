"""Channel Access server: caproto's asyncio server with its defects mended.

What differs from `caproto.asyncio.server` 1.3, each point with a test that fails there:

- sockets set TCP_NODELAY, and a monitor leaves as soon as it is posted instead of after a 10 ms batching timer;
- the reply to a put never overtakes the monitors that the put caused: both stand in one line;
- a circuit that ends, blocked or not, frees its whole backlog; only updates not yet sent are kept at all;
- a message with a larger payload than any PV needs, an unknown channel id or a protocol fault ends the circuit,
  instead of filling memory or leaving it deaf;
- a refused put is answered with a status, which every client resolves, and leaves value and alarm as they were;
- monitors obey access rights; clearing a channel ends its subscriptions;
- nothing is sent to the beacon port unless asked for;
- whoever wants to know hears when a client is gone.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import caproto as ca
import numpy as np
from caproto import CAStatus
from caproto._commands import bytes_needed_for_command
from caproto._data import Forbidden
from caproto._utils import apply_arr_filter, apply_deadband_filter
from caproto.asyncio import server as stock
from caproto.asyncio.utils import _TransportWrapper
from caproto.server.common import DisconnectedCircuit, host_endian

from iocs.client import Client, Refused

__all__ = ["Circuit", "Context", "ServerError"]

log = logging.getLogger(__name__)

RECEIVE_BYTES = 65536
PAYLOAD_MARGIN = 65536  # bytes; above the largest PV, for metadata and for client habits such as padded strings
SEND_BATCH_BYTES = 1 << 18  # updates are joined up to this size per write
DATAGRAM_BACKLOG = 1000  # searches waiting; a client repeats a search that is lost
LONGEST_ELEMENT = 40  # bytes of a DBR_STRING


class ServerError(RuntimeError):
    """The server cannot start; the message says which address and why."""


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
    """One client's connection: everything for it leaves in the order in which it came about."""

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
        response = await super()._process_command(command)
        return response

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


class _DirectQueue:
    """Stands for the Context's subscription queue: an update goes straight to the circuits it concerns."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def put(self, update: Any) -> None:
        await self._context._subscription_queue_iteration(*update)  # noqa: SLF001

    async def get(self) -> Any:
        await asyncio.get_running_loop().create_future()


class _DatagramQueue:
    """Searches waiting for an answer; when too many wait, new ones are dropped."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue(DATAGRAM_BACKLOG)

    def put(self, item: Any) -> None:
        if not self._queue.full():
            self._queue.put_nowait(item)

    async def async_get(self) -> Any:
        return await self._queue.get()


class Context(stock.Context):
    """The server: serves PVs on one port until it is stopped.

    Parameters
    ----------
    pvdb : mapping of str to channel
        PV name to what serves it.
    interfaces : list of str
        Addresses to listen on.
    port : int or None
        TCP and UDP port, exactly; None takes the one of EPICS_CA_SERVER_PORT, or for TCP another if it is taken.
    beacons : bool
        Whether to announce the server by beacons.
    """

    CircuitClass = Circuit

    def __init__(
        self,
        pvdb: Mapping[str, Any],
        interfaces: list[str] | None = None,
        *,
        port: int | None = None,
        beacons: bool = False,
    ) -> None:
        super().__init__(dict(pvdb), interfaces or ["127.0.0.1"])
        self.exact_port = port
        if port is not None:
            self.ca_server_port = port
        self.beacons = beacons
        self.subscription_queue = _DirectQueue(self)  # type: ignore[assignment]
        self.broadcaster_datagram_queue = _DatagramQueue()  # type: ignore[assignment]
        self.gone_callbacks: list[Callable[[Client], None]] = []
        self.max_payload = self._largest_payload()
        self._servers: list[asyncio.Server] = []
        self._loops: list[asyncio.Task[None]] = []

    def _largest_payload(self) -> int:
        longest = max((entry.max_length for entry in self.pvdb.values()), default=1)
        return longest * LONGEST_ELEMENT + PAYLOAD_MARGIN

    def client_gone(self, client: Client) -> None:
        """Tell everybody who asked that a client's circuit is closed."""
        for callback in self.gone_callbacks:
            try:
                callback(client)
            except Exception:
                log.exception("after client %s was gone", client)

    async def start(self) -> None:
        """Listen, and answer from now on.

        Raises
        ------
        ServerError
            If the port is taken.
        """
        try:
            self._listen()
            if self.exact_port is None and self.port != self.ca_server_port:
                log.warning("TCP port %d is taken; serving on %d", self.ca_server_port, self.port)
            for interface, sock in self.tcp_sockets.items():
                self.broadcaster.server_addresses.append((interface, self.port))
                self._servers.append(await asyncio.start_server(self._accept, sock=sock, limit=RECEIVE_BYTES))
            for interface in self.interfaces:
                await self._create_broadcaster_transport(interface)
        except OSError as error:
            await self.stop_serving()
            raise ServerError(
                f"port {self.ca_server_port} on {', '.join(self.interfaces)}: {error.strerror or error}"
            ) from None
        loops = [self.broadcaster_receive_loop(), self.broadcaster_queue_loop()]
        if self.beacons:
            self._open_beacon_sockets()
            loops.append(self.broadcast_beacon_loop())
        self._loops = [asyncio.create_task(loop) for loop in loops]

    async def stop_serving(self) -> None:
        """Close every circuit and socket, and wait until they are closed."""
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._loops.clear()
        for server in self._servers:
            server.close()
        for circuit in list(self.circuits):
            circuit.client.close()
        await self.server_tasks.cancel_all(wait=True)
        for circuit in list(self.circuits):
            await circuit._on_disconnect()  # noqa: SLF001
        self.circuits.clear()
        for sock in (
            *self.udp_socks.values(),
            *(sock for _, sock in self.beacon_socks.values()),
            *self.tcp_sockets.values(),
        ):
            sock.close()
        self._servers.clear()
        await asyncio.sleep(0)  # transports close their sockets in the next turn of the loop

    async def run(self, *, log_pv_names: bool = False, startup_hook: Any = None) -> None:
        """Serve until cancelled."""
        await self.start()
        try:
            if startup_hook is not None:
                await startup_hook(stock.AsyncioAsyncLayer())
            await asyncio.get_running_loop().create_future()
        finally:
            await self.stop_serving()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        transport = _TransportWrapper(reader, writer)
        peer = transport.getpeername()
        if peer is not None:
            self.server_tasks.create(self.tcp_handler(transport, peer))

    async def tcp_handler(self, client: _TransportWrapper, addr: tuple[str, int]) -> None:
        """Serve one client until it is gone or breaks the protocol; whatever happens, its circuit is cleared away."""
        circuit = self.CircuitClass(ca.VirtualCircuit(ca.SERVER, addr, None), client, self)
        self.circuits.add(circuit)
        log.debug("client %s:%d connected", *addr[:2])
        try:
            await circuit.run()
            while circuit.connected:
                await circuit.recv()
        except DisconnectedCircuit:
            log.debug("client %s is gone", circuit.identity)
        except Exception:
            log.exception("circuit of %s failed; it is closed", circuit.identity)
        finally:
            await circuit._on_disconnect()  # noqa: SLF001
            self.circuits.discard(circuit)

    def _listen(self) -> None:
        """Bind one TCP port on every interface: the exact one, or the usual one and else any that is free."""
        try:
            self._bind(self.ca_server_port)
        except OSError:
            if self.exact_port is not None:
                raise
            self._bind(0)

    def _bind(self, port: int) -> None:
        try:
            for interface in self.interfaces:
                sock = self.tcp_sockets[interface] = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                sock.setblocking(False)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((interface, port))
                port = sock.getsockname()[1]  # the kernel's choice on the first holds for the rest
        except OSError:
            for sock in self.tcp_sockets.values():
                sock.close()
            self.tcp_sockets.clear()
            raise
        self.port = port

    def _open_beacon_sockets(self) -> None:
        for address in ca.get_beacon_address_list():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.connect(address)
            self.beacon_socks[address] = (self.interfaces[0], stock._UdpTransportWrapper(sock, address))  # noqa: SLF001

    async def _subscription_queue_send(self, sub_spec: Any, sub: Any, metadata: Any, values: Any, flags: int) -> None:
        circuit = sub.circuit
        if not circuit.connected:
            return
        if not circuit.events_on.is_set():
            circuit.resend_later(sub)
            return
        values = self._filtered(sub_spec, sub, values, flags)
        if values is None:
            return
        circuit.alive.setdefault(sub.subscriptionid, sub)
        command = sub.channel.subscribe(
            data=values,
            metadata=metadata,
            data_type=sub.data_type,
            data_count=len(values),
            subscriptionid=sub.subscriptionid,
            status=1,
        )
        circuit.post(sub, command, sub.db_entry.max_subscription_backlog)

    def _filtered(self, sub_spec: Any, sub: Any, values: Any, flags: int) -> Any:
        """Elements the subscription gets, None for no update."""
        values = apply_arr_filter(sub_spec.channel_filter.arr, values)
        if sub.channel_filter.dbnd is not None:
            tracked = apply_deadband_filter(
                previous_value=self.last_dead_band.get(sub),
                new_value=values,
                sub=sub,
                flags=flags,
                host_endian=host_endian,
            )
            if tracked is None:
                return None
            self.last_dead_band[sub] = tracked
        return _with_count(values, sub.data_count)


def _with_count(values: Any, count: int) -> Any:
    """Exactly `count` elements, as the client asked: cut, or filled up with zeros; 0 is as many as there are."""
    if not count or count == len(values):
        return values
    if count < len(values):
        return values[:count]
    if isinstance(values, np.ndarray):
        return np.concatenate([values, np.zeros(count - len(values), values.dtype)])
    return type(values)([*values, *[b""] * (count - len(values))])
