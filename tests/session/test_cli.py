import json
import subprocess
import sys
from pathlib import Path

import pytest
from bluesky.utils import IllegalMessageSequence
from ophyd.utils.errors import WaitTimeoutError

from session.cli import run
from session.commands.take import KINDS
from session.ioc_state import IocState
from slitless.exposure import ImageType
from slitless.identifiers import ExposureName
from slitless.ledger import Ledger


def stderr_of(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["nigth"], ["take", "flat"], ["take", "flat", "soon"], ["night", "--fast"], ["show"], ["config", "chek"]],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert run(arguments) == 2
    assert stderr_of(capsys).count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["status"], ["take", "bias"], ["take", "object", "30"], ["setup", "--filter", "empty_1"], ["console"]]
)
def test_missing_iocs_are_one_line_and_exit_code_1(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run([*arguments, "--data", str(tmp_path / "data")]) == 1
    error = stderr_of(capsys)
    assert "no IOC runs over" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_every_image_type_can_be_taken():
    assert {kind.upper() for kind in KINDS} == set(ImageType)


@pytest.mark.parametrize("kind", KINDS)
def test_every_image_type_has_help(kind: str, capsys: pytest.CaptureFixture[str]):
    assert run(["take", kind, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--note" in shown
    assert ("--filter" in shown) == (kind not in ("bias", "dark"))


def test_setup_without_anything_to_move_is_wrong_usage(capsys: pytest.CaptureFixture[str]):
    assert run(["setup"]) == 2
    assert "--filter" in stderr_of(capsys)


def test_shipped_instrument_checks_good(capsys: pytest.CaptureFixture[str]):
    assert run(["config", "check", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["instrument"] == "LATISS"
    assert report["doubts"] == []


def test_a_missing_instrument_is_named(capsys: pytest.CaptureFixture[str]):
    assert run(["config", "check", "nosuch"]) == 1
    assert "'nosuch'" in stderr_of(capsys)


def test_help_does_not_wait_for_bluesky_or_tiled():
    code = (
        "import sys, session.cli; print([m for m in ('bluesky', 'tiled', 'ophyd', 'matplotlib') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert shown.stdout.strip() == "[]"


def test_an_empty_log_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["log", "--data", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_an_unknown_image_type_lists_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["log", "--data", str(tmp_path), "--type", "SNAP"]) == 1
    assert "STUTTERED" in stderr_of(capsys)


def test_verify_of_a_folder_without_frames_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["verify", str(tmp_path)]) == 1
    assert "holds no FITS file" in capsys.readouterr().err


def test_verify_of_no_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["verify", str(tmp_path / "nothing")]) == 1
    assert stderr_of(capsys).count("\n") == 1


@pytest.mark.parametrize("command", ["iocs", "night"])
@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf"])
def test_a_speed_at_which_time_stands_is_refused_before_anything_starts(
    command: str, speed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run([command, "--speed", speed, "--data", str(tmp_path / "data")]) == 1
    error = stderr_of(capsys)
    assert f"speed: {float(speed)!r} is not valid; it must be greater than 0" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("error", "complaint"),
    [
        (WaitTimeoutError("stage: not there"), "no answer in time: stage: not there"),
        (IllegalMessageSequence("a run is open"), "a run is open"),
        (TimeoutError("FILTER:Slot_RBV"), "no answer in time: FILTER:Slot_RBV"),
        (PermissionError(13, "Permission denied", "/data"), "/data: Permission denied"),
    ],
)
def test_an_error_of_the_frameworks_is_one_line(
    error: Exception, complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail(_root: Path) -> None:
        raise error

    monkeypatch.setattr(IocState, "running", fail)
    assert run(["status"]) == 1
    assert stderr_of(capsys) == f"slitless: {complaint}\n"


def test_a_defect_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(IocState, "running", lambda _root: {}["oops"])
    with pytest.raises(KeyError):
        run(["status"])


def test_an_acquisition_needs_no_exposure_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["take", "acq", "--data", str(tmp_path / "data")]) == 1, "not wrong usage"
    assert "no IOC runs over" in stderr_of(capsys)


def test_show_of_an_aborted_exposure_tells_what_the_ledger_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    name = ExposureName.parse("AT_O_20241121_000001")
    ledger = Ledger(tmp_path / "register")
    ledger.reserved(name, 1732190400.0, image_type="FLAT", exposure_time=3000.0)
    ledger.aborted(name, 1732190460.5, "interrupted by the observer")
    assert run(["show", name.obs_id, "--data", str(tmp_path)]) == 0
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "exposure_time 3000" in shown
    assert "at 2024-11-21T12:01:00.500 TAI" in shown
    assert "reason interrupted by the observer" in shown
    assert f"{name.obs_id}: aborted: interrupted by the observer, file none" in shown
