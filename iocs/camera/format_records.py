"""What puts to the records of format and region of interest do: all of it is taken, or none and the old one kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iocs.binding import on_put
from iocs.wire.client import Client, Refused
from slitless.definition import Detector
from slitless.detector.geometry import Window
from slitless.detector.readout_format import ReadoutFormat
from slitless.errors import InvalidRequest

if TYPE_CHECKING:
    from iocs.camera.acquisition import Acquisition
    from iocs.records.record import Record
    from slitless.definition import Instrument

__all__ = ["FORMAT_RECORDS", "ROI_RECORDS", "FormatRecords", "format_of", "window_of"]

ROI_RECORDS = ("cam1:MinX", "cam1:SizeX", "cam1:MinY", "cam1:SizeY", "cam1:BinX", "cam1:BinY")
"""areaDetector's settings of the region, which `ROI` sets together."""
FORMAT_RECORDS = ("cam1:SerialUnderscan", "cam1:SerialOverscan", "cam1:ParallelOverscan")
ROI_NAMES = ("first column", "last column", "first row", "last row", "column binning", "row binning")
FORMAT_NAMES = (
    *("ns_total", "ns_predark", "ns_underscan", "ns_overscan"),
    *("np_total", "np_predark", "np_underscan", "np_overscan", "np_frametransfer"),
)
KEEP = -1


class FormatRecords:
    """The part of the detector IOC that says which pixels are read."""

    if TYPE_CHECKING:
        acquisition: Acquisition
        instrument: Instrument

        def __getitem__(self, name: str) -> Record: ...

    @on_put("cam1:ROI")
    async def _put_roi(self, value: Any, client: Client) -> None:
        self._check_not_latched("ROI")
        try:
            window = window_of(_merged(value, self._roi(), ROI_NAMES), self._format())
            window.check(self.instrument.detector)
        except InvalidRequest as error:
            raise Refused(f"ROI: {error}") from None
        await self._set_window(window)

    @on_put("cam1:ROIReset")
    async def _put_roi_reset(self, value: str, client: Client) -> str:
        if value == "Reset":
            self._check_not_latched("ROIReset")
            detector, roi = self.instrument.detector, self._roi()
            await self._set_window(Window(1, detector.width, 1, detector.height, roi[4], roi[5]))
        return "Done"

    @on_put("cam1:Format")
    async def _put_format(self, value: Any, client: Client) -> None:
        self._check_not_latched("Format")
        try:
            counts = _merged(value, self._format_counts(), FORMAT_NAMES)
            beside = format_of(counts, self.instrument.detector)
        except InvalidRequest as error:
            raise Refused(f"Format: {error}") from None
        values = (beside.serial_underscan, beside.serial_overscan, beside.parallel_overscan)
        for name, count in zip(FORMAT_RECORDS, values, strict=True):
            await self[name].write(count)
            await self[f"{name}_RBV"].write(count)
        await self.show_format()

    async def show_roi(self) -> None:
        """Publish the region as AzCam counts it."""
        await self["cam1:ROI_RBV"].write(np.array(self._roi(), dtype=np.int32))

    async def show_format(self) -> None:
        """Publish the nine counts of the format."""
        await self["cam1:Format_RBV"].write(np.array(self._format_counts(), dtype=np.int32))

    async def _set_window(self, window: Window) -> None:
        values = (
            *(window.first_column - 1, window.last_column - window.first_column + 1),
            *(window.first_row - 1, window.last_row - window.first_row + 1),
            *(window.column_binning, window.row_binning),
        )
        for name, value in zip(ROI_RECORDS, values, strict=True):
            await self[name].write(value)
            await self[f"{name}_RBV"].write(value)
        await self.show_roi()

    def _roi(self) -> list[int]:
        x, width, y, height, bin_x, bin_y = (int(self[name].value) for name in ROI_RECORDS)
        return [x + 1, x + width, y + 1, y + height, bin_x, bin_y]

    def _format(self) -> ReadoutFormat:
        return ReadoutFormat(*(int(self[name].value) for name in FORMAT_RECORDS))

    def _format_counts(self) -> list[int]:
        detector, beside = self.instrument.detector, self._format()
        serial = [detector.width, detector.serial_prescan, beside.serial_underscan, beside.serial_overscan]
        return [*serial, detector.height, 0, 0, beside.parallel_overscan, 0]

    def _check_not_latched(self, name: str) -> None:
        if self.acquisition.is_running:
            raise Refused(f"{name}: latched, {self.acquisition.description} runs")


def window_of(numbers: Sequence[int], beside: ReadoutFormat) -> Window:
    """Return the window of AzCam's six numbers: first and last column, first and last row, binnings."""
    return Window(*numbers, format=beside)  # type: ignore[misc]


def format_of(counts: Sequence[int], detector: Detector) -> ReadoutFormat:
    """Return the format of AzCam's nine counts.

    Raises
    ------
    InvalidRequest
        If a count is not possible, or belongs to what the CCD is.
    """
    named = dict(zip(FORMAT_NAMES, counts, strict=True))
    fixed = {
        "ns_total": (detector.width, "columns of the CCD"),
        "ns_predark": (detector.serial_prescan, "dark columns of an amplifier"),
        "np_total": (detector.height, "rows of the CCD"),
        "np_predark": (0, "the CCD has no dark rows"),
        "np_underscan": (0, "the CCD has no dark rows"),
        "np_frametransfer": (0, "the CCD has no storage area"),
    }
    for name, (count, why) in fixed.items():
        if named[name] != count:
            raise InvalidRequest(name, named[name], f"it is always {count}: {why}")
    beside = ReadoutFormat(named["ns_underscan"], named["ns_overscan"], named["np_overscan"])
    beside.check(detector)
    return beside


def _merged(given: Any, present: Sequence[int], names: Sequence[str]) -> list[int]:
    """Return the numbers given, those that are -1 or missing as they are at present."""
    numbers = np.atleast_1d(np.asarray(given, dtype=float))
    merged = list(present)
    for index, number in enumerate(numbers):
        if number != int(number):
            raise InvalidRequest(names[index], float(number), "it must be a whole number")
        if number != KEEP:
            merged[index] = int(number)
    return merged
