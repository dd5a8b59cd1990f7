"""What the IOCs of all mechanisms share: a link that is watched, interlocks, and faults a simulated one is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from drivers.faults import FaultInjection, LinkLost
from iocs.ioc import Client, Ioc, IocSetup, Refused, on_put
from iocs.mechanisms.hardware_watch import HardwareWatch
from iocs.mechanisms.interlocks import Interlocks
from slitless.errors import InvalidRequest

__all__ = ["LINK_FAULT", "MechanismIoc"]

Result = TypeVar("Result")
LINK_FAULT = 5
"""Fault code of a lost link, as the LATISS spectrograph has it."""
LOOK_PERIOD = 1.0
"""Wall s between looks at hardware that nobody commands."""


class MechanismIoc(Ioc):
    """An IOC over one driver, which a subclass sets as `driver`.

    Parameters
    ----------
    setup : IocSetup
        As for every IOC.
    label : str
        What an observer calls the mechanism.
    """

    driver: Any

    def __init__(self, setup: IocSetup, label: str) -> None:
        super().__init__(setup)
        self.label = label
        self.interlocks = Interlocks(self, setup.interlock)
        self.hardware = HardwareWatch(setup.clock)
        self._motions: set[asyncio.Task[Any]] = set()

    async def stop(self) -> None:
        """End what runs in the background, motions included."""
        for task in tuple(self._motions):
            task.cancel()
        await asyncio.gather(*self._motions, return_exceptions=True)
        await super().stop()

    def drivers(self) -> tuple[object, ...]:
        """Return what `SimFault` speaks to."""
        return (self.driver,)

    async def halt(self) -> None:
        """Stop whatever moves."""

    async def look(self) -> None:
        """Show the state of the hardware while nothing is commanded; LinkLost if it does not answer."""

    async def show_unknown(self) -> None:
        """Show that the state of the hardware is not known."""

    async def started(self) -> None:
        """Show the hardware and go on watching it, whatever the summary state."""
        await self._look_once()
        self.background(self._look_on())

    async def enabled(self) -> None:
        """Connect to the hardware.

        Raises
        ------
        Refused
            If it does not answer.
        """
        try:
            await self.driver.connect()
        except LinkLost as error:
            raise Refused(str(error)) from error

    async def disabled(self) -> None:
        """Stop whatever moves."""
        await self._halt_if_linked()

    async def standby(self) -> None:
        """Stop whatever moves."""
        await self._halt_if_linked()

    @on_put("SimFault")
    async def _put_sim_fault(self, value: str, client: Client) -> None:
        """Tell the simulated hardware to fail."""
        for driver in self.drivers():
            if not isinstance(driver, FaultInjection):
                raise Refused(f"{self.label}: the hardware is real and fails by itself")
            try:
                driver.inject(value)
            except InvalidRequest as error:
                raise Refused(str(error)) from error
        self.hardware.nudge()

    async def carry_out(self, motion: Coroutine[Any, Any, Result]) -> Result:
        """Wait for a motion, which goes on to its end even if the client that asked for it is gone."""
        task = asyncio.ensure_future(motion)
        self._motions.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._motions.discard(task)
        if not task.cancelled():
            task.exception()  # fetched, so that one nobody waits for is not reported as lost

    @asynccontextmanager
    async def link(self) -> AsyncIterator[None]:
        """Turn a link that is lost in the block into a fault and a refusal."""
        try:
            yield
        except LinkLost as error:
            await self._link_lost(error)
            raise Refused(str(error)) from error

    async def _link_lost(self, error: LinkLost) -> None:
        await self.show_unknown()
        if self.is_enabled:
            await self.fault(LINK_FAULT, str(error))

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_PERIOD)
            await self._look_once()

    async def _look_once(self) -> None:
        try:
            await self.look()
        except LinkLost as error:
            await self._link_lost(error)

    async def _halt_if_linked(self) -> None:
        try:
            await self.halt()
        except LinkLost:
            await self.show_unknown()
