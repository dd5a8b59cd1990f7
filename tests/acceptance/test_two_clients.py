"""Two who want the same instrument: one has it, the other is told who, and no frame is spoilt."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plans import setup_instrument, take_bias, take_darks, take_object
from slitless.errors import SlitlessError

LONG = 100.0  # s; 2 s of wall time
PROGRAM = Path(__file__).with_name("observer_program.py")


@pytest.fixture
def other_observer(observatory):
    """Start another observer in a process of its own, with a RunEngine that runs one plan."""
    running = []

    def start(plan, tries=1, **arguments):
        command = [sys.executable, str(PROGRAM), observatory.prefix, str(observatory.root)]
        command += [plan, json.dumps(arguments), str(tries)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "connected"
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def integrates(observatory):
    return lambda: observatory.spectrograph.detector.cam.frame_state.get() == "Integrating"


@pytest.fixture
def light_falls(observatory):
    return lambda: observatory.spectrograph.shutter.state.get() == "Open"


def outcome_of(process):
    output, _ = process.communicate(timeout=60)
    return json.loads(output.splitlines()[-1])


def test_a_second_exposure_is_refused_naming_the_first(observatory, integrates):
    with observatory.meanwhile(integrates, lambda: observatory.put("CAM:cam1:Acquire", 1)) as second:
        (number,) = observatory.take(take_darks(LONG, 1))
    assert isinstance(second.error, SlitlessError)
    assert "was refused" in str(second.error)
    assert observatory.header(number)["EXPTIME"] == LONG
    assert observatory.expect_good_bias() == number + 1


def test_settings_of_a_running_exposure_cannot_be_changed(observatory, integrates):
    before = observatory.read("CAM:cam1:AcquireTime_RBV")

    def change():
        assert observatory.read("CAM:cam1:AcquireTime_RBV") == LONG
        observatory.put("CAM:cam1:AcquireTime", 3.0)

    with observatory.meanwhile(integrates, change) as changed:
        (number,) = observatory.take(take_darks(LONG, 1))
    assert isinstance(changed.error, SlitlessError)
    assert before != LONG
    assert observatory.header(number)["EXPTIME"] == LONG
    assert observatory.header(number)["DARKTIME"] >= LONG


@pytest.mark.parametrize(
    ("pv", "value", "group"),
    [("FILTER:Slot", 3, "FILTER:"), ("GRATING:Slot", 3, "GRATING:"), ("STAGE:m1", 12.0, "STAGE:m1:")],
)
def test_nothing_moves_while_light_falls(observatory, light_falls, pv, value, group):
    observatory.take(setup_instrument(filter=1, grating=1, linear_stage=30.0))
    reasons = []

    def move():
        try:
            observatory.put(pv, value)
        finally:
            reasons.append(observatory.read(f"{group}CommandError_RBV"))

    with observatory.watching() as seen, observatory.meanwhile(light_falls, move) as moved:
        (number,) = observatory.take(take_object(LONG))
    assert isinstance(moved.error, SlitlessError)
    assert f"{observatory.prefix}CAM:cam1:OpticsLocked_RBV" in reasons[0]
    assert {name for name, _ in seen} == {"shutter_state"}
    header = observatory.header(number)
    assert (header["FILTSLOT"], header["GRATSLOT"]) == (1, 1)
    assert header["LINSPOS"] == pytest.approx(30.0, abs=0.01)


def test_nothing_is_moved_by_others_in_a_sequence_even_between_its_frames(observatory, integrates):
    reasons = []

    def move():
        try:
            observatory.put("FILTER:Slot", 3)
        finally:
            reasons.append(observatory.read("FILTER:CommandError_RBV"))

    with observatory.meanwhile(integrates, move) as moved:
        observatory.take(take_darks(LONG, 1))
    assert isinstance(moved.error, SlitlessError)
    assert "is claimed by" in reasons[0]
    assert "take_darks 1 DARK" in reasons[0]


def test_no_light_is_exposed_while_a_wheel_moves(observatory):
    before, opened = observatory.last_id, observatory.read("SHUTTER:OpenCount_RBV")
    observatory.put("FILTER:SimFault", "Stuck")  # it moves for 30 s and never arrives
    caught = []

    def move():
        try:
            observatory.put("FILTER:Slot", 0)
        except SlitlessError as error:
            caught.append(error)

    wheel = observatory.spectrograph.filter
    with observatory.meanwhile(lambda: True, move):
        observatory.until(lambda: wheel.moving.get() == 1, "the wheel moves")
        with pytest.raises(SlitlessError, match=f"{observatory.prefix}FILTER:"):
            observatory.take(take_object(0.5))
    assert observatory.exit_status == "fail"
    assert observatory.last_id == before
    assert observatory.read("SHUTTER:OpenCount_RBV") == opened
    observatory.put("FILTER:SimFault", "None")
    observatory.recover("FILTER")
    observatory.until_healthy()
    (number,) = observatory.take(take_object(0.5, filter=0))
    assert number == before + 1


def test_two_run_engines_at_once_take_turns_and_the_refused_one_is_told_who_has_it(observatory, other_observer):
    before = observatory.last_id
    other = other_observer("take_darks", exptime=LONG, ndarks=1)
    observatory.until(lambda: observatory.read("CAM:cam1:SequenceOwner_RBV") != "", "the other claims it")
    with pytest.raises(SlitlessError, match=r"could not be claimed; it belongs to .*take_darks 1 DARK"):
        observatory.take(take_bias(1))
    assert observatory.docs("start") == []
    assert outcome_of(other) == {"ids": [before + 1], "refusals": []}
    observatory.until(lambda: observatory.read("CAM:cam1:SequenceOwner_RBV") == "", "the claim falls")
    assert observatory.expect_good_bias() == before + 2


def test_two_observers_with_different_filters_each_get_their_own(observatory, other_observer):
    other = other_observer("take_object", tries=10_000, exptime=0.5, n=2, filter="SDSSr_65mm")
    mine, refusals = [], []
    while not mine:
        try:
            mine = observatory.take(take_object(0.5, 2, filter="BG40_65mm_1"))
        except SlitlessError as error:
            refusals.append(str(error))
    assert all("belongs to" in refusal for refusal in refusals)
    theirs = outcome_of(other)["ids"]
    assert {observatory.header(number)["FILTER"] for number in mine} == {"BG40_65mm_1"}
    assert {observatory.header(number)["FILTER"] for number in theirs} == {"SDSSr_65mm"}
    assert len({*mine, *theirs}) == 4
    assert mine[1] == mine[0] + 1
    assert theirs[1] == theirs[0] + 1


def test_an_observer_who_is_killed_leaves_no_claim_and_no_open_shutter(observatory, other_observer, light_falls):
    before = observatory.last_id
    other = other_observer("take_object", exptime=LONG, n=3)
    observatory.until(light_falls, "the other exposes")
    other.kill()
    other.wait()
    observatory.until(lambda: observatory.read("CAM:cam1:SequenceOwner_RBV") == "", "the claim falls")
    observatory.until(lambda: observatory.is_dark, "the shutter closes")
    assert observatory.last_id == before + 1
    assert observatory.fates() == ["written"]  # no frame that was exposed is lost
    assert observatory.expect_good_bias() == before + 2


def test_ledger_and_files_agree_in_the_end_but_for_the_run_of_the_killed_observer(observatory):
    kinds = sorted({problem.split()[0] for problem in observatory.problems()})
    assert kinds in (["no", "open"], ["open"], ["no"]), observatory.problems()
