"""Makes the records that a database declares; a motor record becomes one record a field."""

from __future__ import annotations

from caproto import ChannelType

from iocs.records.kinds import Array, Enumeration, Kind, LongText, Number, ShortText, StringArray
from iocs.records.menus import MENUS, VALUE_TYPES, state_fields
from iocs.records.motor_record import make_motor
from iocs.records.record import Record
from iocs.records.template import Database, RecordDefinition, TemplateError

__all__ = ["make_records"]

ELEMENTS = {
    "UCHAR": ChannelType.CHAR,
    "SHORT": ChannelType.INT,
    "USHORT": ChannelType.LONG,
    "ENUM": ChannelType.ENUM,
    "LONG": ChannelType.LONG,
    "ULONG": ChannelType.DOUBLE,
    "INT64": ChannelType.DOUBLE,
    "UINT64": ChannelType.DOUBLE,
    "FLOAT": ChannelType.FLOAT,
    "DOUBLE": ChannelType.DOUBLE,
}
"""How rsrv serves each FTVL; CHAR and STRING are text here."""


def _states(definition: RecordDefinition) -> tuple[str, ...]:
    fields = definition.fields
    names = [fields.get(name, "") for name in state_fields(definition.type)]
    if len(names) == 2:
        return tuple(names)
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _array_kind(definition: RecordDefinition) -> Kind:
    length = int(definition.fields.get("NELM") or 1)
    element = definition.fields.get("FTVL", "STRING")
    if element == "STRING":
        return StringArray(length)
    if element == "CHAR":
        return LongText(length)
    if element not in ELEMENTS:
        raise TemplateError(
            f"record {definition.name!r}: FTVL {element!r} is not one of STRING, CHAR, {', '.join(ELEMENTS)}"
        )
    return Array(ELEMENTS[element], length, int(definition.fields.get("PREC") or 0))


def _kind(definition: RecordDefinition, value_type: str) -> Kind:
    if value_type in MENUS:
        return Enumeration(MENUS[value_type])
    match value_type:
        case "double":
            return Number(ChannelType.DOUBLE, int(definition.fields.get("PREC") or 0))
        case "long":
            return Number(ChannelType.LONG)
        case "short":
            return Number(ChannelType.INT)
        case "enum":
            return Enumeration(_states(definition))
        case "string":
            return ShortText()
        case "text":
            return LongText(int(definition.fields.get("SIZV") or 41))
        case _:
            return _array_kind(definition)


def make_records(database: Database) -> dict[str, Record]:
    """Make the records of a database; PV name to record, aliases included.

    A motor record appears as ``name``, ``name.VAL`` (the same record) and ``name.FIELD`` for each motor field.

    Raises
    ------
    TemplateError
        If a record has an unknown type or a field that cannot be.
    """
    records: dict[str, Record] = {}
    for definition in database.values():
        if definition.type not in VALUE_TYPES:
            raise TemplateError(f"record {definition.name!r}: type {definition.type!r} is not supported")
        try:
            made = make_motor(definition) if definition.type == "motor" else {"": _make(definition)}
        except ValueError as error:
            raise TemplateError(f"record {definition.name!r}: {error}") from None
        for name in (definition.name, *definition.aliases):
            records |= {f"{name}{suffix}": record for suffix, record in made.items()}
    return records


def _make(definition: RecordDefinition) -> Record:
    kind = _kind(definition, VALUE_TYPES[definition.type])
    initial = definition.fields.get("VAL")
    if initial is None:
        initial = _constant(definition)
    return Record(definition, definition.name, kind, initial)


def _constant(definition: RecordDefinition) -> str | None:
    """First value from a constant in DOL or INP; a link to another record gives none."""
    for name in ("DOL", "INP"):
        text = definition.fields.get(name, "")
        try:
            float(text)
        except ValueError:
            continue
        return text
    return None
