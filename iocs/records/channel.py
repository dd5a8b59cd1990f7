"""What a Channel Access server asks of a channel: read as any type, write, subscribe, access rights, fields.

The methods are those caproto's server calls on its own `ChannelData`; nothing else of that class is needed here.
"""

from __future__ import annotations

import math
import time
from typing import Any

from caproto import AccessRights, AlarmSeverity, AlarmStatus, ChannelType, TimeStamp
from caproto._constants import MAX_SUBSCRIPTION_BACKLOG
from caproto._data import Forbidden, SubscriptionUpdate
from caproto._dbr import (
    DBR_TYPES,
    SubscriptionType,
    _channel_type_by_name,
    _LongStringChannelType,
    native_type,
    native_types,
)

from iocs.records.kinds import ENUM_STATES, Array, Enumeration, Kind, cast, cut
from iocs.wire.client import Client, Refused

__all__ = ["EVERYTHING", "Channel", "Limits"]

EVERYTHING = SubscriptionType.DBE_VALUE | SubscriptionType.DBE_LOG | SubscriptionType.DBE_ALARM
PRIMITIVE = frozenset(native_types)
DBR: dict[int, Any] = dict(DBR_TYPES)  # type: ignore[arg-type]  # caproto types it as a field descriptor


class Limits:
    """Units, precision and limits as a client sees them in the GR and CTRL types."""

    __slots__ = ("alarm", "control", "display", "precision", "units", "warning")

    def __init__(self) -> None:
        self.units = ""
        self.precision = 0
        self.display = (0.0, 0.0)
        self.control = (0.0, 0.0)
        self.alarm = (math.nan, math.nan)
        """LOLO and HIHI; NaN where unset, as rsrv serves them."""
        self.warning = (math.nan, math.nan)
        """LOW and HIGH."""


class Channel:
    """One value with alarm and time stamp, readable as every DBR type and subscribable.

    Parameters
    ----------
    kind : Kind
        What the value is.
    stored : object
        First value, as `kind` keeps it.
    """

    record_type = ""

    def __init__(self, kind: Kind, stored: Any) -> None:
        self.kind = kind
        self.stored = stored
        self.status = AlarmStatus.NO_ALARM
        self.severity = AlarmSeverity.NO_ALARM
        self.stamp = TimeStamp.from_flexible_value(time.time())
        self.limits = Limits()
        self._queues: dict[Any, dict[str, set[Any]]] = {}
        self._converted: dict[str, tuple[Any, Any]] = {}

    # What the server reads off a channel.

    @property
    def data_type(self) -> ChannelType:
        """Native type."""
        return self.kind.data_type

    @property
    def max_length(self) -> int:
        """Native element count."""
        return self.kind.max_length

    @property
    def long_string_max_length(self) -> int:
        """Element count when a string is asked for as characters (``.VAL$``)."""
        return 41 if self.kind.max_length == 1 else self.kind.max_length

    @property
    def max_subscription_backlog(self) -> int:
        """Updates kept for one slow subscriber: one for an array of numbers, whose frames are large, many for all else.

        Text counts as small: two commands may end at once, and each client waits for its own result.
        """
        return 1 if isinstance(self.kind, Array) else MAX_SUBSCRIPTION_BACKLOG

    @property
    def length(self) -> int:
        """Elements of the current value."""
        return len(self.kind.to_wire(self.stored, self.data_type))

    def calculate_length(self, value: Any) -> int:
        """Elements of a value that `read` returned; types without elements of their own count as one, as in EPICS."""
        return 1 if isinstance(value, bytes) else len(value)

    def check_access(self, hostname: str, username: str) -> AccessRights:
        """Rights of a client."""
        return AccessRights.READ

    def get_field(self, field: str) -> Channel:
        """Return the channel of ``<name>.<field>``; KeyError if there is none."""
        raise KeyError(field)

    async def auth_read(
        self, hostname: str, username: str, data_type: Any, *, user_address: Any = None
    ) -> tuple[Any, Any]:
        """Read for a client; Forbidden without the right to."""
        if AccessRights.READ not in self.check_access(hostname, username):
            raise Forbidden(f"{username}@{hostname} may not read")
        return self.read(data_type)

    async def auth_write(
        self,
        hostname: str,
        username: str,
        data: Any,
        data_type: Any,
        metadata: Any,
        *,
        flags: int = 0,
        user_address: Any = None,
    ) -> None:
        """Write for a client; Forbidden without the right to, Refused with a reason."""
        if AccessRights.WRITE not in self.check_access(hostname, username):
            raise Forbidden(f"{username}@{hostname} may not write")
        if data_type in (ChannelType.PUT_ACKS, ChannelType.PUT_ACKT):
            return  # alarms here need no acknowledging
        if data_type in (ChannelType.STSACK_STRING, ChannelType.CLASS_NAME):
            raise Refused(f"data of type {ChannelType(data_type).name} cannot be written")
        address = tuple(user_address) if user_address else ("", 0)
        await self.put(data, native_type(data_type), Client(address, username or "", hostname or ""))

    async def put(self, data: Any, native: ChannelType, client: Client) -> None:
        """Take what a client sent."""
        raise Refused("it is read-only")

    # Reading.

    def read(self, data_type: Any) -> tuple[Any, Any]:
        """Return (metadata, elements) as any DBR type."""
        name = data_type.name
        try:
            return self._converted[name]
        except KeyError:
            self._converted[name] = found = self._read(data_type)
            return found

    def _read(self, data_type: Any) -> tuple[Any, Any]:
        if isinstance(data_type, _LongStringChannelType):
            data_type = ChannelType(data_type)
        if data_type == ChannelType.CLASS_NAME:
            name = DBR[data_type]()
            name.value = self.record_type.encode()
            return name, b""
        if data_type == ChannelType.STSACK_STRING:
            acknowledge = DBR[data_type]()
            acknowledge.status, acknowledge.severity = self.status, self.severity
            acknowledge.ackt, acknowledge.acks = 1, 0
            acknowledge.value = b"".join(self.kind.to_wire(self.stored, ChannelType.STRING)[:1])
            return acknowledge, b""
        data = self.kind.to_wire(self.stored, native_type(data_type))
        if data_type in PRIMITIVE:
            return b"", data
        return self._metadata(data_type), data

    def _metadata(self, data_type: ChannelType) -> Any:
        dbr = DBR[data_type]()
        dbr.status, dbr.severity = self.status, self.severity
        if hasattr(dbr, "stamp"):
            dbr.stamp = self.stamp
        if hasattr(dbr, "enum_strings"):
            states = self.kind.labels[:ENUM_STATES] if isinstance(self.kind, Enumeration) else ()
            dbr.enum_strings = [cut(state, 25) for state in states]
        if hasattr(dbr, "units"):
            dbr.units = cut(self.limits.units, 7)
        if hasattr(dbr, "precision"):
            dbr.precision = self.limits.precision
        if hasattr(dbr, "upper_disp_limit"):
            native = native_type(data_type)
            for name, value in self._limit_fields(dbr):
                setattr(dbr, name, _as_limit(value, native))
        return dbr

    def _limit_fields(self, dbr: Any) -> list[tuple[str, float]]:
        limits = self.limits
        fields = [
            ("lower_disp_limit", limits.display[0]),
            ("upper_disp_limit", limits.display[1]),
            ("lower_alarm_limit", limits.alarm[0]),
            ("upper_alarm_limit", limits.alarm[1]),
            ("lower_warning_limit", limits.warning[0]),
            ("upper_warning_limit", limits.warning[1]),
        ]
        if hasattr(dbr, "upper_ctrl_limit"):
            fields += [("lower_ctrl_limit", limits.control[0]), ("upper_ctrl_limit", limits.control[1])]
        return fields

    # Subscribing.

    async def subscribe(self, queue: Any, sub_spec: Any, sub: Any) -> None:
        """Send updates to `queue` from now on, and the present value at once."""
        self._queues.setdefault(queue, {}).setdefault(sub_spec.data_type_name, set()).add(sub_spec)
        metadata, values = self.read(_channel_type_by_name[sub_spec.data_type_name])
        await queue.put(SubscriptionUpdate((sub_spec,), metadata, values, 0, sub))

    async def refresh(self) -> None:
        """Take over what this channel shows of another one."""

    async def unsubscribe(self, queue: Any, sub_spec: Any) -> None:
        """Send no more updates for `sub_spec`."""
        by_type = self._queues.get(queue, {})
        by_type.get(sub_spec.data_type_name, set()).discard(sub_spec)
        if not any(by_type.values()):
            self._queues.pop(queue, None)

    async def publish(self, flags: SubscriptionType) -> None:
        """Send the present value to the subscribers whose mask asks for any of `flags`."""
        self._converted.clear()
        for queue, by_type in list(self._queues.items()):
            for type_name, specs in list(by_type.items()):
                eligible = tuple(spec for spec in specs if spec.mask & flags)
                if eligible:
                    metadata, values = self.read(_channel_type_by_name[type_name])
                    await queue.put(SubscriptionUpdate(eligible, metadata, values, flags, None))


def _as_limit(value: float, native: ChannelType) -> Any:
    """Return a limit as the structure of a DBR type holds it; for an integer too small for it, the nearest bound."""
    if native in (ChannelType.DOUBLE, ChannelType.FLOAT):
        return value
    element = cast(value, native)[0]
    return element.tobytes() if native == ChannelType.CHAR else int(element)
