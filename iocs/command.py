"""The command protocol: who asked for what, whether it was taken up, and how it ended.

Put-completion proves nothing to most clients, so each group of commands publishes an acknowledgement, a status and
a result. The result names the command's id and is written last, after everything the command speaks for.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from iocs.records.record import Record
from iocs.wire.client import Client, Refused

__all__ = ["CommandGroup", "current_command_id"]

log = logging.getLogger(__name__)

current_command_id: ContextVar[str] = ContextVar("current_command_id", default="")
"""Id of the command whose handler runs; empty for a client that gave none."""


class CommandGroup:
    """The command records of one group.

    Parameters
    ----------
    find : callable
        Returns the record of a name relative to the IOC's prefix.
    group : str
        Prefix of the group, e.g. ``"m1:"``.
    """

    def __init__(self, find: Callable[[str], Record], group: str) -> None:
        self.group = group
        self._acknowledged = find(f"{group}CommandAck_RBV")
        self._status = find(f"{group}CommandStatus_RBV")
        self._error = find(f"{group}CommandError_RBV")
        self._result = find(f"{group}CommandResult_RBV")
        find(f"{group}CommandId").client_put = self._take_id
        self._ids: dict[tuple[str, int], str] = {}
        self._running = 0

    async def _take_id(self, record: Record, value: str, client: Client) -> None:
        self._ids[client.address] = value
        await record.write(value)

    def forget(self, client: Client) -> None:
        """Forget an id whose client is gone."""
        self._ids.pop(client.address, None)

    async def execute(self, client: Client, check: Callable[[], None], action: Callable[[], Awaitable[None]]) -> None:
        """Run one command under the protocol.

        Parameters
        ----------
        client : Client
            Who asks.
        check : callable
            Raises Refused if no command may run now.
        action : callable
            Does it, including the storing of the value.

        Raises
        ------
        Refused
            If the command was refused or failed; the result is published already.
        """
        command_id = self._ids.pop(client.address, "")
        current_command_id.set(command_id)
        try:
            check()
            await self._run(command_id, action)
        except Refused as refusal:
            await self._end(command_id, refusal.reason)
            raise
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("command %r failed", command_id)
            await self._end(command_id, f"{type(error).__name__}: {error}")
            raise Refused(str(error)) from error
        await self._end(command_id, None)

    async def refuse(self, reason: str, client: Client) -> None:
        """Publish that a command was refused for its value, before it could run."""
        await self._end(self._ids.pop(client.address, ""), reason)

    async def _run(self, command_id: str, action: Callable[[], Awaitable[None]]) -> None:
        self._running += 1
        # A command counts as taken up once it got past its own checks, that is to its first wait: one that is refused
        # at once leaves the acknowledgement and the status of the running one alone.
        task = asyncio.ensure_future(action())
        try:
            await asyncio.sleep(0)
            if not task.done() or task.exception() is None:
                await self._acknowledged.write(command_id)
                await self._status.write("Busy")
            await task
        finally:
            self._running -= 1
            if not task.done():
                task.cancel()

    async def _end(self, command_id: str, error: str | None) -> None:
        reason = _fitting(error or "", self._error.max_length)
        if error is not None or not self._running:
            await self._error.write(reason)
        status = "Done" if error is None else "Error"
        if not self._running:
            await self._status.write(status)
        await self._result.write(self._outcome(command_id, status, reason))

    def _outcome(self, command_id: str, status: str, reason: str) -> str:
        """Return the JSON of a result, its reason shortened until it fits the record with all its escapes."""
        while True:
            text = json.dumps({"id": command_id, "status": status, "error": reason}, ensure_ascii=False)
            if not reason or len(text.encode("utf-8", "replace")) <= self._result.max_length:
                return text
            reason = reason[: len(reason) * 3 // 4]


def _fitting(text: str, size: int) -> str:
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
