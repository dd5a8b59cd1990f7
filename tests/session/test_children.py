import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from session.children import last_words, start_module, stop_all

SLEEPER = "import time; print('ready', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes a module of some code, for children to run."""
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")

    def make(code: str) -> str:
        (tmp_path / "child_of_test.py").write_text(code)
        return "child_of_test"

    return make


def wait_for(condition, timeout: float = 10.0) -> None:
    deadline, pause = monotonic() + timeout, Event()
    while not condition():
        assert monotonic() < deadline, "waited in vain"
        pause.wait(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_children_end_when_asked(module, tmp_path: Path):
    log = tmp_path / "log"
    process = start_module(module(SLEEPER), [], log)
    wait_for(lambda: last_words(log) == "ready")
    stop_all([process])
    assert process.returncode == -signal.SIGTERM


def test_a_child_that_does_not_listen_is_killed(module, tmp_path: Path):
    log = tmp_path / "log"
    process = start_module(module(DEAF), [], log)
    wait_for(lambda: last_words(log) == "ready")
    stop_all([process], patience=0.1)
    assert process.returncode == -signal.SIGKILL


def test_ctrl_c_in_the_terminal_does_not_reach_children(module, tmp_path: Path):
    process = start_module(module(SLEEPER), [], tmp_path / "log")
    try:
        assert os.getpgid(process.pid) != os.getpgid(0)
    finally:
        stop_all([process])


def test_children_die_with_a_killed_parent(module, tmp_path: Path):
    log = tmp_path / "log"
    code = (
        "import pathlib, time; from session.children import start_module;"
        f"print(start_module({module(SLEEPER)!r}, [], pathlib.Path({str(log)!r})).pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            wait_for(lambda: last_words(log) == "ready")
        finally:
            parent.kill()
        wait_for(lambda: not is_running(child))


def test_what_a_child_said_before_it_died_is_kept(module, tmp_path: Path):
    log = tmp_path / "log"
    process = start_module(module("raise SystemExit('no light')"), [], log)
    assert process.wait(10) == 1
    assert last_words(log) == "no light"
