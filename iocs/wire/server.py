"""Channel Access server: caproto's asyncio server with its defects mended.

What differs from `caproto.asyncio.server` 1.3, each point with a test that fails there:

- sockets set TCP_NODELAY, and a monitor leaves as soon as it is posted instead of after a 10 ms batching timer;
- the reply to a put never overtakes the monitors that the put caused: both stand in one line;
- a circuit that ends, blocked or not, frees its whole backlog; only updates not yet sent are kept at all;
- a message with a larger payload than its PV can take, an unknown channel id or a protocol fault ends the circuit,
  instead of filling memory or leaving it deaf;
- a client that is gone without a word, or reads nothing for long, or connects and says nothing, is let go;
- a refused put is answered with a status, which every client resolves, and leaves value and alarm as they were;
- monitors obey access rights, and a change of rights is told; clearing a channel ends its subscriptions;
- clients of a server that ran here before are called back at once;
- nothing is sent to the beacon port unless asked for;
- whoever wants to know hears when a client is gone, and how many there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import caproto as ca
import numpy as np
from caproto._utils import apply_arr_filter, apply_deadband_filter
from caproto.asyncio import server as stock
from caproto.asyncio.utils import _TransportWrapper
from caproto.server.common import DisconnectedCircuit, host_endian

from iocs.wire.circuit import RECEIVE_BYTES, Circuit
from iocs.wire.client import Client
from iocs.wire.returning import ReturningClients
from iocs.wire.sockets import allowed_payload, beacon_socket, listen, tune

__all__ = ["Context", "ServerError"]

log = logging.getLogger(__name__)

DATAGRAM_BACKLOG = 1000  # searches waiting; a client repeats a search that is lost
MOST_CIRCUITS = 1000  # an observatory has tens of clients; more is a fault of one of them
PATIENCE = 60.0  # s with a client that does not read, or whose host does not answer
CALLS = (0.0, 0.2, 0.8, 2.0)  # s; pauses before each round of calls to the clients of an earlier server
NOTE_PERIOD = 0.2  # s; a client that connected less than this before a crash is not called
SPEAK_WITHIN = 10.0  # s after connecting; every client sends its version at once


class ServerError(RuntimeError):
    """The server cannot start; the message says which address and why."""


class _DirectQueue:
    """Stands for the Context's subscription queue: an update goes straight to the circuits it concerns."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def put(self, update: Any) -> None:
        await self._context._subscription_queue_iteration(*update)  # noqa: SLF001


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
    clients_file : Path, optional
        Where to note who is connected, so that a server started again calls them at once.
    """

    CircuitClass = Circuit

    def __init__(
        self,
        pvdb: Mapping[str, Any],
        interfaces: list[str] | None = None,
        *,
        port: int | None = None,
        beacons: bool = False,
        clients_file: Path | None = None,
    ) -> None:
        super().__init__(dict(pvdb), interfaces or ["127.0.0.1"])
        self.exact_port = port
        if port is not None:
            self.ca_server_port = port
        self.beacons = beacons
        self.subscription_queue = _DirectQueue(self)  # type: ignore[assignment]
        self.broadcaster_datagram_queue = _DatagramQueue()  # type: ignore[assignment]
        self.gone_callbacks: list[Callable[[Client], None]] = []
        self.count_callbacks: list[Callable[[int], Awaitable[None]]] = []
        """Told how many circuits are open, when that changes; before the new one is served."""
        self.returning = ReturningClients(clients_file)
        self.max_payload = allowed_payload()
        self.most_circuits = MOST_CIRCUITS
        self.patience = PATIENCE
        self.speak_within = SPEAK_WITHIN
        self._servers: list[asyncio.Server] = []
        self._loops: list[asyncio.Task[None]] = []

    def client_gone(self, client: Client) -> None:
        """Tell everybody who asked that a client's circuit is closed."""
        for callback in self.gone_callbacks:
            try:
                callback(client)
            except Exception:
                log.exception("after client %s was gone", client)

    async def rights_changed(self) -> None:
        """Tell every client whose rights are no longer what it was told."""
        for circuit in list(self.circuits):
            try:
                await circuit.tell_rights()
            except DisconnectedCircuit:
                log.debug("client %s is gone", circuit.identity)

    async def start(self) -> None:
        """Listen, and answer from now on.

        Raises
        ------
        ServerError
            If the port is taken.
        """
        await self.bind()
        await self.answer()

    async def bind(self) -> None:
        """Take the port; nobody is answered yet.

        Raises
        ------
        ServerError
            If it is taken.
        """
        try:
            self._listen()
        except OSError as error:
            raise self._taken(error) from None
        if self.exact_port is None and self.port != self.ca_server_port:
            log.warning("TCP port %d is taken; serving on %d", self.ca_server_port, self.port)

    async def answer(self) -> None:
        """Answer from now on.

        Raises
        ------
        ServerError
            If somebody else listens on the port.
        """
        try:
            for interface, sock in self.tcp_sockets.items():
                self.broadcaster.server_addresses.append((interface, self.port))
                self._servers.append(await asyncio.start_server(self._accept, sock=sock, limit=RECEIVE_BYTES))
            for interface in self.interfaces:
                await self._create_broadcaster_transport(interface)
        except OSError as error:
            await self.stop_serving()
            raise self._taken(error) from None
        loops = [self.broadcaster_receive_loop(), self.broadcaster_queue_loop()]
        loops += [self._call_clients_back(), self._note_clients()]
        if self.beacons:
            self._open_beacon_sockets()
            loops.append(self.broadcast_beacon_loop())
        self._loops = [asyncio.create_task(loop) for loop in loops]

    async def _call_clients_back(self) -> None:
        """Call the clients of an earlier server, some times as datagrams get lost."""
        for pause in CALLS:
            await asyncio.sleep(pause)
            for address, answers in self.returning.answers(self.port, self.__contains__):
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

    def _taken(self, error: OSError) -> ServerError:
        return ServerError(f"port {self.ca_server_port} on {', '.join(self.interfaces)}: {error.strerror or error}")

    async def stop_serving(self) -> None:
        """Close every circuit and socket, and wait until they are closed."""
        self.returning.save()  # as it is before they are all sent away
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
        if len(self.circuits) >= self.most_circuits and not self._make_room():
            log.warning(
                "client %s is turned away: %d circuits are open", writer.get_extra_info("peername"), len(self.circuits)
            )
            writer.close()
            return
        tune(writer.get_extra_info("socket"), self.patience)
        transport = _TransportWrapper(reader, writer)
        peer = transport.getpeername()
        if peer is not None:
            self.server_tasks.create(self.tcp_handler(transport, peer))

    def _make_room(self) -> bool:
        """End a circuit without channels, if there is one."""
        for circuit in self.circuits:
            if not circuit.circuit.channels and circuit.connected:
                log.warning("client %s holds no channel and makes room for another", circuit.identity)
                circuit.client.close()
                return True
        return False

    async def _broadcaster_recv_datagram(self, bytes_received: bytes, address: tuple[str, int]) -> None:
        """Take a datagram; one that is not Channel Access is nobody's business."""
        try:
            await super()._broadcaster_recv_datagram(bytes_received, address)
        except Exception as error:
            log.debug("datagram from %s:%d dropped: %s", *address[:2], error)

    async def tcp_handler(self, client: _TransportWrapper, addr: tuple[str, int]) -> None:
        """Serve one client until it is gone or breaks the protocol; whatever happens, its circuit is cleared away."""
        circuit = self.CircuitClass(ca.VirtualCircuit(ca.SERVER, addr, None), client, self)
        self.circuits.add(circuit)
        log.debug("client %s:%d connected", *addr[:2])
        silent = asyncio.get_running_loop().call_later(self.speak_within, self._end_silent, circuit)
        try:
            await self._tell_count()
            await circuit.run()
            while circuit.connected:
                await circuit.recv()
        except DisconnectedCircuit:
            log.debug("client %s is gone", circuit.identity)
        except Exception:
            log.exception("circuit of %s failed; it is closed", circuit.identity)
        finally:
            silent.cancel()
            self.returning.gone(circuit)
            await circuit._on_disconnect()  # noqa: SLF001
            self.circuits.discard(circuit)
            await self._tell_count()

    async def _tell_count(self) -> None:
        for callback in self.count_callbacks:
            await callback(len(self.circuits))

    def _end_silent(self, circuit: Circuit) -> None:
        if not circuit.has_spoken:
            log.warning("client %s:%d connected and says nothing; it is let go", *circuit.circuit.address[:2])
            circuit.client.close()

    def _listen(self) -> None:
        """Take the exact port, or the usual one and else any that is free."""
        try:
            self.tcp_sockets, self.port = listen(self.interfaces, self.ca_server_port)
        except OSError:
            if self.exact_port is not None:
                raise
            self.tcp_sockets, self.port = listen(self.interfaces, 0)

    def _open_beacon_sockets(self) -> None:
        for address in ca.get_beacon_address_list():
            transport = stock._UdpTransportWrapper(beacon_socket(address), address)  # noqa: SLF001
            self.beacon_socks[address] = (self.interfaces[0], transport)

    async def _subscription_queue_send(self, sub_spec: Any, sub: Any, metadata: Any, values: Any, flags: int) -> None:
        circuit = sub.circuit
        if not circuit.connected or not circuit.may_read(sub.db_entry):
            return
        values = self._filtered(sub_spec, sub, values, flags)
        if values is None:
            return
        circuit.alive.setdefault(sub.subscriptionid, sub)
        command = sub.channel.subscribe(
            data=values,
            metadata=metadata,
            data_type=sub.data_type,
            data_count=sub.db_entry.calculate_length(values),
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
