"""Runs plans for coroutines: one at a time, on a RunEngine in a thread of its own."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from session.run_engine import abort_plan, run_plan
from slitless.errors import SlitlessError

if TYPE_CHECKING:
    from bluesky import RunEngine
    from bluesky.utils import MsgGenerator

__all__ = ["PlanRunner", "hook_in_loop"]


class PlanRunner:
    """A RunEngine that coroutines share.

    Plans run in the order in which they were asked for, each whole: nothing of another comes between its
    set-up and its exposures.

    Parameters
    ----------
    run_engine : RunEngine
        One that installs no signal handlers, since it runs outside the main thread.
    """

    def __init__(self, run_engine: RunEngine) -> None:
        self._run_engine = run_engine
        self._free = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="RunEngine")

    async def run(self, plan: MsgGenerator[Any]) -> Any:
        """Run a plan and return what it returns.

        Cancelling it aborts the plan, and waits until that is through: the shutter is closed then, the run has
        its end, and the next plan can begin.

        Raises
        ------
        RuntimeError
            If the plan was refused or failed; the message says why.
        """
        async with self._free:
            outcome = asyncio.get_running_loop().run_in_executor(self._thread, run_plan, self._run_engine, plan)
            try:
                return await asyncio.shield(outcome)
            except asyncio.CancelledError:
                await _to_its_end(self._abort(outcome))
                raise
            except SlitlessError as error:
                raise RuntimeError(str(error)) from error

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False)

    async def _abort(self, outcome: asyncio.Future[Any]) -> None:
        over = threading.Event()
        outcome.add_done_callback(lambda _: over.set())
        await asyncio.to_thread(abort_plan, self._run_engine, "the script was cancelled", over)
        await asyncio.wait([outcome])
        if not outcome.cancelled():
            outcome.exception()  # that it was interrupted is no news


async def _to_its_end(work: Any) -> None:
    """Wait for something however often it is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            continue
    task.result()


def hook_in_loop(hook: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Return a hook for a plan that is called in the loop of the script, where its own awaitables belong."""
    if hook is None or not callable(hook):
        return hook
    loop = asyncio.get_running_loop()

    @functools.wraps(hook)
    async def call(*arguments: Any) -> Any:
        async def there() -> Any:
            outcome = hook(*arguments)
            return await outcome if inspect.isawaitable(outcome) else outcome

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(), loop))

    return call
