import json
import signal
from pathlib import Path

import pytest

from session import disk
from session.cli import run
from session.night import count_frames, demo_night
from slitless.definition import load_instrument

SHORT = """
defaults: {note: "commas, colons: and = 'quotes' \\" # \\u00b5"}
steps:
  - take_bias: {nbias: 1}
  - take_flats: {exptime: 0.5, nflats: 2, filter: SDSSr_65mm}
"""
MOVES_ONLY = """
steps:
  - setup_instrument: {filter: SDSSr_65mm}
"""
LONG = """
steps:
  - take_bias: {nbias: 1}
  - take_flats: {exptime: 3000, nflats: 2}
"""


@pytest.fixture
def night_file(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "night.yaml"
        path.write_text(text)
        return path

    return write


def journal(root: Path) -> list[tuple[dict, dict]]:
    """First and last document of each run, in the order of their start."""
    runs = []
    for path in (root / "journal").rglob("*.jsonl"):
        lines = path.read_text().splitlines()
        runs.append((json.loads(lines[0])["doc"], json.loads(lines[-1])["doc"]))
    return sorted(runs, key=lambda run: run[0]["time"])


def test_the_demo_night_has_a_frame_of_every_kind():
    assert count_frames(demo_night(), load_instrument()) == 22


@pytest.mark.timeout(240)
def test_a_night_ends_with_frames_log_and_pictures_and_nobody_running(slitless, night_file, tmp_path, nobody_over):
    data = tmp_path / "data"
    night = slitless("night", night_file(SHORT), "--data", data, "--speed", "50")
    assert night.end() == 0, night.output
    nobody_over(data)
    assert "night log" in night.output
    assert night.output.count("FLAT") >= 4
    assert "\x1b" not in night.output, "no terminal, so no colours and no bars"
    assert sorted(path.name.rsplit("_", 1)[1] for path in (data / "quicklook").iterdir()) == ["BIAS.png", "FLAT.png"]
    assert [stop["exit_status"] for _, stop in journal(data)] == ["success", "success"]
    assert not (data / "iocs.json").exists()

    verify = slitless("verify", data)
    assert verify.end() == 0, verify.output
    assert "3 FITS files, all good" in verify.output

    name = next(data.glob("2*/*_000002_R00_S00.fits")).name.removesuffix("_R00_S00.fits")
    show = slitless("show", name, "--data", data, "--json")
    assert show.end() == 0, show.output
    shown = json.loads(show.output)
    assert shown["start"]["note"] == "commas, colons: and = 'quotes' \" # \u00b5"
    assert shown["header"]["IMGTYPE"] == "FLAT"


@pytest.mark.timeout(240)
def test_a_night_without_frames_says_so(slitless, night_file, tmp_path):
    night = slitless("night", night_file(MOVES_ONLY), "--data", tmp_path / "data", "--speed", "50")
    assert night.end() == 0, night.output
    assert "\n0 frames in" in night.output
    assert "Traceback" not in night.output


@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_an_exposure_closes_shutter_and_run_and_ends_everything(
    slitless, night_file, tmp_path, nobody_over, number
):
    data = tmp_path / "data"
    night = slitless("night", night_file(LONG), "--data", data, "--speed", "20")
    night.wait_for("000001 BIAS")
    register = data / "register"
    night.wait_until(lambda: any('"FLAT"' in path.read_text() for path in register.glob("*.jsonl")))
    night.process.send_signal(number)
    assert night.end() == 130, night.output
    nobody_over(data)
    assert "shutter: closed" in night.output
    assert "Traceback" not in night.output
    assert [stop.get("exit_status") for _, stop in journal(data)] == ["success", "abort"]
    last = [json.loads(line) for path in register.glob("*.jsonl") for line in path.read_text().splitlines()][-1]
    assert last["event"] == "aborted"


@pytest.mark.timeout(120)
def test_interrupting_the_start_leaves_nobody(slitless, night_file, tmp_path, nobody_over):
    data = tmp_path / "data"
    night = slitless("night", night_file(LONG), "--data", data)
    night.wait_for("starting 6 IOCs")
    night.process.send_signal(signal.SIGINT)
    assert night.end() == 130, night.output
    nobody_over(data)
    assert "Traceback" not in night.output


@pytest.mark.timeout(120)
def test_a_killed_night_takes_its_iocs_with_it(slitless, night_file, tmp_path, nobody_over):
    data = tmp_path / "data"
    night = slitless("night", night_file(LONG), "--data", data)
    night.wait_for("all healthy")
    night.process.kill()
    assert night.end() == -signal.SIGKILL
    nobody_over(data)


def test_a_night_without_disk_space_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 12_000_000)
    assert run(["night", "--data", str(tmp_path / "data")]) == 1
    error = capsys.readouterr().err
    assert "12 MB free" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "data" / "logs").exists()


def test_a_misspelt_night_is_refused_before_anything_starts(
    night_file, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    night = night_file("steps: [{take_bais: {nbias: 1}}, {take_flats: {exptime: 0.05, nflats: 1}}]")
    assert run(["night", str(night), "--data", str(tmp_path / "data")]) == 1
    error = capsys.readouterr().err
    assert "did you mean take_bias?" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "data").exists()
