"""The exposure ledger keeps what became of every exposure id."""

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
