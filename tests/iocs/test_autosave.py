"""Settings that survive a restart: in time, before anybody reads, moving nothing; and what a bad file does."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from iocs.autosave.settings_file import SettingsFile
from iocs.ioc import Ioc, IocSetup, TemplateUse, on_put
from iocs.launch import serve
from slitless.definition import load_instrument
from slitless.instrument_time import InstrumentClock

RECORDS = """
record(ao, "$(P)Level") {
    field(VAL, "5") field(EGU, "mm") field(DRVL, "0") field(DRVH, "10")
    field(HIGH, "9") field(HSV, "MINOR") info(autosaveFields, "VAL HIGH HSV DESC")
}
record(ai, "$(P)Level_RBV") { field(VAL, "5") }
record(mbbo, "$(P)Mode") {
    field(ZRST, "Slow") field(ONST, "Fast") field(VAL, "0") info(autosaveFields, "VAL")
}
record(waveform, "$(P)Note") { field(FTVL, "CHAR") field(NELM, "100") info(autosaveFields, "VAL") }
record(waveform, "$(P)Table") { field(FTVL, "DOUBLE") field(NELM, "4") info(autosaveFields, "VAL") }
record(ao, "$(P)Other") { field(VAL, "1") }
"""


class Kept(Ioc):
    device = "KEPT"
    template = Path()
    puts: list[float]

    @classmethod
    def templates(cls, instrument):
        return [TemplateUse(str(cls.template), {})]

    def __init__(self, setup):
        self.puts = []
        super().__init__(setup)

    @on_put("Level")
    async def _put_level(self, value, client):
        self.puts.append(value)
        await self["Level_RBV"].write(value)


@pytest.fixture
def make(tmp_path, system_prefix):
    """Make the IOC as at a start, over the same folder."""
    Kept.template = tmp_path / "kept.template"
    Kept.template.write_text(RECORDS)

    def make(folder=tmp_path / "settings"):
        clock = InstrumentClock(time.time)
        return Kept(IocSetup(load_instrument(), f"{system_prefix}KEPT:", system_prefix, clock, autosave=folder))

    return make


@pytest.fixture
def file(tmp_path, system_prefix):
    return SettingsFile(tmp_path / "settings", f"{system_prefix}KEPT:")


def state(ioc):
    return ioc["IOC:AutosaveStatus_RBV"].value, ioc["IOC:AutosaveMessage_RBV"].value


async def test_what_was_set_is_there_when_the_ioc_is_made_and_no_behaviour_ran(make, ca_ports):
    ioc = make()
    async with serve([ioc], ["127.0.0.1"], ca_ports[0]):
        for name, value in (("Level", 7.25), ("Mode", "Fast"), ("Note", 'a "b"\nü'), ("Table", [1.5, 2]), ("Other", 3)):
            await ioc[name].write(value)
        await ioc["Level"].get_field("HIGH").set("6")
        await asyncio.sleep(0)
    again = make()
    assert (again["Level"].value, again["Level_RBV"].value, again.puts) == (7.25, 7.25, [])
    assert (again["Mode"].value, again["Note"].value, again["Table"].value.tolist()) == ("Fast", 'a "b"\nü', [1.5, 2])
    assert again["Level"].severity == 1, "the restored HIGH of 6 raises the alarm"
    assert again["Other"].value == 1, "not a setting"
    assert state(again)[0] == "Good"


async def test_a_change_is_on_disk_within_a_second(make, file, ca_ports, host_time):
    ioc = make()
    async with serve([ioc], ["127.0.0.1"], ca_ports[0]):
        begun = host_time()
        await ioc["Level"].write(8)
        while not file.path.exists():
            await asyncio.sleep(0.01)
        assert host_time() - begun < 1
        assert file.load()[0]["Level"]["VAL"] == 8


def test_what_fits_no_longer_is_left_out_and_named(make, file):
    file.save({"Level": {"VAL": 11.0, "HIGH": 3}, "Mode": {"VAL": "Turbo"}, "Gone": {"VAL": 1}, "Note": {"VAL": "x"}})
    ioc = make()
    status, message = state(ioc)
    assert status == "SomeSkipped"
    assert ioc["IOC:AutosaveStatus_RBV"].severity == 1
    assert "Level.VAL 11.0: 11 is outside [0, 10] mm" in message
    assert "Mode.VAL 'Turbo': 'Turbo' is not one of Slow, Fast" in message
    assert "Gone.VAL: no longer a setting" in message
    assert (ioc["Level"].value, ioc["Mode"].value, ioc["Note"].value) == (5, "Slow", "x")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[]", b'{"format": "other 9"}', b'{"format": "slitless settings 1", "prefix": "X:"}'],
)
def test_a_file_that_is_not_whole_is_set_aside_and_the_one_before_is_taken(make, file, content):
    file.save({"Level": {"VAL": 2.0}})
    file.save({"Level": {"VAL": 3.0}})
    file.path.write_bytes(content)
    ioc = make()
    assert ioc["Level"].value == 2.0
    status, message = state(ioc)
    assert status == "FileSetAside"
    assert ioc["IOC:AutosaveStatus_RBV"].severity == 2
    (aside,) = file.path.parent.glob("*.corrupt-*")
    assert aside.name in message
    assert aside.read_bytes() == content


def test_without_any_whole_file_the_ioc_starts_with_its_defaults(make, file):
    file.save({"Level": {"VAL": 2.0}})
    file.save({"Level": {"VAL": 3.0}})
    file.path.write_bytes(b"{")
    file.previous.write_bytes(json.dumps({"format": 0}).encode())
    ioc = make()
    assert ioc["Level"].value == 5
    assert state(ioc)[0] == "FileSetAside"
    assert len(list(file.path.parent.glob("*.corrupt-*"))) == 2


async def test_a_folder_that_cannot_be_written_raises_an_alarm_and_stops_nothing(make, tmp_path, ca_ports):
    (tmp_path / "taken").write_text("a file")
    ioc = make(tmp_path / "taken")
    async with serve([ioc], ["127.0.0.1"], ca_ports[0]):
        await ioc["Level"].write(8)
        async with asyncio.timeout(5):
            while state(ioc)[0] != "SaveFailed":
                await asyncio.sleep(0.02)
        assert ioc["IOC:AutosaveStatus_RBV"].severity == 2
        assert "taken" in state(ioc)[1]


def test_nothing_is_kept_without_a_folder(make):
    assert state(make(None)) == ("Off", "no folder for settings was given")


async def until(check, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.01)


async def test_a_killed_process_comes_back_with_its_settings_and_moves_nothing(
    start_ioc, peers, tmp_path, system_prefix
):
    arguments = ("iocs.telescope", "--enable", "--no-interlock", "--speed", "50", "--data-root", str(tmp_path))
    ioc = start_ioc(*arguments)
    file = SettingsFile(tmp_path / "autosave", ioc.prefix)
    for name, value in (("Target", "HD 1"), ("focus.VAL", 0.5), ("focus.OFF", 0.25), ("focus.DHLM", 0.9)):
        await peers.put(f"{ioc.prefix}{name}", value, 20)
    await until(lambda: file.path.exists() and file.load()[0].get("focus", {}).get("DHLM") == 0.9)
    first = file.path.stat().st_ino
    ioc.kill()
    again = start_ioc(*arguments, port=ioc.port)
    shown = {
        name: await peers.watch(f"{ioc.prefix}{name}").until(lambda value: value is not None, 20)
        for name in ("Target", "focus.OFF", "focus.DHLM", "focus.HLM", "IOC:AutosaveStatus_RBV", "focus.DMOV")
    }
    assert shown == {
        "Target": "HD 1", "focus.OFF": 0.25, "focus.DHLM": 0.9, "focus.HLM": 1.15, "IOC:AutosaveStatus_RBV": "Good",
        "focus.DMOV": 1,
    }  # fmt: skip
    await until(lambda: file.path.stat().st_ino != first)
    again.stop()
    file.path.write_bytes(b"\0" * 300)  # what a power cut leaves of a file that was not synced
    start_ioc(*arguments, port=ioc.port)
    status = peers.watch(f"{ioc.prefix}IOC:AutosaveStatus_RBV")
    await status.until(lambda value: value == "FileSetAside", 20)
    assert await peers.watch(f"{ioc.prefix}Target").until(lambda value: value is not None, 20) == "HD 1"
