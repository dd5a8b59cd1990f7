"""A group of components: their states, heartbeats, versions, and what becomes of the checks of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from plans.hooks import ended_well
from scripting.domain import Domain
from scripting.remotes import Remote, attribute_name, make_remote
from scripting.states import State
from scripting.topics import Message
from scripting.usages import LATISSUsages, UsagesResources, required_resources

__all__ = ["RemoteGroup"]

GENERIC_COMMANDS = ("start", "enable", "disable", "standby")


class RemoteGroup:
    """Components that are used together.

    Parameters
    ----------
    components : list of str
        Their names, e.g. ``ATCamera``.
    domain : Domain, optional
        What the group shares with others; it gets one of its own if there is none.
    log : logging.Logger, optional
        The group logs to a child of it.
    intended_usage : int, optional
        What the group is for (`LATISSUsages`, combined); components not needed for it are not loaded.
        None loads all.

    Attributes
    ----------
    rem : SimpleNamespace
        The components by attribute name; None where a component is not loaded, and before `start_task` is done.
    check : SimpleNamespace
        For each component whether it counts in checks and state changes.
    start_task : asyncio.Future
        Done when the instrument is connected.
    """

    fast_timeout = 5.0
    """s, for what a component has at hand."""
    long_timeout = 30.0
    """s, for a command."""
    long_long_timeout = 120.0
    """s, for a change of state."""

    def __init__(
        self,
        components: list[str],
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: int | None = None,
    ) -> None:
        name = type(self).__name__
        self.log = logging.getLogger(name) if log is None else log.getChild(name)
        self.domain = Domain() if domain is None else domain
        self._owns_domain = domain is None
        self._components = {component: attribute_name(component) for component in components}
        self._wanted = {
            attribute: self.get_required_resources(attribute, intended_usage).add_this
            for attribute in self.components_attr
        }
        self.rem = SimpleNamespace(**dict.fromkeys(self.components_attr))
        self.check = SimpleNamespace(**self._wanted)
        self.scheduled_coro: list[asyncio.Task[Any]] = []
        self.start_task: asyncio.Task[None] = asyncio.ensure_future(self._start())

    async def __aenter__(self) -> Any:
        await self.start_task
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _start(self) -> None:
        await self.domain.start()
        for component, attribute in self._components.items():
            if self._wanted[attribute]:
                setattr(self.rem, attribute, make_remote(component, self.domain.spectrograph))

    async def close(self) -> None:
        """Cancel what is scheduled, let go of the components, and of the domain if it is the group's own."""
        await self.cancel_not_done(self.scheduled_coro)
        if not self.start_task.done():
            self.start_task.cancel()
            await asyncio.wait([self.start_task])
        for attribute in self.components_attr:
            remote = getattr(self.rem, attribute)
            if remote is not None:
                remote.close()
            setattr(self.rem, attribute, None)
        if self._owns_domain:
            await self.domain.close()

    @property
    def components(self) -> list[str]:
        """Names of the components, e.g. ``ATCamera``."""
        return list(self._components)

    @property
    def components_attr(self) -> list[str]:
        """Names of the components as attributes, e.g. ``atcamera``."""
        return list(self._components.values())

    @property
    def valid_use_cases(self) -> type[LATISSUsages]:
        """The usages there are."""
        return LATISSUsages

    @property
    def usages(self) -> dict[LATISSUsages, UsagesResources]:
        """What each usage needs."""
        every = self.components_attr
        topics = {
            LATISSUsages.StateTransition: (False, (*GENERIC_COMMANDS, "summaryState")),
            LATISSUsages.MonitorState: (True, ("summaryState",)),
            LATISSUsages.MonitorHeartBeat: (True, ("heartbeat",)),
            LATISSUsages.CheckSimulationMode: (True, ("simulationMode",)),
            LATISSUsages.CheckSoftwareVersions: (True, ("softwareVersions",)),
        }
        needs = {usage: UsagesResources(every, *needed) for usage, needed in topics.items()}
        return {**needs, LATISSUsages.DryTest: UsagesResources((), True)}

    def get_required_resources(self, component: str, intended_usage: int | None) -> SimpleNamespace:
        """Return what a component is needed for, for an intended usage.

        Returns
        -------
        SimpleNamespace
            add_this (whether it is loaded), readonly (whether it is not commanded), include (topics; None: all).

        Raises
        ------
        KeyError
            If there is no such component.
        """
        return required_resources(component, intended_usage, self.usages, self.components_attr)

    # Checks

    def components_to_check(self) -> list[str]:
        """Return the components whose checks are on."""
        return [attribute for attribute in self.components_attr if getattr(self.check, attribute)]

    def reset_checks(self) -> None:
        """Switch the checks of all components on that are loaded."""
        for attribute in self.components_attr:
            setattr(self.check, attribute, self._wanted[attribute])

    def disable_checks_for_components(self, components: Iterable[str]) -> None:
        """Switch off the checks of components; a name that is none of the group is logged and left out."""
        for component in components:
            attribute = attribute_name(component)
            if attribute in self.components_attr:
                setattr(self.check, attribute, False)
            else:
                self.log.warning("%s is no component; they are %s", component, ", ".join(self.components))

    def get_work_components(self, components: list[str] | None = None) -> list[str]:
        """Return `components`, or all if None.

        Raises
        ------
        RuntimeError
            If one is not of the group.
        """
        if components is None:
            return self.components_attr
        unknown = [component for component in components if component not in self.components_attr]
        if unknown:
            raise RuntimeError(f"{', '.join(unknown)}: no such component; they are {', '.join(self.components_attr)}")
        return list(components)

    # States

    async def get_state(self, component: str, ignore_timeout: bool = False) -> State | None:
        """Return the summary state of a component.

        Raises
        ------
        TimeoutError
            If it is not known within 5 s; with `ignore_timeout` None is returned then.
        """
        try:
            message = await self._remote(component).evt_summaryState.aget(self.fast_timeout)
        except TimeoutError:
            if ignore_timeout:
                return None
            raise TimeoutError(f"{component}: its summary state is not known within {self.fast_timeout:g} s") from None
        return State(message.summaryState)

    async def next_state(self, component: str) -> State:
        """Return the next summary state of a component that was not asked for yet.

        Raises
        ------
        TimeoutError
            If it does not change within 5 s.
        """
        message = await self._remote(component).evt_summaryState.next(False, self.fast_timeout)
        return State(message.summaryState)

    async def set_state(
        self, state: State, overrides: dict[str, str] | None = None, components: list[str] | None = None
    ) -> None:
        """Take components to a state, through the states between, all at once.

        A component whose check is off is left as it is. Those that get there stay there, also if others fail.

        Raises
        ------
        RuntimeError
            If a component or an override is not of the group, or a component did not get there; all that did
            not are named.
        ValueError
            If `state` is FAULT.
        """
        target = State(state)
        if target is State.FAULT:
            raise ValueError("FAULT is no state to ask for")
        work = self.get_work_components(components)
        given = await self.expand_overrides(overrides)
        checked = [component for component in work if getattr(self.check, component)]
        for component in checked:
            self._check_override(component, given[component])
        problems = await self._take_to(target, checked)
        reasons = [
            f"{component}: {'; '.join(mine)}"
            for component in checked
            if (mine := [problems[ioc] for ioc in self._remote(component).iocs if ioc in problems])
        ]
        if reasons:
            raise RuntimeError(f"not {target.name}: {'; '.join(reasons)}")

    async def enable(self, overrides: dict[str, str] | None = None) -> None:
        """Enable all components; see `set_state`."""
        await self.set_state(State.ENABLED, overrides)

    async def standby(self) -> None:
        """Take all components to standby; see `set_state`."""
        await self.set_state(State.STANDBY)

    async def offline(self) -> None:
        """Take all components offline; see `set_state`."""
        await self.set_state(State.OFFLINE)

    async def expand_overrides(self, overrides: dict[str, str] | None = None) -> dict[str, str]:
        """Return the override of each component, empty where `overrides` has none.

        Raises
        ------
        RuntimeError
            If `overrides` has something that is no component.
        """
        given = dict(overrides or {})
        self.get_work_components(list(given))
        return {attribute: given.get(attribute) or "" for attribute in self.components_attr}

    async def assert_all_enabled(self, message: str = "") -> None:
        """Check that all components whose checks are on are enabled.

        Raises
        ------
        AssertionError
            Naming those that are not, with their state.
        """
        states = {
            component: await self.get_state(component, ignore_timeout=True) for component in self.components_to_check()
        }
        others = [
            f"{component} is {'unknown' if state is None else state.name}"
            for component, state in states.items()
            if state is not State.ENABLED
        ]
        if others:
            raise AssertionError(f"not enabled: {', '.join(others)}. {message}".rstrip(". "))

    async def check_component_state(self, component: str, desired_state: State = State.ENABLED) -> None:
        """Watch the state of a component for ever.

        Raises
        ------
        RuntimeError
            As soon as it is another than `desired_state`, or not known for 5 s.
        KeyError
            If there is no such component.
        """
        topic = self._remote(component).evt_summaryState
        topic.flush()
        try:
            state = State((await topic.aget(self.fast_timeout)).summaryState)
            while state is desired_state:
                state = await self._changed_state(component)
        except TimeoutError:
            raise RuntimeError(f"{component}: its state is not known for {self.fast_timeout:g} s") from None
        raise RuntimeError(f"{component} is {state.name}, not {State(desired_state).name}")

    # Heartbeats

    async def get_heartbeat(self, component: str) -> Message:
        """Return the latest heartbeat of a component.

        Raises
        ------
        TimeoutError
            If there is none within 5 s.
        """
        return await self._remote(component).evt_heartbeat.aget(self.fast_timeout)

    async def next_heartbeat(self, component: str) -> Message:
        """Return the next heartbeat of a component, one that comes from now on.

        Raises
        ------
        TimeoutError
            If there is none within 5 s.
        """
        return await self._remote(component).evt_heartbeat.next(True, self.fast_timeout)

    async def assert_liveliness(self) -> None:
        """Wait for a new heartbeat of every component whose check is on.

        Raises
        ------
        AssertionError
            Naming those without one within 5 s.
        """
        components = self.components_to_check()
        beats = await asyncio.gather(*(self.next_heartbeat(c) for c in components), return_exceptions=True)
        silent = [c for c, beat in zip(components, beats, strict=True) if isinstance(beat, Exception)]
        if silent:
            raise AssertionError(f"No heartbeat from {silent}")

    async def check_comp_heartbeat(self, component: str) -> None:
        """Listen to the heartbeats of a component for ever.

        Raises
        ------
        RuntimeError
            When there was none for 5 s.
        KeyError
            If there is no such component.
        """
        self._remote(component)
        while True:
            try:
                await self.next_heartbeat(component)
            except TimeoutError:
                raise RuntimeError(f"no heartbeat from {component} for {self.fast_timeout:g} s") from None

    # What the components are

    async def get_simulation_mode(self, components: list[str] | None = None) -> dict[str, Message]:
        """Return whether components are simulated (mode), by component.

        Raises
        ------
        RuntimeError
            Naming those that do not say within 5 s, or are not of the group.
        """
        return await self._said_by(components, "simulationMode")

    async def get_software_versions(self, components: list[str] | None = None) -> dict[str, Message]:
        """Return the versions of components' software (cscVersion, subsystemVersions), by component.

        Raises
        ------
        RuntimeError
            Naming those that do not say within 5 s, or are not of the group.
        """
        return await self._said_by(components, "softwareVersions")

    def get_identity(self) -> str:
        """Return whom commands are from: ``user@host``, or the script's name if the domain has one."""
        identity = self.domain.default_identity
        return identity if "@" in identity else self.domain.user_host

    def set_rem_loglevel(self, level: int) -> None:
        """Set the level of what the client library logs of the components' process variables."""
        for library in ("caproto", "ophyd"):
            logging.getLogger(library).setLevel(level)

    # Tasks

    @staticmethod
    async def cancel_not_done(tasks: list[asyncio.Task[Any]]) -> None:
        """Cancel the tasks that are not done, wait until they are, and empty the list."""
        waiting = [task for task in tasks if not task.done()]
        tasks.clear()
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)

    async def process_as_completed(self, tasks: list[asyncio.Task[Any]]) -> Any:
        """Return what the first task to be done gives, or raise what it raises; the others are cancelled."""
        pending = [asyncio.ensure_future(task) for task in tasks]
        tasks.clear()
        try:
            done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            return next(task for task in pending if task in done).result()
        finally:
            await self.cancel_not_done(pending)

    def _remote(self, component: str) -> Remote:
        if component not in self.components_attr:
            raise KeyError(f"{component} is no component; they are {', '.join(self.components_attr)}")
        remote: Remote | None = getattr(self.rem, component)
        if remote is None:
            raise RuntimeError(
                f"{component} is not loaded: the intended usage does not need it, or nothing was started"
            )
        return remote

    async def _changed_state(self, component: str) -> State:
        """Wait for a new state; raise TimeoutError once the component is not to be heard for 5 s."""
        topic = self._remote(component).evt_summaryState
        while True:
            try:
                return State((await topic.next(False, self.fast_timeout)).summaryState)
            except TimeoutError:
                if not topic.is_connected:
                    raise

    def _check_override(self, component: str, override: str) -> None:
        if override:
            raise RuntimeError(f"{component}: it has no configuration {override!r}; it has none but its own")

    async def _take_to(self, target: State, components: list[str]) -> dict[str, str]:
        """Take the IOCs of components to a state; return what is wrong with those that did not get there.

        An IOC can be part of two components. It is moved once, and not at all if the check of one is off.
        """
        unchecked = [c for c in self.components_attr if self._wanted[c] and not getattr(self.check, c)]
        kept = {ioc for component in unchecked for ioc in self._remote(component).iocs}
        iocs = {name: ioc for component in components for name, ioc in self._remote(component).iocs.items()}
        statuses = {name: ioc.set_state(target.pv_value) for name, ioc in iocs.items() if name not in kept}
        outcomes = await asyncio.gather(*map(ended_well, statuses.values()), return_exceptions=True)
        problems = {name: str(error) for name, error in zip(statuses, outcomes, strict=True) if error is not None}
        for name in kept.intersection(iocs):
            state = iocs[name].summary_state
            if not state.connected or state.get() != target.pv_value:
                problems[name] = f"{name} is left as it is, the check of another component it is part of being off"
        return problems

    async def _said_by(self, components: list[str] | None, topic: str) -> dict[str, Message]:
        work = self.get_work_components(components)
        asked: list[Awaitable[Message]] = [self._remote(c).topics[topic].aget(self.fast_timeout) for c in work]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        said: Mapping[str, Message] = {c: m for c, m in zip(work, outcomes, strict=True) if isinstance(m, Message)}
        silent = [component for component in work if component not in said]
        if silent:
            raise RuntimeError(f"{topic}: no word from {', '.join(silent)} within {self.fast_timeout:g} s")
        return dict(said)
