"""EPICS menus, and which type each field of a record has on the wire.

Facts of the EPICS database definitions: base 7.0 (`dbCommon.dbd` and the record types) and the motor module's
`motorRecord.dbd` (https://github.com/epics-modules/motor).
"""

from __future__ import annotations

__all__ = ["MENUS", "SEVERITY_FIELDS", "STATE_FIELDS", "VALUE_FIELDS", "VALUE_TYPES", "state_fields"]

SEVERITIES = ("NO_ALARM", "MINOR", "MAJOR", "INVALID")
STATUSES = (
    "NO_ALARM READ WRITE HIHI HIGH LOLO LOW STATE COS COMM TIMEOUT HWLIMIT CALC SCAN LINK SOFT BAD_SUB UDF DISABLE "
    "SIMM READ_ACCESS WRITE_ACCESS"
).split()
STATES = "ZR ON TW TH FR FV SX SV EI NI TE EL TV TT FT FF".split()
STATE_FIELDS = [f"{state}ST" for state in STATES]
"""Names of the states of an mbbi or mbbo, in order."""
SEVERITY_FIELDS = [f"{state}SV" for state in STATES]
VALUE_FIELDS = [f"{state}VL" for state in STATES]
ELEMENT_TYPES = "STRING CHAR UCHAR SHORT USHORT LONG ULONG INT64 UINT64 FLOAT DOUBLE ENUM".split()

VALUE_TYPES = {
    "ai": "double",
    "ao": "double",
    "calc": "double",
    "calcout": "double",
    "sub": "double",
    "sel": "double",
    "int64in": "double",
    "int64out": "double",
    "motor": "double",
    "longin": "long",
    "longout": "long",
    "mbbiDirect": "long",
    "mbboDirect": "long",
    "bi": "enum",
    "bo": "enum",
    "busy": "enum",
    "mbbi": "enum",
    "mbbo": "enum",
    "stringin": "string",
    "stringout": "string",
    "lsi": "text",
    "lso": "text",
    "waveform": "array",
    "aai": "array",
    "aao": "array",
}
"""What VAL is, by record type."""

MENUS: dict[str, tuple[str, ...]] = {
    "severity": SEVERITIES,
    "status": tuple(STATUSES),
    "scan": (
        "Passive", "Event", "I/O Intr", "10 second", "5 second", "2 second", "1 second", ".5 second", ".2 second",
        ".1 second",
    ),
    "yesno": ("NO", "YES"),
    "element": tuple(ELEMENT_TYPES),
    "omsl": ("supervisory", "closed_loop"),
    "post": ("On Change", "Always"),
    "array_post": ("Always", "On Change"),
    "pini": ("NO", "YES", "RUN", "RUNNING", "PAUSE", "PAUSED"),
    "priority": ("LOW", "MEDIUM", "HIGH"),
    "simm": ("NO", "YES", "RAW"),
    "ivoa": ("Continue normally", "Don't drive outputs", "Set output to IVOV"),
    "oif": ("Full", "Incremental"),
    "output_when": (
        "Every Time", "On Change", "When Zero", "When Non-zero", "Transition To Zero", "Transition To Non-zero",
    ),
    "which_calc": ("Use CALC", "Use OCAL"),
    "link_state": ("Ext PV NC", "Ext PV OK", "Local PV", "Constant"),
    "convert": (
        "NO CONVERSION", "SLOPE", "LINEAR", "typeKdegF", "typeKdegC", "typeJdegF", "typeJdegC", "typeEdegF(ixe only)",
        "typeEdegC(ixe only)", "typeTdegF", "typeTdegC", "typeRdegF", "typeRdegC", "typeSdegF", "typeSdegC",
    ),
    "device": ("Soft Channel",),
    "motor_direction": ("Pos", "Neg"),
    "motor_offset": ("Variable", "Frozen"),
    "motor_set": ("Use", "Set"),
    "motor_acceleration": ("Use ACCL", "Use ACCS"),
    "motor_encoder": ("No", "Yes"),
    "motor_go": ("Stop", "Pause", "Move", "Go"),
    "motor_torque": ("Disable", "Enable"),
    "motor_status": ("OFF", "ON", "BUSY"),
    "motor_retry": ("Default", "Arithmetic", "Geometric", "In-Position"),
    "motor_restore": ("Never", "Always", "NearZero", "Conditional"),
}  # fmt: skip


def state_fields(record_type: str) -> list[str]:
    """Return the fields that name the states of a record type, in order."""
    return ["ZNAM", "ONAM"] if record_type in ("bi", "bo", "busy") else STATE_FIELDS
