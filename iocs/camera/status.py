"""The state of camera and exposure in one PV, `Status_RBV`: JSON, written again whenever anything in it changes.

The first keys are those of AzCam's `get_status`, with its words and its bar that counts down; unlike there, pauses,
writing and what went wrong show too. Ours follow.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from caproto import AlarmSeverity

from slitless.instrument_time import isot

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["StatusRecord", "exposure_status"]

HOLD_OFF = 0.02  # wall s for which changes are gathered before they are published together
WATCHED = (
    *("ExposureFlag_RBV", "FrameState_RBV", "StatusMessage_RBV", "TimeRemaining_RBV", "NumPixelsRemaining_RBV"),
    *("SequenceCount_RBV", "SequenceTotal_RBV", "TemperatureActual", "DewarTemperature_RBV", "ImageTitle_RBV"),
    *("ImageType", "ImageTest_RBV", "AcquireTime", "BinX", "BinY", "ExposureId_RBV", "FrameReason_RBV"),
    *("SequenceOwner_RBV", "AcquireBusy", "Held_RBV", "OpticsLocked_RBV"),
)
"""Records of the camera the status is made from."""
COLORS = {
    "EXPOSING": "green",
    "RESUME": "green",
    "PAUSE": "yellow",
    "PAUSED": "yellow",
    "READ": "red",
    "READOUT": "red",
    "SETUP": "cyan",
    "WRITING": "blue",
    "ERROR": "magenta",
    "ABORT": "orange",
}
NOT_MEASURED = -999.9  # AzCam's number for a temperature that was not read


class StatusRecord:
    """Publishes the status.

    Parameters
    ----------
    record : callable
        Returns a record of the IOC by its name, e.g. ``cam1:Status_RBV``.
    facts : callable
        Returns what does not come from a record of the camera.
    """

    def __init__(self, record: Callable[[str], Record], facts: Callable[[], dict[str, Any]]) -> None:
        self._record = record
        self._facts = facts
        self._changed = asyncio.Event()
        self._shown: dict[str, Any] = {}
        for name in (*(f"cam1:{name}" for name in WATCHED), "FITS1:FullFileName_RBV"):
            record(name).listeners.append(self._changed.set)

    async def run(self) -> None:
        """Go on publishing."""
        while True:
            self._changed.clear()
            facts = self._facts()
            status = exposure_status(self._value, facts)
            status["filename"] = self._record("FITS1:FullFileName_RBV").value
            if status != self._shown:
                self._shown = status
                text = json.dumps(status | {"timestamp": isot(facts["now"], 3)}, ensure_ascii=False)
                await self._record("cam1:Status_RBV").write(text)
            await asyncio.sleep(HOLD_OFF)
            await self._changed.wait()

    def _value(self, name: str) -> Any:
        """Return the value of a record of the camera; None if it is not known."""
        record = self._record(f"cam1:{name}")
        return None if record.severity == AlarmSeverity.INVALID_ALARM else record.value


def exposure_status(value: Callable[[str], Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Return the status without its time stamp and file.

    Parameters
    ----------
    value : callable
        Returns the value of a record of the camera by its name.
    facts : mapping
        ``system``, ``mode``, and ``total_pixels`` of the frame that is read.
    """
    flag = value("ExposureFlag_RBV")
    state, label, bar = _words(flag, value, facts)
    count, total = value("SequenceCount_RBV"), value("SequenceTotal_RBV")
    return {
        "message": f"{flag} - {count} of {total}" if total else state,
        "exposurelabel": label,
        "exposurecolor": COLORS.get(flag, "transparent"),
        "exposurestate": "" if flag == "NONE" else flag,
        "progressbar": bar,
        "camtemp": _temperature(value("TemperatureActual")),
        "dewtemp": _temperature(value("DewarTemperature_RBV")),
        "seqcount": count,
        "seqtotal": total,
        "imagetitle": value("ImageTitle_RBV"),
        "imagetype": value("ImageType"),
        "imagetest": int(value("ImageTest_RBV") == "Yes"),
        "exposuretime": value("AcquireTime"),
        "colbin": value("BinX"),
        "rowbin": value("BinY"),
        "systemname": facts["system"],
        "mode": facts["mode"],
        "framestate": value("FrameState_RBV"),
        "exposureid": value("ExposureId_RBV"),
        "reason": value("FrameReason_RBV"),
        "busy": value("AcquireBusy") not in ("Done", 0),
        "held": value("Held_RBV") == "Yes",
        "opticslocked": value("OpticsLocked_RBV") == "Yes",
        "timeremaining": round(value("TimeRemaining_RBV"), 3),
        "pixelsremaining": value("NumPixelsRemaining_RBV"),
        "owner": value("SequenceOwner_RBV"),
    }


def _words(flag: str, value: Callable[[str], Any], facts: dict[str, Any]) -> tuple[str, str, int]:
    """Return message, label and bar (per cent still to come)."""
    message = value("StatusMessage_RBV")
    if flag in ("EXPOSING", "PAUSE", "PAUSED", "RESUME"):
        remaining, asked = value("TimeRemaining_RBV"), value("AcquireTime")
        bar = round(100 * remaining / asked) if asked > 0 else 0
        return message, f"{remaining:.1f} sec remaining", min(max(bar, 0), 100)
    if flag == "READOUT":
        bar = round(100 * value("NumPixelsRemaining_RBV") / max(facts["total_pixels"], 1))
        return message, f"{bar}% readout", bar
    if flag == "SETUP":
        return message, "exposure setup", 0
    return message, "" if flag == "NONE" else flag.lower(), 0


def _temperature(celsius: float | None) -> str:
    return f"{NOT_MEASURED if celsius is None else celsius:.1f}"
