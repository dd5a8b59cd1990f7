"""The pixel arithmetic of readout in plain numpy: the same statistics, some twenty times slower."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slitless.detector.charge import ExpectedCharge
from slitless.detector.geometry import AmplifierReadout, amplifier_view
from slitless.detector.signal_chain import SignalChain
from slitless.seeding import generator

__all__ = ["digitise_in_numpy"]


def digitise_in_numpy(
    expected: ExpectedCharge, readout: AmplifierReadout, neighbours: tuple[int, ...], chain: SignalChain, seed: int
) -> NDArray[np.int32]:
    """Return the raw pixels of one amplifier, dtype '>i4', shape `readout.raw_shape`."""
    random = generator(seed)
    raw = chain.bias + chain.read_noise / chain.gain * random.standard_normal(readout.raw_shape)
    mean, leak = _expected_bins(expected, readout, neighbours, chain)
    electrons = np.minimum(random.poisson(mean), chain.full_well) + chain.crosstalk * leak
    raw[readout.data_slice] += electrons / chain.gain
    return np.rint(np.clip(raw, 0, chain.ceiling)).astype(">i4")


def _expected_bins(
    expected: ExpectedCharge, readout: AmplifierReadout, neighbours: tuple[int, ...], chain: SignalChain
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the electrons expected in each pixel as read, and in those its neighbours read at that moment."""
    shape = (readout.data_rows, readout.row_binning, readout.data_columns, readout.column_binning)
    y = readout.detector_slice[0]
    rows = expected.dark[y][:: -1 if readout.flip_y else 1].astype(np.float64)
    mean = rows.reshape(shape[:2]).sum(axis=1)[:, np.newaxis] * readout.column_binning
    mean = np.repeat(mean, readout.data_columns, axis=1)
    leak = np.zeros_like(mean)
    if expected.light is None:
        return mean, leak

    def lit(image: NDArray[np.float32]) -> NDArray[np.float64]:
        pixels = np.minimum(amplifier_view(image, readout).astype(np.float64) * expected.seconds, chain.pixel_limit)
        return pixels.reshape(shape).sum(axis=(1, 3))

    mean += lit(expected.light)
    for near_x in neighbours:
        # wraps around, but a neighbour is never beyond the detector's edge
        leak += lit(np.roll(expected.light, readout.near_x - near_x, axis=1))
    return mean, leak
