from pathlib import Path

import pytest

from session.epoch import epoch_after, last_moment
from slitless.identifiers import ExposureName
from slitless.instrument_time import InstrumentClock, tai_minus_utc
from slitless.ledger import Ledger

NOW = 1.8e9  # UTC unix s
LATER = NOW + 1200.0  # the end of a night at speed 20, a minute after it began


def after_a_night(root: Path) -> Path:
    name = ExposureName.parse("AT_O_20270115_000001")
    ledger = Ledger(root / "register")
    ledger.reserved(name, NOW + tai_minus_utc(NOW))
    ledger.written(name, LATER + tai_minus_utc(LATER), "20270115/frame.fits")
    return root


def test_an_empty_folder_begins_now(tmp_path: Path):
    assert epoch_after(tmp_path, 20.0, NOW) == NOW


def test_a_folder_of_earlier_nights_begins_now(tmp_path: Path):
    assert epoch_after(after_a_night(tmp_path), 20.0, LATER + 60.0) == LATER + 60.0


@pytest.mark.parametrize("speed", [0.5, 20.0, 1000.0])
def test_instrument_time_of_a_second_night_goes_on_from_the_first(tmp_path: Path, speed: float):
    root = after_a_night(tmp_path)
    assert last_moment(root) == pytest.approx(LATER, abs=0.001)
    clock = InstrumentClock(lambda: NOW, speed, epoch_after(root, speed, NOW))
    began = clock.now() - tai_minus_utc(NOW)
    assert LATER < began < LATER + 2.0, "s, UTC"


def test_true_time_before_recorded_moments_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert epoch_after(after_a_night(tmp_path), 1.0, NOW) == NOW
    assert "1201 s before" in capsys.readouterr().out
