"""Stock ophyd plugin classes, old and new, connect whole and work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "use_plugins.py"


@pytest.mark.parametrize("layer", ["caproto", "pyepics"])
def test_stock_plugin_classes_connect_whole_and_follow_a_region(layer, start_ioc, tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    arguments = ("--data-root", str(root), "--enable", "--no-interlock", "--speed", "20")
    ioc = start_ioc("iocs.detector", *arguments)
    environment = {**os.environ, "OPHYD_CONTROL_LAYER": layer, "EPICS_CA_ADDR_LIST": f"127.0.0.1:{ioc.port}"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), ioc.prefix], env=environment, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr + ioc.output()
    found = json.loads(done.stdout)
    region = found["region"]
    assert region["shape"] == [40, 60]
    assert region["mean"][0] == pytest.approx(region["mean"][1])
    assert region["maximum"][0] == region["maximum"][1]
    assert region["ports"] == {"det_stats": "ROI1", "det_image": "ROI1", "det_roi": "CCD1"}
    assert found["asyn graph"] == [["CCD1", "ROI1"], ["ROI1", "IMAGE1"], ["ROI1", "STATS1"]]
