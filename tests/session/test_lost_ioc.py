"""IOCs of an instrument of one's own: commands follow it; one IOC dies, is missed, and comes back."""

import json
import os
import signal
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lost") / "data"


@pytest.fixture(scope="module")
def fleet(slitless, data: Path) -> Iterator:
    """IOCs that run, of LATISS with another name for one filter."""
    definition = Path(os.path.relpath(data.parent / "mine.toml"))
    shipped = files("slitless.instruments").joinpath("latiss.toml").read_text()
    definition.write_text(shipped.replace("SDSSr_65mm", "my_red"))
    command = slitless("iocs", "--data", data, "--speed", "50", "--instrument", definition, "--seed", "7")
    command.wait_for("Ctrl-C ends them")
    yield command
    command.process.send_signal(signal.SIGINT)
    assert command.end() == 0, command.output


def test_commands_follow_the_instrument_that_runs(slitless, fleet, data: Path):
    setup = slitless("setup", "--filter", "my_red", "--data", data)
    assert setup.end() == 0, setup.output
    assert "filter my_red" in setup.output

    take = slitless("take", "flat", "0.5", "--filter", "my_red", "--data", data, "--json")
    assert take.end() == 0, take.output
    (exposure,) = json.loads(take.output)["exposures"]

    show = slitless("show", str(exposure), "--data", data, "--json")
    assert show.end() == 0, show.output
    assert json.loads(show.output)["header"]["FILTER"] == "my_red"


def test_a_dead_ioc_is_named_ends_no_other_and_rejoins_from_another_terminal(slitless, fleet, data: Path):
    place = json.loads((data / "iocs.json").read_text())["iocs"]["filter"]
    os.kill(place["pid"], signal.SIGKILL)
    fleet.wait_for("filter IOC ended with signal SIGKILL")
    assert str(data / "logs" / "ioc-filter.log") in fleet.output
    assert json.loads((data / "iocs.json").read_text())["iocs"]["filter"]["pid"] is None

    status = slitless("status", "--data", data)
    assert status.end() == 1, status.output
    missing = [line.split()[0] for line in status.output.splitlines() if "no answer" in line]
    assert missing == ["filter"]

    take = slitless("take", "bias", "--data", data)
    assert take.end() == 1, take.output
    assert "filter IOC: no answer; start them with: slitless iocs filter" in take.output
    assert take.output.count("\n") == 1, take.output

    again = slitless("iocs", "filter", "--data", data)
    again.wait_for("Ctrl-C ends them")
    assert json.loads((data / "iocs.json").read_text())["iocs"]["filter"]["port"] == place["port"]
    arguments = Path(f"/proc/{json.loads((data / 'iocs.json').read_text())['iocs']['filter']['pid']}/cmdline")
    assert b"mine.toml" in arguments.read_bytes()
    assert b"--seed\x007" in arguments.read_bytes()
    assert (data / "logs" / "ioc-filter.log").read_text().count("iocs.filter_wheel starts") == 2

    setup = slitless("setup", "--filter", "my_red", "--data", data)
    assert setup.end() == 0, setup.output

    again.process.send_signal(signal.SIGINT)
    assert again.end() == 0, again.output
    assert json.loads((data / "iocs.json").read_text())["iocs"]["grating"]["pid"] is not None


def test_the_last_ioc_to_die_ends_the_command(slitless, tmp_path: Path):
    rules = tmp_path / "everybody.acf"
    rules.write_text("ASG(DEFAULT) { RULE(1, WRITE) }")
    command = slitless("iocs", "shutter", "--data", tmp_path / "data", "--access-security", rules)
    command.wait_for("Ctrl-C ends them")
    pid = json.loads((tmp_path / "data" / "iocs.json").read_text())["iocs"]["shutter"]["pid"]
    assert f"--access-security\0{rules}" in Path(f"/proc/{pid}/cmdline").read_text()
    os.kill(pid, signal.SIGKILL)
    assert command.end() == 1, command.output
    assert "no IOC is left" in command.output
    assert not (tmp_path / "data" / "iocs.json").exists()
