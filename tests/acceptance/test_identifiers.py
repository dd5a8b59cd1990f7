"""Exposure ids: consecutive within a day_obs, never used twice, whatever is restarted and when the day ends."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from plans import take_bias, take_darks
from slitless.errors import SlitlessError
from slitless.instrument_time import InstrumentClock

SPEED = 50.0


@pytest.fixture
def restart_at(observatory):
    """Travel in time; group ids are given by hand there, for those made from the time never go back.

    Restart the detector IOC so that its time reaches `moment` (UTC) after `wait` wall seconds.
    """

    def restart(moment, wait):
        reached = time.time() + wait
        epoch = (reached * SPEED - moment.timestamp()) / (SPEED - 1)
        clock = InstrumentClock(time.time, SPEED, epoch)
        observatory.restart("detector", clock)
        observatory.window(40)
        return clock

    return restart


def test_restarting_the_detector_ioc_goes_on_with_the_numbers_of_the_day(observatory):
    first = observatory.take(take_bias(2))
    observatory.restart("detector")
    observatory.window(40)
    second = observatory.take(take_bias(2))
    assert [*first, *second] == list(range(first[0], first[0] + 4))
    assert len(observatory.files) == 4


def test_a_sequence_that_runs_past_noon_keeps_its_day_and_the_next_starts_another_at_1(observatory, restart_at):
    noon = datetime(2031, 5, 17, 12, tzinfo=UTC)
    before_noon = (noon + timedelta(seconds=37) - timedelta(seconds=40)).timestamp()  # TAI unix s
    for wait in (12.0, 60.0):  # s of wall time; a busy host may need the second
        clock = restart_at(noon, wait)
        if clock.now() < before_noon:
            break
    observatory.until(lambda: clock.now() >= before_noon, "it is nearly noon", patience=90.0)
    ids = observatory.take(take_darks(40.0, 3, group_id="noon"))
    assert ids == [2031051600001, 2031051600002, 2031051600003]
    last = observatory.header(ids[-1])
    assert last["DATE-BEG"] > "2031-05-17T12:00:37"  # TAI: after noon UTC
    assert last["DAYOBS"] in (20310516, "20310516")
    assert {observatory.files[number].parent.name for number in ids} == {"20310516"}
    assert observatory.take(take_bias(2, group_id="afternoon")) == [2031051700001, 2031051700002]


def test_after_number_99999_the_day_is_refused_loudly(observatory, restart_at):
    restart_at(datetime(2031, 6, 1, 20, tzinfo=UTC), wait=0.0)
    assert observatory.take(take_bias(1, group_id="last")) == [2031060100001]
    (observatory.root / "register" / "20310601.last").write_text("99998\n")
    assert observatory.take(take_bias(1, group_id="last")) == [2031060199999]
    files = observatory.files
    for _ in range(2):
        with pytest.raises(SlitlessError, match=r"sequence number 100000 of 20310601 is above 99999"):
            observatory.take(take_bias(1, group_id="too many"))
        assert observatory.exit_status == "fail"
    assert observatory.files == files


def test_journal_ledger_and_files_agree_in_the_end(observatory):
    assert observatory.problems() == []
