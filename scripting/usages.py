"""What a script means to do with the instrument, so that no more than that is loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import IntFlag
from types import SimpleNamespace

__all__ = ["LATISSUsages", "UsagesResources", "required_resources"]


class LATISSUsages(IntFlag):
    """Usages of a group of components and of LATISS; members can be combined.

    Each has a bit of its own. In ts_observatory_control some of them share one: there TakeImage is also
    CheckSimulationMode, Setup also CheckSoftwareVersions, TakeImageFull also DryTest.
    """

    All = 0
    StateTransition = 1
    MonitorState = 1 << 1
    MonitorHeartBeat = 1 << 2
    CheckSimulationMode = 1 << 3
    CheckSoftwareVersions = 1 << 4
    DryTest = 1 << 5
    TakeImage = 1 << 6
    Setup = 1 << 7
    TakeImageFull = 1 << 8


class UsagesResources:
    """What one usage needs.

    Parameters
    ----------
    components_attr : iterable of str
        The components it needs, e.g. ``atcamera``.
    readonly : bool
        Whether it commands nothing.
    generics : iterable of str
        Topics it needs of each component.
    **topics : iterable of str
        Further topics, by component.

    Raises
    ------
    TypeError
        If a component of `topics` is not one of `components_attr`.
    """

    def __init__(
        self, components_attr: Iterable[str], readonly: bool, generics: Iterable[str] = (), **topics: Iterable[str]
    ) -> None:
        self.components_attr = frozenset(components_attr)
        self.readonly = readonly
        self.include = set(generics)
        for component, further in topics.items():
            if component not in self.components_attr:
                known = ", ".join(sorted(self.components_attr))
                raise TypeError(f"{component} is no component of this usage; they are {known}")
            self.include.update(further)


def required_resources(
    component: str, intended_usage: int | None, usages: dict[LATISSUsages, UsagesResources], components: Collection[str]
) -> SimpleNamespace:
    """Return what a component is needed for: `add_this`, `readonly`, `include` (None: every topic).

    Raises
    ------
    KeyError
        If there is no such component.
    """
    if component not in components:
        raise KeyError(f"{component} is no component; they are {', '.join(components)}")
    if intended_usage is None:
        return SimpleNamespace(add_this=True, readonly=False, include=None)
    if intended_usage == LATISSUsages.All:
        wanted = [usages[LATISSUsages.All]]
    else:
        wanted = [resources for usage, resources in usages.items() if usage & intended_usage]
    mine = [resources for resources in wanted if component in resources.components_attr]
    include = sorted({topic for resources in mine for topic in resources.include})
    readonly = bool(mine) and all(resources.readonly for resources in mine)
    return SimpleNamespace(add_this=bool(mine), readonly=readonly, include=include)
