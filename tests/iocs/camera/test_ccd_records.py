"""Every record that the CCD adds to areaDetector's does something, or shows what another does."""

import re
from pathlib import Path

from iocs.binding import bindings_of
from iocs.camera.request import latch, latch_sequence, latch_test
from iocs.camera.setting_records import LATCHED
from iocs.detector import DetectorIoc
from slitless.definition import load_instrument

ROOT = Path(__file__).parents[3]
TEMPLATES = ("ccd.template", "ccd_control.template", "ccd_format.template")
RECORD = re.compile(r'^record\((\w+), "\$\(P\)\$\(R\)([\w:]+)"\)', re.MULTILINE)
INPUTS = ("ai", "bi", "mbbi", "longin", "stringin")
LATISS = load_instrument()


def ccd_records():
    for template in TEMPLATES:
        for kind, name in RECORD.findall((ROOT / "db" / template).read_text()):
            yield name, kind in INPUTS or name.endswith("_RBV")


def read_by_requests():
    """Names of the settings that some kind of exposure asks for."""
    kinds = (("OBJECT", "No"), ("STUTTERED", "No"), ("FOCUS", "Yes"))
    return set().union(*(read_by(how, *kind) for how in (latch, latch_sequence, latch_test) for kind in kinds))


def read_by(how, kind, focus):
    asked = set()

    def value(name):
        asked.add(name)
        texts = {"ImageMode": "Single", "SequenceFlush": "Each", "TestShutter": "Open", "FocusFrame": "No"}
        sizes = {"SizeX": 4072, "SizeY": 4000, "SerialUnderscan": 3, "SerialOverscan": 64, "ParallelOverscan": 48}
        zeros = dict.fromkeys(("MinX", "MinY", "AcquirePeriod", "SequenceDelay"), 0)
        numbers = {"StutterShifts": 2, "StutterRows": 5, "FocusSteps": 3, "FocusStep": 0.1, "FocusShift": 5}
        text = dict.fromkeys(("TestType", "GroupId", "Reason", "Program", "Note", "ObjectName", "ImageTitle"), "")
        known = {**texts, **sizes, **zeros, **numbers, **text, "Observer": "", "ImageType": kind, "FocusFrame": focus}
        return known.get(name, 1)

    how(value, LATISS)
    return asked


def test_every_setting_of_the_ccd_is_handled_or_read_when_an_exposure_starts():
    bound = {binding.record.removeprefix("cam1:") for binding in bindings_of(DetectorIoc)}
    settings = {name for name, is_read_only in ccd_records() if not is_read_only}
    assert settings - bound - read_by_requests() == set()
    assert settings & LATCHED <= read_by_requests()


def test_every_readback_of_the_ccd_shows_a_setting_or_is_written_by_the_camera():
    sources = "".join(path.read_text() for path in (ROOT / "iocs").rglob("*.py"))
    records = dict(ccd_records())
    silent = {
        name
        for name, is_read_only in records.items()
        if is_read_only and name.removesuffix("_RBV") not in records and name not in sources
    }
    assert silent == {"SerialPrescan_RBV"}  # a fact of the CCD, in its template
    assert all(records.get(name, False) is False for name in LATCHED)
