"""The detector's hand on the shutter: it commands SHUTTER over Channel Access and believes its readbacks only."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import TYPE_CHECKING, Any

from iocs.wire.client import Refused
from iocs.wire.peers import Peer, PeerError
from slitless.definition import Shutter
from slitless.errors import SlitlessError

if TYPE_CHECKING:
    from iocs.ioc import Ioc

__all__ = ["CAMERA", "Opening", "ShutterControl", "ShutterFailed"]

CAMERA = "camera"
"""Client part of the command ids the detector uses."""
ANSWER_TIME = 5.0  # wall s that a living IOC may take to answer beyond what the shutter itself needs


class ShutterFailed(SlitlessError):
    """The shutter did not do what an exposure needs."""


class Opening:
    """One opening of the shutter that ends by itself."""

    def __init__(self, control: ShutterControl, done: asyncio.Task[None], opened_at: float) -> None:
        self._control = control
        self._done = done
        self.opened_at = opened_at
        """TAI unix s, as the shutter measured it."""

    @property
    def is_closed(self) -> bool:
        """Whether the shutter said that the exposure has ended."""
        return self._done.done()

    async def wait_closed(self, within: float | None = None) -> bool:
        """Wait until the shutter has closed, at most `within` wall seconds; return whether it has.

        Raises
        ------
        ShutterFailed
            If it failed, or its IOC went away.
        """
        await asyncio.wait([self._done], timeout=within)
        self._control.check_link()
        if not self._done.done():
            return False
        await self._done
        return True

    async def close_early(self) -> None:
        """Close now; the opening then ends with the time it truly lasted."""
        await self._control.close()

    @property
    def open_time(self) -> float:
        """Time (s) every pixel saw light in this opening; of a closed one."""
        return self._control.open_time

    @property
    def closed_at(self) -> float:
        """TAI unix s of the closing edge; of a closed one."""
        return self._control.closed_at


class ShutterControl:
    """Commands the shutter and waits for the sentinel its IOC publishes.

    Parameters
    ----------
    ioc : Ioc
        Whose Channel Access client is used.
    shutter : Shutter
        How long the blades take.
    """

    def __init__(self, ioc: Ioc, shutter: Shutter) -> None:
        self._ioc = ioc
        self._shutter = shutter
        self._numbers = count(1)
        self._sending = asyncio.Lock()
        self._state = ioc.watch("SHUTTER:State_RBV")
        self._opened_at = ioc.watch("SHUTTER:OpenedAt_RBV")
        self._closed_at = ioc.watch("SHUTTER:ClosedAt_RBV")
        self._open_time = ioc.watch("SHUTTER:OpenTime_RBV")
        self._result = ioc.watch("SHUTTER:CommandResult_RBV")
        self._summary = ioc.watch("SHUTTER:IOC:SummaryState")
        self._outcomes: dict[str, asyncio.Future[dict[str, str]]] = {}
        self._opening_ordered = False  # until its result is here the readback may still say Closed
        self._result.on_change(self._take_result)
        self._state.on_change(self._forget_lost_order)

    @property
    def open_time(self) -> float:
        """Time (s) the last opening lasted."""
        return float(self._open_time.value)

    @property
    def closed_at(self) -> float:
        """TAI unix s of the last closing edge."""
        return float(self._closed_at.value)

    def check_ready(self, for_light: bool) -> None:
        """Refuse an exposure unless the shutter is known to be closed, and enabled if it is to open.

        Raises
        ------
        Refused
            Naming the PV and what it says.
        """
        for peer in (self._state, self._summary):
            if not peer.known:
                raise Refused(f"{self._name(peer)}: not connected, so the shutter is unknown")
        if self._state.value != "Closed":
            raise Refused(f"{self._name(self._state)}: the shutter is {self._state.value}, not Closed")
        if for_light and self._summary.value != "Enabled":
            raise Refused(f"{self._name(self._summary)}: the shutter is {self._summary.value}, not Enabled")

    def check_link(self) -> None:
        """Fail an exposure whose shutter cannot be seen.

        Raises
        ------
        ShutterFailed
            If the shutter's IOC is gone, or in a fault.
        """
        if not self._state.known:
            raise ShutterFailed(f"{self._name(self._state)}: the link was lost during the exposure")
        if self._state.value == "Fault":
            raise ShutterFailed(f"{self._name(self._state)}: the shutter is in Fault")

    async def expose(self, seconds: float) -> Opening:
        """Start an opening of `seconds`; return when light falls.

        Raises
        ------
        ShutterFailed
            If the shutter refuses, or does not open in time.
        """
        before = self._opened_at.value if self._opened_at.known else None
        self._opening_ordered = True
        done = await self._command("Expose", seconds, seconds + self._shutter.open_time + self._shutter.close_time)
        opened = asyncio.ensure_future(self._opened_at.until(lambda value: value != before, self._patience(1.0)))
        try:
            await asyncio.wait([opened, done], return_when=asyncio.FIRST_COMPLETED)
            if done.done():
                await done  # a refusal comes before any opening
            await opened
        except PeerError as error:
            done.cancel()
            raise ShutterFailed(f"{self._name(self._opened_at)}: the shutter did not open") from error
        except asyncio.CancelledError:
            done.cancel()
            raise
        finally:
            opened.cancel()
        return Opening(self, done, float(self._opened_at.value))

    async def open(self) -> float:
        """Open and stay open; return when light began to fall, TAI unix s."""
        self._opening_ordered = True
        await (await self._command("Command", "Open", self._shutter.open_time))
        return float(self._opened_at.value)

    async def close(self) -> None:
        """Close, and return when the shutter says that it is closed.

        Raises
        ------
        ShutterFailed
            If it does not; the caller must then treat the detector as lit.
        """
        await (await self._command("Command", "Close", self._shutter.close_time))
        try:
            await self._state.until(lambda value: value == "Closed", self._patience(self._shutter.close_time))
        except PeerError as error:
            raise ShutterFailed(str(error)) from error

    @property
    def is_closed(self) -> bool:
        """Whether the shutter is known to be closed, and not under orders to open."""
        return self._state.known and self._state.value == "Closed" and not self._opening_ordered

    async def _command(self, name: str, value: Any, duration: float) -> asyncio.Task[None]:
        """Send a command; return a task that ends when it has ended, and raises what became of it."""
        command_id = f"{CAMERA}:{next(self._numbers)}"
        async with self._sending:
            # The command id counts for the next command of our circuit, so nothing may come between the two.
            await self._send("CommandId", command_id, ANSWER_TIME)
            task = asyncio.create_task(self._carry_out(name, value, command_id, self._patience(duration)))
            task.add_done_callback(self._command_ended)
            await asyncio.sleep(0)
        return task

    async def _carry_out(self, name: str, value: Any, command_id: str, patience: float) -> None:
        outcome = self._outcomes[command_id] = asyncio.get_running_loop().create_future()
        try:
            await self._send(name, value, patience)
            async with asyncio.timeout(ANSWER_TIME):
                result = await outcome
        except TimeoutError as error:
            raise ShutterFailed(f"SHUTTER:{name} {value}: done, but its IOC published no result") from error
        finally:
            del self._outcomes[command_id]
        if result["status"] != "Done":
            raise ShutterFailed(f"SHUTTER:{name} {value}: {result['error']}")

    def _command_ended(self, task: asyncio.Task[None]) -> None:
        """Believe the readback again: whatever the shutter answered, it came after every order before it."""
        if not task.cancelled():
            self._opening_ordered = False
            task.exception()  # else asyncio complains that nobody looked, where the waiter was aborted

    def _forget_lost_order(self, peer: Peer) -> None:
        """Believe the readback of a shutter that comes back: whatever it was told before shows in it."""
        if not peer.known:
            self._opening_ordered = False

    def _take_result(self, peer: Peer) -> None:
        """Hand a result to the command that waits for it; results can follow each other faster than waiters wake."""
        try:
            result = json.loads(str(peer.value))
            outcome = self._outcomes[result["id"]]
        except (ValueError, TypeError, KeyError):
            return
        if not outcome.done():
            outcome.set_result(result)

    async def _send(self, name: str, value: Any, patience: float) -> None:
        try:
            await self._ioc.put(f"SHUTTER:{name}", value, timeout=patience)
        except PeerError as error:
            raise ShutterFailed(str(error)) from error

    def _patience(self, duration: float) -> float:
        """Wall time (s) after which something that takes `duration` has failed."""
        return self._ioc.clock.wall_seconds(duration) + ANSWER_TIME

    def _name(self, peer: Any) -> str:
        return str(peer.name)
