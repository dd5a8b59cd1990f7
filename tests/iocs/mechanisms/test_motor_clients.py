"""The motor classes of pyepics and ophyd-async, unmodified and on libca, drive the linear stage."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def stage_ioc(start_ioc):
    return start_ioc("iocs.linear_stage", "--enable", "--no-interlock", "--speed", "50")


def run(program, *arguments):
    """Run a client in a process of its own, for libca is not to share one with the tests."""
    script = Path(__file__).parent / program
    done = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_pyepics_motor_moves_tweaks_stops_and_renames(stage_ioc):
    found = run("use_pyepics_motor.py", f"{stage_ioc.prefix}m1")
    outside_limits, soft_limit_seen = -12, -4
    assert found.pop("limits ignored") == [soft_limit_seen, 1]
    assert found == {
        "move": [0, 60.0, 60.0],
        "relative move": [0, 59.0],
        "dial and raw": [0, 0, 57.0, 57000],
        "tweak": [0, 0, 57.0],
        "outside limits": outside_limits,
        "move back": 0,
        "move begun": True,
        "stopped": True,
        "renamed": [10.0, 10.0, -50.0, 17.0],
        "dial renamed": [10.0, 0.0, 10.0],
        "info": {"DESC": "Linear stage", "VAL": "10.000", "SET": "Use", "SPMG": "Go", "PREC": "3"},
    }


def test_ophyd_async_motor_moves_stops_flies_and_fails(stage_ioc):
    found = run("use_ophyd_async_motor.py", f"{stage_ioc.prefix}m1", f"{stage_ioc.prefix}SimFault")
    assert found == {
        "configuration": {
            "stage-encoder_resolution": 0.001,
            "stage-motor_egu": "mm",
            "stage-motor_resolution": 0.001,
            "stage-offset": 0.0,
            "stage-steps_per_revolution": 200,
            "stage-units_per_revolution": 0.2,
            "stage-velocity": 5.0,
        },
        "unit and decimals": ["mm", 3],
        "move": ["done", 60.0],
        "outside limits": "MotorLimitsError",
        "its own error": True,
        "stopped, success False": "RuntimeError",
        "stopped, success True": "done",
        "timeout": "TimeoutError",
        "prepared": [19.8, 2.0],
        "flown": ["done", 30.2],
        "failed": ["CANothing", 2],
    }
