"""What every record in db/ must say of itself, whatever is in it; each complaint names the record and what to do."""

from __future__ import annotations

import ast
import re
import time
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import iocs
from iocs.contract import ioc_classes
from iocs.ioc import IocSetup
from iocs.records.menus import SEVERITIES, state_fields
from iocs.records.template import RecordDefinition, load
from slitless.definition import load_instrument
from slitless.instrument_time import InstrumentClock

FOLDER = Path(__file__).parents[2] / "db"
NUMBERS = ("ai", "ao", "longin", "longout", "int64in", "int64out")
OUTPUTS = {"ao": "ai", "bo": "bi", "mbbo": "mbbi", "longout": "longin", "stringout": "stringin", "int64out": "int64in"}

ADCORE = frozenset((Path(__file__).parent / "area_detector" / "adcore_records.txt").read_text().split())
"""Names of areaDetector, which gives no unit to counts, sizes and pixel values."""
SIMULATED = re.compile(
    r"(Gain|Peak|Noise|Reset)\w*|(Num(Images|Exposures|Capture|Captured)|CreateDirectory|FileNumber)\w*"
)
"""Numbers of areaDetector's simulated camera and of NDFile, whose templates give no unit either."""
WITHOUT_UNIT = frozenset(
    "Airmass ClientCount DayObs ErrorCode ExposureNumber FlushCycles FocusSteps Heartbeat OpenCount PoolMaxBuffers "
    "SeqNum SequenceCount SequenceNumber SequenceTotal Slot SnapCount SnapIndex Speed StutterShifts "
    "WrittenCount".split()
)
"""Our own counts, numbers that name something, and ratios."""


WHOLE = re.compile(r"(QueueUse|CentroidThreshold|HistMin|HistMax)(_RBV)?$")
"""Numbers of real records that are shown without decimals: percentages of a queue, pixel values."""
UNUSED = re.compile(r"\b(none|not used|not computed|not kept|no asyn port)\b", re.IGNORECASE)
"""What the DESC of a record says that is there for its name only, so that clients of areaDetector connect."""


@cache
def handled() -> frozenset[str]:
    """Names of the records for whose puts an IOC does something, as it stands when it is made."""
    instrument, clock = load_instrument(), InstrumentClock(time.time)
    made = [
        cls(IocSetup(instrument, f"{instrument.prefix}{cls.device}:", instrument.prefix, clock))
        for cls in ioc_classes()
    ]
    return frozenset(record.name for ioc in made for record in ioc.records.values() if record.client_put is not None)


@cache
def databases() -> dict[type, dict[str, RecordDefinition]]:
    instrument = load_instrument()
    return {
        cls: load(cls.all_templates(instrument, f"{instrument.prefix}{cls.device}:"), FOLDER) for cls in ioc_classes()
    }


def records() -> list[RecordDefinition]:
    return [record for database in databases().values() for record in database.values()]


def complaints(check, *types: str) -> list[str]:
    return [f"{r.name}: {said}" for r in records() if (not types or r.type in types) and (said := check(r.fields))]


def test_every_record_has_a_description_in_sentence_case_that_fits():
    def check(fields):
        text = fields.get("DESC", "")
        if not text.strip():
            return "no DESC"
        if len(text.encode()) > 40:
            return f"DESC of {len(text.encode())} bytes, 40 fit: {text!r}"
        if re.match(r"[a-z]+\b(?!['_])", text) or text.endswith(".") or text != text.strip():
            return f"DESC {text!r}: a capital first, no stop at the end"
        return None

    assert complaints(check) == []


def test_every_real_number_has_a_precision_and_every_quantity_a_unit():
    vague = [
        r.name for r in records() if r.type in ("ai", "ao") and not r.fields.get("PREC") and not WHOLE.search(r.name)
    ]
    assert vague == [], "give each a PREC, or name it in WHOLE of this file"
    bare = [
        r.name
        for r in records()
        if r.type in NUMBERS and not r.fields.get("EGU") and not _needs_no_unit(r.name.rpartition(":")[2])
    ]
    assert bare == [], "give each an EGU, or say in WITHOUT_UNIT of this file why it needs none"


def _needs_no_unit(name: str) -> bool:
    known = ADCORE.intersection((name, f"TS:{name}"))
    return bool(known or SIMULATED.fullmatch(name) or name.removesuffix("_RBV") in WITHOUT_UNIT)


def test_limits_lie_in_order_and_every_alarm_limit_has_a_severity():
    def check(fields):
        known = {name: float(fields[name]) for name in fields if name in LIMITS and fields[name]}
        for low, high in (("DRVL", "DRVH"), ("LOPR", "HOPR"), ("LOLO", "LOW"), ("LOW", "HIGH"), ("HIGH", "HIHI")):
            if low in known and high in known and known[low] > known[high]:
                return f"{low} {known[low]:g} is above {high} {known[high]:g}"
        for limit, severity in (("HIHI", "HHSV"), ("HIGH", "HSV"), ("LOW", "LSV"), ("LOLO", "LLSV")):
            if (limit in known) != (fields.get(severity, "NO_ALARM") != "NO_ALARM"):
                return f"{limit} and {severity} go together"
        return None

    assert complaints(check, *NUMBERS) == []


LIMITS = frozenset("DRVL DRVH LOPR HOPR LOLO LOW HIGH HIHI".split())


def test_states_have_names_values_and_known_severities():
    def check(fields):
        names = [n for n in state_fields("mbbi") if fields.get(n)]
        if not names:
            return "no state has a name"
        if state_fields("mbbi")[: len(names)] != names:
            return "a state without a name lies between others"
        shown = [fields[n] for n in names]
        if len(set(shown)) != len(shown):
            return f"two states have one name: {shown}"
        if long := [name for name in shown if len(name.encode()) > 25]:
            return f"25 bytes of a state name fit: {long}"
        values = [fields.get(f"{n[:2]}VL") for n in names]
        if any(value is None for value in values):
            return "a state has no value (ZRVL ...)"
        wrong = [f for f in fields if f.endswith("SV") and fields[f] not in SEVERITIES]
        return f"{wrong}: no severity" if wrong else None

    assert complaints(check, "mbbi", "mbbo") == []
    both = complaints(lambda f: None if f.get("ZNAM") and f.get("ONAM") else "ZNAM and ONAM are needed", "bi", "bo")
    assert both == []


def test_an_initial_value_lies_within_the_limits_of_its_record():
    def check(fields):
        low, high = (float(fields.get(name) or 0) for name in ("DRVL", "DRVH"))
        value = float(fields.get("VAL") or 0)
        outside = "VAL" in fields and low < high and not low <= value <= high
        return f"VAL {value:g} is outside [{low:g}, {high:g}]" if outside else None

    assert complaints(check, "ao", "longout", "int64out") == []


def test_a_readback_has_type_unit_decimals_and_states_of_its_setting():
    wrong = []
    for database in databases().values():
        for name, record in database.items():
            partner = database.get(f"{name}_RBV")
            if partner is None:
                continue
            if partner.type not in (record.type, OUTPUTS.get(record.type), "calc"):
                wrong.append(f"{partner.name} is a {partner.type}, its setting a {record.type}")
            compared = ["EGU", "PREC"] if record.type in NUMBERS else []
            if (record.fields.get("FTVL") == "CHAR") != (partner.fields.get("FTVL") == "CHAR"):
                wrong.append(f"{name}: of setting and readback one is text, the other not")
            for field in compared:
                if record.fields.get(field, "") != partner.fields.get(field, ""):
                    wrong.append(
                        f"{name}: {field} {record.fields.get(field)!r}, readback {partner.fields.get(field)!r}"
                    )
    assert wrong == []


def test_texts_of_observers_are_long_strings():
    short = [r.name for r in records() if r.type in ("stringin", "stringout") and TEXTS.search(r.name)]
    assert short == [], "a stringin holds 39 characters; make it a waveform of CHAR"


TEXTS = re.compile(r"(Error|ErrorReport|Result|Note|Reason|Program|Title|Path|FileName|Observer|Comment)(_RBV)?$")


@pytest.mark.parametrize("cls", ioc_classes(), ids=lambda cls: cls.device)
def test_every_record_has_a_behaviour_a_link_or_a_partner(cls):
    database = databases()[cls]
    prefix = f"{load_instrument().prefix}{cls.device}:"
    orphans = []
    for name, record in database.items():
        short = name.removeprefix(prefix)
        has_partner = f"{name}_RBV" in database or name.removesuffix("_RBV") in database.keys() - {name}
        has_link = any(record.fields.get(field) for field in ("INP", "OUT", "FLNK", "DOL", "CALC"))
        is_constant = "VAL" in record.fields and record.type in ("stringin", "longin", "ai", "bi", "mbbi")
        is_constant |= UNUSED.search(record.fields.get("DESC", "")) is not None
        if not (name in handled() or has_partner or has_link or is_constant or named(short) or record.type == "motor"):
            orphans.append(name)
    assert orphans == [], "nothing writes these and nothing handles them; if they are to be there, DESC says 'not used'"


def named(short: str) -> bool:
    """Whether the code of the IOCs names a record, by its last part."""
    return short.rpartition(":")[2].removesuffix("_RBV") in words()


@cache
def words() -> frozenset[str]:
    found: dict[str, None] = defaultdict()
    for path in Path(next(iter(iocs.__path__))).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= dict.fromkeys(word.removesuffix("_RBV") for word in re.findall(r"\w+", node.value))
    return frozenset(found)
