"""Which fields a record of each type has, and of which type they are.

Facts of the database definitions of EPICS base 7.0 (`dbCommon.dbd` and the record types), checked by a test against
those that come with epicscorelibs. A motor's own fields stand in `motor_fields`.
"""

from __future__ import annotations

from functools import cache

from iocs.records.menus import SEVERITY_FIELDS, STATE_FIELDS, VALUE_FIELDS

__all__ = ["COMMON", "DEFAULTS", "record_fields"]

Fields = dict[str, str]


def _table(**by_type: str) -> Fields:
    return {name: kind for kind, names in by_type.items() for name in names.split()}


COMMON = _table(
    string="NAME DESC ASG EVNT AMSG NAMSG RTYP",
    link="SDIS FLNK TSEL",
    short="DISA DISV PHAS TSE",
    uchar="DISP LCNT PACT PROC PUTF RPRO TPRO UDF",
    severity="ACKS DISS NSEV SEVR UDFS",
    status="NSTA STAT",
    scan="SCAN",
    yesno="ACKT",
    pini="PINI",
    priority="PRIO",
    device="DTYP",
    ulong="UTAG",
)
"""Fields of every record."""

SIMULATION = _table(link="SIML SIOL", severity="SIMS", double="SDLY", scan="SSCN", simm="OLDSIMM")
RAW_SIMULATION = SIMULATION | {"SIMM": "simm"}
PLAIN_SIMULATION = SIMULATION | {"SIMM": "yesno"}
OUTPUT = _table(link="OUT DOL", omsl="OMSL", ivoa="IVOA")
SEVERITIES = _table(severity="HHSV HSV LSV LLSV")
SMOOTHED = _table(double="AFTC AFVL")
CONVERTED = _table(
    double="AOFF ASLO EGUF EGUL EOFF ESLO", long="RVAL ORAW", short="INIT LBRK PREC", ulong="ROFF", convert="LINR"
)
BINARY = _table(string="ZNAM ONAM", severity="ZSV OSV COSV", long="LALM MLST", ulong="MASK ORAW RVAL")
STATES = _table(
    string=" ".join(STATE_FIELDS),
    severity=" ".join((*SEVERITY_FIELDS, "COSV", "UNSV")),
    ulong=" ".join((*VALUE_FIELDS, "MASK", "ORAW", "RVAL")),
    long="LALM MLST NOBT SHFT",
    short="SDEF",
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTU"


def _number(kind: str) -> Fields:
    """Fields of a number, as of its own type."""
    limits = "HOPR LOPR HIHI HIGH LOW LOLO HYST ADEL MDEL ALST MLST LALM"
    return {"EGU": "string", **dict.fromkeys(limits.split(), kind), **SEVERITIES}


def _driven(kind: str) -> Fields:
    return {**OUTPUT, "DRVH": kind, "DRVL": kind, "IVOV": kind}


BY_TYPE: dict[str, Fields] = {
    "ai": {**_number("double"), **CONVERTED, **SMOOTHED, **RAW_SIMULATION, **_table(link="INP", double="SMOO SVAL")},
    "ao": {
        **_number("double"),
        **_driven("double"),
        **CONVERTED,
        **RAW_SIMULATION,
        **_table(double="OROC OVAL PVAL", long="ORBV RBV", oif="OIF", uchar="OMOD"),
    },
    "longin": {**_number("long"), **SMOOTHED, **PLAIN_SIMULATION, **_table(link="INP", long="SVAL")},
    "longout": {
        **_number("long"),
        **_driven("long"),
        **PLAIN_SIMULATION,
        **_table(long="PVAL", output_when="OOPT", yesno="OOCH"),
    },
    "int64in": {**_number("int64"), **SMOOTHED, **PLAIN_SIMULATION, **_table(link="INP", int64="SVAL")},
    "int64out": {**_number("int64"), **_driven("int64"), **PLAIN_SIMULATION},
    "calc": {
        **_number("double"),
        **SMOOTHED,
        **_table(string="CALC", short="PREC"),
        **_table(link=" ".join(f"INP{x}" for x in LETTERS), double=" ".join(f"{x} L{x}" for x in LETTERS)),
    },
    "bi": {**BINARY, **RAW_SIMULATION, **_table(link="INP", ulong="SVAL")},
    "bo": {**BINARY, **OUTPUT, **RAW_SIMULATION, **_table(double="HIGH", long="IVOV", ulong="ORBV RBV")},
    "mbbi": {**STATES, **SMOOTHED, **RAW_SIMULATION, **_table(link="INP", ulong="SVAL")},
    "mbbo": {**STATES, **OUTPUT, **RAW_SIMULATION, **_table(long="IVOV", ulong="ORBV RBV")},
    "stringin": {**PLAIN_SIMULATION, **_table(link="INP", string="OVAL SVAL", post="APST MPST")},
    "stringout": {**OUTPUT, **PLAIN_SIMULATION, **_table(string="OVAL IVOV", post="APST MPST")},
    "lsi": {**PLAIN_SIMULATION, **_table(link="INP", ulong="LEN OLEN", long="SIZV", post="APST MPST")},
    "lso": {
        **OUTPUT,
        **PLAIN_SIMULATION,
        **_table(string="IVOV", ulong="LEN OLEN", long="SIZV", post="APST MPST"),
    },
    "waveform": {
        **PLAIN_SIMULATION,
        **_table(string="EGU", link="INP", double="HOPR LOPR", short="PREC BUSY RARM", ulong="NELM NORD HASH"),
        **_table(element="FTVL", array_post="APST MPST"),
    },
}
BY_TYPE["calcout"] = {
    **_number("double"),
    **_table(
        string="CALC OCAL OEVT", short="PREC", double="IVOV ODLY OVAL POVL PVAL", long="CLCV DLYA OCLV", link="OUT"
    ),
    **_table(ivoa="IVOA", output_when="OOPT", which_calc="DOPT", link_state="OUTV"),
    **_table(link=" ".join(f"INP{x}" for x in LETTERS), double=" ".join(f"{x} L{x}" for x in LETTERS)),
    **_table(link_state=" ".join(f"IN{x}V" for x in LETTERS)),
}
BY_TYPE["busy"] = BY_TYPE["bo"]

DEFAULTS = {
    "DISV": "1",
    "UDFS": "INVALID",
    "ACKT": "YES",
    "ESLO": "1",
    "SDLY": "-1",
    "SSCN": "<nil>",
    "NELM": "1",
    "SIZV": "41",
    "OOCH": "YES",
    "CALC": "0",
    "OCAL": "0",
}
"""What a field is that the database text does not give; the rest is 0, empty or the first of its menu."""


@cache
def record_fields(record_type: str) -> Fields:
    """Return field to type of all fields of a record type besides VAL; of a type not in the table the common ones."""
    return COMMON | BY_TYPE.get(record_type, {})
