"""Stock areaDetector clients find in the camera what they look for."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iocs.detector import DetectorIoc
from iocs.ioc import IocSetup
from slitless.definition import load_instrument
from slitless.instrument_time import InstrumentClock

SCRIPT = Path(__file__).parent / "use_area_detector.py"

# What `RE(count([detector]))` opens with SingleTrigger and the plugins; the file plugin is FITS1 instead of HDF1.
WITH_READBACK = {
    "cam1:": "Acquire AcquirePeriod AcquireTime ArrayCallbacks ArrayCounter ImageMode NumExposures NumImages "
    "TriggerMode",
    "image1:": "EnableCallbacks BlockingCallbacks NDArrayPort",
    "Stats1:": "EnableCallbacks BlockingCallbacks NDArrayPort",
    "ROI1:": "EnableCallbacks BlockingCallbacks NDArrayPort",
    "FITS1:": "EnableCallbacks BlockingCallbacks NDArrayPort ArrayCounter AutoIncrement AutoSave Capture FileName "
    "FileNumber FilePath FileTemplate FileWriteMode NumCapture",
}
READ_ONLY = {
    "cam1:": "Manufacturer_RBV Model_RBV PortName_RBV ArraySizeX_RBV ArraySizeY_RBV DataType_RBV",
    "image1:": "PluginType_RBV PortName_RBV",
    "Stats1:": "PluginType_RBV PortName_RBV MeanValue_RBV Total_RBV",
    "ROI1:": "PluginType_RBV PortName_RBV",
    "FITS1:": "PluginType_RBV PortName_RBV ArraySize0_RBV ArraySize1_RBV ArraySize2_RBV FilePathExists_RBV",
}
STATES = {
    "cam1:Acquire": ("Done", "Acquire"),
    "cam1:ImageMode": ("Single", "Multiple", "Continuous"),
    "cam1:TriggerMode": ("Internal", "External"),
    "cam1:ArrayCallbacks": ("Disable", "Enable"),
    "cam1:DetectorState_RBV": (
        "Idle", "Acquire", "Readout", "Correct", "Saving", "Aborting", "Error", "Waiting", "Initializing",
        "Disconnected", "Aborted",
    ),
    "cam1:DataType_RBV": (
        "Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float32", "Float64",
    ),
    "Stats1:EnableCallbacks": ("Disable", "Enable"),
    "Stats1:BlockingCallbacks": ("No", "Yes"),
    "FITS1:FileWriteMode": ("Single", "Capture", "Stream"),
    "FITS1:Capture": ("Done", "Capture"),
    "FITS1:Capture_RBV": ("Done", "Capturing"),
    "FITS1:WriteStatus": ("Write OK", "Write error"),
}  # fmt: skip
PLUGIN_TYPES = {
    "image1:": "NDPluginStdArrays",
    "Stats1:": "NDPluginStats",
    "ROI1:": "NDPluginROI",
    "FITS1:": "NDFileFITS",
}


@pytest.fixture(scope="module")
def records():
    setup = IocSetup(load_instrument(), "", "", InstrumentClock(time.time))
    return DetectorIoc(setup).records


def test_every_name_that_a_count_opens_is_served(records):
    names = [f"{prefix}{name}" for prefix, text in READ_ONLY.items() for name in text.split()]
    for prefix, text in WITH_READBACK.items():
        names += [f"{prefix}{name}{suffix}" for name in text.split() for suffix in ("", "_RBV")]
    assert [name for name in names if name not in records] == []
    readable = [name for name in names if name.endswith("_RBV")]
    assert [name for name in readable if not records[name].is_read_only] == []
    assert records["cam1:DataType_RBV"].get_field("DISA") is not None


def test_states_are_those_of_area_detector(records):
    assert {name: records[name].kind.states for name in STATES} == STATES


def test_plugins_say_what_they_are_and_hang_on_the_camera(records):
    port = records["cam1:PortName_RBV"].value
    for prefix, kind in PLUGIN_TYPES.items():
        assert records[f"{prefix}PluginType_RBV"].value.startswith(kind)
        assert records[f"{prefix}NDArrayPort_RBV"].value == port


def test_sizes_are_real_before_the_first_frame(records):
    assert (records["cam1:ArraySizeX_RBV"].value, records["cam1:ArraySizeY_RBV"].value) == (4072, 4000)
    assert (records["image1:ArraySize0_RBV"].value, records["image1:ArraySize1_RBV"].value) == (509, 500)
    assert (records["FITS1:ArraySize0_RBV"].value, records["FITS1:ArraySize1_RBV"].value) == (4072, 4000)


@pytest.mark.parametrize("layer", ["caproto", "pyepics"])
def test_stock_ophyd_classes_connect_and_count(layer, start_ioc, tmp_path):
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
    assert found["unconnected"] == []
    assert set(found["asyn ports"].values()) == {"CCD1"}
    assert found["documents"] == ["start", "descriptor", "event", "event", "stop"]
    assert found["exit"] == "success"
    assert all(abs(mean) < 5.0 for mean in found["means"])  # ADU above the overscan, of a dark
    assert found["counter"] == 2
    assert found["acquire"] == 0
    assert found["image"] == [0, 500, 509]
    assert found["pixels"] == 500 * 509
    assert len(list(root.glob("*/*.fits"))) == 2
