"""Records: Channel Access channels that behave as their database text says.

A record knows its alarm, limits, dead bands and state names, refuses what its drive limits exclude, and serves its
fields as channels made when somebody first asks for one.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from caproto import AccessRights, AlarmSeverity, AlarmStatus, ChannelType, TimeStamp
from caproto._dbr import SubscriptionType

from iocs.records.access import AccessSecurity
from iocs.records.alarms import NO_ALARM, UNDEFINED, Alarm, LimitAlarm, StateAlarm
from iocs.records.channel import Channel
from iocs.records.fields import field_channel
from iocs.records.kinds import Array, Enumeration, Kind, LongText, Number, ShortText
from iocs.records.menus import state_fields
from iocs.records.template import RecordDefinition, TemplateError
from iocs.wire.client import Client, Refused

__all__ = ["AlarmSeverity", "AlarmStatus", "Put", "Record"]

log = logging.getLogger(__name__)

Put = Callable[["Record", Any, Client], Awaitable[None]]

READ_ONLY = frozenset("ai bi mbbi longin stringin lsi calc calcout int64in mbbiDirect aai sub sel".split())
ARRAYS = frozenset({"waveform", "aai", "aao"})


class Record(Channel):
    """One record, or one field of a motor record.

    Parameters
    ----------
    definition : RecordDefinition
        What the database text says.
    name : str
        Name of the PV.
    kind : Kind
        What its value is.
    initial : str or None
        First value as text; without one the record is undefined (UDF, INVALID) until it is written.
    """

    def __init__(self, definition: RecordDefinition, name: str, kind: Kind, initial: str | None = None) -> None:
        fields = definition.fields
        super().__init__(kind, _first_value(kind, initial, name))
        self.definition = definition
        self.name = name
        self.record_type = definition.type
        self.is_read_only = _is_read_only(definition)
        self.client_put: Put | None = None
        """What a client's put does instead of a plain write."""
        self.put_refused: Callable[[str, Client], Awaitable[None]] | None = None
        """Told the reason when a client's put is refused for its value alone, before `client_put` is asked."""
        self.access_level = 0
        """Access security level of the value; fields have level 1."""
        self.security: AccessSecurity | None = None
        """Who may do what; None lets everybody."""
        self.listeners: list[Callable[[], None]] = []
        """Called whenever the value or a field was set, by whomever: to keep it, or to show it elsewhere too."""
        self.made_fields: dict[str, Channel] = {}
        self.limit_alarm = LimitAlarm(fields)
        self.state_alarm = StateAlarm(definition, self.stored) if isinstance(kind, Enumeration) else None
        self.monitor_deadband, self.archive_deadband = 0.0, 0.0
        self.monitored, self.archived = self.stored, self.stored
        """Value that was last sent to monitors, and to archivers: what the dead bands are measured from."""
        self.drive_limits = self.widest_drive_limits = _pair(fields, "DRVL", "DRVH")
        """(low, high) that a put must keep, None for no limits; clients may narrow them, not widen."""
        self._set_limits_from_fields()
        if initial is None and fields.get("PINI", "NO") not in ("YES", "1"):
            self.status, self.severity = UNDEFINED
        else:
            self.status, self.severity = self._alarm_of(self.stored)

    @property
    def value(self) -> Any:
        """Present value: int, float, str (a state by its name), or a read-only ndarray."""
        return self.kind.present(self.stored)

    @property
    def is_undefined(self) -> bool:
        """Whether it was never given a value, or one that is not a number."""
        return self.status == AlarmStatus.UDF

    @property
    def index(self) -> int:
        """Number of the present state; of an enumeration only."""
        if not isinstance(self.kind, Enumeration):
            raise TypeError(f"{self.name} has no states")
        return self.stored

    def check_access(self, hostname: str, username: str) -> AccessRights:
        """Everybody reads; input records are written by nobody."""
        rights = AccessRights.READ if self.is_read_only else AccessRights.READ | AccessRights.WRITE
        return rights & self.granted(self.access_level, hostname, username)

    def granted(self, level: int, hostname: str, username: str) -> AccessRights:
        """Return what access security grants: level 0 for the value, 1 for other fields."""
        if self.security is None:
            return AccessRights.READ | AccessRights.WRITE
        return self.security.rights(self.definition.fields.get("ASG", ""), level, username or "", hostname or "")

    async def write(
        self,
        value: Any,
        *,
        timestamp: float | None = None,
        severity: int | None = None,
        status: int | None = None,
    ) -> None:
        """Store a value, compute its alarm and tell the subscribers.

        Parameters
        ----------
        value : object
            Number, text, state name or number, or array, as the record holds.
        timestamp : float, optional
            UTC unix seconds; now if not given.
        severity : int, optional
            Alarm severity that overrides what the record computes.
        status : int, optional
            Alarm status that goes with it; STATE for an enumeration, else SOFT.

        Raises
        ------
        ValueError, TypeError
            If the record cannot hold the value: a fault of the IOC, not of a client.
        """
        try:
            stored = self.kind.store(value)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{self.name}: {error}") from None
        self.stored = stored
        self.stamp = TimeStamp.from_flexible_value(time.time() if timestamp is None else timestamp)
        alarm = self._alarm_of(stored) if severity is None else self._given_alarm(severity, status)
        flags = self._value_flags() | self._set_alarm(alarm)
        self._converted.clear()
        self._tell()
        if flags:
            await self.publish(flags)
        await self._refresh_fields()

    def restore(self, value: Any) -> None:
        """Take a value from before the last restart; nobody can have subscribed yet.

        Raises
        ------
        ValueError, TypeError
            If the record cannot hold it.
        """
        self.stored = self.monitored = self.archived = self.kind.store(value)
        self.status, self.severity = self._alarm_of(self.stored)
        self._converted.clear()

    async def set_limits(self, low: float, high: float) -> None:
        """Set display and control limits, as a motor record does when HLM or LLM changes."""
        self.limits.display = self.limits.control = (float(low), float(high))
        await self._publish_properties()

    async def set_units(self, units: str) -> None:
        """Set the engineering unit clients see."""
        self.limits.units = units
        await self._publish_properties()

    async def set_precision(self, precision: int) -> None:
        """Set the number of decimals clients show."""
        self.limits.precision = int(precision)
        if isinstance(self.kind, (Number, Array)):
            self.kind.precision = int(precision)
        await self._publish_properties()

    async def take_fields(self, *, shown: bool = True) -> None:
        """Take limits, unit, dead bands, severities and state names from the definition, and tell who subscribed.

        With `shown` those too who subscribed to properties.
        """
        self.adopt_fields()
        self._tell()
        flags = SubscriptionType(0) if self.is_undefined else self._set_alarm(self._alarm_of(self.stored))
        if shown:
            flags |= SubscriptionType.DBE_PROPERTY
        await self.publish(flags)
        await self._refresh_fields()

    def adopt_fields(self) -> None:
        """Take them without telling."""
        if isinstance(self.kind, Enumeration):
            self.kind.labels = tuple(
                self.definition.fields.get(name, "") for name in state_fields(self.record_type)[: len(self.kind.states)]
            )
        if self.widest_drive_limits:
            self.drive_limits = _bounds(self.definition.fields, "DRVL", "DRVH")
        self._set_limits_from_fields()

    async def put(self, data: Any, native: ChannelType, client: Client) -> None:
        """Take what a client sent: check it, let the behaviour decide, store it."""
        try:
            value = self._checked(data, native)
        except Refused as refusal:
            if self.put_refused is not None:
                await self.put_refused(f"{self.name}: {refusal.reason}", client)
            raise
        await self.put_value(value, client)

    def _checked(self, data: Any, native: ChannelType) -> Any:
        """Return the value a client sent; Refused if the record cannot hold it, or its drive limits exclude it."""
        if self.definition.fields.get("DISP", "0") not in ("0", ""):
            raise Refused("DISP is set: puts are disabled")
        value = self.kind.from_wire(data, native)
        try:
            return self.allowed(value)
        except (ValueError, TypeError) as error:
            raise Refused(str(error)) from None

    def allowed(self, value: Any) -> Any:
        """Return a value as the record would hold it.

        Raises
        ------
        ValueError, TypeError
            If it cannot hold it.
        Refused
            If its drive limits exclude it.
        """
        value = self.kind.present(self.kind.store(value))
        if self.drive_limits and isinstance(self.kind, Number):
            low, high = self.drive_limits
            if not low <= value <= high:
                raise Refused(f"{value:g} is outside [{low:g}, {high:g}] {self.limits.units}".rstrip())
        return value

    async def put_value(self, value: Any, client: Client) -> None:
        """Do what a client's put of a checked value does."""
        if self.client_put is None:
            await self.write(value)
        else:
            await self.client_put(self, value, client)

    def get_field(self, field: str) -> Channel:
        """Return the channel of ``<name>.<field>``, made when first asked for; KeyError if there is none."""
        if field == "VAL":
            return self
        if field not in self.made_fields:
            self.made_fields[field] = field_channel(self, field)
        return self.made_fields[field]

    def _set_limits_from_fields(self) -> None:
        fields, limits = self.definition.fields, self.limits
        self.monitor_deadband, self.archive_deadband = _bounds(fields, "MDEL", "ADEL")
        limits.units = fields.get("EGU", "")
        limits.precision = int(fields.get("PREC") or 0)
        if isinstance(self.kind, (Number, Array)):
            self.kind.precision = limits.precision
        limits.display = _bounds(fields, "LOPR", "HOPR")
        limits.control = limits.display
        if self.record_type == "ao":
            limits.control = _bounds(fields, "DRVL", "DRVH")
        elif self.record_type in ("longout", "int64out") and self.drive_limits:
            limits.control = self.drive_limits
        if isinstance(self.kind, Number):
            self.limit_alarm.take(fields)
            limits.alarm, limits.warning = self.limit_alarm.shown

    def _alarm_of(self, stored: Any) -> Alarm:
        if isinstance(self.kind, Number):
            return self.limit_alarm.of(stored)
        return self.state_alarm.of(stored) if self.state_alarm else NO_ALARM

    def _given_alarm(self, severity: int, status: int | None) -> Alarm:
        if status is None:
            usual = AlarmStatus.STATE if self.state_alarm else AlarmStatus.SOFT
            status = usual if severity else AlarmStatus.NO_ALARM
        return AlarmStatus(status), AlarmSeverity(severity)

    def _set_alarm(self, alarm: Alarm) -> SubscriptionType:
        changed = (self.status, self.severity) != alarm
        self.status, self.severity = alarm
        return SubscriptionType.DBE_ALARM if changed else SubscriptionType(0)

    def _value_flags(self) -> SubscriptionType:
        """Whom a new value concerns: as in EPICS, a scalar is posted when it leaves its dead band, an array always."""
        flags = SubscriptionType(0)
        if self.max_length > 1 or isinstance(self.kind, Array):
            return SubscriptionType.DBE_VALUE | SubscriptionType.DBE_LOG
        if _moved(self.stored, self.monitored, self.monitor_deadband):
            self.monitored = self.stored
            flags |= SubscriptionType.DBE_VALUE
        if _moved(self.stored, self.archived, self.archive_deadband):
            self.archived = self.stored
            flags |= SubscriptionType.DBE_LOG
        return flags

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    async def _publish_properties(self) -> None:
        await self.publish(SubscriptionType.DBE_PROPERTY)
        await self._refresh_fields()

    async def _refresh_fields(self) -> None:
        for channel in self.made_fields.values():
            await channel.refresh()


def _moved(new: Any, old: Any, deadband: float) -> bool:
    if isinstance(new, float):
        if math.isfinite(new) and math.isfinite(old):
            return abs(new - old) > deadband
        return not (new == old or (math.isnan(new) and math.isnan(old)))
    if isinstance(new, int) and deadband:
        return abs(new - old) > deadband
    return new != old


def _bounds(fields: dict[str, str], low: str, high: str) -> tuple[float, float]:
    return float(fields.get(low) or 0), float(fields.get(high) or 0)


def _pair(fields: dict[str, str], low: str, high: str) -> tuple[float, float] | None:
    """(low, high) of two fields, None where they set no range."""
    bounds = _bounds(fields, low, high)
    return bounds if bounds[0] < bounds[1] else None


def _first_value(kind: Kind, initial: str | None, name: str) -> Any:
    if initial is None or (initial == "" and not isinstance(kind, (ShortText, LongText))):
        return kind.default
    try:
        value: Any = float(initial) if isinstance(kind, Number) else initial
        return kind.store(value)
    except (ValueError, TypeError) as error:
        raise TemplateError(f"record {name!r}: VAL: {error}") from None


def _is_read_only(definition: RecordDefinition) -> bool:
    name = definition.name
    return definition.type in READ_ONLY or (definition.type in ARRAYS and name.endswith("_RBV"))
