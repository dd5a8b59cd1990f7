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
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import caproto as ca
from caproto.asyncio import server as stock
from caproto.asyncio.utils import _TransportWrapper
from caproto.server.common import DisconnectedCircuit

from iocs.wire.circuit import RECEIVE_BYTES, Circuit
from iocs.wire.client import Client
from iocs.wire.searches import SearchContext
from iocs.wire.sockets import allowed_payload, listen, tune
from iocs.wire.updates import elements_for

__all__ = ["Context", "ServerError"]

log = logging.getLogger(__name__)

MOST_CIRCUITS = 1000  # an observatory has tens of clients; more is a fault of one of them
PATIENCE = 60.0  # s with a client that does not read, or whose host does not answer
SPEAK_WITHIN = 10.0  # s after connecting; every client sends its version at once


class ServerError(RuntimeError):
    """The server cannot start; the message says which address and why."""


class _DirectQueue:
    """Stands for the Context's subscription queue: an update goes straight to the circuits it concerns."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def put(self, update: Any) -> None:
        await self._context._subscription_queue_iteration(*update)  # noqa: SLF001


class Context(SearchContext):
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
        super().__init__(pvdb, interfaces or ["127.0.0.1"], beacons=beacons, clients_file=clients_file)
        self.exact_port = port
        if port is not None:
            self.ca_server_port = port
        self.subscription_queue = _DirectQueue(self)  # type: ignore[assignment]
        self.gone_callbacks: list[Callable[[Client], None]] = []
        self.count_callbacks: list[Callable[[int], Awaitable[None]]] = []
        """Told how many circuits are open, when that changes; before the new one is served."""
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
            for sock in self.tcp_sockets.values():
                self._servers.append(await asyncio.start_server(self._accept, sock=sock, limit=RECEIVE_BYTES))
            await self.open_broadcasters()
        except OSError as error:
            await self.stop_serving()
            raise self._taken(error) from None
        self._loops = self.search_loops()

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

    async def _subscription_queue_send(self, sub_spec: Any, sub: Any, metadata: Any, values: Any, flags: int) -> None:
        circuit = sub.circuit
        if not circuit.connected or not circuit.may_read(sub.db_entry):
            return
        values = elements_for(sub, sub_spec, values, flags, self.last_dead_band)
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
