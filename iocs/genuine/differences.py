"""What may differ between our IOCs and a genuine one with the same records, each with its reason.

Anything else that differs is a fault: of the loader, of the server, or of the template.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["BEHAVIOUR", "DIFFERENCES", "Difference", "reason_for"]

INPUTS = frozenset("ai bi mbbi longin stringin int64in lsi calc waveform aai".split())
OUTPUTS = frozenset("ao bo mbbo longout stringout int64out lso busy aao calcout".split())


@dataclass(frozen=True)
class Difference:
    """Some properties of some PVs that differ, and why that is right."""

    what: str
    """Which PVs, in words."""
    types: frozenset[str]
    """Record types."""
    names: str
    """Regular expression of the name, after the prefix of the instrument; a field with its dot."""
    properties: tuple[str, ...]
    ours: str
    genuine: str
    reason: str

    def covers(self, record_type: str, name: str, a_property: str) -> bool:
        """Whether a difference is one of these."""
        return (
            record_type in self.types
            and a_property in self.properties
            and re.fullmatch(self.names, name, re.IGNORECASE) is not None
        )


DIFFERENCES = (
    Difference(
        "input records",
        INPUTS,
        r"[^.]+",
        ("value", "status", "severity"),
        "what the instrument says",
        "what `db/` gives, or undefined",
        "Nothing stands behind the records of the genuine IOC.",
    ),
    Difference(
        "output records",
        OUTPUTS,
        r"[^.]+",
        ("status", "severity"),
        "NO_ALARM",
        "UDF",
        "EPICS keeps STAT at UDF until a record is first processed, and SEVR at INVALID if it has no VAL. Here the "
        "first value counts as processed: a setting that is in force is not undefined.",
    ),
    Difference(
        "the target of the telescope",
        OUTPUTS,
        r"TEL:(RightAscension|Declination)",
        ("value",),
        "the zenith at start",
        "0",
        "The telescope starts where it stands.",
    ),
    Difference(
        "alarm of a field",
        INPUTS | OUTPUTS,
        r".*\.\w+",
        ("status", "severity"),
        "the record's",
        "the record's",
        "A field shares the alarm of its record, see there.",
    ),
    Difference(
        "fields that follow value and alarm",
        INPUTS | OUTPUTS,
        r".*\.(STAT|SEVR|UDF|MLST|ALST|OVAL|PVAL|NORD|LEN)",
        ("value",),
        "as VAL",
        "as VAL",
        "See value and alarm.",
    ),
    Difference(
        "fields of the processing of EPICS",
        INPUTS | OUTPUTS,
        r".*\.(LALM|INIT|SSCN|RVAL|ORAW|RBV|ORBV|O?CLCV|OUTV|IN.V|L?[A-U]|ODLY)",
        ("value", "precision", "units"),
        "0",
        "kept by the record support",
        "Records are not scanned here; these fields are there for screens that name them.",
    ),
    Difference(
        "device support",
        INPUTS | OUTPUTS,
        r".*\.DTYP",
        ("enum_strs",),
        "Soft Channel",
        "every kind of support in the IOC",
        "There is one kind here.",
    ),
    Difference(
        "seconds a bo stays high",
        frozenset({"bo"}),
        r".*\.HIGH",
        ("units", "precision"),
        "",
        "s, 2 decimals",
        "Commands return to 0 when they are done, not after a time; HIGH does nothing.",
    ),
)

BEHAVIOUR = (
    (
        "put beyond DRVL..DRVH",
        "refused (ECA_PUTFAIL); value and alarm stay",
        "stored at the limit",
        "An exposure time that is not the one asked for is a spoiled exposure.",
    ),
    (
        "put of NaN or infinity",
        "refused",
        "stored, UDF/INVALID",
        "No setting of an instrument is undefined.",
    ),
    (
        "put of a state that is not there",
        "refused",
        "stored, read as an empty or illegal state",
        "A wheel has no slot beyond its last.",
    ),
    (
        "put to an input record or a readback waveform",
        "no write access",
        "stored, until the device overwrites it",
        "A readback that a client wrote would be a lie.",
    ),
    (
        "put to SCAN, INP, OUT, FLNK, SIMM and other fields of processing",
        "no write access",
        "stored",
        "Nothing is scanned or linked here, so it would do nothing.",
    ),
    (
        "DRVH, DRVL",
        "may be narrowed within what `db/` gives, and widened again to it",
        "anything",
        "The limits of `db/` are those of the hardware.",
    ),
    (
        "ZRST ... FFST, ZNAM, ONAM",
        "may be renamed; not emptied, not doubled, no new states",
        "anything",
        "The states are those of the hardware; their names are only shown.",
    ),
    (
        "COSV of an mbbi or mbbo",
        "alarm on the change, gone when it is processed again",
        "stays until a state with a severity of its own follows (base 7.0.10; a bo behaves as ours)",
        "An alarm of a change says that something changed, not that it did once.",
    ),
    (
        "motor records",
        "served",
        "need the EPICS motor module, which is not in epicscorelibs; `db/*_motors.substitutions`",
        "Their fields are checked by name and by clients.",
    ),
)
"""What cannot be seen by reading: (what, ours, genuine, reason). Tests show each."""


def reason_for(record_type: str, name: str, a_property: str) -> Difference | None:
    """Return the entry that covers a difference, None if none does.

    Parameters
    ----------
    record_type : str
        Type of the record.
    name : str
        After the prefix of the instrument.
    a_property : str
        ``value``, ``units``, ``enum_strs`` ...
    """
    return next((known for known in DIFFERENCES if known.covers(record_type, name, a_property)), None)
