"""Devices without EPICS, for rehearsing plans: summaries, limit checks, simulators, tests."""

from __future__ import annotations

import time

from ophyd import sim

from devices.signals import Count, Readback, Setting, SettingWithReadback, Text, TextSetting
from devices.spectrograph import Spectrograph
from slitless.definition import Instrument, load_instrument
from slitless.instrument_time import InstrumentClock

__all__ = ["fake_spectrograph"]

sim.fake_device_cache.update(
    {
        Readback: sim.FakeEpicsSignalRO,
        Count: sim.FakeEpicsSignalRO,
        Text: sim.FakeEpicsSignalRO,
        Setting: sim.FakeEpicsSignal,
        SettingWithReadback: sim.FakeEpicsSignalWithRBV,
        TextSetting: sim.FakeEpicsSignal,
    }
)


def fake_spectrograph(instrument: Instrument | None = None) -> Spectrograph:
    """Return a spectrograph whose signals live in this process only."""
    return Spectrograph("FAKE:", instrument or load_instrument(), InstrumentClock(time.time), make=sim.make_fake_device)
