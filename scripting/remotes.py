"""The components of LATISS: which IOCs make up each, and what can be heard of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scripting.states import State, combined
from scripting.topics import Topic

if TYPE_CHECKING:
    from devices import Spectrograph

__all__ = ["COMPONENTS", "Remote", "attribute_name", "make_remote"]

COMPONENTS = {
    "ATCamera": ("camera", "shutter"),
    "ATSpectrograph": ("filter", "grating", "stage"),
    "ATHeaderService": ("camera",),
}
"""Names in `devices.Health` of the IOCs that make up each component, in the order of ts_observatory_control."""


def attribute_name(component: str) -> str:
    """Return the name a component has as an attribute: ATCamera is atcamera, Test:1 is test_1."""
    return component.lower().replace(":", "_")


class Remote:
    """One component, as a script sees it: its topics are attributes, e.g. ``evt_heartbeat``.

    Parameters
    ----------
    name : str
        Of the component.
    iocs : mapping of str to IocHealth
        The IOCs that make it up.
    topics : mapping of str to Topic
        What can be heard of it, by name without ``evt_``.
    """

    def __init__(self, name: str, iocs: Mapping[str, Any], topics: Mapping[str, Topic]) -> None:
        self.name = name
        self.iocs = dict(iocs)
        self.topics = dict(topics)

    def __getattr__(self, attribute: str) -> Topic:
        kind, _, topic = attribute.partition("_")
        if kind in ("evt", "tel") and topic in self.__dict__.get("topics", ()):
            return self.topics[topic]
        known = ", ".join(f"evt_{name}" for name in self.__dict__.get("topics", ()))
        raise AttributeError(f"{self.__dict__.get('name')} has no {attribute}; it has {known}")

    def __dir__(self) -> Iterator[str]:  # type: ignore[override]
        yield from (*super().__dir__(), *(f"evt_{topic}" for topic in self.topics))

    @property
    def is_connected(self) -> bool:
        """Whether all of it answers."""
        return self.topics["heartbeat"].is_connected

    def close(self) -> None:
        """Listen to it no longer."""
        for topic in self.topics.values():
            topic.close()


def make_remote(component: str, spectrograph: Spectrograph) -> Remote:
    """Return a component of the instrument, listening; to be called in the loop of the script."""
    iocs = {name: spectrograph.health[name] for name in COMPONENTS[component]}
    makers = {**_generic(iocs), **_FURTHER.get(component, lambda _: {})(spectrograph)}
    topics = {
        name: Topic(f"{component} {name}", signals, fields, **options)
        for name, (signals, fields, options) in makers.items()
    }
    return Remote(component, iocs, topics)


Maker = tuple[Sequence[Any], Callable[..., Mapping[str, Any] | None], Mapping[str, Any]]
CHANGES = {"only_changes": True}
READ_OUT = ("Writing", "Written")
"""States of a frame whose readout has ended."""


def _generic(iocs: Mapping[str, Any]) -> dict[str, Maker]:
    every = tuple(iocs.values())

    def versions(*values: str) -> dict[str, Any]:
        parts = dict(zip(iocs, values, strict=True))
        return {"cscVersion": values[0], "subsystemVersions": ",".join(f"{k}={v}" for k, v in parts.items())}

    def simulation(*values: Any) -> dict[str, Any]:
        return {"mode": int(any(str(value) not in ("0", "Hardware") for value in values))}

    def error(*values: Any) -> dict[str, Any]:
        codes, reports = values[: len(every)], values[len(every) :]
        at = next((i for i, code in enumerate(codes) if code), 0)
        return {"errorCode": int(codes[at]), "errorReport": str(reports[at])}

    return {
        "heartbeat": ([ioc.heartbeat for ioc in every], _heartbeat, {"needs_all": True}),
        "summaryState": ([ioc.summary_state for ioc in every], _summary_state, CHANGES),
        "errorCode": ([*(ioc.error_code for ioc in every), *(ioc.error_report for ioc in every)], error, CHANGES),
        "softwareVersions": ([ioc.software_version for ioc in every], versions, CHANGES),
        "simulationMode": ([ioc.simulation_mode for ioc in every], simulation, CHANGES),
    }


def _heartbeat(*counts: float) -> dict[str, Any]:
    return {"heartbeat": int(min(counts))}


def _summary_state(*states: str) -> dict[str, Any]:
    return {"summaryState": int(combined(State.of(state) for state in states))}


def _of_camera(spectrograph: Spectrograph) -> dict[str, Maker]:
    camera: Any = spectrograph.detector.cam

    def end_readout(state: str, name: str) -> dict[str, Any] | None:
        return {"imageName": str(name)} if name and state in READ_OUT else None

    return {
        "endReadout": ([camera.frame_state, camera.obs_id], end_readout, CHANGES),
        "shutterDetailedState": ([spectrograph.shutter.state], lambda state: {"substate": str(state)}, CHANGES),
    }


def _of_spectrograph(spectrograph: Spectrograph) -> dict[str, Maker]:
    def wheel(device: Any) -> Maker:
        return ([device.slot, device.element_name], lambda slot, name: {"slot": int(slot), "name": str(name)}, CHANGES)

    stage: Any = spectrograph.stage
    return {
        "reportedFilterPosition": wheel(spectrograph.filter),
        "reportedDisperserPosition": wheel(spectrograph.grating),
        "reportedLinearStagePosition": ([stage.user_readback], lambda at: {"position": float(at)}, CHANGES),
    }


_FURTHER: Mapping[str, Callable[[Any], dict[str, Maker]]] = {
    "ATCamera": _of_camera,
    "ATSpectrograph": _of_spectrograph,
}
