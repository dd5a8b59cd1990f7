"""The same templates in a genuine EPICS IOC and in ours, asked by the genuine client library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from iocs.contract import IOC_MODULES, has_motor, main, substitutions, template_uses
from iocs.records.database import make_records
from iocs.records.template import load
from slitless.definition import load_instrument

HERE = Path(__file__).parent
DB = HERE.parents[1] / "db"


@pytest.fixture
def contract(system_prefix):
    """Every template of the instrument that needs no motor module."""
    return [use for use in template_uses(load_instrument(), system_prefix) if not has_motor(use)]


@contextmanager
def genuine(path: Path, port: int):
    environment = {**os.environ, "EPICS_CA_SERVER_PORT": str(port), "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1"}
    command = [sys.executable, str(HERE / "genuine_ioc.py"), str(DB), str(path)]
    with open(path.with_suffix(".log"), "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment)
    assert process.stdin is not None
    assert process.stdout is not None
    lines: list[bytes] = []
    try:
        while not lines or (lines[-1] and lines[-1] != b"running\n"):
            lines.append(process.stdout.readline())
        said = b"".join(lines).decode() + path.with_suffix(".log").read_text()
        assert lines[-1] == b"running\n", said
        yield said
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def with_libca(names, port):
    environment = {**os.environ, "EPICS_CA_ADDR_LIST": f"127.0.0.1:{port}"}
    command = [sys.executable, str(HERE / "read_with_libca.py")]
    done = subprocess.run(command, input=" ".join(names), env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_template_loads_in_a_genuine_ioc_without_complaint(contract, tmp_path, ca_ports):
    path = tmp_path / "all.substitutions"
    path.write_text(substitutions(contract))
    with genuine(path, ca_ports[2]) as said:
        assert "rror" not in said, said


def test_both_servers_say_the_same_of_every_pv(contract, tmp_path, ca_ports, start_ioc):
    path = tmp_path / "all.substitutions"
    path.write_text(substitutions(contract))
    names = [name for name in make_records(load(contract, DB)) if name]
    with genuine(path, ca_ports[2]):
        theirs = with_libca(names, ca_ports[2])
    ioc = start_ioc("iocs.all", "--data-root", str(tmp_path))
    ours = with_libca(names, ioc.port)
    different = {
        f"{name}.{key}": (theirs[name].get(key), ours[name].get(key))
        for name in names
        for key in theirs[name].keys() | ours[name].keys()
        if theirs[name].get(key) != ours[name].get(key)
    }
    assert different == {}


def test_the_substitutions_in_db_are_up_to_date():
    assert main(["--check"]) == 0


def test_every_ioc_lists_its_pvs():
    for module in IOC_MODULES.values():
        listed = subprocess.run(
            [sys.executable, "-m", module, "--list-pvs"], capture_output=True, text=True, timeout=60
        )
        assert listed.returncode == 0, listed.stderr
        assert any(name.endswith("IOC:Heartbeat") for name in listed.stdout.split())
