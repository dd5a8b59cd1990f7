"""Commands against IOCs that `slitless iocs` runs."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(240)

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def iocs(slitless, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """IOCs that run; gives their data folder."""
    data = tmp_path_factory.mktemp("night") / "data"
    command = slitless("iocs", "--data", data, "--speed", "50")
    command.wait_for("Ctrl-C ends them")
    yield data
    command.process.send_signal(signal.SIGINT)
    assert command.end() == 0, command.output
    assert "Traceback" not in command.output


@pytest.fixture
def run(slitless, iocs: Path) -> Run:
    """Run a command over those IOCs; gives exit code and output."""

    def run(*arguments: str) -> tuple[int, str]:
        command = slitless(*arguments, "--data", iocs)
        return command.end(), command.output

    return run


def environment(data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPICS_")}
    return kept | {"SLITLESS_DATA": str(data), "OPHYD_CONTROL_LAYER": "caproto"}


def test_status_tells_of_all_iocs(run: Run):
    code, output = run("status", "--json")
    assert code == 0, output
    status = json.loads(output)
    assert {name: ioc["SummaryState"] for name, ioc in status["iocs"].items()} == dict.fromkeys(
        ("detector", "shutter", "filter", "grating", "stage", "telescope"), "Enabled"
    )
    assert status["readbacks"]["shutter"] == "Closed"


def test_what_is_asked_at_the_command_line_is_in_header_document_and_log(run: Run, slitless, iocs: Path):
    code, output = run("setup", "--filter", "SDSSr_65mm", "--grating", "3", "--stage", "40")
    assert code == 0, output
    assert "filter SDSSr_65mm, grating holo4_003, stage 40.000 mm" in output

    note = "a, b: 'c' = \"d\" # \u00b5\nsecond line"
    code, output = run(
        *("take", "stuttered", "0.5", "--shifts", "3", "--rows", "20", "--json"),
        *(
            "--note",
            note,
            "--program",
            "P1",
            "--reason",
            "R",
            "--test-type",
            "T",
            "--group-id",
            "G 1",
            "--sensors",
            "S",
        ),
    )
    assert code == 0, output
    (exposure,) = json.loads(output)["exposures"]

    code, output = run("show", str(exposure), "--json")
    assert code == 0, output
    shown = json.loads(output)
    assert shown["start"]["note"] == note
    assert shown["start"]["stutter"] == {"n_shift": 3, "row_shift": 20}
    header = shown["header"]
    assert (header["PROGRAM"], header["GROUPID"], header["TESTTYPE"]) == ("P1", "G 1", "T")
    assert (header["FILTER"], header["GRATING"]) == ("SDSSr_65mm", "holo4_003")

    code, output = run("show", str(exposure))
    assert code == 0, output
    shown = {line.split()[0]: line.split(maxsplit=1)[1].strip() for line in output.splitlines() if " " in line.strip()}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} TAI", shown["detector_start"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d UTC", shown["time"])

    code, output = run("log", "--type", "stuttered", "--json")
    assert code == 0, output
    assert exposure in [row["exposure_id"] for row in json.loads(output)]

    verify = slitless("verify", iocs)
    assert verify.end() == 0, verify.output
    assert "all good" in verify.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("take", "flat", "2", "--filter", "SDSSx"), "'SDSSx' is not valid"),
        (("take", "dark", "nan"), "nan"),
        (("setup", "--stage", "67.01"), "67.01 is not valid; it must be in [1, 67] mm"),
        (("iocs", "shutter"), "shutter IOC: already runs"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(run: Run, arguments: tuple[str, ...], complaint: str):
    code, output = run(*arguments)
    assert (code, output.count("\n")) == (1, 1), output
    assert complaint in output


def test_an_acquisition_takes_the_exposure_time_of_its_plan(run: Run):
    code, output = run("take", "acq", "--json")
    assert code == 0, output
    (frame,) = json.loads(output)["frames"]
    assert frame["detector_exposure_time"] == 1.0, "s"


def test_a_script_for_latiss_takes_its_frames(iocs: Path):
    program = Path(__file__).parents[2] / "docs" / "examples" / "latiss_two_spectra.py"
    done = subprocess.run(
        [sys.executable, program], env=environment(iocs), capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second = map(int, done.stdout.split())
    assert second == first + 1


def test_queue_server_start_up_has_plans_devices_and_run_engine(iocs: Path):
    code = (
        "import session.startup as s;"
        "print(s.RE.state, s.detector.name, s.take_object.__name__, s.filter_wheel.name, s.linear_stage.name)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment(iocs), capture_output=True, text=True, timeout=60, check=False
    )
    assert shown.stdout.split() == ["idle", "detector", "take_object", "filter", "stage"], shown.stderr


def test_the_prompt_takes_frames(iocs: Path):
    shown = subprocess.run(
        [sys.executable, "-m", "session.cli", "console"],
        input="RE(take_bias(1)).exit_status\nexit\n",
        env=environment(iocs),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "take_<TAB>" in shown.stdout
    assert "'success'" in shown.stdout
    assert "_R00_S00.fits" in shown.stdout
