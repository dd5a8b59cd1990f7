"""The fields of EPICS' motor record: type, menu, first value, who may write, unit and limits.

Facts of `motorRecord.dbd` and of the record's `get_units`, `get_graphic_double`, `get_control_double`, release R7-3
(https://github.com/epics-modules/motor). CBAK, which no client can read, is left out.

Different here: seconds are "s", flags and raw steps have no unit, and all speeds that the record keeps between VBAS
and VMAX say so, not VELO alone. HIHI to LOLO show on RBV too, and are NaN where their severity is NO_ALARM.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iocs.records.channel import Limits

__all__ = ["MOTOR_DEFAULTS", "MOTOR_FIELDS", "MOTOR_READBACKS", "motor_limits"]


def _table(**names: str) -> dict[str, str]:
    return {field: entry for entry, fields in names.items() for field in fields.split()}


MOTOR_FIELDS = _table(
    double="ACCL ACCS ADEL ALST BACC BDST BVEL DCOF DHLM DIFF DLLM DLY DRBV DVAL ERES HIGH HIHI HLM HOPR HVEL ICOF JAR "
    "JVEL LDVL LLM LOLO LOPR LOW LRLV LVAL MDEL MLST MRES OFF PCOF RBV RDBD RHLM RLLM RLV RRES S SBAK SBAS SMAX SPDB "
    "TWV UREV VAL VBAS VELO VMAX",
    float="FRAC VERS",
    long="LRVL RDIF REP RMP RRBV RVAL RVEL SREV",
    short="ATHM CARD CDIR DMOV FOF HLS HOMF HOMR IGSET JOGF JOGR LLS LVIO MISS MOVN PP PREC RCNT RHLS RLLS RTRY SSET "
    "STOP SUSE SYNC TDIR TWF TWR VOF",
    ulong="MMAP MSTA NMAP",
    ushort="MIP NTMF",
    string="EGU INIT POST PREM",
    outlink="OUT RLNK STOO",
    inlink="DINP DOL RDBL RINP",
    severity="HHSV HLSV HSV LLSV LSV",
    yesno="LOCK NTM",
    omsl="OMSL",
    motor_direction="DIR",
    motor_offset="FOFF",
    motor_set="SET",
    motor_acceleration="ACCU",
    motor_encoder="UEIP URIP",
    motor_go="LSPG SPMG",
    motor_torque="CNEN",
    motor_status="STUP",
    motor_retry="RMOD",
    motor_restore="RSTM",
)
"""DBF type of each field in small letters; of a menu field, the name in `iocs.records.menus.MENUS`."""

MOTOR_DEFAULTS = {
    "ACCL": "0.2",
    "BACC": "0.5",
    "DMOV": "1",
    "FRAC": "1",
    "LOCK": "NO",
    "LSPG": "Go",
    "LVIO": "1",
    "NTM": "YES",
    "NTMF": "2",
    "RMOD": "Default",
    "RSTM": "NearZero",
    "RTRY": "10",
    "SPMG": "Go",
    "SREV": "200",
    "STUP": "OFF",
    "VERS": "1",
}
"""First values that are neither 0, nor empty, nor the first of the menu."""

MOTOR_READBACKS = frozenset(
    "ALST ATHM CARD CDIR DIFF DMOV DRBV HLS LDVL LLS LRLV LRVL LSPG LVAL LVIO MIP MISS MLST MMAP MOVN MSTA NMAP PP RBV "
    "RCNT RDIF REP RHLM RHLS RLLM RLLS RMP RRBV RVEL TDIR VERS".split()
)
"""Fields that no client writes."""

QUANTITIES = _table(
    length="VAL RBV DVAL DRBV OFF HLM LLM DHLM DLLM RLV TWV LVAL LDVL LRLV DIFF BDST RDBD SPDB MRES ERES RRES "
    "HOPR LOPR HIHI HIGH LOW LOLO MDEL ADEL ALST MLST",
    speed="VELO BVEL HVEL JVEL VBAS VMAX",
    acceleration="JAR ACCS",
    time="ACCL BACC DLY",
    revolutions="S SBAK SBAS SMAX",
    steps="SREV",
    pitch="UREV",
)
UNITS = {
    "length": "{egu}",
    "speed": "{egu}/s",
    "acceleration": "{egu}/s/s",
    "time": "s",
    "revolutions": "rev/s",
    "steps": "step/rev",
    "pitch": "{egu}/rev",
}
BOUNDS = {
    **dict.fromkeys(("VAL", "RBV"), ("LLM", "HLM")),
    **dict.fromkeys(("DVAL", "DRBV"), ("DLLM", "DHLM")),
    **dict.fromkeys(("RVAL", "RRBV"), ("RLLM", "RHLM")),
    **dict.fromkeys(("VELO", "BVEL", "HVEL", "JVEL"), ("VBAS", "VMAX")),
}
"""Fields that hold the limits of others."""
ALARMED = frozenset({"VAL", "DVAL", "RBV"})
"""Fields that show HIHI to LOLO."""
PRECISIONS = {"RRBV": 0, "RMP": 0, "REP": 0, "VERS": 2}
"""Decimals of fields that have not those of PREC."""


def motor_limits(field: str, value_of: Callable[[str], Any]) -> Limits:
    """Return unit, decimals and limits of one field of a motor; 0 to 0 where it has no limits, no alarm limits.

    Parameters
    ----------
    field : str
        Its name, e.g. ``"VELO"``.
    value_of : callable
        Returns what another field of the same record holds, as a number or as text.
    """
    limits = Limits()
    if field in QUANTITIES:
        limits.units = UNITS[QUANTITIES[field]].format(egu=value_of("EGU") or "")
    limits.precision = PRECISIONS.get(field, int(value_of("PREC") or 0))
    if field in BOUNDS:
        low, high = (float(value_of(bound) or 0) for bound in BOUNDS[field])
        limits.display = limits.control = (low, high)
    return limits
