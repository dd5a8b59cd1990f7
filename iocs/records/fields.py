"""Fields of a record as channels: ``<name>.DESC``, ``.EGU``, ``.SEVR`` and the rest, made when first asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from caproto import AccessRights, ChannelType

from iocs.records.channel import EVERYTHING, Channel
from iocs.records.field_table import DEFAULTS, record_fields
from iocs.records.kinds import Enumeration, Kind, Number, ShortText
from iocs.records.menus import MENUS, SEVERITY_FIELDS, STATE_FIELDS, VALUE_FIELDS
from iocs.wire.client import Client, Refused

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["SETTABLE", "FieldChannel", "check_field", "field_channel", "field_kind"]

STATE_NAMES = frozenset({"ZNAM", "ONAM", *STATE_FIELDS})
SETTABLE = STATE_NAMES | frozenset(
    f"DESC EGU PREC HOPR LOPR DRVH DRVL HIHI HIGH LOW LOLO HYST MDEL ADEL DISP HHSV HSV LSV LLSV ZSV OSV COSV UNSV "
    f"{' '.join(SEVERITY_FIELDS)}".split()
)
"""What an operator may change while the IOC runs. The rest of what EPICS would let him set (SCAN, INP, FLNK, SIMM ...)
does nothing here, and says so by its access rights."""
SHARED_LIMITS = frozenset("HIHI HIGH LOW LOLO ALST MLST LALM OVAL".split())
"""Fields that are values themselves, within the limits of the value."""
NOT_SHOWN = frozenset(f"DESC HYST MDEL ADEL DISP ZSV OSV COSV UNSV {' '.join(SEVERITY_FIELDS)}".split())
"""Fields that are no part of what GR and CTRL types show: no property monitor hears of them."""
WITHOUT_UNIT = frozenset("ASLO AOFF SMOO".split())
LONGEST_ARGUMENT = 2  # letters of A ... U and LA ... LU
RANGES = {
    "double": (-1e300, 1e300),
    "int64": (-(2.0**63), 2.0**63),
    "ulong": (0, 2**32 - 1),
    "long": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "uchar": (0, 255),
}
"""What EPICS gives as limits of a field that has none, if the record has limits at all."""
NUMBERS = {
    "double": ChannelType.DOUBLE,
    "int64": ChannelType.DOUBLE,
    "ulong": ChannelType.DOUBLE,
    "long": ChannelType.LONG,
    "short": ChannelType.INT,
    "uchar": ChannelType.CHAR,
}
"""How rsrv serves a number of each type; a short without sign is among the longs."""
MOST_DECIMALS = 15


def field_channel(record: Record, field: str) -> FieldChannel:
    """Return the channel of one field; KeyError if the record has no such field."""
    return FieldChannel(record, field, record_fields(record.record_type)[field])


def field_kind(record: Record, field: str) -> Kind:
    """Return what a field holds; KeyError if the record has no such field."""
    return _kind(record, record_fields(record.record_type)[field])


def _has_unit(field: str) -> bool:
    """Whether a field of the type of the value is in its unit; slopes and the arguments of a calculation are not."""
    return len(field) > LONGEST_ARGUMENT and field not in WITHOUT_UNIT


def _kind(record: Record, field_type: str) -> Kind:
    if field_type in MENUS:
        return Enumeration(MENUS[field_type])
    if field_type in ("string", "link"):
        return ShortText()
    return Number(NUMBERS[field_type], record.limits.precision)


class FieldChannel(Channel):
    """One field of a record.

    Parameters
    ----------
    record : Record
        The record it belongs to.
    field : str
        Its name, e.g. ``"EGU"``.
    field_type : str
        Its type, as `record_fields` names it.
    """

    def __init__(self, record: Record, field: str, field_type: str) -> None:
        self.record = record
        self.field = field
        self.field_type = field_type
        self.record_type = record.record_type
        kind = _kind(record, field_type)
        super().__init__(kind, kind.default)
        self.stored = self._current()
        self._follow()

    def check_access(self, hostname: str, username: str) -> AccessRights:
        """Say what a client may: read; set a few fields; PROC where the record may be put to."""
        granted = self.record.granted(1, hostname, username)
        if self.field == "PROC":
            return self.record.check_access(hostname, username) & granted
        return (AccessRights.READ | AccessRights.WRITE if self.field in SETTABLE else AccessRights.READ) & granted

    async def put(self, data: Any, native: ChannelType, client: Client) -> None:
        """Change the field, or process the record."""
        if self.field == "PROC":
            await self.record.put_value(self.record.value, client)
            return
        try:
            stored = self.kind.store(self.kind.from_wire(data, native))
        except (ValueError, TypeError) as error:
            raise Refused(str(error)) from None
        await self.set(str(self.kind.present(stored)))

    async def set(self, text: str) -> None:
        """Give the field the value that `text` would give it in a template; its subscribers and the record's hear.

        Raises
        ------
        Refused
            If the record makes no sense with it.
        """
        check_field(self.record, self.field, text)
        self.record.definition.fields[self.field] = text
        await self.record.take_fields(shown=self.field not in NOT_SHOWN)

    async def refresh(self) -> None:
        """Tell subscribers if the field changed with the record."""
        stored = self._current()
        self._follow()
        if stored != self.stored:
            self.stored = stored
            await self.publish(EVERYTHING)
        else:
            self._converted.clear()

    def _follow(self) -> None:
        """Share alarm and stamp with the record, its unit and limits where EPICS does, and its precision."""
        record, own = self.record, self.limits
        self.stamp, self.status, self.severity = record.stamp, record.status, record.severity
        if not isinstance(self.kind, Number):
            return
        if self.kind.data_type == ChannelType.DOUBLE and self.field_type != "ulong":
            own.precision = self.kind.precision = record.limits.precision
        if self.field_type == record_fields(record.record_type).get("HOPR") and _has_unit(self.field):
            own.units = record.limits.units
        shared = self.field in SHARED_LIMITS and not isinstance(record.kind, Enumeration)
        whole = RANGES[self.field_type] if "HOPR" in record_fields(record.record_type) else (0.0, 0.0)
        own.display, own.control = (record.limits.display, record.limits.control) if shared else (whole, whole)

    def _current(self) -> Any:
        record = self.record
        match self.field:
            case "NAME":
                value: Any = record.definition.name
            case "RTYP":
                value = record.record_type
            case "STAT":
                value = int(record.status)
            case "SEVR":
                value = int(record.severity)
            case "UDF":
                value = int(record.is_undefined)
            case "NORD" | "LEN":
                value = record.length
            case "EGU":
                value = record.limits.units
            case "PREC":
                value = record.limits.precision
            case "OVAL" | "PVAL" if not isinstance(record.kind, Enumeration):
                value = record.stored
            case "MLST" if not isinstance(record.kind, ShortText):
                value = record.monitored
            case "ALST":
                value = record.archived
            case "ASLO" if record.record_type == "ai":
                return self._declared(record.definition.fields.get("ASLO", "1"))
            case "SDEF":
                value = int(any(record.definition.fields.get(name) for name in (*STATE_FIELDS, *VALUE_FIELDS)))
            case field:
                return self._declared(record.definition.fields.get(field, DEFAULTS.get(field, "")))
        return self.kind.store(value)

    def _declared(self, text: str) -> Any:
        if isinstance(self.kind, ShortText):
            return self.kind.store(text)
        if isinstance(self.kind, Number):
            return self.kind.store(float(text or 0))
        known = isinstance(self.kind, Enumeration) and (text in self.kind.states or text.isdecimal())
        return self.kind.store(text) if known else 0


def check_field(record: Record, field: str, text: str) -> None:
    """Refuse a value of a field with which the record would make no sense.

    Raises
    ------
    Refused
        For a drive limit beyond the instrument's own or past the other one, decimals beyond what a double holds, and
        a state that is not there, has no name, or has that of another.
    """
    if field in ("DRVH", "DRVL"):
        _check_drive_limit(record, field, float(text))
    elif field == "PREC" and not 0 <= int(text) <= MOST_DECIMALS:
        raise Refused(f"PREC: {text} is outside [0, {MOST_DECIMALS}]")
    elif field in STATE_NAMES and isinstance(record.kind, Enumeration):
        names = ["ZNAM", "ONAM"] if field in ("ZNAM", "ONAM") else STATE_FIELDS
        state = names.index(field)
        if state >= len(record.kind.states):
            raise Refused(f"{field}: {record.name} has {len(record.kind.states)} states")
        others = [label for i, label in enumerate(record.kind.labels) if i != state]
        if not text or text in others:
            raise Refused(f"{field}: {text!r} is no name of its own; the others are {', '.join(others)}")


def _check_drive_limit(record: Record, field: str, limit: float) -> None:
    low, high = record.widest_drive_limits or (-math.inf, math.inf)
    if not low <= limit <= high:
        raise Refused(
            f"{field}: {limit:g} is outside the instrument's [{low:g}, {high:g}] {record.limits.units}".rstrip()
        )
    now_low, now_high = record.drive_limits or (low, high)
    if (field == "DRVH" and limit < now_low) or (field == "DRVL" and limit > now_high):
        raise Refused(
            f"{field}: {limit:g} leaves nothing of [{now_low:g}, {now_high:g}] {record.limits.units}".rstrip()
        )
