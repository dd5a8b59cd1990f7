"""The base of every IOC: records from templates, behaviour bound to them, summary state, peers, heartbeat.

An IOC class names its device and its templates and handles puts:

    class Lamp(Ioc):
        device = "LAMP"

        @classmethod
        def templates(cls, instrument):
            return [TemplateUse("lamp.template", {}), TemplateUse("command.template", {"R": ""})]

        @command("Switch")
        async def _put_switch(self, value, client):
            await self.sleep(0.2)
            await self["Switch_RBV"].write(value)
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import psutil

from iocs.autosave.autosave import Autosave
from iocs.autosave.settings_file import SettingsFile
from iocs.binding import Binding, bindings_of, command, on_put
from iocs.command import CommandGroup, current_command_id
from iocs.records.access import AccessSecurity
from iocs.records.database import make_records
from iocs.records.record import AlarmSeverity, AlarmStatus, Record
from iocs.records.template import TemplateError, TemplateUse, load
from iocs.summary_state import StateCommand, SummaryState, next_state
from iocs.wire.client import Client, Curtailed, Refused
from iocs.wire.peers import Peer, PeerError, Peers
from slitless import __version__
from slitless.definition import Instrument
from slitless.instrument_time import InstrumentClock

__all__ = [
    "AlarmSeverity",
    "AlarmStatus",
    "Client",
    "Ioc",
    "IocSetup",
    "Peer",
    "PeerError",
    "Record",
    "Refused",
    "SummaryState",
    "TemplateUse",
    "command",
    "on_put",
]

log = logging.getLogger(__name__)

HEARTBEAT_PERIOD = 1.0  # s, wall


@dataclass(frozen=True)
class IocSetup:
    """What an IOC is told when it starts."""

    instrument: Instrument
    prefix: str
    """Of its own PVs, with colon, e.g. ``LATISS:FILTER:``."""
    system: str
    """Of the whole instrument, e.g. ``LATISS:``."""
    clock: InstrumentClock
    data_root: Path | None = None
    seed: int = 0
    enable: bool = False
    """Whether to go to Enabled at start."""
    security: AccessSecurity | None = None
    """Who may read and write; None lets everybody."""
    autosave: Path | None = None
    """Folder in which settings are kept over a restart; None keeps none."""
    interlock: bool = True
    """Whether to ask other IOCs before anything moves; off on a bench without them."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Values of the arguments that `Ioc.add_arguments` added."""


class Ioc:
    """One IOC.

    Parameters
    ----------
    setup : IocSetup
        Instrument, prefix, clock and the rest.

    Raises
    ------
    TemplateError
        If a template cannot be read, or behaviour is bound to a record that is not there.
    """

    device: ClassVar[str]
    """Last part of the default prefix, e.g. ``"FILTER"``."""

    @classmethod
    def templates(cls, instrument: Instrument) -> list[TemplateUse]:
        """Return the templates of this IOC, without the macro P and without those every IOC has."""
        raise NotImplementedError

    @classmethod
    def add_arguments(cls, parser: Any) -> None:
        """Add command line arguments of this IOC; their values arrive in `IocSetup.options`."""

    @classmethod
    def all_templates(cls, instrument: Instrument, prefix: str) -> list[TemplateUse]:
        """Return every template this IOC loads, with P."""
        own = cls.templates(instrument)
        every = TemplateUse("ioc.template", {"VERSION": __version__})
        return [TemplateUse(use.template, {**use.macros, "P": prefix}) for use in (every, *own)]

    def __init__(self, setup: IocSetup) -> None:
        self.setup = setup
        self.instrument = setup.instrument
        self.clock = setup.clock
        self.peers = Peers()
        self.records = make_records(load(self.all_templates(setup.instrument, setup.prefix), Path(str(files("db")))))
        self.guard(setup.security)
        kept = SettingsFile(setup.autosave, setup.prefix) if setup.autosave else None
        self.autosave = Autosave(self.records, setup.prefix, kept)
        self.state = SummaryState.STANDBY
        self._groups: dict[str, CommandGroup] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._gone: list[Callable[[Client], Any]] = []
        self._puts = itertools.count(1)
        self._stored: dict[Record, int] = {}
        """Number of the put whose value each record with a behaviour holds."""
        for binding in bindings_of(type(self)):
            self._bind(binding)

    def guard(self, security: AccessSecurity | None) -> None:
        """Let only those read and write from now on whom `security` lets; None lets everybody."""
        for record in self.records.values():
            record.security = security

    def __getitem__(self, name: str) -> Record:
        """Return a record by its name relative to the prefix; a motor field as ``"m1.RBV"``."""
        try:
            return self.records[self.setup.prefix + name]
        except KeyError:
            raise KeyError(f"{type(self).__name__} has no record {self.setup.prefix + name}") from None

    # Hooks.

    async def started(self) -> None:
        """Do what is due before the server answers; long-running loops go to `background`."""

    async def enabled(self) -> None:
        """Do what is due before the summary state becomes Enabled; Refused keeps it Disabled."""

    async def disabled(self) -> None:
        """Do what is due when the summary state becomes Disabled."""

    async def standby(self) -> None:
        """Do what is due when the summary state becomes Standby."""

    # What an IOC uses.

    @property
    def is_enabled(self) -> bool:
        """Whether commands are taken."""
        return self.state is SummaryState.ENABLED

    @property
    def command_id(self) -> str:
        """Id of the command whose handler runs; empty if its client gave none, or outside a command."""
        return current_command_id.get()

    async def sleep(self, instrument_seconds: float) -> None:
        """Wait for a duration of instrument time (s)."""
        await asyncio.sleep(self.clock.wall_seconds(instrument_seconds))

    def background(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine beside everything else until it ends or the IOC does; its failure is a fault of the IOC."""
        task = asyncio.ensure_future(self._guarded(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: coroutine.close())  # of a task cancelled before it began
        return task

    def watch(self, suffix: str) -> Peer:
        """Watch a PV of another IOC of the instrument, e.g. ``"SHUTTER:State_RBV"``."""
        return self.peers.watch(self.setup.system + suffix)

    async def put(self, suffix: str, value: Any, timeout: float = 5.0) -> None:
        """Put to a PV of another IOC and wait until it completes.

        Parameters
        ----------
        suffix : str
            Name after the instrument's prefix.
        value : object
            Number, text or state name.
        timeout : float
            Wall seconds.

        Raises
        ------
        PeerError
            If the PV is not there, refuses, or does not complete in time; names it and the reason.
        """
        await self.peers.put(self.setup.system + suffix, value, timeout)

    def on_client_gone(self, callback: Callable[[Client], Any]) -> None:
        """Call `callback(client)` whenever a Channel Access circuit closes; it may be a coroutine function."""
        self._gone.append(callback)

    async def fault(self, code: int, report: str) -> None:
        """Go to Fault, with a code and a report; only Standby leads out."""
        log.error("%s: fault %d: %s", self.setup.prefix, code, report)
        await self["IOC:ErrorCode"].write(code)
        await self["IOC:ErrorReport"].write(report[:1000])
        await self._enter(SummaryState.FAULT)

    # What the launcher uses.

    async def start(self) -> None:
        """Fill the records and start what runs beside them; the server answers after that."""
        await self["IOC:Speed"].write(self.clock.speed)
        await self["IOC:Epoch"].write(self.clock.epoch)
        self.background(self._beat())
        self.background(self.autosave.run())
        await self.started()

    async def enable(self) -> None:
        """Go to Enabled if the setup says so."""
        if self.setup.enable:
            for step in (StateCommand.START, StateCommand.ENABLE):
                try:
                    await self._go(step)
                except Refused as refusal:
                    log.error("%s: not enabled: %s", self.setup.prefix, refusal.reason)
                    break

    async def stop(self) -> None:
        """End what runs in the background."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.autosave.stop()

    async def clients_changed(self, count: int) -> None:
        """Show how many clients there are."""
        await self["IOC:ClientCount"].write(count)

    def client_gone(self, client: Client) -> None:
        """Tell the command groups and whoever asked that a client left."""
        for group in self._groups.values():
            group.forget(client)
        for callback in self._gone:
            outcome = callback(client)
            if asyncio.iscoroutine(outcome):
                self.background(outcome)

    # Inside.

    def _bind(self, binding: Binding) -> None:
        try:
            record = self[binding.record]
            if binding.group is not None and binding.group not in self._groups:
                self._groups[binding.group] = CommandGroup(self.__getitem__, binding.group)
        except KeyError as error:
            raise TemplateError(f"{type(self).__name__}.{binding.method}: {error.args[0]}") from None
        method = getattr(self, binding.method)
        group = None if binding.group is None else self._groups[binding.group]

        async def store(target: Record, value: Any, client: Client) -> None:
            begun = next(self._puts)
            replacement = await method(value, client)
            if replacement is None and begun < self._stored.get(target, 0):
                return  # a later put has been stored meanwhile, and stands
            self._stored[target] = max(begun, self._stored.get(target, 0))
            await target.write(value if replacement is None else replacement)

        async def put(target: Record, value: Any, client: Client) -> None:
            try:
                if group is None:
                    await store(target, value, client)
                else:
                    await group.execute(client, self._check_enabled, lambda: store(target, value, client))
            except Curtailed:
                return  # the record has done with it; whoever asks by the command protocol is told more

        record.client_put = put
        record.put_refused = group.refuse if group is not None else None
        record.is_read_only = False

    def _check_enabled(self) -> None:
        if not self.is_enabled:
            raise Refused(f"{self.setup.prefix}IOC:SummaryState is {self.state.label}; commands need Enabled")

    @on_put("IOC:StateCommand")
    async def _put_state_command(self, value: str, client: Client) -> None:
        await self._go(next(step for step in StateCommand if step.label == value))

    async def _go(self, step: StateCommand) -> None:
        if step is StateCommand.NONE:
            return
        target = next_state(self.state, step)
        before = self.state
        match target:
            case SummaryState.ENABLED:
                await self.enabled()
            case SummaryState.DISABLED:
                await self.disabled()
            case SummaryState.STANDBY:
                await self.standby()
        if self.state is not before:
            raise Refused(f"the summary state became {self.state.label} meanwhile")
        if before is SummaryState.FAULT:
            await self["IOC:ErrorCode"].write(0)
            await self["IOC:ErrorReport"].write("")
        await self._enter(target)

    async def _enter(self, state: SummaryState) -> None:
        if state is not self.state:
            log.info("%s: %s -> %s", self.setup.prefix, self.state.label, state.label)
        self.state = state
        await self["IOC:SummaryState"].write(state.value)

    async def _guarded(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await coroutine
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("%s: a background task failed", self.setup.prefix)
            await self.fault(1, f"internal error: {type(error).__name__}: {error}")

    async def _beat(self) -> None:
        process, begun, beats = psutil.Process(), time.monotonic(), 0
        process.cpu_percent()
        while True:
            await self["IOC:Heartbeat"].write(beats % 2**31)
            await self["IOC:UpTime"].write(time.monotonic() - begun)
            await self["IOC:CpuLoad"].write(process.cpu_percent())
            await self["IOC:MemoryUsed"].write(process.memory_info().rss / 1e6)
            beats += 1
            await asyncio.sleep(begun + beats * HEARTBEAT_PERIOD - time.monotonic())
