"""A motor record: one channel a field, with one alarm and one set of units, decimals and limits for them all."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from caproto import AlarmSeverity, AlarmStatus, ChannelType

from iocs.records.alarms import NO_ALARM, Alarm, LimitAlarm
from iocs.records.channel import Limits
from iocs.records.kinds import Enumeration, Kind, Number, ShortText
from iocs.records.menus import MENUS
from iocs.records.motor_fields import ALARMED, MOTOR_DEFAULTS, MOTOR_FIELDS, MOTOR_READBACKS, motor_limits
from iocs.records.record import Record
from iocs.records.template import RecordDefinition

__all__ = ["ALARM_FIELDS", "WRITABLE_FIELDS", "MotorField", "MotorRecord", "make_motor", "motor_record"]

NUMBERS = {
    "double": ChannelType.DOUBLE,
    "float": ChannelType.FLOAT,
    "long": ChannelType.LONG,
    "short": ChannelType.INT,
    "ulong": ChannelType.DOUBLE,
    "ushort": ChannelType.LONG,
}
"""How rsrv serves each DBF type that is a number; links and strings are text."""
ALL_FIELDS = {**MOTOR_FIELDS, "DISA": "short", "DISV": "short"}
"""With those fields of every record that only a motor here obeys."""
WRITABLE_FIELDS = frozenset(ALL_FIELDS) - MOTOR_READBACKS
"""Fields that a client may put to."""
COMMON_FIELDS = frozenset("DESC DISP DTYP ASG SCAN PINI FLNK PHAS TSE".split())
"""Other fields of every record that a motor may be given."""
ALARM_FIELDS = frozenset("HIHI HIGH LOW LOLO HHSV HSV LSV LLSV MDEL ADEL HOPR LOPR".split())


OPERATED = frozenset(
    "VAL DVAL RVAL RLV OFF FOFF SET SPMG STOP JOGF JOGR TWF TWR TWV BDST CNEN STUP FOF VOF SSET SUSE".split()
)
"""Fields of access security level 0 (ASL0 in motorRecord.dbd), with which an axis is operated."""


class MotorField(Record):
    """One field of a motor record.

    Parameters
    ----------
    motor : MotorRecord
        The record it belongs to.
    field : str
        Its name, e.g. ``"RBV"``.
    initial : str
        First value as text.
    """

    def __init__(self, motor: MotorRecord, field: str, initial: str) -> None:
        self.motor = motor
        self.motor_field = field
        definition = motor.definition
        super().__init__(definition, f"{definition.name}.{field}", _kind(field, definition), initial)
        self.drive_limits = None
        self.is_read_only = field in MOTOR_READBACKS
        self.access_level = 0 if field in OPERATED else 1
        if field != "RBV":  # the dead bands are those of the readback
            self.monitor_deadband = self.archive_deadband = 0.0

    def _alarm_of(self, stored: Any) -> Alarm:
        return self.motor.alarm

    async def take_fields(self, *, shown: bool = True) -> None:
        """Let subscribers of the common fields know, after one of them changed."""
        await self._refresh_fields()

    async def set_limits_shown(self, limits: Limits) -> None:
        """Show unit, decimals and limits, and say so to who subscribed to properties, if they changed."""
        if not same_limits(self.limits, limits):
            self.limits = limits
            if isinstance(self.kind, Number):
                self.kind.precision = limits.precision
            await self._publish_properties()

    async def take_alarm(self) -> None:
        """Show the alarm of the record."""
        flags = self._set_alarm(self.motor.alarm)
        if flags:
            self._converted.clear()
            await self.publish(flags)
            await self._refresh_fields()


class MotorRecord:
    """What the fields of a motor record share.

    Parameters
    ----------
    definition : RecordDefinition
        What the database text says.
    """

    def __init__(self, definition: RecordDefinition) -> None:
        self.definition = definition
        self.alarm: Alarm = NO_ALARM
        self._state: Alarm = NO_ALARM
        self._shown_alarm: Alarm = NO_ALARM
        fields = {"DISV": "1", **MOTOR_DEFAULTS, **definition.fields}
        self.fields = {field: MotorField(self, field, fields.get(field, "")) for field in ALL_FIELDS}
        self._limit_alarm = LimitAlarm(definition.fields)
        for field, record in self.fields.items():
            record.limits = self._limits(field)

    def __getitem__(self, field: str) -> MotorField:
        """Return a field by its name."""
        return self.fields[field]

    def set_state(self, status: AlarmStatus, severity: AlarmSeverity) -> None:
        """Say what is wrong with the axis; the alarm limits speak where nothing is."""
        self._state = (status, severity)
        self.settle_alarm()

    def settle_alarm(self, readback: float | None = None) -> None:
        """Work out the alarm from the state of the axis and its readback; fields show it as they are written."""
        alarm = self._limit_alarm.of(self.fields["RBV"].value if readback is None else readback)
        self.alarm = self._state if self._state[1] >= alarm[1] else alarm

    async def show_alarm(self) -> None:
        """Let every field show the alarm."""
        if self.alarm != self._shown_alarm:
            self._shown_alarm = self.alarm
            for record in self.fields.values():
                await record.take_alarm()

    async def show_limits(self, **ahead: Any) -> None:
        """Show units, decimals and limits on every field they belong to, after EGU, PREC or a limit changed.

        Parameters
        ----------
        **ahead
            Values that fields are about to take, for a client asks for limits as soon as it sees one of them change.
        """
        for field, record in self.fields.items():
            await record.set_limits_shown(self._limits(field, ahead))

    async def change_alarm_limits(self) -> None:
        """Take up alarm limits, severities and dead bands after one of their fields changed."""
        for name in ALARM_FIELDS:
            self.definition.fields[name] = str(self.fields[name].value)
        self._limit_alarm = LimitAlarm(self.definition.fields)
        readback = self.fields["RBV"]
        readback.monitor_deadband = self.fields["MDEL"].value
        readback.archive_deadband = self.fields["ADEL"].value
        self.settle_alarm()
        await self.show_limits()
        await self.show_alarm()

    def _limits(self, field: str, ahead: Mapping[str, Any] = MappingProxyType({})) -> Limits:
        limits = motor_limits(field, lambda name: ahead[name] if name in ahead else self.fields[name].value)
        if field in ALARMED:
            limits.alarm, limits.warning = self._limit_alarm.shown
        return limits


def _kind(field: str, definition: RecordDefinition) -> Kind:
    field_type = ALL_FIELDS[field]
    if field_type in MENUS:
        return Enumeration(MENUS[field_type])
    if field_type in NUMBERS:
        return Number(NUMBERS[field_type], int(definition.fields.get("PREC") or 0))
    return ShortText()


def same_limits(one: Limits, other: Limits) -> bool:
    """Whether two sets of limits look alike to a client; NaN is like NaN."""
    return repr([getattr(one, name) for name in one.__slots__]) == repr(
        [getattr(other, name) for name in other.__slots__]
    )


def make_motor(definition: RecordDefinition) -> dict[str, Record]:
    """Return the fields of a motor record by suffix: "" and ".VAL" (the same), ".RBV" and so on.

    Raises
    ------
    ValueError
        If the database text names a field that a motor has not.
    """
    unknown = sorted(set(definition.fields) - set(ALL_FIELDS) - COMMON_FIELDS)
    if unknown:
        raise ValueError(f"a motor has no field {', '.join(unknown)}")
    fields = MotorRecord(definition).fields
    return {"": fields["VAL"], **{f".{name}": record for name, record in fields.items()}}


def motor_record(value: Record) -> MotorRecord:
    """Return the motor record that a channel is a field of; TypeError if it is none."""
    if not isinstance(value, MotorField):
        raise TypeError(f"{value.name} is no motor record")
    return value.motor
