import threading
from types import SimpleNamespace
from typing import Any

import ophyd
import pytest

from devices import CommandFailed, NotConnected, caproto_client, connect
from devices.command import Pulse


def test_a_wheel_is_usable_again_after_its_ioc_was_restarted(start_ioc, filter_ioc, filter_wheel):
    filter_wheel.set(2).wait(20)
    filter_ioc.kill()
    with pytest.raises(CommandFailed):
        filter_wheel.set(1).wait(20)
    start_ioc("iocs.filter_wheel", "--enable", "--no-interlock", "--speed", "50", port=filter_ioc.port)
    filter_wheel.wait_for_connection(timeout=30)
    filter_wheel.ioc.set_state("Enabled").wait(30)
    filter_wheel.set(1).wait(20)
    assert filter_wheel.read()["filter_slot"]["value"] == 1


@pytest.mark.skipif(ophyd.cl.name != "caproto", reason="a mend of caproto's client")
def test_a_connection_that_fails_once_is_tried_again(filter_ioc, make_device, monkeypatch):
    from caproto.threading.client import Context

    made, failures = Context.get_circuit_manager, [OSError("connection refused")]

    def get_circuit_manager(self, address, priority):
        if failures:
            raise failures.pop()
        return made(self, address, priority)

    monkeypatch.setattr(Context, "get_circuit_manager", get_circuit_manager)
    pulse = make_device(Pulse, f"{filter_ioc.prefix}IOC:", name="pulse")
    assert not failures
    assert pulse.speed.get() == 50


def test_what_does_not_answer_is_listed_with_where_it_was_looked_for(system_prefix):
    with pytest.raises(NotConnected, match=rf"{system_prefix}CAM:.*and \d+ more.*looked on 127\.0\.0\.1"):
        connect(system_prefix, timeout=0.2)


def test_searching_goes_on_after_a_search_that_could_not_be_sent(monkeypatch):
    tries: list[Any] = []
    broadcaster: Any = SimpleNamespace(_close_event=threading.Event())

    def send(self):
        tries.append(self)
        if len(tries) == 1:
            raise OSError("network is unreachable")
        self._close_event.set()

    monkeypatch.setattr(caproto_client, "_send_searches", send)
    monkeypatch.setattr(caproto_client, "PAUSE", 0.01)
    caproto_client._keep_sending(broadcaster)
    assert tries == [broadcaster] * 2
