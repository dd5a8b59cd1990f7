"""The exposure ledger keeps what became of every exposure id."""

import os

import pytest

from slitless.identifiers import ExposureName
from slitless.ledger import Ledger

NAME = ExposureName("AT", "O", 20240624, 106)
NEXT = ExposureName("AT", "O", 20240624, 107)
NOW = 1_719_230_000.0


def test_an_exposure_without_an_end_is_unfinished(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.reserved(NAME, NOW, image_type="BIAS")
    ledger.reserved(NEXT, NOW + 1, image_type="BIAS")
    ledger.written(NAME, NOW + 2, "20240624/x.fits")
    assert ledger.unfinished() == [NEXT]


def test_each_end_closes_an_exposure_and_keeps_its_reason(tmp_path):
    ledger = Ledger(tmp_path)
    for event in (ledger.failed, ledger.aborted):
        ledger.reserved(NAME, NOW)
        event(NAME, NOW + 1, 'the shutter said "no"\nand ü')
        assert ledger.unfinished() == []
        assert ledger.last_event(20240624)[NAME.obs_id].facts["reason"] == 'the shutter said "no"\nand ü'


def test_a_torn_last_line_costs_only_itself(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.reserved(NAME, NOW)
    with open(tmp_path / "20240624.jsonl", "a", encoding="utf-8") as file:
        file.write('{"event": "writ')
    ledger.written(NAME, NOW + 1, "20240624/x.fits")
    assert [entry.event for entry in ledger.entries(20240624)] == ["reserved", "written"]


def test_the_facts_of_a_reservation_are_kept(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.reserved(NAME, NOW, image_type="DARK", exposure_time=1.5)
    facts = ledger.last_event(20240624)[NAME.obs_id].facts
    assert (facts["exposure_id"], facts["image_type"], facts["exposure_time"]) == (2024062400106, "DARK", 1.5)


def test_a_day_that_nothing_happened_on_is_empty(tmp_path):
    ledger = Ledger(tmp_path / "register")
    assert ledger.last_event(20240624) == {}
    assert ledger.unfinished() == []


@pytest.mark.parametrize(
    "text", ["line\u2028separator", "next\x85line", "form\x0cfeed", "lone \udc80 surrogate", '{"a": 1}\n']
)
def test_a_text_of_any_characters_stays_one_line(tmp_path, text):
    ledger = Ledger(tmp_path)
    ledger.failed(NAME, NOW, text)
    (entry,) = ledger.entries(20240624)
    assert entry.facts["reason"] == text


@pytest.mark.parametrize("line", ["[]", "12", '"text"', "{}", "null", "\x00\x00", '{"event": "written"}'])
def test_a_line_that_is_no_event_is_left_out(tmp_path, line):
    ledger = Ledger(tmp_path)
    ledger.reserved(NAME, NOW)
    with open(tmp_path / "20240624.jsonl", "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    assert ledger.unfinished() == [NAME]


def test_a_line_is_on_disk_before_the_call_returns(tmp_path, monkeypatch):
    fsync, synced = os.fsync, []
    monkeypatch.setattr(os, "fsync", lambda file: (fsync(file), synced.append(os.readlink(f"/proc/self/fd/{file}"))))
    ledger = Ledger(tmp_path)
    ledger.reserved(NAME, NOW)
    ledger.written(NAME, NOW, "x.fits")
    path = str(tmp_path / "20240624.jsonl")
    assert synced == [path, str(tmp_path), path]
