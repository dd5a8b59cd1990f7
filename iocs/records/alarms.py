"""Alarm of a value as its record declares it: limits with hysteresis, state severities, undefined.

The order of tests is that of EPICS base (`recGblCheckDeadband` and the `checkAlarms` of ai, longin, mbbi, bi).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from caproto import AlarmSeverity, AlarmStatus

from iocs.records.menus import SEVERITIES, SEVERITY_FIELDS
from iocs.records.template import RecordDefinition

__all__ = ["Alarm", "LimitAlarm", "StateAlarm", "severity_named"]

Alarm = tuple[AlarmStatus, AlarmSeverity]
NO_ALARM: Alarm = (AlarmStatus.NO_ALARM, AlarmSeverity.NO_ALARM)
NAMED = {name: AlarmSeverity(number) for number, name in enumerate(SEVERITIES)} | {"": AlarmSeverity.NO_ALARM}
UNDEFINED: Alarm = (AlarmStatus.UDF, AlarmSeverity.INVALID_ALARM)


def severity_named(text: str) -> AlarmSeverity:
    """Return the severity a field such as HHSV names; empty is NO_ALARM.

    Raises
    ------
    ValueError
        If it is none of the EPICS severities.
    """
    try:
        return NAMED[text]
    except KeyError:
        raise ValueError(f"alarm severity {text!r} is not one of {', '.join(SEVERITIES)}") from None


class LimitAlarm:
    """HIHI, LOLO, HIGH and LOW of a number, with HYST.

    Parameters
    ----------
    fields : mapping of str to str
        Fields of the record.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._last = math.nan
        """The limit that raised the present alarm; NaN without one."""
        self.take(fields)

    def take(self, fields: Mapping[str, str]) -> None:
        """Take limits, severities and hysteresis from the fields."""
        self.hysteresis = float(fields.get("HYST") or 0.0)
        self._above = [
            (self._limit(fields, limit, severity), status)
            for limit, severity, status in (("HIHI", "HHSV", AlarmStatus.HIHI), ("HIGH", "HSV", AlarmStatus.HIGH))
        ]
        self._below = [
            (self._limit(fields, limit, severity), status)
            for limit, severity, status in (("LOLO", "LLSV", AlarmStatus.LOLO), ("LOW", "LSV", AlarmStatus.LOW))
        ]

    @staticmethod
    def _limit(fields: Mapping[str, str], limit: str, severity: str) -> tuple[float, AlarmSeverity]:
        return float(fields.get(limit) or 0.0), severity_named(fields.get(severity, ""))

    @property
    def shown(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """((LOLO, HIHI), (LOW, HIGH)) as clients see them: NaN where the severity is NO_ALARM."""
        (hihi, high), (lolo, low) = (
            [limit if severity else math.nan for (limit, severity), _ in side] for side in (self._above, self._below)
        )
        return (lolo, hihi), (low, high)

    def of(self, value: float) -> Alarm:
        """Alarm of a value; remembers the limit in alarm, for the hysteresis."""
        if math.isnan(value):
            return UNDEFINED
        for above, below in zip(self._above, self._below, strict=True):
            for ((limit, severity), status), sign in ((above, 1), (below, -1)):
                margin = self.hysteresis if limit == self._last else 0.0
                if severity and sign * value >= sign * limit - margin:
                    self._last = limit
                    return status, severity
        self._last = math.nan
        return NO_ALARM


class StateAlarm:
    """Severity of each state of a binary or multi-state record, and of a change of state.

    Parameters
    ----------
    definition : RecordDefinition
        The record.
    state : int
        Its present state.
    """

    def __init__(self, definition: RecordDefinition, state: int) -> None:
        self._fields = definition.fields
        self._names = ["ZSV", "OSV"] if definition.type in ("bi", "bo", "busy") else SEVERITY_FIELDS
        self._state = state

    def of(self, state: int) -> Alarm:
        """Alarm of a state; remembers the state, for the alarm of a change."""
        severity = self._severity(self._names[state])
        on_change = self._severity("COSV") if state != self._state else AlarmSeverity.NO_ALARM
        self._state = state
        if on_change > severity:
            return AlarmStatus.COS, on_change
        return (AlarmStatus.STATE, severity) if severity else NO_ALARM

    def _severity(self, field: str) -> AlarmSeverity:
        return severity_named(self._fields.get(field, ""))
