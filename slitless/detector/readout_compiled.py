"""The pixel loop of readout, compiled: one pass from expected charge to big-endian raw pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import compiled
from slitless.detector.charge import ExpectedCharge
from slitless.detector.geometry import AmplifierReadout
from slitless.detector.shot_noise import GOLDEN, DrawTables, draw_tables, gaussian_draw, mix, poisson_draw
from slitless.detector.signal_chain import SignalChain

__all__ = ["digitise_compiled"]

Image = NDArray[np.float32]
NO_LIGHT = np.zeros((1, 1), dtype=np.float32)


class ReadingPath(NamedTuple):
    """The order in which one amplifier comes across the pixels of the detector; all 0-based."""

    near_x: int
    step_x: int
    near_y: int
    step_y: int
    prescan: int
    columns: int
    rows: int
    column_binning: int
    row_binning: int

    @classmethod
    def of(cls, readout: AmplifierReadout) -> ReadingPath:
        """Return the path of one amplifier."""
        return cls(
            near_x=readout.near_x - 1,
            step_x=-1 if readout.flip_x else 1,
            near_y=readout.near_y - 1,
            step_y=-1 if readout.flip_y else 1,
            prescan=readout.prescan,
            columns=readout.data_columns,
            rows=readout.data_rows,
            column_binning=readout.column_binning,
            row_binning=readout.row_binning,
        )


def digitise_compiled(
    expected: ExpectedCharge, readout: AmplifierReadout, neighbours: tuple[int, ...], chain: SignalChain, seed: int
) -> NDArray[np.int32]:
    """Return the raw pixels of one amplifier, dtype '>i4', shape `readout.raw_shape`."""
    raw = np.empty(readout.raw_shape, dtype=np.uint32)
    _digitise(
        raw,
        NO_LIGHT if expected.light is None else expected.light,
        np.float32(0.0 if expected.light is None else expected.seconds),
        expected.dark,
        ReadingPath.of(readout),
        np.array(neighbours, dtype=np.int64) - 1,
        SignalChain(*map(float, chain)),
        draw_tables(),
        np.uint64(seed),
    )
    return raw.view(">i4")


@compiled
def _digitise(
    raw: NDArray[np.uint32],
    light: Image,
    seconds: np.float32,
    dark: NDArray[np.float32],
    path: ReadingPath,
    neighbours: NDArray[np.int64],
    chain: SignalChain,
    tables: DrawTables,
    seed: np.uint64,
) -> None:
    """Fill one amplifier's raw pixels, row by row."""
    mean = np.zeros(path.columns, dtype=np.float32)
    leak = np.zeros(path.columns, dtype=np.float32)
    counter = seed
    for r in range(raw.shape[0]):
        if r < path.rows:
            _expect_row(mean, leak, r, light, seconds, dark, path, neighbours, np.float32(chain.pixel_limit))
        counter = _write_row(raw[r], mean, leak, r < path.rows, path.prescan, chain, tables, counter)


@compiled
def _expect_row(
    mean: NDArray[np.float32],
    leak: NDArray[np.float32],
    r: int,
    light: Image,
    seconds: np.float32,
    dark: NDArray[np.float32],
    path: ReadingPath,
    neighbours: NDArray[np.int64],
    limit: np.float32,
) -> None:
    """Write the electrons expected in row `r` as read to `mean`, and those of the neighbours to `leak`."""
    y = path.near_y + path.step_y * r * path.row_binning
    in_the_dark = np.float32(0.0)
    for i in range(path.row_binning):
        in_the_dark += dark[y + path.step_y * i] * np.float32(path.column_binning)
    mean[:] = in_the_dark
    leak[:] = np.float32(0.0)
    if seconds > 0:
        _add_bins(mean, light, seconds, path.near_x, y, path, limit)
        for near_x in neighbours:
            _add_bins(leak, light, seconds, near_x, y, path, limit)


@compiled
def _add_bins(
    sums: NDArray[np.float32],
    light: Image,
    seconds: np.float32,
    near_x: int,
    y: int,
    path: ReadingPath,
    limit: np.float32,
) -> None:
    """Add the electrons expected in one row of bins to `sums`."""
    for i in range(path.row_binning):
        row = light[y + path.step_y * i]
        if path.column_binning == 1:
            for c in range(len(sums)):
                sums[c] += min(row[near_x + path.step_x * c] * seconds, limit)
        else:
            for c in range(len(sums)):
                first = near_x + path.step_x * c * path.column_binning
                for j in range(path.column_binning):
                    sums[c] += min(row[first + path.step_x * j] * seconds, limit)


@compiled
def _write_row(
    row: NDArray[np.uint32],
    mean: NDArray[np.float32],
    leak: NDArray[np.float32],
    is_data: bool,
    prescan: int,
    chain: SignalChain,
    tables: DrawTables,
    counter: np.uint64,
) -> np.uint64:
    """Draw and digitise one row, bytes swapped; return the counter for the next."""
    gaussian, threshold, alias = tables.gaussian, tables.threshold, tables.alias
    bias, ceiling = np.float32(chain.bias), np.float32(chain.ceiling)
    per_gain, noise = np.float32(1.0 / chain.gain), np.float32(chain.read_noise / chain.gain)
    full_well, crosstalk = np.float32(chain.full_well), np.float32(chain.crosstalk)
    for c in range(len(row)):
        counter += GOLDEN
        bits = mix(counter)
        value = bias + noise * gaussian_draw(bits >> np.uint64(32), gaussian)
        if is_data and prescan <= c < prescan + len(mean):
            at = c - prescan
            electrons = poisson_draw(mean[at], bits & np.uint64(0xFFFFFFFF), counter, gaussian, threshold, alias)
            value += (min(electrons, full_well) + crosstalk * leak[at]) * per_gain
        adu = np.uint32(max(min(value, ceiling), np.float32(0.0)) + np.float32(0.5))
        row[c] = (adu >> 24) | ((adu >> 8) & 0xFF00) | ((adu << 8) & 0xFF0000) | (adu << 24)
    return counter
