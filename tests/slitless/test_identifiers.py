"""Exposures are named as on the Auxiliary Telescope, and no name is ever used twice."""

import multiprocessing
import os
import re
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slitless.definition import load_instrument
from slitless.identifiers import (
    LAST_SEQ_NUM,
    ExposureName,
    GroupIds,
    IdentifiersExhausted,
    SequenceRegister,
    day_obs_at,
)
from slitless.instrument_time import isot, tai_minus_utc

DAY = 20240624


def tai(text: str) -> float:
    """Return TAI unix s of a UTC time."""
    utc = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    return utc + tai_minus_utc(utc)


@pytest.mark.parametrize(
    ("utc", "day"),
    [
        ("2022-08-22T11:59:59.9", 20220821),
        ("2022-08-22T12:00:00", 20220822),
        ("2022-08-22T11:00:00", 20220821),
        ("2022-08-22T23:59:59.999", 20220822),
        ("2022-08-23T00:00:00", 20220822),
        ("2024-01-01T11:59:59.9", 20231231),
        ("2024-03-01T00:00:00", 20240229),
        ("2017-01-01T11:59:59.9", 20161231),
    ],
)
def test_the_day_of_observation_rolls_over_at_noon_utc(utc, day):
    assert day_obs_at(tai(utc)) == day


def test_the_names_of_an_exposure():
    name = ExposureName("AT", "O", DAY, 106)
    assert name.obs_id == "AT_O_20240624_000106"
    assert name.exposure_id == 2024062400106
    assert name.file_name(load_instrument().identifiers) == "AT_O_20240624_000106_R00_S00.fits"


@given(st.integers(20000101, 20991231), st.integers(1, LAST_SEQ_NUM))
def test_a_name_is_read_back(day, seq_num):
    name = ExposureName("AT", "O", day, seq_num)
    assert ExposureName.parse(name.obs_id) == name


@pytest.mark.parametrize(
    "text", ["", "AT_O_20240624_106", "at_O_20240624_000106", "AT_O_20240624_000106.fits", "AT_O_20240624_000106\n"]
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ValueError, match="obs_id"):
        ExposureName.parse(text)


def test_sequence_numbers_are_consecutive_and_restart_each_day(tmp_path):
    register = SequenceRegister(tmp_path / "register")
    assert [register.spend(DAY) for _ in range(3)] == [1, 2, 3]
    assert register.spend(DAY + 1) == 1
    assert register.last(DAY) == 3
    assert register.last(20300101) == 0


def test_a_restart_goes_on_where_it_was(tmp_path):
    SequenceRegister(tmp_path).spend(DAY)
    assert SequenceRegister(tmp_path).spend(DAY) == 2


def test_the_number_after_99999_is_refused_loudly_every_time(tmp_path):
    register = SequenceRegister(tmp_path)
    (tmp_path / f"{DAY}.last").write_text("99998\n")
    assert register.spend(DAY) == LAST_SEQ_NUM
    for _ in range(2):
        with pytest.raises(IdentifiersExhausted, match="100000 of 20240624"):
            register.spend(DAY)
    assert register.last(DAY) == LAST_SEQ_NUM


@pytest.mark.parametrize("damage", ["", "12", "abc\n", "12\n13\n", "-1\n", "\0\0\0\0", "١٢\n"])
def test_a_damaged_register_is_refused_rather_than_guessed(tmp_path, damage):
    path = tmp_path / f"{DAY}.last"
    path.write_text(damage, encoding="utf-8")
    register = SequenceRegister(tmp_path)
    for use in (register.last, register.spend):
        with pytest.raises(IdentifiersExhausted, match=path.name):
            use(DAY)
    assert path.read_text(encoding="utf-8") == damage


def test_a_number_is_on_disk_before_it_is_given_out(tmp_path, monkeypatch):
    fsync, synced = os.fsync, []
    monkeypatch.setattr(os, "fsync", lambda file: (fsync(file), synced.append(os.readlink(f"/proc/self/fd/{file}"))))
    SequenceRegister(tmp_path).spend(DAY)
    assert synced == [str(tmp_path / f"{DAY}.partial"), str(tmp_path)]


@pytest.mark.parametrize("stage", ["write", "fsync", "replace"])
def test_a_failure_before_the_number_is_safe_gives_no_number(tmp_path, monkeypatch, stage):
    register = SequenceRegister(tmp_path)
    register.spend(DAY)

    def fail(*_):
        raise OSError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(SequenceRegister if stage == "write" else os, "_write" if stage == "write" else stage, fail)
        with pytest.raises(OSError, match="no space"):
            register.spend(DAY)
    assert register.spend(DAY) == 2


def spend_until_killed(folder: Path, pipe) -> None:
    register = SequenceRegister(folder)
    while True:
        pipe.send(register.spend(DAY))


def test_no_number_comes_twice_whatever_is_killed(tmp_path):
    context = multiprocessing.get_context("fork")
    given_out: list[int] = []
    for _ in range(4):
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=spend_until_killed, args=(tmp_path, theirs))
        process.start()
        theirs.close()
        given_out += [mine.recv() for _ in range(5)]
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        try:
            while True:
                given_out.append(mine.recv())
        except EOFError:
            mine.close()
    assert len(set(given_out)) == len(given_out)
    assert SequenceRegister(tmp_path).spend(DAY) > max(given_out)


def test_two_at_once_never_get_the_same_number(tmp_path):
    numbers: list[int] = []

    def spend() -> None:
        register = SequenceRegister(tmp_path)
        numbers.extend(register.spend(DAY) for _ in range(10))

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 41))


def test_a_group_id_is_tai_with_milliseconds():
    text = GroupIds().next(1_719_278_791.8954)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", text)
    assert text == isot(1_719_278_791.895)


def test_no_two_group_ids_are_alike_even_within_a_millisecond_or_when_time_goes_back():
    ids = GroupIds()
    given_out = [ids.next(1000.0 + offset) for offset in (0.0, 0.0001, 0.0002, 0.001, -5.0, 0.004, 0.005)]
    assert len(set(given_out)) == len(given_out)
    assert given_out == sorted(given_out)
    assert given_out[0] == isot(1000.0)
