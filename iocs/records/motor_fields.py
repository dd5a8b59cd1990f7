"""Units and limits of the fields of a motor record, as clients read them in the GR and CTRL types.

What the motor module's `get_units` and `get_control_double` say (https://github.com/epics-modules/motor), with these
differences: seconds are "s", flags and raw steps have no unit, and all speeds that the record keeps between VBAS
and VMAX say so, not VELO alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from iocs.records.channel import Limits

__all__ = ["motor_limits"]


def _table(**names: str) -> dict[str, str]:
    return {field: entry for entry, fields in names.items() for field in fields.split()}


QUANTITIES = _table(
    length="VAL RBV DVAL DRBV OFF HLM LLM DHLM DLLM RLV TWV LVAL LDVL LRLV DIFF BDST RDBD SPDB MRES ERES "
    "HOPR LOPR HIHI HIGH LOW LOLO HYST MDEL ADEL",
    speed="VELO BVEL HVEL JVEL VBAS VMAX",
    acceleration="JAR",
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
    **dict.fromkeys(("VELO", "BVEL", "HVEL", "JVEL"), ("VBAS", "VMAX")),
}
"""Fields that hold the limits of others."""


def motor_limits(field: str, fields: Mapping[str, str]) -> Limits:
    """Return unit, decimals and limits of one field of a motor; 0 to 0 where it has no limits.

    Parameters
    ----------
    field : str
        Its name, e.g. ``"VELO"``.
    fields : mapping
        What the database text gives the record.
    """
    limits = Limits()
    if field in QUANTITIES:
        limits.units = UNITS[QUANTITIES[field]].format(egu=fields.get("EGU", ""))
    limits.precision = int(fields.get("PREC") or 0)
    if field in BOUNDS:
        low, high = (float(fields.get(bound) or 0) for bound in BOUNDS[field])
        limits.display = limits.control = (low, high)
    return limits
