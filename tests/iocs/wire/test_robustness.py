"""The server under clients that break the protocol, flood it, hang or vanish: none disturbs others or fills memory.

What the stock server of caproto 1.3 does not bear is expected to fail there.
"""

from __future__ import annotations

import socket
import struct
import time
from contextlib import closing

import caproto as ca
import pytest

on_both = pytest.mark.parametrize(
    "server",
    ["mended", pytest.param("stock", marks=pytest.mark.xfail(reason="caproto 1.3", strict=True))],
    indirect=True,
)
on_ours = pytest.mark.parametrize("server", ["mended"], indirect=True)
on_impatient = pytest.mark.parametrize("server", ["impatient"], indirect=True)

TCP_REPAIR = 19  # linux/tcp.h; a socket closed in repair mode says nothing to its other end


@on_both
def test_readers_that_block_and_vanish_leave_no_memory_behind(client, server):
    control = client()
    burst = control.channel("burst")
    control.put(burst, 1)
    before = server.megabytes()
    for _ in range(4):
        stuck = [client(receive_buffer=4096) for _ in range(3)]
        for reader in stuck:
            reader.subscribe(reader.channel("image"))
        control.put(burst, 8)
        for reader in stuck:
            reader.vanish()
    control.put(burst, 1)
    deadline = time.monotonic() + 3  # memory comes back when the kernel has told of the lost connections
    while server.megabytes() - before > 150 and time.monotonic() < deadline:
        control.get(burst)
    assert server.megabytes() - before < 150


@on_both
def test_a_message_that_claims_gigabytes_ends_the_circuit(client, server):
    raw = client()
    double = raw.channel("double")
    before = server.megabytes()
    header = struct.pack(">HHHHIIII", 4, 0xFFFF, 6, 0, double.sid, 1, 3_000_000_000, 375_000_000)
    raw.socket.sendall(header)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        raw.socket.sendall(bytes(40_000_000))
    assert server.megabytes() - before < 20


@on_both
def test_an_unknown_channel_id_ends_the_circuit(client):
    raw = client()
    double = raw.channel("double")
    command = double.read()
    command.header.parameter1 = 4711
    raw.socket.sendall(b"".join([bytes(command.header)]))
    assert raw.is_closed()


@on_ours
def test_a_slow_reader_of_an_array_gets_the_newest(client):
    raw, control = client(receive_buffer=4096), client()
    raw.subscribe(raw.channel("image"))
    control.put(control.channel("burst"), 20)
    frames = sum(isinstance(command, ca.EventAddResponse) for command in raw.everything(0.5))
    assert 1 <= frames < 21


@on_ours
def test_random_bytes_end_their_own_circuit_only(client, server):
    for i in range(20):
        with closing(socket.create_connection(("127.0.0.1", server.port))) as garbage:
            garbage.sendall(bytes((i * 37 + j * 101) % 256 for j in range(500)))
    raw = client()
    assert raw.get(raw.channel("double")).status.name == "ECA_NORMAL"


@on_ours
def test_searches_are_answered_after_any_nonsense(server):
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        for i in range(300):
            nonsense = bytes((i * 37 + j * 101) % 256 for j in range(i % 90))
            udp.sendto(nonsense, ("127.0.0.1", server.port))
            udp.sendto(struct.pack(">HHHHII", 6, 0xFFFF, i, 0, 1, 2) + nonsense, ("127.0.0.1", server.port))
        version, search = ca.VersionRequest(version=13, priority=0), ca.SearchRequest("double", 77, 13, ca.NO_REPLY)
        assert _answer(udp, bytes(version) + bytes(search), ("127.0.0.1", server.port))[16:18] == b"\0\6"


def _answer(udp, search: bytes, address: tuple[str, int]) -> bytes:
    """The answer to a search, which as every datagram may be lost and is then sent again."""
    udp.settimeout(0.3)
    for _ in range(10):
        udp.sendto(search, address)
        try:
            return udp.recv(1000)
        except TimeoutError:
            continue
    raise AssertionError("no answer")


def _header(command: int, size: int, data_type: int, count: int, sid: int, ioid: int = 1) -> bytes:
    """The header of a large message."""
    return struct.pack(">HHHHIIII", command, 0xFFFF, data_type, 0, sid, ioid, size, count)


def _until(fulfilled, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not fulfilled():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)  # the other process announces nothing
    return True


@on_both
def test_a_message_may_fill_its_pv_and_no_more(client, server):
    raw = client()
    double = raw.channel("double")  # of one element, beside an image of 4 MB
    raw.socket.sendall(_header(19, 3_000_000, 6, 375_000, double.sid))
    assert raw.is_closed()


@on_ours
def test_an_image_may_be_filled(client):
    raw = client()
    image = raw.channel("image")
    raw.put(image, *range(1_000_000))
    assert raw.get(image).data[-1] == 999_999


def test_messages_are_bounded_as_epics_is_told(wire_server, port_keeper, monkeypatch):
    monkeypatch.setenv("EPICS_CA_AUTO_ARRAY_BYTES", "NO")
    monkeypatch.setenv("EPICS_CA_MAX_ARRAY_BYTES", "100000")
    from iocs.wire.sockets import allowed_payload

    assert allowed_payload() == 100_000
    monkeypatch.setenv("EPICS_CA_AUTO_ARRAY_BYTES", "YES")
    assert allowed_payload() == float("inf")


@on_ours
def test_an_unknown_command_ends_its_own_circuit_only(client):
    raw, other = client(), client()
    raw.socket.sendall(struct.pack(">HHHHII", 77, 0, 0, 0, 0, 0))
    assert raw.is_closed()
    assert other.still_works()


@on_ours
@pytest.mark.parametrize("command", [4, 15, 19])
def test_a_data_type_that_does_not_exist_disturbs_nobody(client, command):
    raw, other = client(), client()
    double = raw.channel("double")
    raw.socket.sendall(struct.pack(">HHHHII", command, 8, 99, 1, double.sid, 5) + bytes(8))
    with pytest.raises((AssertionError, OSError)):  # closed, or an error reply; the value is never taken
        raw.expect((ca.WriteNotifyResponse, ca.ReadNotifyResponse), 0.5)
    assert other.still_works()


@on_ours
def test_text_that_is_no_number_is_refused(client):
    raw = client()
    double = raw.channel("double")
    before = raw.get(double).data[0]
    raw.send(double.write([b"bogus"], data_type=ca.ChannelType.STRING, notify=True))
    assert raw.expect(ca.WriteNotifyResponse).status.name == "ECA_PUTFAIL"
    assert raw.get(double).data[0] == before


@on_both
def test_more_elements_than_a_pv_holds_are_refused(client):
    raw = client()
    array = raw.channel("array")
    raw.put(array, 1, 2, 3)
    raw.send(array.write(list(range(50)), notify=True))
    assert raw.expect(ca.WriteNotifyResponse).status.name == "ECA_PUTFAIL"
    assert list(raw.get(array).data) == [1, 2, 3]


@on_both
@pytest.mark.parametrize("value", [40_000.0, 3e9, -3e9])
def test_a_number_too_big_for_its_pv_is_refused_never_wrapped(client, value):
    raw = client()
    name = "short" if value == 40_000 else "long"
    channel = raw.channel(name)
    raw.send(channel.write([value], data_type=ca.ChannelType.DOUBLE, notify=True))
    assert raw.expect(ca.WriteNotifyResponse).status.name == "ECA_PUTFAIL"
    assert raw.get(channel).data[0] == 7


@on_ours
def test_the_largest_uint16_survives(client):
    raw = client()
    pixels = raw.channel("pixels")
    raw.put(pixels, 0, 40_000, 65_535)
    assert list(raw.get(pixels).data) == [0, 40_000, 65_535]


@on_ours
def test_a_name_with_braces_is_a_name_like_any_other(client):
    raw = client()
    assert raw.get(raw.channel("XF:31IDA-OP{Tbl-Ax:X1}Mtr")).data[0] == 7
    assert raw.get(raw.channel("XF:31IDA-OP{Tbl-Ax:X1}Mtr.RTYP")).data[0] == b"longout"


@on_both
def test_a_circuit_may_name_its_priority_again(client):
    """As the circuit does that libca opens to a name server and then uses for channels too."""
    raw = client()
    raw.socket.sendall(bytes(ca.VersionRequest(version=13, priority=1)))
    assert raw.still_works()


@on_ours
def test_a_search_over_tcp_is_answered(client, server):
    raw = client()
    raw.socket.sendall(bytes(ca.SearchRequest("double", 77, 13, ca.DO_REPLY)))
    raw.socket.settimeout(2)
    reply = raw.socket.recv(100)
    assert struct.unpack_from(">HHHH", reply) == (6, 8, server.port, 0)


@on_both
def test_the_answer_to_a_search_bears_the_number_of_its_datagram(server):
    """By it libca knows that the server keeps up, and asks for more names at a time."""
    version = struct.pack(">HHHHII", 0, 0, 1, 13, 4711, 0)
    search = bytes(ca.SearchRequest("double", 77, 13, ca.NO_REPLY))
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        assert _answer(udp, version + search, ("127.0.0.1", server.port))[:16] == version


@on_ours
def test_a_flood_of_searches_leaves_puts_quick_and_is_over_when_it_ends(client, server):
    raw = client()
    double = raw.channel("double")
    delays = []
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        version = bytes(ca.VersionRequest(version=13, priority=0))
        search = b""
        for i in range(20_000):
            if i % 100 == 0:
                search = bytes(ca.SearchRequest(f"nothing{i}", i, 13, ca.NO_REPLY))
            udp.sendto(version + search, ("127.0.0.1", server.port))
            if i % 1000 == 0:
                begun = time.perf_counter()
                raw.put(double, float(i))
                delays.append(time.perf_counter() - begun)
        assert max(delays) < 1
        assert _answer(
            udp, version + bytes(ca.SearchRequest("double", 77, 13, ca.NO_REPLY)), ("127.0.0.1", server.port)
        )


@on_ours
def test_clients_that_are_reset_in_the_middle_of_a_large_read_leave_no_memory_behind(client, server):
    control = client()
    control.put(control.channel("burst"), 1)
    before = server.megabytes()
    for _ in range(20):
        reader = client(receive_buffer=4096)
        image = reader.channel("image")
        reader.send(image.read(), image.read(), image.read())
        reader.vanish()
    assert control.still_works()
    assert _until(lambda: server.megabytes() - before < 40), server.megabytes() - before


@on_both
def test_clients_that_never_read_hold_one_image_each(client, server):
    control = client()
    burst = control.channel("burst")
    control.put(burst, 1)
    before = server.megabytes()
    stuck = [client(receive_buffer=4096) for _ in range(3)]
    for reader in stuck:
        reader.subscribe(reader.channel("image"))
    control.put(burst, 20)  # 80 MB to each
    assert server.megabytes() - before < 3 * 16


@on_both
def test_puts_whose_replies_are_never_read_do_not_pile_up(client, server):
    control, flooder = client(), client(receive_buffer=4096)
    before = server.megabytes()
    double = flooder.channel("double")
    puts = b"".join(flooder.circuit.send(*(double.write([1.0], notify=True) for _ in range(2000))))
    flooder.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):  # at some point it is not listened to
        flooder.socket.sendall(puts * 200)
    assert server.megabytes() - before < 20
    assert control.still_works()


@on_impatient
def test_a_client_that_is_stopped_is_let_go(client, server):
    control, stopped = client(), client(receive_buffer=4096)
    stopped.subscribe(stopped.channel("image"))
    control.put(control.channel("burst"), 3)
    assert server.circuits() == 2
    assert _until(lambda: server.circuits() == 1)
    assert control.still_works()


@on_impatient
def test_a_client_that_is_gone_without_a_word_is_let_go(client, server):
    gone, control = client(), client()
    try:
        gone.socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except OSError:
        pytest.skip("only the superuser can make a connection vanish")
    gone.socket.close()
    assert server.circuits() == 2
    assert _until(lambda: server.circuits() == 1)
    assert control.still_works()


@on_impatient
def test_a_connection_that_says_nothing_is_let_go_a_quiet_client_stays(client, server):
    quiet = client()
    with closing(socket.create_connection(("127.0.0.1", server.port))) as silent:
        silent.settimeout(5)
        assert silent.recv(1) == b""
    assert quiet.still_works()


@on_impatient
def test_many_idle_connections_do_not_keep_a_client_out(client, server):
    idle = [client() for _ in range(30)]  # ten more than the server holds
    late = client()
    assert late.still_works()
    assert server.circuits() <= 20
    assert sum(raw.is_closed(0.05) for raw in idle) >= 11
