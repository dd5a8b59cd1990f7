"""Statistics of known arrays against independent computations."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from scipy import stats

from slitless.compiled import HAVE_NUMBA
from slitless.detector import histogram as histogram_module
from slitless.detector import image_statistics as statistics_module
from slitless.detector import moments as moments_module

needs_numba = pytest.mark.skipif(not HAVE_NUMBA, reason="needs numba")


@pytest.fixture(params=[pytest.param(True, id="compiled", marks=needs_numba), pytest.param(False, id="numpy")])
def _either_way(request, monkeypatch):
    for module in (histogram_module, statistics_module, moments_module):
        monkeypatch.setattr(module, "HAVE_NUMBA", request.param)


@pytest.fixture
def star():
    """A tilted star on a faint background."""
    y, x = np.mgrid[0:60, 0:80]
    along, across = (x - 44.2) * 0.8 + (y - 23.7) * 0.6, -(x - 44.2) * 0.6 + (y - 23.7) * 0.8
    light = 5000 * np.exp(-0.5 * ((along / 6) ** 2 + (across / 2.5) ** 2))
    return np.rint(light + np.random.default_rng(3).normal(0, 3, light.shape)).astype(np.int32)


@pytest.mark.usefixtures("_either_way")
async def test_basic_statistics(bench, star):
    await bench.put(Stats1__BgdWidth=2)
    await bench.publish(star)
    row, column = np.unravel_index(star.argmax(), star.shape)
    assert (bench["Stats1:MaxX_RBV"], bench["Stats1:MaxY_RBV"]) == (column, row)
    row, column = np.unravel_index(star.argmin(), star.shape)
    assert (bench["Stats1:MinX_RBV"], bench["Stats1:MinY_RBV"]) == (column, row)
    expected = {
        "MinValue": star.min(), "MaxValue": star.max(), "MeanValue": star.mean(), "Sigma": star.std(),
        "Total": star.sum(),
    }  # fmt: skip
    assert {name: bench[f"Stats1:{name}_RBV"] for name in expected} == pytest.approx(expected)
    strips = [star[:2], star[-2:], star[:, :2], star[:, -2:]]
    background = sum(strip.sum() for strip in strips) / sum(strip.size for strip in strips)
    assert bench["Stats1:Net_RBV"] == pytest.approx(star.sum() - background * star.size)


@pytest.mark.usefixtures("_either_way")
async def test_moments_of_the_bright_pixels(bench, star):
    await bench.put(Stats1__ComputeCentroid="Yes", Stats1__CentroidThreshold=500.0)
    await bench.publish(star)
    weight = np.where(star >= 500, star, 0)
    y, x = np.mgrid[0:60, 0:80]
    xs, ys = np.repeat(x.ravel(), weight.ravel()), np.repeat(y.ravel(), weight.ravel())
    values, vectors = np.linalg.eigh(np.cov(xs, ys, bias=True))
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    expected = {
        "CentroidTotal": weight.sum(), "CentroidX": xs.mean(), "CentroidY": ys.mean(), "SigmaX": xs.std(),
        "SigmaY": ys.std(), "SigmaXY": np.corrcoef(xs, ys)[0, 1], "SkewX": stats.skew(xs), "SkewY": stats.skew(ys),
        "KurtosisX": stats.kurtosis(xs), "KurtosisY": stats.kurtosis(ys),
        "Eccentricity": ((values[1] - values[0]) / (values[1] + values[0])) ** 2,
        "Orientation": (angle + 90) % 180 - 90,
    }  # fmt: skip
    assert {name: bench[f"Stats1:{name}_RBV"] for name in expected} == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert bench["Stats1:CentroidX_RBV"] == pytest.approx(44.2, abs=0.05)
    assert bench["Stats1:Orientation_RBV"] == pytest.approx(np.degrees(np.arctan2(0.6, 0.8)), abs=1.0)


async def test_nothing_bright_has_no_centroid(bench):
    await bench.put(Stats1__ComputeCentroid="Yes", Stats1__CentroidThreshold=1.0)
    await bench.publish(np.zeros((5, 5), dtype=np.int32))
    assert bench["Stats1:CentroidTotal_RBV"] == 0
    assert np.isnan(bench["Stats1:CentroidX_RBV"])


@pytest.mark.usefixtures("_either_way")
async def test_profiles(bench, star):
    await bench.put(Stats1__ComputeProfiles="Yes", Stats1__CentroidThreshold=500.0)
    await bench.put(Stats1__CursorX=7, Stats1__CursorY=500)
    await bench.publish(star)
    weight = np.where(star >= 500, star, 0).astype(float)
    column = round(weight.sum(axis=0) @ np.arange(80) / weight.sum())
    row = round(weight.sum(axis=1) @ np.arange(60) / weight.sum())
    expected = {
        "AverageX": star.mean(axis=0), "AverageY": star.mean(axis=1), "ThresholdX": weight.mean(axis=0),
        "ThresholdY": weight.mean(axis=1), "CentroidX": star[row], "CentroidY": star[:, column],
        "CursorX": star[59], "CursorY": star[:, 7],
    }  # fmt: skip
    for name, profile in expected.items():
        assert bench[f"Stats1:Profile{name}_RBV"] == pytest.approx(profile), name
    assert bench["Stats1:CursorVal"] == star[59, 7]
    assert (bench["Stats1:ProfileSizeX_RBV"], bench["Stats1:ProfileSizeY_RBV"]) == (80, 60)


@pytest.mark.usefixtures("_either_way")
async def test_histogram(bench):
    pixels = np.array([[-1, 0, 1, 4, 5, 6, 14, 15, 16, 50, 99, 100, 101, 500]], dtype=np.int32)
    await bench.put(Stats1__ComputeHistogram="Yes", Stats1__HistSize=11, Stats1__HistMin=0.0, Stats1__HistMax=100.0)
    await bench.publish(pixels)
    counts = bench["Stats1:Histogram_RBV"].tolist()
    assert counts == [3, 3, 2, 0, 0, 1, 0, 0, 0, 0, 2]  # bins of 10 ADU centred on 0, 10 ... 100
    assert (bench["Stats1:HistBelow_RBV"], bench["Stats1:HistAbove_RBV"]) == (1, 2)
    entropy = -sum(count * np.log(count) for count in counts if count) / pixels.size
    assert bench["Stats1:HistEntropy_RBV"] == pytest.approx(entropy)
    assert bench["Stats1:HistogramX_RBV"] == pytest.approx(np.arange(11) * 100 / 11)


async def test_what_is_switched_off_is_not_shown_any_more(bench, star):
    await bench.put(Stats1__ComputeCentroid="Yes", Stats1__ComputeHistogram="Yes")
    await bench.publish(star)
    await bench.put(Stats1__ComputeCentroid="No", Stats1__ComputeHistogram="No", Stats1__ComputeStatistics="No")
    await bench.publish(star)
    for name in ("CentroidX", "HistEntropy", "MeanValue"):
        assert np.isnan(bench[f"Stats1:{name}_RBV"]), name


async def test_reset_sets_results_to_zero(bench, star):
    await bench.put(Stats1__ComputeCentroid="Yes")
    await bench.publish(star)
    await bench.put(Stats1__Reset1="Reset")
    assert (bench["Stats1:CentroidX_RBV"], bench["Stats1:MaxValue_RBV"]) == (0.0, star.max())
    await bench.put(Stats1__Reset="Reset")
    assert (bench["Stats1:MaxValue_RBV"], bench["Stats1:Sigma_RBV"], bench["Stats1:Reset"]) == (0.0, 0.0, "Done")


async def test_a_time_series_has_a_point_an_array_and_its_put_completes_when_it_is_full(bench):
    await bench.put(Stats1__TS__TSNumPoints=3)
    begun = asyncio.create_task(bench.put(Stats1__TS__TSAcquire="Acquire"))
    await asyncio.sleep(0)
    for level in range(5):
        assert begun.done() == (level > 2)
        await bench.publish(np.full((3, 4), level, dtype=np.int32))
    await begun
    assert bench["Stats1:TSMeanValue"].tolist() == [0, 1, 2]
    assert bench["Stats1:TSTimestamp"].tolist() == [1.8e9 + 1, 1.8e9 + 2, 1.8e9 + 3]
    assert (bench["Stats1:TS:TSAcquiring"], bench["Stats1:TS:TSCurrentPoint"]) == ("Done", 3)
    assert bench["Stats1:TSNumPoints"] == 3


async def test_a_time_series_that_is_ended_completes_the_put_that_began_it(bench):
    begun = asyncio.create_task(bench.put(Stats1__TS__TSAcquire="Acquire"))
    await asyncio.sleep(0)
    await bench.put(Stats1__TS__TSAcquire="Done")
    await begun
    assert bench["Stats1:TS:TSAcquire"] == bench["Stats1:TS:TSAcquiring"] == "Done"


async def test_a_circular_time_series_keeps_the_latest_points(bench):
    await bench.put(Stats1__TS__TSNumPoints=3, Stats1__TS__TSAcquireMode="Circ. buffer")
    await bench.put(Stats1__TSControl="Erase/Start")
    for level in range(5):
        await bench.publish(np.full((3, 4), level, dtype=np.int32))
    assert bench["Stats1:TSMeanValue"].tolist() == [2, 3, 4]
    assert bench["Stats1:TSAcquiring"] == "Acquiring"
    await bench.put(Stats1__TSControl="Stop")
    await bench.publish(np.full((3, 4), 9, dtype=np.int32))
    assert bench["Stats1:TSMeanValue"].tolist() == [2, 3, 4]


async def test_points_of_a_time_series_can_be_means_of_several_arrays(bench):
    await bench.put(Stats1__TS__TSTimePerPoint=0.5, Stats1__TS__TSAveragingTime=1.0, Stats1__TSControl="Erase/Start")
    for level in (1, 3, 5, 9):
        await bench.publish(np.full((3, 4), level, dtype=np.int32))
    assert bench["Stats1:TSMeanValue"].tolist() == [2, 7]
    assert bench["Stats1:TS:TSTimeAxis"].tolist() == [0.0, 1.0]
