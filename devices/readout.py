"""Which pixels of the CCD are read: region of interest, and what is read beside the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ophyd import Component as Cpt
from ophyd import Device
from ophyd.status import Status

from devices.asking import in_thread
from devices.signals import Readback, Setting

__all__ = ["ReadoutFormat", "Region"]

KEEP = -1


class _Counts(Device):
    """Several counts that the camera takes together or not at all."""

    setpoint: Any
    counts: Any

    def get_counts(self) -> tuple[int, ...]:
        """Return the counts that hold."""
        return tuple(int(count) for count in np.atleast_1d(self.counts.get()))

    def set(self, counts: Sequence[float]) -> Status:
        """Set the counts, in the order of AzCam; -1 keeps one, and so does one that is missing at the end.

        The status fails with the camera's reason if they are not possible; the old ones are kept then.
        """
        control: Any = self.parent
        wanted = np.array(counts, dtype=float)
        before = self.counts.timestamp
        return in_thread(self, lambda: control.ask(self.setpoint, wanted, lambda: self.counts.timestamp != before))


class Region(_Counts):
    """The part of the CCD that is read: first and last column, first and last row, column and row binning; from 1."""

    setpoint = Cpt(Setting, "ROI", kind="omitted")
    counts = Cpt(Readback, "ROI_RBV", kind="normal")
    reset_signal = Cpt(Setting, "ROIReset", kind="omitted")

    def reset(self) -> Status:
        """Read the whole CCD, with the present binning."""
        control: Any = self.parent
        before = self.counts.timestamp
        return in_thread(self, lambda: control.ask(self.reset_signal, 1, lambda: self.counts.timestamp != before))


class ReadoutFormat(_Counts):
    """AzCam's nine counts: serial total, dark, underscan, overscan; parallel the same; rows of frame transfer."""

    setpoint = Cpt(Setting, "Format", kind="omitted")
    counts = Cpt(Readback, "Format_RBV", kind="normal")
    serial_underscan = Cpt(Setting, "SerialUnderscan", kind="omitted")
    serial_overscan = Cpt(Setting, "SerialOverscan", kind="omitted")
    parallel_overscan = Cpt(Setting, "ParallelOverscan", kind="omitted")
