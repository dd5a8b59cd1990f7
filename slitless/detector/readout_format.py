"""How many pixels an amplifier reads along each axis: dark pixels before the data, data, and overscan after them.

The arithmetic is that of AzCam's set_format and set_roi, in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from slitless.definition import Detector
from slitless.errors import InvalidRequest, require_whole

__all__ = ["MAXIMUM_OVERSCAN", "AxisReadout", "ReadoutFormat", "axis_readout"]

MAXIMUM_OVERSCAN = 1024  # pixel as read; more is a mistake


@dataclass(frozen=True)
class ReadoutFormat:
    """What an amplifier reads beside the data; counts of a whole frame, the same for every amplifier."""

    serial_underscan: int
    """Physical dark columns to read, in pixels as read; at most as many as there are, binned."""
    serial_overscan: int
    """Columns after the data, in pixels as read, whatever the binning."""
    parallel_overscan: int
    """Rows after the data, in pixels as read."""

    @classmethod
    def of(cls, detector: Detector) -> Self:
        """Return the detector's own format."""
        return cls(detector.serial_prescan, detector.serial_overscan, detector.parallel_overscan)

    def check(self, detector: Detector) -> None:
        """Refuse a format that the detector does not have.

        Raises
        ------
        InvalidRequest
            If a count is no whole number, negative, above 1024, or asks for more dark columns than there are.
        """
        prescan = detector.serial_prescan
        try:
            require_whole("serial underscan", self.serial_underscan, 0, prescan)
        except InvalidRequest as error:
            bound = f"the CCD has {prescan} dark columns before the data of an amplifier"
            raise InvalidRequest("serial underscan", self.serial_underscan, bound) from error
        require_whole("serial overscan", self.serial_overscan, 0, MAXIMUM_OVERSCAN)
        require_whole("parallel overscan", self.parallel_overscan, 0, MAXIMUM_OVERSCAN)


@dataclass(frozen=True)
class AxisReadout:
    """What one amplifier does along one axis, in reading order."""

    preskip: int
    """Physical dark pixels clocked out unread."""
    underscan: int
    """Dark pixels read, binned."""
    skip: int
    """Data pixels before the first of the region, clocked out unread."""
    data: int
    """Data pixels read, binned."""
    postskip: int
    """Data pixels after the last that was read, those of an incomplete bin among them."""
    overscan: int
    """Pixels read after the data, in pixels as read."""

    @property
    def pixels(self) -> int:
        """Pixels in the file."""
        return self.underscan + self.data + self.overscan


def axis_readout(
    first: int,
    last: int,
    binning: int,
    *,
    total: int,
    dark: int = 0,
    underscan: int = 0,
    overscan: int = 0,
    amplifiers: int = 1,
) -> AxisReadout:
    """Return what each of the amplifiers along one axis reads.

    Parameters
    ----------
    first, last : int
        Region, in unbinned pixels of the detector, 1-based and inclusive.
    binning : int
        Pixels of a bin.
    total : int
        Data pixels of the detector.
    dark : int
        Physical dark pixels before the data of an amplifier.
    underscan : int
        Dark pixels wanted, in pixels as read; fewer are read if the binned dark pixels are fewer.
    overscan : int
        Pixels wanted after the data, in pixels as read: binning does not divide them.
    amplifiers : int
        Among which the axis is divided evenly.

    Raises
    ------
    InvalidRequest
        If the region is reversed or outside the detector, or the binning below 1.

    Notes
    -----
    Pixels that do not fill a bin are dropped. [AzCam 26.0.5, `set_roi`; observed with 64 x 32 pixels]
    """
    if not 1 <= first <= last <= total:
        raise InvalidRequest("region", f"{first} to {last}", f"it must rise within [1, {total}] pixel")
    if binning < 1:
        raise InvalidRequest("binning", binning, "it must be 1 pixel or more")
    read = min(dark // binning, underscan)
    data = (last - first + 1) // (binning * amplifiers)
    return AxisReadout(
        preskip=dark - read * binning,
        underscan=read,
        skip=first - 1,
        data=data,
        postskip=max(0, total // amplifiers - (first - 1 + data * binning)),
        overscan=overscan,
    )
