"""Classes of ophyd and ophyd-async, as they come, take frames and name files that are there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def camera(start_ioc, small_instrument_file, wait_until_enabled, tmp_path):
    """A detector IOC with few pixels, and a folder below its data root."""
    root = tmp_path / "data"
    (root / "mine").mkdir(parents=True)
    ioc = start_ioc(
        "iocs.detector", "--instrument", str(small_instrument_file), "--data-root", str(root), "--enable",
        "--no-interlock", "--speed", "20",
    )  # fmt: skip
    wait_until_enabled(ioc.prefix)
    return ioc, root


def run(script, camera, **environment):
    ioc, root = camera
    done = subprocess.run(
        [sys.executable, str(HERE / script), ioc.prefix, str(root / "mine")],
        env={**os.environ, "EPICS_CA_ADDR_LIST": f"127.0.0.1:{ioc.port}", **environment},
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + ioc.output()
    return json.loads(done.stdout)


@pytest.mark.parametrize("layer", ["caproto", "pyepics"])
def test_ophyds_file_store_classes_name_files_that_are_there(layer, camera):
    found = run("use_file_store.py", camera, OPHYD_CONTROL_LAYER=layer)
    assert found.pop("multi") == 2
    for mode, run_ in found.items():
        assert (run_["exit"], run_["events"]) == ("success", 2), mode
        assert len(run_["files"]) == 2, mode
        assert all(run_["files"].values()), (mode, run_["files"])
    root = camera[1]
    assert len(list((root / "mine").glob("*.fits"))) == 8  # those of the two exposures of a MultiTrigger, too
    assert len(list(root.glob("[0-9]*/AT_O_*.fits"))) == 8


def test_ophyd_async_area_detector_takes_frames_and_names_files_that_are_there(camera):
    found = run("use_ophyd_async.py", camera)
    root = camera[1]
    assert (found["exit"], len(found["events"]), found["stop"]) == ("success", 2, 2)
    assert all("det-stats-total" in event for event in found["events"])
    names = [found["template"].format(index) for index in range(2)]
    assert found["uri"].endswith(f"{root}/mine/")
    assert [(root / "mine" / name).is_file() for name in names] == [True, True], os.listdir(root / "mine")
    assert found["shape"] == [1, 400, 192]
