"""Fields of a record as channels: ``<name>.DESC``, ``.EGU``, ``.SEVR`` and the rest, made when first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caproto import AccessRights, ChannelType

from iocs.records.channel import EVERYTHING, Channel
from iocs.records.kinds import Enumeration, Kind, Number, ShortText
from iocs.records.menus import MENUS, RECORD_FIELDS
from iocs.wire.client import Client, Refused

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["FieldChannel", "field_channel"]

SETTABLE = frozenset(
    "DESC HOPR LOPR HIHI HIGH LOW LOLO HYST MDEL ADEL HHSV HSV LSV LLSV ZSV OSV "
    "ZRSV ONSV TWSV THSV FRSV FVSV SXSV SVSV EISV NISV TESV ELSV TVSV TTSV FTSV FFSV".split()
)
"""What an operator may change while the IOC runs; drive limits and state names belong to the instrument."""
VALUE_TYPED = frozenset("HOPR LOPR DRVH DRVL HIHI HIGH LOW LOLO HYST MDEL ADEL".split())
DEFAULTS = {"NELM": "1", "APST": "On Change", "MPST": "On Change", "ACKT": "YES", "DISV": "1", "UDFS": "INVALID"}


def field_channel(record: Record, field: str) -> FieldChannel:
    """Return the channel of one field; KeyError if records have no such field."""
    return FieldChannel(record, field, _kind(record, field))


def _kind(record: Record, field: str) -> Kind:
    field_type = RECORD_FIELDS[field]
    if field in VALUE_TYPED and record.data_type == ChannelType.LONG and record.max_length == 1:
        field_type = "long"
    if field_type in MENUS:
        return Enumeration(MENUS[field_type])
    if field_type == "string":
        return ShortText()
    return Number({"double": ChannelType.DOUBLE, "long": ChannelType.LONG, "short": ChannelType.INT}[field_type], 6)


class FieldChannel(Channel):
    """One field of a record.

    Parameters
    ----------
    record : Record
        The record it belongs to.
    field : str
        Its name, e.g. ``"EGU"``.
    kind : Kind
        What it holds.
    """

    def __init__(self, record: Record, field: str, kind: Kind) -> None:
        self.record = record
        self.field = field
        self.record_type = record.record_type
        super().__init__(kind, kind.default)
        self.stored = self._current()

    def check_access(self, hostname: str, username: str) -> AccessRights:
        """Everybody reads; a few fields may be set, and PROC where the record may be put to."""
        if self.field == "PROC":
            return self.record.check_access(hostname, username)
        return AccessRights.READ | AccessRights.WRITE if self.field in SETTABLE else AccessRights.READ

    async def put(self, data: Any, native: ChannelType, client: Client) -> None:
        """Change the field, or process the record."""
        if self.field == "PROC":
            await self.record.put_value(self.record.value, client)
            return
        try:
            stored = self.kind.store(self.kind.from_wire(data, native))
        except (ValueError, TypeError) as error:
            raise Refused(str(error)) from None
        self.record.definition.fields[self.field] = str(self.kind.present(stored))
        await self.record.change_alarm_limits()
        await self.refresh()

    async def refresh(self) -> None:
        """Tell subscribers if the field changed with the record."""
        stored = self._current()
        if stored != self.stored:
            self.stored, self.stamp = stored, self.record.stamp
            await self.publish(EVERYTHING)

    def _current(self) -> Any:
        record = self.record
        match self.field:
            case "NAME":
                value: Any = record.name
            case "RTYP":
                value = record.record_type
            case "STAT":
                value = int(record.status)
            case "SEVR":
                value = int(record.severity)
            case "UDF":
                value = int(record.status) == MENUS["status"].index("UDF")
            case "NORD":
                value = record.length
            case "EGU":
                value = record.limits.units
            case "PREC":
                value = record.limits.precision
            case field:
                return self._declared(record.definition.fields.get(field, DEFAULTS.get(field, "")))
        return self.kind.store(value)

    def _declared(self, text: str) -> Any:
        if isinstance(self.kind, ShortText):
            return self.kind.store(text)
        if isinstance(self.kind, Number):
            return self.kind.store(float(text or 0))
        return self.kind.store(text) if text else 0
