"""The whole instrument: `connect()` gives a `Spectrograph` whose devices answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from ophyd import Device, Signal

from devices.command import Client, CommandPort
from devices.detector import Detector
from devices.health import Health
from devices.shutter import Shutter
from devices.stage import Stage
from devices.telescope import Telescope
from devices.wheel import Wheel
from slitless.definition import Instrument, load_instrument
from slitless.errors import SlitlessError
from slitless.instrument_time import InstrumentClock

__all__ = ["NotConnected", "Spectrograph", "connect"]


class NotConnected(SlitlessError):
    """Devices did not answer; the message lists the PVs and where they were looked for."""


class Spectrograph:
    """The devices of one spectrograph, all acting as one client towards its IOCs.

    Nothing is asked of the wire until it is needed, so plans can be inspected without an instrument.

    Parameters
    ----------
    prefix : str
        Of all PVs, e.g. ``LATISS:``.
    instrument : Instrument
        What is where in the wheels, limits and times.
    clock : InstrumentClock, optional
        Instrument time, for group ids; that of the camera's IOC if not given.
    make : callable, optional
        Turns a device class into the class to use: `ophyd.sim.make_fake_device` for a rehearsal.
    """

    def __init__(
        self,
        prefix: str,
        instrument: Instrument,
        clock: InstrumentClock | None = None,
        make: Callable[[type[Any]], type[Any]] = lambda cls: cls,
    ) -> None:
        self.prefix = prefix
        self.instrument = instrument
        self._clock = clock
        self.client = Client()
        travel = instrument.stage
        wheels = instrument.wheels
        self.detector: Detector = make(Detector)(f"{prefix}CAM:", name="detector", instrument=instrument)
        self.shutter: Shutter = make(Shutter)(f"{prefix}SHUTTER:", name="shutter", definition=instrument.shutter)
        self.filter: Wheel = make(Wheel)(f"{prefix}FILTER:", name="filter", definition=wheels.filter)
        self.grating: Wheel = make(Wheel)(f"{prefix}GRATING:", name="grating", definition=wheels.grating)
        self.stage: Stage = make(Stage)(
            f"{prefix}STAGE:m1", name="stage", limits_of_travel=travel.limits, speed=travel.speed
        )
        self.telescope: Telescope = make(Telescope)(f"{prefix}TEL:", name="telescope", definition=instrument.telescope)
        self.health = Health(
            {
                "camera": self.detector.ioc,
                "shutter": self.shutter.ioc,
                "filter": self.filter.ioc,
                "grating": self.grating.ioc,
                "stage": self.stage.ioc,  # type: ignore[dict-item]
                "telescope": self.telescope.ioc,
            }
        )
        for device in self.devices:
            for _, part in device.walk_subdevices(include_lazy=False):
                if isinstance(part, CommandPort):
                    part.client = self.client

    @property
    def clock(self) -> InstrumentClock:
        """Instrument time."""
        pulse = self.detector.ioc
        return self._clock or InstrumentClock(time.time, float(pulse.speed.get()), float(pulse.epoch.get()))

    @property
    def client_id(self) -> str:
        """What the IOCs know this client by."""
        return self.client.id

    @property
    def devices(self) -> tuple[Device, ...]:
        """All devices with PVs of their own."""
        return (self.detector, self.shutter, self.filter, self.grating, self.stage, self.telescope)

    @property
    def in_events(self) -> tuple[Any, ...]:
        """What is read with every frame, the detector first."""
        return (self.detector, self.filter, self.grating, self.stage, self.telescope.focus, self.telescope)

    @property
    def in_baseline(self) -> tuple[Any, ...]:
        """What is read before and after a run: everything but the frame."""
        telescope = self.telescope
        return (
            *self.in_events[1:],
            self.filter.element,
            self.grating.element,
            self.shutter,
            telescope.mount,
            telescope.weather,
            telescope.readiness,
            self.health,
        )

    def signals(self) -> Iterator[Signal]:
        """Yield every signal that is always connected."""
        for device in self.devices:
            for walk in device.walk_signals(include_lazy=False):
                yield walk.item

    def wait_for_connection(self, timeout: float = 10.0) -> None:
        """Wait until every PV answers.

        Raises
        ------
        NotConnected
            Listing the PVs that did not answer within `timeout` s.
        """
        deadline = time.monotonic() + timeout
        missing = []
        for signal in self.signals():
            try:
                signal.wait_for_connection(timeout=max(deadline - time.monotonic(), 0.001))
            except TimeoutError:
                missing.append(getattr(signal, "setpoint_pvname", None) or getattr(signal, "pvname", signal.name))
        if missing:
            shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
            where = os.environ.get("EPICS_CA_ADDR_LIST") or "the local network (EPICS_CA_ADDR_LIST is not set)"
            raise NotConnected(f"no answer within {timeout:g} s from {shown}; looked on {where}")
        self.filter.check_names()
        self.grating.check_names()


def connect(
    prefix: str = "LATISS:",
    instrument: Instrument | str | None = None,
    timeout: float = 10.0,
) -> Spectrograph:
    """Return the spectrograph whose IOCs serve PVs under `prefix`, connected.

    Parameters
    ----------
    prefix : str
        Of all PVs.
    instrument : Instrument or str, optional
        The instrument definition, or its name or path; LATISS if not given.
    timeout : float
        Wall seconds to wait for all PVs.

    Raises
    ------
    NotConnected
        Listing the PVs that did not answer.
    SlitlessError
        If the wheels hold other elements than the definition says.
    """
    if not isinstance(instrument, Instrument):
        instrument = load_instrument(instrument or "latiss")
    spectrograph = Spectrograph(prefix, instrument)
    spectrograph.wait_for_connection(timeout)
    return spectrograph
