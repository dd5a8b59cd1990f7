"""Readout: from the charge under the CCD to raw pixels of every amplifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import HAVE_NUMBA, in_threads
from slitless.definition import Instrument
from slitless.detector.charge import Charge
from slitless.detector.geometry import AmplifierReadout, Window, readout_layout
from slitless.detector.readout_compiled import digitise_compiled
from slitless.detector.readout_numpy import digitise_in_numpy
from slitless.detector.signal_chain import SignalChain
from slitless.seeding import derive_seed

__all__ = ["read_out"]


def read_out(instrument: Instrument, charge: Charge, window: Window, seed: int) -> list[NDArray[np.int32]]:
    """Read the CCD out: shot noise, full well, crosstalk, gain, read noise, bias, converter.

    Parameters
    ----------
    instrument : Instrument
        Its detector's amplifiers, overscans and converter.
    charge : Charge
        What the exposure left; it stays as it is until flushed.
    window : Window
        What is read; the pixels of a bin are summed on the chip, before any read noise.
    seed : int
        Of this frame: the same seed and charge give the same frame.

    Returns
    -------
    list of ndarray, dtype '>i4', each of shape `readout.raw_shape`
        ADU, one array for each amplifier of `readout_layout`, in order and as read: prescan, data, overscan.

    Raises
    ------
    InvalidRequest
        If the window cannot be read.

    Notes
    -----
    ADU = min(electrons, full well) / gain + read noise + bias, rounded, clipped at the amplifier's
    saturation and at the converter's range. [Janesick, Photon Transfer, ch. 2]
    """
    layout = readout_layout(instrument.detector, window)
    expected = charge.expected()
    digitise = digitise_compiled if HAVE_NUMBA else digitise_in_numpy

    def amplifier(readout: AmplifierReadout) -> NDArray[np.int32]:
        chain = SignalChain.of(instrument, readout)
        neighbours = _neighbours(layout, readout, instrument.detector.columns)
        return digitise(expected, readout, neighbours, chain, derive_seed(seed, "readout", readout.index))

    return in_threads(amplifier, [(readout,) for readout in layout])


def _neighbours(layout: Sequence[AmplifierReadout], readout: AmplifierReadout, columns: int) -> tuple[int, ...]:
    """Return `near_x` of the adjacent amplifiers that read the same pixel of theirs at the same moment."""
    return tuple(
        other.near_x
        for other in layout
        if abs(other.near_x - readout.near_x) == columns
        and other.near_y == readout.near_y
        and other.raw_shape == readout.raw_shape
    )
