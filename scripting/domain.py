"""What scripts share: the instrument, and the RunEngine that takes its frames."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripting.plan_runner import PlanRunner

if TYPE_CHECKING:
    from bluesky import RunEngine

    from devices import Spectrograph

__all__ = ["Domain"]


class Domain:
    """A connection to the instrument that several classes of a script can share.

    Parameters
    ----------
    data : Path, optional
        Data folder over which the IOCs run; by default what SLITLESS_DATA says, else ``data``.
    spectrograph, run_engine : optional
        An instrument that is connected already, and the RunEngine to use; both or neither.
    """

    def __init__(
        self,
        data: Path | str | None = None,
        *,
        spectrograph: Spectrograph | None = None,
        run_engine: RunEngine | None = None,
    ) -> None:
        if (spectrograph is None) != (run_engine is None):
            raise TypeError("Domain: spectrograph and run_engine are given together")
        self.data = Path(data if data is not None else os.environ.get("SLITLESS_DATA", "data"))
        self.user_host = f"{getpass.getuser()}@{socket.gethostname()}"
        self.default_identity = self.user_host
        """Whom commands are from: ``user@host``, or the name of a script."""
        self._given = (spectrograph, run_engine)
        self._spectrograph: Spectrograph | None = None
        self._plans: PlanRunner | None = None
        self._starting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Domain:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def spectrograph(self) -> Spectrograph:
        """The instrument.

        Raises
        ------
        RuntimeError
            If the domain was not started, or is closed.
        """
        if self._spectrograph is None:
            raise RuntimeError("the domain is not started: await its start(), or the start_task of what uses it")
        return self._spectrograph

    async def start(self) -> None:
        """Connect; what is connected already stays so.

        Raises
        ------
        RuntimeError
            If no IOC runs over the data folder, or one does not answer.
        """
        if self._starting is None or (self._starting.done() and self._spectrograph is None):
            self._starting = asyncio.ensure_future(self._start())
        await asyncio.shield(self._starting)

    async def run(self, plan: Any) -> Any:
        """Run a plan on the RunEngine and return what it returns; see `PlanRunner.run`."""
        await self.start()
        assert self._plans is not None  # noqa: S101
        return await self._plans.run(plan)

    async def close(self) -> None:
        """Let go of the RunEngine's thread."""
        if self._plans is not None:
            self._plans.close()
        self._plans = self._spectrograph = self._starting = None

    async def _start(self) -> None:
        from slitless.errors import SlitlessError

        spectrograph, run_engine = self._given
        if spectrograph is None or run_engine is None:
            try:
                spectrograph, run_engine = await asyncio.to_thread(self._connect)
            except SlitlessError as error:
                raise RuntimeError(str(error)) from error
        self._plans, self._spectrograph = PlanRunner(run_engine), spectrograph

    def _connect(self) -> tuple[Spectrograph, RunEngine]:
        from session.run_engine import OnSignal, connect_observing

        observing = connect_observing(self.data, on_signal=OnSignal.NOTHING)
        return observing.spectrograph, observing.RE
