"""Whether the camera that exposes is still alive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iocs.ioc import Ioc

__all__ = ["CameraPulse"]

HEARTBEAT = "CAM:IOC:Heartbeat"
SILENCE = 3.5
"""Wall s without a heartbeat (1 Hz) after which an exposure counts as abandoned."""


class CameraPulse:
    """Watches the heartbeat of the camera's IOC during an exposure.

    Parameters
    ----------
    ioc : Ioc
        Whose Channel Access client is used.
    """

    def __init__(self, ioc: Ioc) -> None:
        self._heartbeat = ioc.watch(HEARTBEAT)
        self._expected = False
        self._was_known = False
        self._beat: Any = None
        self._beat_at = 0.0

    def expect(self, camera_exposes: bool) -> None:
        """Start to watch for an exposure, if it is the camera's."""
        self._expected = camera_exposes
        self._was_known = False
        self._beat_at = time.monotonic()

    def lost(self) -> str:
        """Return why the camera counts as gone; empty while it lives, or where it does not matter."""
        if not self._expected:
            return ""
        name = self._heartbeat.name
        if not self._heartbeat.known:
            silent = self._was_known or time.monotonic() - self._beat_at > SILENCE
            return f"{name} is not connected" if silent else ""
        self._was_known = True
        if self._heartbeat.value != self._beat:
            self._beat, self._beat_at = self._heartbeat.value, time.monotonic()
        return f"{name} has not changed for {SILENCE:g} s" if time.monotonic() - self._beat_at > SILENCE else ""
