import json
import subprocess
import sys
from pathlib import Path

import pytest

from session.cli import run
from session.commands.take import KINDS
from slitless.exposure import ImageType


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
