"""What clients ask of an exposure while it runs: hold, go on, end early."""

from __future__ import annotations

import asyncio

__all__ = ["ExposureControl"]


class ExposureControl:
    """Requests to one running Acquire, and a way to wait for the next."""

    def __init__(self) -> None:
        self.hold = False
        """Whether the shutter is to be closed and the exposure clock to stand."""
        self.ended = False
        """Whether the integration is to end now; frames that should follow are dropped."""
        self.triggered = False
        """Whether the frame that waits for it may begin."""
        self._asked = asyncio.Event()

    def pause(self) -> None:
        """Ask to hold."""
        self.hold = True
        self._asked.set()

    def resume(self) -> None:
        """Ask to go on."""
        self.hold = False
        self._asked.set()

    def go(self) -> None:
        """Let the frame begin that waits for a trigger."""
        self.triggered = True
        self._asked.set()

    def stop(self) -> None:
        """Ask to end early and read out."""
        self.ended = True
        self.hold = False
        self._asked.set()

    async def asked(self, within: float | None = None) -> bool:
        """Wait for a new request, at most `within` wall seconds; return whether there was one."""
        try:
            await asyncio.wait_for(self._asked.wait(), within)
        except TimeoutError:
            return False
        self._asked.clear()
        return True
