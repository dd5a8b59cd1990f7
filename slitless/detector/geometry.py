"""Which pixel of which amplifier is which pixel of the detector, for any window and binning.

Convention: that of the DETSEC keyword of LATISS files. `Segment1k` holds detector rows 1 to `rows` and is
read towards y = 1; `Segment0k` holds the rows above and is read towards the top edge; the columns of every
amplifier are read from high x to low x. (obs_lsst's camera geometry is flipped in y against this.)
Detector images are numpy arrays indexed [y - 1, x - 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from slitless.definition import Amplifier, Detector
from slitless.detector.readout_format import ReadoutFormat, axis_readout
from slitless.errors import InvalidRequest

__all__ = ["AmplifierReadout", "Section", "Window", "amplifier_view", "assemble", "image_shape", "readout_layout"]

Pixel = TypeVar("Pixel", bound=np.generic)
MAXIMUM_BINNING = 16


@dataclass(frozen=True)
class Section:
    """A FITS section: 1-based, inclusive; x1 > x2 or y1 > y2 means read in reverse."""

    x1: int
    x2: int
    y1: int
    y2: int

    def fits(self) -> str:
        """Return the section as FITS keywords write it."""
        return f"[{self.x1}:{self.x2},{self.y1}:{self.y2}]"


@dataclass(frozen=True)
class Window:
    """The part of the detector that is read: unbinned detector pixels, 1-based and inclusive."""

    first_column: int
    last_column: int
    first_row: int
    last_row: int
    column_binning: int = 1
    row_binning: int = 1
    format: ReadoutFormat | None = None
    """What is read beside the data; the detector's own format if None."""

    @classmethod
    def full(cls, detector: Detector) -> Self:
        """Return the whole detector, unbinned."""
        return cls(1, detector.width, 1, detector.height)

    def check(self, detector: Detector) -> None:
        """Refuse a window that the detector cannot read.

        Raises
        ------
        InvalidRequest
            If it is reversed, outside the detector, binned by less than 1 or more than 16, or if an
            amplifier it touches would be left without a whole binned pixel.
        """
        for axis, first, last, size in (
            ("column", self.first_column, self.last_column, detector.width),
            ("row", self.first_row, self.last_row, detector.height),
        ):
            if not 1 <= first <= last <= size:
                raise InvalidRequest(
                    "window", f"{axis}s {first} to {last}", f"{axis}s must rise within [1, {size}] pixel"
                )
        if self.format is not None:
            self.format.check(detector)
        for axis, binning in (("column", self.column_binning), ("row", self.row_binning)):
            if not 1 <= binning <= MAXIMUM_BINNING:
                raise InvalidRequest(f"{axis} binning", binning, f"it must be in [1, {MAXIMUM_BINNING}] pixel")
        for readout in _overlapping(detector, self):
            if readout.data_columns < 1 or readout.data_rows < 1:
                raise InvalidRequest(
                    "window",
                    f"{self.column_binning}x{self.row_binning} binning",
                    f"{readout.amplifier.name} would be left without a whole pixel",
                )


@dataclass(frozen=True)
class AmplifierReadout:
    """One amplifier that takes part in a readout, and what it reads; counts in pixels as read."""

    index: int
    """Place in the detector's amplifiers, which is the file order."""
    amplifier: Amplifier
    data_columns: int
    data_rows: int
    prescan: int
    serial_overscan: int
    parallel_overscan: int
    column_binning: int
    row_binning: int
    near_x: int
    """Detector column (1-based) of the first data pixel read."""
    near_y: int
    """Detector row (1-based) of the first data row read."""
    flip_x: bool
    flip_y: bool

    @property
    def raw_shape(self) -> tuple[int, int]:
        """Rows and columns as read."""
        return (
            self.data_rows + self.parallel_overscan,
            self.prescan + self.data_columns + self.serial_overscan,
        )

    @property
    def data_slice(self) -> tuple[slice, slice]:
        """Where the imaging pixels are in the raw array."""
        return slice(0, self.data_rows), slice(self.prescan, self.prescan + self.data_columns)

    @property
    def overscan_slice(self) -> tuple[slice, slice]:
        """Where the serial overscan beside the data rows is in the raw array."""
        return slice(0, self.data_rows), slice(self.prescan + self.data_columns, self.raw_shape[1])

    @property
    def data_section(self) -> Section:
        """DATASEC."""
        return Section(self.prescan + 1, self.prescan + self.data_columns, 1, self.data_rows)

    @property
    def bias_section(self) -> Section:
        """BIASSEC: the serial overscan beside the data rows."""
        return Section(self.prescan + self.data_columns + 1, self.raw_shape[1], 1, self.data_rows)

    @property
    def detector_section(self) -> Section:
        """DETSEC: the unbinned detector pixels, in reading order."""
        far_x = self.near_x + (-1 if self.flip_x else 1) * (self.data_columns * self.column_binning - 1)
        far_y = self.near_y + (-1 if self.flip_y else 1) * (self.data_rows * self.row_binning - 1)
        return Section(self.near_x, far_x, self.near_y, far_y)

    @property
    def detector_slice(self) -> tuple[slice, slice]:
        """Where its unbinned pixels are in a whole-detector array (height, width)."""
        section = self.detector_section
        x_low, x_high = sorted((section.x1, section.x2))
        y_low, y_high = sorted((section.y1, section.y2))
        return slice(y_low - 1, y_high), slice(x_low - 1, x_high)


def readout_layout(detector: Detector, window: Window) -> tuple[AmplifierReadout, ...]:
    """Return the amplifiers that a window touches, in file order, with what each reads.

    Prescan pixels are binned with the columns; overscan counts are pixels as read, whatever the binning.
    Pixels that do not fill a bin are dropped at the end of an amplifier's reading, as the hardware does.

    Raises
    ------
    InvalidRequest
        If the window cannot be read.
    """
    window.check(detector)
    return tuple(_overlapping(detector, window))


def image_shape(layout: Sequence[AmplifierReadout]) -> tuple[int, int]:
    """Return rows and columns of the assembled, trimmed image of a layout."""
    columns = {readout.detector_slice[1].start: readout.data_columns for readout in layout}
    rows = {readout.detector_slice[0].start: readout.data_rows for readout in layout}
    return sum(rows.values()), sum(columns.values())


def _overlapping(detector: Detector, window: Window) -> list[AmplifierReadout]:
    layout = []
    beside = window.format or ReadoutFormat.of(detector)
    for index, amplifier in enumerate(detector.amplifiers):
        half, across = int(amplifier.name[-2]), int(amplifier.name[-1])
        is_top = half == 0
        x_low = max(window.first_column, across * detector.columns + 1)
        x_high = min(window.last_column, (across + 1) * detector.columns)
        y_low = max(window.first_row, detector.rows + 1 if is_top else 1)
        y_high = min(window.last_row, 2 * detector.rows if is_top else detector.rows)
        if x_low > x_high or y_low > y_high:
            continue
        columns = axis_readout(
            x_low - across * detector.columns,
            x_high - across * detector.columns,
            window.column_binning,
            total=detector.columns,
            dark=detector.serial_prescan,
            underscan=beside.serial_underscan,
            overscan=beside.serial_overscan,
        )
        below = detector.rows if is_top else 0
        rows = axis_readout(
            y_low - below, y_high - below, window.row_binning, total=detector.rows, overscan=beside.parallel_overscan
        )
        layout.append(
            AmplifierReadout(
                index=index,
                amplifier=amplifier,
                data_columns=columns.data,
                data_rows=rows.data,
                prescan=columns.underscan,
                serial_overscan=columns.overscan,
                parallel_overscan=rows.overscan,
                column_binning=window.column_binning,
                row_binning=window.row_binning,
                near_x=x_high,
                near_y=y_high if is_top else y_low,
                flip_x=True,
                flip_y=is_top,
            )
        )
    return layout


def _oriented(pixels: NDArray[Pixel], readout: AmplifierReadout) -> NDArray[Pixel]:
    """Turn pixels between reading order and detector orientation; its own inverse."""
    return pixels[:: -1 if readout.flip_y else 1, :: -1 if readout.flip_x else 1]


def amplifier_view(detector_image: NDArray[Pixel], readout: AmplifierReadout) -> NDArray[Pixel]:
    """Return a view of one amplifier's unbinned pixels, in reading order.

    Parameters
    ----------
    detector_image : ndarray, shape (height, width)
        The whole detector, unbinned.
    readout : AmplifierReadout
        Which amplifier, and which of its pixels.
    """
    return _oriented(detector_image[readout.detector_slice], readout)


def assemble(
    layout: Sequence[AmplifierReadout], raw: Sequence[NDArray[Any]], bias: Sequence[float] | None = None
) -> NDArray[Any]:
    """Put the imaging pixels of a raw frame together in detector orientation, overscan trimmed.

    Parameters
    ----------
    layout : sequence of AmplifierReadout
        What each raw array is.
    raw : sequence of ndarray, each of shape `readout.raw_shape`
        Pixels as read, ADU.
    bias : sequence of float, optional
        ADU to subtract from each amplifier; the result keeps the dtype of the pixels, rounded.

    Returns
    -------
    ndarray, shape (rows, columns) of the window, binned
        ADU, native byte order.
    """
    across = sorted({(r.detector_slice[1].start, r.data_columns) for r in layout})
    along = sorted({(r.detector_slice[0].start, r.data_rows) for r in layout})
    x_starts = dict(zip((x for x, _ in across), np.cumsum([0] + [n for _, n in across])[:-1], strict=True))
    y_starts = dict(zip((y for y, _ in along), np.cumsum([0] + [n for _, n in along])[:-1], strict=True))
    shape = (sum(n for _, n in along), sum(n for _, n in across))
    image = np.empty(shape, dtype=raw[0].dtype.newbyteorder("="))
    for number, (readout, pixels) in enumerate(zip(layout, raw, strict=True)):
        x = x_starts[readout.detector_slice[1].start]
        y = y_starts[readout.detector_slice[0].start]
        place = image[y : y + readout.data_rows, x : x + readout.data_columns]
        place[...] = _oriented(pixels[readout.data_slice], readout)
        if bias is not None:
            level = np.rint(bias[number]) if np.issubdtype(place.dtype, np.integer) else bias[number]
            place -= place.dtype.type(level)
    return image
