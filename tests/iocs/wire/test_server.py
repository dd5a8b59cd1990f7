"""The server: every defect of caproto 1.3 that is mended, shown on its server and absent from ours.

The stock server is expected to fail each claim; the day it does not, the mending can go.
"""

from __future__ import annotations

import socket
import statistics
import time
from contextlib import closing

import caproto as ca
import pytest
from caproto import ChannelType

on_both = pytest.mark.parametrize(
    "server",
    ["mended", pytest.param("stock", marks=pytest.mark.xfail(reason="caproto 1.3", strict=True))],
    indirect=True,
)
on_ours = pytest.mark.parametrize("server", ["mended"], indirect=True)


@on_both
def test_a_monitor_follows_its_put_within_milliseconds(client):
    raw = client()
    doubling, echo = raw.channel("doubling"), raw.channel("echo")
    raw.subscribe(echo)
    raw.expect(ca.EventAddResponse)
    delays = []
    for i in range(40):
        begun = time.perf_counter()
        raw.send(doubling.write([float(i + 1)], notify=True))
        raw.expect(ca.EventAddResponse)
        delays.append(time.perf_counter() - begun)
        raw.heard.clear()
    assert statistics.median(delays) < 0.005


@on_both
def test_the_reply_to_a_put_comes_after_the_monitors_it_caused(client):
    raw = client()
    doubling, echo = raw.channel("doubling"), raw.channel("echo")
    raw.subscribe(echo)
    raw.expect(ca.EventAddResponse)
    for i in range(50):
        raw.send(doubling.write([float(i + 1)], notify=True))
        first = raw.next()
        assert isinstance(first, ca.EventAddResponse)
        assert first.data[0] == 2 * (i + 1)
        assert isinstance(raw.next(), ca.WriteNotifyResponse)


@on_both
def test_a_state_that_does_not_exist_is_refused_and_the_pv_stays_readable(client):
    raw = client()
    enum = raw.channel("enum")
    raw.send(enum.write([9], notify=True))
    assert raw.expect(ca.WriteNotifyResponse).status.name == "ECA_PUTFAIL"
    assert raw.get(enum).data[0] == 0
    assert raw.get(enum, ChannelType.STRING).data[0] == b"red"
    assert raw.get(enum, ChannelType.CTRL_ENUM).metadata.severity == 0


@on_both
def test_a_monitor_obeys_access_rights(client):
    raw = client()
    raw.subscribe(raw.channel("secret"))
    assert raw.expect((ca.ErrorResponse, ca.EventAddResponse)).ID == ca.ErrorResponse.ID


@on_ours
def test_a_change_of_rights_is_told_and_holds_for_monitors_too(client):
    raw, control = client(), client()
    guarded, gate, writer = raw.channel("guarded"), control.channel("gate"), control.channel("writer")
    raw.subscribe(guarded)
    raw.expect(ca.EventAddResponse)
    control.put(gate, 0)
    assert raw.expect(ca.AccessRightsResponse).access_rights == ca.AccessRights.NO_ACCESS
    control.put(writer, 1.5)
    control.put(gate, 1)
    assert raw.expect(ca.AccessRightsResponse).access_rights == ca.AccessRights.READ
    control.put(writer, 2.5)
    assert raw.expect(ca.EventAddResponse).data[0] == 2.5  # not the 1.5 it had no right to


@on_ours
def test_a_reply_waits_for_its_monitors_while_the_client_has_turned_events_off(client):
    raw = client()
    doubling, echo, double = raw.channel("doubling"), raw.channel("echo"), raw.channel("double")
    raw.subscribe(echo)
    raw.expect(ca.EventAddResponse)
    raw.send(ca.EventsOffRequest())
    raw.send(doubling.write([21.5], notify=True), double.read())
    assert isinstance(raw.next(), ca.ReadNotifyResponse)  # what has no monitors goes on
    raw.send(ca.EventsOnRequest())
    assert raw.next().data[0] == 43
    assert isinstance(raw.next(), ca.WriteNotifyResponse)


@on_ours
def test_updates_wait_while_the_client_has_turned_events_off_and_none_is_lost(client):
    raw, control = client(), client()
    raw.subscribe(raw.channel("echo"))
    raw.expect(ca.EventAddResponse)
    raw.send(ca.EventsOffRequest())
    raw.get(raw.channel("double"))  # so that the server has heard it
    control.put(control.channel("ramp"), 5)
    raw.send(ca.EventsOnRequest())
    assert [raw.expect(ca.EventAddResponse).data[0] for _ in range(5)] == [1, 2, 3, 4, 5]


@on_both
def test_a_refused_put_is_answered_with_a_status(client):
    raw = client()
    refusing = raw.channel("refusing")
    raw.send(refusing.write([2.0], notify=True))
    reply = raw.expect(ca.WriteNotifyResponse)
    assert reply.status.name == "ECA_PUTFAIL"


@on_both
def test_clearing_a_channel_ends_its_subscriptions_only(client):
    raw, other = client(), client()
    doomed, kept = raw.channel("echo"), raw.channel("double")
    for channel in (doomed, kept):
        raw.subscribe(channel)
        raw.expect(ca.EventAddResponse)
    raw.send(doomed.clear())
    raw.expect(ca.ClearChannelResponse)
    other.put(other.channel("doubling"), time.time() % 1000)
    other.put(other.channel("double"), 5.5)
    assert raw.expect(ca.EventAddResponse).data[0] == 5.5


@pytest.mark.parametrize("which", ["mended", pytest.param("stock", marks=pytest.mark.xfail(strict=True))])
def test_no_beacon_is_sent_unasked(which, port_keeper, wire_server):
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.3)
        server = wire_server(which, port_keeper.next(), listener.getsockname()[1])
        try:
            with pytest.raises(TimeoutError):
                listener.recv(100)
        finally:
            server.stop()


@on_ours
def test_a_burst_of_updates_arrives_whole_and_in_order(client):
    raw = client()
    ramp, echo = raw.channel("ramp"), raw.channel("echo")
    raw.subscribe(echo)
    raw.expect(ca.EventAddResponse)
    raw.send(ramp.write([10_000], notify=True))
    values = [raw.expect(ca.EventAddResponse, 10).data[0] for _ in range(10_000)]
    assert values == list(range(1, 10_001))


@on_ours
def test_a_long_put_does_not_delay_reads_of_the_same_client(client):
    raw = client()
    ramp, double = raw.channel("ramp"), raw.channel("double")
    raw.send(ramp.write([100_000], notify=True))
    raw.send(double.read())
    assert isinstance(raw.next(), ca.ReadNotifyResponse)


def test_a_port_that_is_taken_is_named(port_keeper):
    import asyncio

    from iocs.wire.server import Context, ServerError

    port = port_keeper.next()

    async def serve_twice():
        first, second = Context({}, ["127.0.0.1"], port=port), Context({}, ["127.0.0.1"], port=port)
        await first.start()
        try:
            with pytest.raises(ServerError, match=f"port {port} on 127.0.0.1"):
                await second.start()
        finally:
            await first.stop_serving()

    asyncio.run(serve_twice())


def test_a_note_of_clients_that_cannot_be_read_is_as_good_as_none(tmp_path):
    from iocs.wire.returning import ReturningClients

    for text in ("", "[", '{"host": 1}', '[{"host": "h"}]', '[{"host": "h", "port": 1, "channels": {"x": "y"}}]'):
        (tmp_path / "clients.json").write_text(text)
        assert ReturningClients(tmp_path / "clients.json").earlier == {}


def test_who_searched_is_noted_while_connected(tmp_path):
    from iocs.wire.returning import ReturningClients

    noted = ReturningClients(tmp_path / "new" / "clients.json")
    noted.searched(("h", 7001), 1, "a")
    noted.searched(("h", 7002), 1, "b")  # another client of the host, which numbers its channels likewise
    noted.connected("one", "h", 1, "a")
    noted.connected("two", "h", 1, "b")
    noted.connected("three", "h", 9, "c")  # never searched here: it says by no datagram where it is
    noted.gone("one")
    noted.save()
    assert ReturningClients(tmp_path / "new" / "clients.json").earlier == {("h", 7002): {1: "b"}}
