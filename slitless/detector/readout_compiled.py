"""The pixel loop of readout, compiled: one pass from expected charge to big-endian raw pixels.

Random bits come from splitmix64 as a counter [Steele, Lea and Flood 2014], so a draw depends on seed and
position only, whatever the threads do. Everything compiled stands in this one file, because numba's disk
cache does not notice changes elsewhere; the constants of `draw_tables` are the exception.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from slitless.compiled import compiled, inlined
from slitless.detector.charge import ExpectedCharge
from slitless.detector.draw_tables import EXACT_BELOW, OUTCOMES, STEPS, DrawTables, draw_tables
from slitless.detector.geometry import AmplifierReadout
from slitless.detector.signal_chain import SignalChain

__all__ = ["digitise_compiled", "poisson_draws"]

Image = NDArray[np.float32]
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # the odd step of splitmix64
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


@inlined
def mix(state: np.uint64) -> np.uint64:
    """Return 64 random bits for a 64-bit counter."""
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def gaussian_draw(bits: np.uint64, gaussian: NDArray[np.float32]) -> np.float32:
    """Return a unit Gaussian from 32 random bits: the sum of two table draws reaches 6 sigma."""
    first = gaussian[bits & np.uint64(0xFFFF)]
    second = gaussian[(bits >> np.uint64(16)) & np.uint64(0xFFFF)]
    return (first + second) * np.float32(0.70710678)


@inlined
def poisson_draw(
    mean: np.float32,
    bits: np.uint64,
    counter: np.uint64,
    gaussian: NDArray[np.float32],
    threshold: NDArray[np.uint32],
    alias: NDArray[np.uint8],
) -> np.float32:
    """Return a Poisson draw of mean `mean` (e-) from 32 random bits, and more made from `counter` if few.

    Few electrons: N(mean) = N(grid) + N(rest), a sum of Poisson draws being Poisson: the grid point below
    by the alias method, the rest (< 1/8 e-) by inversion; both exact. Many: the quantile of a Gaussian with
    Poisson's mean, variance and skewness (Cornish and Fisher 1938); not rounded to whole electrons.
    """
    if mean >= np.float32(EXACT_BELOW):
        z = gaussian_draw(bits, gaussian)
        root = np.sqrt(mean)
        z2 = z * z
        return (
            mean
            + root * z
            + (z2 - np.float32(1.0)) * np.float32(1 / 6)
            + z * (np.float32(1.0) - z2) / (np.float32(72.0) * root)
        )
    if not mean > np.float32(0.0):
        return np.float32(0.0)
    more = mix(counter ^ np.uint64(0xD1B54A32D192ED03))
    step = int(mean * np.float32(STEPS))
    outcome = int(more & np.uint64(OUTCOMES - 1))
    place = step * OUTCOMES + outcome
    keeps = ((more >> np.uint64(6)) & np.uint64(0x3FFFFFF)) < np.uint64(threshold[place])
    electrons = outcome if keeps else int(alias[place])
    rest = np.float64(mean) - np.float64(step) / STEPS
    uniform = (np.float64(more >> np.uint64(32)) + 0.5) * 2.0**-32
    chance = 1.0 - rest * (1.0 - rest * (0.5 - rest * (1 / 6 - rest * (1 / 24 - rest / 120))))
    extra = 0
    while uniform > chance and extra < 32:
        uniform -= chance
        extra += 1
        chance *= rest / extra
    return np.float32(electrons + extra)


@compiled
def poisson_draws(mean: float, count: int, seed: np.uint64, tables: DrawTables) -> NDArray[np.float32]:
    """Return so many draws of one mean (e-), to look at their distribution."""
    electrons = np.empty(count, dtype=np.float32)
    counter = seed
    for i in range(count):
        counter += GOLDEN
        bits = mix(counter) & np.uint64(0xFFFFFFFF)
        electrons[i] = poisson_draw(np.float32(mean), bits, counter, tables.gaussian, tables.threshold, tables.alias)
    return electrons


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
