"""IOCs as programs: they start, answer, and end as asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from iocs.wire.peers import Peers


@pytest.fixture
async def watching(ca_ports):
    peers = Peers([("127.0.0.1", port) for port in ca_ports[:3]])
    await peers.start()
    yield peers
    await peers.stop()


async def test_an_ioc_ends_at_sigterm_with_status_zero_and_is_found_again_after_a_kill(start_ioc, watching):
    ioc = start_ioc("iocs.filter_wheel", "--no-interlock", "--enable", "--speed", "50")
    state = watching.watch(f"{ioc.prefix}IOC:SummaryState")
    await state.until(lambda value: value == "Enabled", 10)
    ioc.kill()
    await _until_lost(state)
    again = start_ioc("iocs.filter_wheel", "--no-interlock", port=ioc.port)
    assert await state.until(lambda value: True, 5) == "Standby"
    assert again.stop() == 0
    assert "Traceback" not in again.output()


async def _until_lost(peer):
    if peer.connected:
        lost = asyncio.Event()
        peer.on_change(lambda changed: None if changed.connected else lost.set())
        await asyncio.wait_for(lost.wait(), 5)


def test_a_port_that_is_taken_ends_it_with_a_message(start_ioc):
    ioc = start_ioc("iocs.shutter", "--no-interlock")
    command = [sys.executable, "-m", "iocs.shutter", "--no-interlock", "--port", str(ioc.port)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert f"port {ioc.port} on 127.0.0.1" in second.stderr
    assert "Traceback" not in second.stderr


def test_an_instrument_that_is_not_there_ends_it_with_a_message():
    command = [sys.executable, "-m", "iocs.shutter", "--instrument", "nowhere"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert "'nowhere'" in ended.stderr
    assert "Traceback" not in ended.stderr
