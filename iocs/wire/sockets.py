"""Sockets of the server: bound where asked, quick, and quick to tell that a client is gone."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Sequence

import caproto as ca

__all__ = ["allowed_payload", "beacon_socket", "listen", "tune"]

PROBES = 3  # unanswered ones that end a quiet connection
SMALLEST_LIMIT = 16384  # bytes; EPICS_CA_MAX_ARRAY_BYTES counts for no less


def listen(interfaces: Sequence[str], port: int) -> tuple[dict[str, socket.socket], int]:
    """Bind one TCP port on every interface; port 0 is one the kernel chooses.

    Returns
    -------
    dict, int
        Socket by interface, and the port.

    Raises
    ------
    OSError
        If the port is taken on one of them; none is bound then.
    """
    sockets: dict[str, socket.socket] = {}
    try:
        for interface in interfaces:
            sock = sockets[interface] = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((interface, port))
            port = sock.getsockname()[1]  # the kernel's choice on the first holds for the rest
    except OSError:
        for sock in sockets.values():
            sock.close()
        raise
    return sockets, port


def tune(sock: socket.socket, patience: float) -> None:
    """Let nothing wait in the socket, and the kernel end it after `patience` s without a sign of the client's reading.

    A host that is gone answers no probe; a client that is stopped answers them, but takes no data: both count.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    period = max(1, round(patience / (PROBES + 1)))
    for option, value in (
        ("TCP_KEEPIDLE", period),
        ("TCP_KEEPINTVL", period),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", round(1000 * patience)),
    ):
        if hasattr(socket, option):  # Linux has them all, other systems some
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def beacon_socket(address: tuple[str, int]) -> socket.socket:
    """Return a socket that sends beacons to an address."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.connect(address)
    return sock


def allowed_payload() -> float:
    """Bytes a message may have at most, whatever its PV: EPICS_CA_MAX_ARRAY_BYTES, unless clients may exceed it."""
    if os.environ.get("EPICS_CA_AUTO_ARRAY_BYTES", "YES").upper() == "NO":
        return max(float(ca.get_environment_variables()["EPICS_CA_MAX_ARRAY_BYTES"]), SMALLEST_LIMIT)
    return math.inf
