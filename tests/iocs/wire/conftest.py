"""A server in a process of its own, caproto's or ours, and a circuit to it that may do anything."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import caproto as ca
import psutil
import pytest

HERE = Path(__file__).parent


class RawClient:
    """A Channel Access circuit in the hands of a test."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(2)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.circuit = ca.VirtualCircuit(ca.CLIENT, ("127.0.0.1", port), 0)
        self.heard: list = []
        self.send(ca.VersionRequest(version=13, priority=0), ca.HostNameRequest("h"), ca.ClientNameRequest("u"))
        self.expect(ca.VersionResponse)

    def still_works(self) -> bool:
        """Whether the server still answers this circuit."""
        return self.get(self.channel("double")).status.name == "ECA_NORMAL"

    def send(self, *commands) -> None:
        self.socket.sendall(b"".join(self.circuit.send(*commands)))

    def channel(self, name: str):
        channel = ca.ClientChannel(name, self.circuit)
        self.send(channel.create())
        self.expect(ca.CreateChanResponse)
        return channel

    def next(self, timeout: float = 2.0):
        """The next command, None at the end of the circuit; TimeoutError if nothing comes."""
        self.socket.settimeout(timeout)
        while not self.heard:
            commands, _ = self.circuit.recv(received := self.socket.recv(1 << 20))
            if not received:
                return None
            for command in commands:
                self.circuit.process_command(command)
                self.heard.append(command)
        return self.heard.pop(0)

    def expect(self, kind, timeout: float = 2.0):
        """The next command of a kind; AssertionError if the circuit ends or nothing comes."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            try:
                command = self.next(left)
            except TimeoutError:
                break
            assert command is not None, "the circuit was closed"
            if isinstance(command, kind):
                return command
        raise AssertionError(f"no {kind} within {timeout} s")

    def everything(self, quiet: float):
        """Commands until nothing came for `quiet` seconds."""
        try:
            while (command := self.next(quiet)) is not None:
                yield command
        except TimeoutError:
            return

    def subscribe(self, channel):
        command = channel.subscribe()
        self.send(command)
        return command

    def put(self, channel, *values, data_type=None):
        self.send(channel.write(values, data_type=data_type, notify=True))
        return self.expect(ca.WriteNotifyResponse)

    def get(self, channel, data_type=None):
        self.send(channel.read(data_type=data_type))
        return self.expect(ca.ReadNotifyResponse)

    def is_closed(self, timeout: float = 1.0) -> bool:
        try:
            while self.next(timeout) is not None:
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def vanish(self) -> None:
        """Go without a word, as a process that is killed with data unread."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Server:
    def __init__(self, which: str, port: int, beacon_port: int) -> None:
        self.port = port
        command = [sys.executable, str(HERE / "server_program.py"), which, str(port), str(beacon_port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline and self.process.poll() is None:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        self.process.kill()
        self.process.wait(5)
        raise AssertionError(f"the {which} server does not listen")

    def megabytes(self) -> float:
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def circuits(self) -> int:
        """TCP connections that are open at its end."""
        found = psutil.Process(self.process.pid).net_connections("tcp")
        return sum(c.laddr.port == self.port and c.status == psutil.CONN_ESTABLISHED for c in found)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


@pytest.fixture(scope="session")
def wire_server():
    """How to start a server by name: ``wire_server("mended", port, beacon_port)``."""
    return Server


@pytest.fixture(scope="module")
def servers(port_keeper):
    """Servers by name, each started when first asked for."""
    started: dict[str, Server] = {}

    def get(which: str) -> Server:
        if which not in started:
            started[which] = Server(which, port_keeper.next(), port_keeper.next())
        return started[which]

    yield get
    for server in started.values():
        server.stop()


@pytest.fixture
def server(servers, request):
    return servers(request.param)


@pytest.fixture
def client(server):
    clients: list[RawClient] = []

    def connect(**options) -> RawClient:
        clients.append(RawClient(server.port, **options))
        return clients[-1]

    yield connect
    for made in clients:
        made.socket.close()
