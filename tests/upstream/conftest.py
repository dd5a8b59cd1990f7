"""Runs test modules of other projects, as installed and unmodified, against our IOCs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import pytest

EXPECTED = Path(__file__).parent / "expected"
PATIENCE = 240.0  # wall s for one module on one control layer
SMALL = {"columns": 24, "rows": 200}  # data pixels of an amplifier; a frame of LATISS has 509 x 2000


@dataclass(frozen=True)
class Outcomes:
    """What became of each test of a run, by its id, and what the run said."""

    layer: str
    """ophyd's control layer that it ran on."""
    by_id: dict[str, str]
    """``passed``, ``failed``, ``error``, ``skipped`` or ``xfailed``."""
    output: str

    def check(self, name: str) -> None:
        """Compare with the list of that name in `expected`, whose lines say outcome and id.

        ``xfailed`` is what upstream itself marks so: such a test may pass as well. ``failed`` is a test that demands
        what our IOCs must not do; the list says why.
        """
        whole = read_expected(EXPECTED / f"{name}.txt")
        expected = {test: outcome for test, outcome in whole.items() if f"[{self.layer}" in test}
        assert expected, f"{name}.txt lists no test on {self.layer}"
        found = {test: _as_marked(outcome, expected.get(test)) for test, outcome in self.by_id.items()}
        lines = [
            f"{found.get(test, 'not run')}, expected {expected.get(test, 'nothing')}: {test}"
            for test in sorted({*expected, *found})
            if expected.get(test) != found.get(test)
        ]
        assert not lines, "\n".join([*lines, "", self.output[-12000:]])


def read_expected(path: Path) -> dict[str, str]:
    """Return outcome by test id of a list; lines with ``#`` are comments."""
    lines = (line.split(maxsplit=1) for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return {test: outcome for outcome, test in lines}


def _as_marked(outcome: str, expected: str | None) -> str:
    return "xfailed" if expected == "xfailed" and outcome == "passed" else outcome


RunUpstream = Callable[..., Outcomes]


@pytest.fixture
def run_upstream(tmp_path: Path) -> RunUpstream:
    """Run installed test modules: ``run_upstream("ophyd.tests.test_signal", "pyepics", [ioc.port])``.

    Several, with blanks between them, run in one process. `layer` chooses ophyd's control layer; upstream's modules run
    on both, and one is picked by name here. `ports` are
    those of the IOCs it may find; further arguments go to pytest.
    """

    def run(module: str, layer: str, ports: Sequence[int], *arguments: str) -> Outcomes:
        modules = {name.rpartition(".")[2]: name for name in module.split()}
        report = tmp_path / f"{next(iter(modules))}-{layer}.xml"
        environment = {
            **os.environ,
            "EPICS_CA_ADDR_LIST": " ".join(f"127.0.0.1:{port}" for port in ports),
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
            "EPICS_CA_MAX_ARRAY_BYTES": "20000000",
            "MPLBACKEND": "agg",
        }
        command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(tmp_path)]
        command += ["-p", "no:cacheprovider", "-W", "ignore::pytest.PytestUnknownMarkWarning"]
        command += ["--timeout", "60", "--durations", "12", f"--junitxml={report}", "-o", "junit_family=xunit1"]
        command += ["--pyargs", *modules.values(), "-k", layer, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        output = done.stdout + done.stderr
        assert report.is_file(), output
        by_id = {f"{modules[file]}::{name}": outcome for file, name, outcome in _outcomes(report)}
        return Outcomes(layer, by_id, output)

    return run


@pytest.fixture
def wait_until_enabled() -> Callable[[str], None]:
    """Wait until an IOC takes commands: ``wait_until_enabled("ADSIM:")``; upstream's tests do not."""

    def wait(prefix: str) -> None:
        script = Path(__file__).parent / "wait_until_enabled.py"
        subprocess.run([sys.executable, str(script), prefix], check=True, timeout=60)

    return wait


@pytest.fixture(scope="session")
def small_instrument_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The definition of LATISS with few pixels, so that a readout takes no time that matters."""
    text = files("slitless.instruments").joinpath("latiss.toml").read_text(encoding="utf-8")
    for name, value in SMALL.items():
        text = re.sub(rf"^{name} = \d+", f"{name} = {value}", text, count=1, flags=re.MULTILINE)
    path = tmp_path_factory.mktemp("instrument") / "small.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _outcomes(report: Path) -> Iterator[tuple[str, str, str]]:
    """Yield module without package, test with its class if it has one, and outcome."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        within = case.attrib["classname"].rpartition(".")[2]
        name = f"{within}::{case.attrib['name']}".removeprefix("::")
        yield Path(case.attrib["file"]).stem, name, _outcome(case)


def _outcome(case: ElementTree.Element) -> str:
    skipped = case.find("skipped")
    if skipped is not None:
        return "xfailed" if skipped.attrib.get("type") == "pytest.xfail" else "skipped"
    if case.find("failure") is not None:
        return "failed"
    return "error" if case.find("error") is not None else "passed"
