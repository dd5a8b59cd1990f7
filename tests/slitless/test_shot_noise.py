from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from slitless.compiled import HAVE_NUMBA
from slitless.detector.draw_tables import EXACT_BELOW, draw_tables
from slitless.detector.readout_compiled import poisson_draws

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="numpy draws its own without numba")

DRAWS = 400_000


@pytest.mark.parametrize("mean", [0.05, 0.5, 2.0, 2.06, 8.0, 15.99])
def test_few_electrons_are_drawn_from_the_exact_poisson_distribution(mean):
    electrons = poisson_draws(mean, DRAWS, np.uint64(11), draw_tables())
    assert np.array_equal(electrons, np.rint(electrons))
    counts = np.bincount(electrons.astype(int))
    expected = stats.poisson.pmf(np.arange(len(counts)), mean) * DRAWS
    seen = expected > 5
    chi_square = np.sum((counts[seen] - expected[seen]) ** 2 / expected[seen])
    assert stats.chi2.sf(chi_square, seen.sum() - 1) > 1e-3


@pytest.mark.parametrize("mean", [EXACT_BELOW, 30.0, 1000.0])
def test_many_electrons_have_the_quantiles_of_poisson(mean):
    electrons = poisson_draws(mean, DRAWS, np.uint64(12), draw_tables())
    levels = np.array([0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999])
    # a Poisson variate smeared over its unit step is the continuous twin of a draw that is not rounded
    smeared = stats.poisson.rvs(mean, size=DRAWS, random_state=1) + np.random.default_rng(1).uniform(-0.5, 0.5, DRAWS)
    error = 5 * np.sqrt(mean) * np.sqrt(levels * (1 - levels) / DRAWS) / stats.norm.pdf(stats.norm.ppf(levels))
    assert np.all(np.abs(np.quantile(electrons, levels) - np.quantile(smeared, levels)) < error + 0.06)


def test_no_light_makes_no_electrons():
    assert not poisson_draws(0.0, 1000, np.uint64(1), draw_tables()).any()


def test_gaussian_table_has_unit_variance():
    table = draw_tables().gaussian.astype(np.float64)
    assert table.mean() == pytest.approx(0.0, abs=1e-6)
    assert table.var() == pytest.approx(1.0, abs=1e-6)
