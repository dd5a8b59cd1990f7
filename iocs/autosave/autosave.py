"""Keeps the settings of an IOC in a file, and gives them back to its records before anybody can read them.

A record says which of its fields are settings: ``info(autosaveFields, "VAL HIHI")``. A change is on disk within about
half a second. Giving back runs no behaviour and moves nothing; what no longer fits is left out and named.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from iocs.autosave.settings_file import Settings, SettingsFile
from iocs.records.fields import SETTABLE, check_field, field_kind
from iocs.records.kinds import Number
from iocs.records.record import Record
from iocs.wire.client import Refused

__all__ = ["Autosave"]

log = logging.getLogger(__name__)

HOLD = 0.3  # wall s that changes are gathered before they are written
RETRY = 5.0  # wall s before a file that could not be written is tried again
MESSAGE_BYTES = 1000


class Autosave:
    """Settings of one IOC.

    Parameters
    ----------
    records : mapping of str to Record
        All of its records by full name; a motor's fields as ``m1.OFF``.
    prefix : str
        Of the IOC.
    file : SettingsFile or None
        Where they are kept; None keeps none.
    """

    def __init__(self, records: Mapping[str, Record], prefix: str, file: SettingsFile | None) -> None:
        self._records = records
        self._prefix = prefix
        self._file = file
        self._changed = asyncio.Event()
        self._last_saved: Settings | None = None
        self._fields: dict[str, list[str]] = {}
        self._found = ("Off", "no folder for settings was given")
        if file is not None:
            self._fields = self._declared()
            for name, fields in self._fields.items():
                for field in fields:
                    self._holder(name, field).listeners.append(self._changed.set)
            self._found = self._restore(file)
        self._tell_first(*self._found)

    def _declared(self) -> dict[str, list[str]]:
        """Record to its fields that are settings; an alias is not another record."""
        found: dict[str, list[str]] = {}
        for name, record in self._records.items():
            base = name.partition(".")[0]
            fields = record.definition.info.get("autosaveFields", "").split()
            if fields and base == record.definition.name:
                found[base] = fields
        return found

    def _holder(self, name: str, field: str) -> Record:
        """Return the record that holds a field: its own, for a motor's."""
        return self._records.get(f"{name}.{field}", self._records[name])

    # Giving back.

    def _restore(self, file: SettingsFile) -> tuple[str, str]:
        """Give the records their settings; return status and message."""
        settings, problems = file.load()
        if settings or problems:
            self._changed.set()  # written anew at once, so that this file, known to be whole, becomes the one before
        skipped: list[str] = []
        for short, fields in settings.items():
            name = self._prefix + short
            for field, value in fields.items():
                if field not in self._fields.get(name, ()):
                    skipped.append(f"{short}.{field}: no longer a setting")
                    continue
                try:
                    self._give_back(name, field, value)
                except (Refused, ValueError, TypeError, OverflowError) as error:
                    skipped.append(f"{short}.{field} {value!r:.60}: {error}")
        for problem in (*problems, *skipped):
            log.warning("%s: settings: %s", self._prefix, problem)
        if problems:
            return "FileSetAside", "; ".join((*problems, *skipped))
        if skipped:
            return "SomeSkipped", "; ".join(skipped)
        return "Good", f"{sum(map(len, settings.values()))} settings restored from {file.path}"

    def _give_back(self, name: str, field: str, value: Any) -> None:
        holder = self._holder(name, field)
        if holder.definition.type == "motor":
            _check_motor_field(holder, field, value)
            holder.restore(value)
        elif field == "VAL":
            holder.restore(holder.allowed(value))
            readback = self._records.get(f"{name}_RBV")
            if readback is not None and readback.definition.type != "calc":
                readback.restore(value)
        elif field in SETTABLE:
            kind = field_kind(holder, field)
            text = str(kind.present(kind.store(value)))
            check_field(holder, field, text)
            holder.definition.fields[field] = text
            holder.adopt_fields()
            if not holder.is_undefined:
                holder.restore(holder.value)  # for its alarm
        else:
            raise Refused("EPICS would restore it, here it does nothing")

    def _tell_first(self, status: str, message: str) -> None:
        self._records[f"{self._prefix}IOC:AutosaveStatus_RBV"].restore(status)
        self._records[f"{self._prefix}IOC:AutosaveMessage_RBV"].restore(_cut(message))

    # Keeping.

    def settings(self) -> Settings:
        """Return the present settings."""
        return {
            name.removeprefix(self._prefix): {field: self._value(name, field) for field in fields}
            for name, fields in self._fields.items()
        }

    def _value(self, name: str, field: str) -> Any:
        holder = self._holder(name, field)
        if field == "VAL" or holder.definition.type == "motor":
            value = holder.value
        else:
            channel = holder.get_field(field)
            value = channel.kind.present(channel.stored)
        return value.tolist() if hasattr(value, "tolist") else value

    async def run(self) -> None:
        """Write the file soon after every change, until cancelled."""
        if self._file is None:
            return
        while True:
            await self._changed.wait()
            await asyncio.sleep(HOLD)
            self._changed.clear()
            if not await self._save():
                self._changed.set()
                await asyncio.sleep(RETRY)

    async def stop(self) -> None:
        """Write what is not on disk yet."""
        if self._file is not None and self._changed.is_set():
            await self._save()

    async def _save(self) -> bool:
        assert self._file is not None  # noqa: S101  asked for by both callers
        settings = self.settings()
        if settings == self._last_saved:
            return True
        status, message = self._found
        try:
            await asyncio.to_thread(self._file.save, settings)
        except OSError as error:
            status, message = "SaveFailed", f"{error.filename or self._file.path}: {error.strerror or error}"
            log.error("%s: settings are not saved: %s", self._prefix, message)
        else:
            self._last_saved = settings
        shown = self._records[f"{self._prefix}IOC:AutosaveStatus_RBV"]
        if shown.value != status:
            await self._records[f"{self._prefix}IOC:AutosaveMessage_RBV"].write(_cut(message))
            await shown.write(status)
        return status != "SaveFailed"


def _check_motor_field(record: Record, field: str, value: Any) -> None:
    """Refuse a limit outside today's travel, and a number outside the limits of its field."""
    if not isinstance(record.kind, Number):
        return
    fields = record.definition.fields
    if field in ("DHLM", "DLLM", "HLM", "LLM"):
        low, high = (float(fields.get(name) or 0) for name in ("DLLM", "DHLM"))
    else:
        low, high = record.limits.control
    if low < high and not low <= value <= high:
        raise Refused(f"it is outside [{low:g}, {high:g}]")


def _cut(text: str) -> str:
    return text.encode("utf-8", "replace")[:MESSAGE_BYTES].decode("utf-8", "ignore")
