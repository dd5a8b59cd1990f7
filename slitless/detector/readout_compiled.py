"""The pixel loop of readout, compiled: one pass from expected charge to big-endian raw pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import compiled
from slitless.detector.charge import ExpectedCharge
from slitless.detector.geometry import AmplifierReadout
from slitless.detector.shot_noise import GOLDEN, draw_tables, gaussian_draw, mix, poisson_draw
from slitless.detector.signal_chain import SignalChain

__all__ = ["digitise_compiled"]

NO_LIGHT = np.zeros((1, 1), dtype=np.float32)


def digitise_compiled(
    expected: ExpectedCharge, readout: AmplifierReadout, neighbours: tuple[int, ...], chain: SignalChain, seed: int
) -> NDArray[np.int32]:
    """Return the raw pixels of one amplifier, dtype '>i4', shape `readout.raw_shape`."""
    raw = np.empty(readout.raw_shape, dtype=np.uint32)
    light = NO_LIGHT if expected.light is None else expected.light
    others = np.full(2, -1, dtype=np.int64)
    others[: len(neighbours)] = np.array(neighbours, dtype=np.int64) - 1
    places = np.array(
        [
            readout.near_x - 1,
            -1 if readout.flip_x else 1,
            readout.near_y - 1,
            -1 if readout.flip_y else 1,
            readout.prescan,
            readout.data_columns,
            readout.data_rows,
            readout.column_binning,
            readout.row_binning,
        ],
        dtype=np.int64,
    )
    _digitise(
        raw,
        light,
        expected.light is not None,
        np.float32(expected.seconds),
        expected.dark,
        places,
        others,
        np.float32(1.0 / chain.gain),
        np.float32(chain.read_noise / chain.gain),
        np.float32(chain.full_well),
        np.float32(chain.pixel_limit),
        np.float32(chain.crosstalk),
        np.float32(chain.ceiling),
        np.float32(chain.bias),
        np.uint64(seed),
        *draw_tables(),
    )
    return raw.view(">i4")


@compiled
def _sum_bins(sums, light, seconds, x, step_x, y, step_y, column_binning, row_binning, limit):  # noqa: ANN001, ANN202
    """Add the expected electrons of one row of bins to `sums`."""
    for i in range(row_binning):
        row = light[y + step_y * i]
        if column_binning == 1:
            for c in range(len(sums)):
                sums[c] += min(row[x + step_x * c] * seconds, limit)
        else:
            for c in range(len(sums)):
                total = np.float32(0.0)
                for j in range(column_binning):
                    total += min(row[x + step_x * (c * column_binning + j)] * seconds, limit)
                sums[c] += total


@compiled
def _digitise(  # noqa: ANN202
    raw,  # noqa: ANN001
    light,  # noqa: ANN001
    is_lit,  # noqa: ANN001
    seconds,  # noqa: ANN001
    dark,  # noqa: ANN001
    places,  # noqa: ANN001
    others,  # noqa: ANN001
    per_gain,  # noqa: ANN001
    noise,  # noqa: ANN001
    full_well,  # noqa: ANN001
    limit,  # noqa: ANN001
    crosstalk,  # noqa: ANN001
    ceiling,  # noqa: ANN001
    bias,  # noqa: ANN001
    seed,  # noqa: ANN001
    gaussian,  # noqa: ANN001
    threshold,  # noqa: ANN001
    alias,  # noqa: ANN001
):
    near_x, step_x, near_y, step_y, prescan, columns, rows, column_binning, row_binning = places
    height, width = raw.shape
    mean = np.zeros(columns, dtype=np.float32)
    leak = np.zeros(columns, dtype=np.float32)
    counter = seed
    for r in range(height):
        is_data = r < rows
        if is_data:
            y = near_y + step_y * r * row_binning
            dark_electrons = np.float32(0.0)
            for i in range(row_binning):
                dark_electrons += dark[y + step_y * i] * np.float32(column_binning)
            mean[:] = dark_electrons
            leak[:] = np.float32(0.0)
            if is_lit:
                _sum_bins(mean, light, seconds, near_x, step_x, y, step_y, column_binning, row_binning, limit)
                for other in others:
                    if other >= 0:
                        _sum_bins(leak, light, seconds, other, step_x, y, step_y, column_binning, row_binning, limit)
        for c in range(width):
            counter += GOLDEN
            bits = mix(counter)
            value = bias + noise * gaussian_draw(bits >> np.uint64(32), gaussian)
            if is_data and prescan <= c < prescan + columns:
                at = c - prescan
                electrons = poisson_draw(mean[at], bits & np.uint64(0xFFFFFFFF), counter, gaussian, threshold, alias)
                value += (min(electrons, full_well) + crosstalk * leak[at]) * per_gain
            adu = np.uint32(max(min(value, ceiling), np.float32(0.0)) + np.float32(0.5))
            raw[r, c] = (adu >> 24) | ((adu >> 8) & 0xFF00) | ((adu << 8) & 0xFF0000) | (adu << 24)
