from __future__ import annotations

import numpy as np
import pytest

from slitless.compiled import HAVE_NUMBA
from slitless.detector import charge as charge_module
from slitless.detector.charge import Charge
from slitless.detector.dark import dark_rate

needs_numba = pytest.mark.skipif(not HAVE_NUMBA, reason="needs numba")

COLD = -94.15  # Celsius, where LATISS' dark current is quoted


@pytest.fixture
def detector(small):
    return small().detector


@pytest.fixture
def scene(detector):
    rate = np.random.default_rng(1).random((detector.height, detector.width)).astype(np.float32)
    rate.setflags(write=False)
    return rate


@pytest.fixture(params=[pytest.param(True, id="compiled", marks=needs_numba), pytest.param(False, id="numpy")])
def _either_way(request, monkeypatch):
    monkeypatch.setattr(charge_module, "HAVE_NUMBA", request.param)


def shifted(image, rows):
    """Both halves carried outwards by rows, the slow and obvious way."""
    half = len(image) // 2
    moved = np.zeros_like(image)
    moved[: half - rows] = image[rows:half]
    moved[half + rows :] = image[half : 2 * half - rows]
    return moved


def test_light_adds_up(detector, scene):
    charge = Charge(detector, seed=1)
    charge.expose(scene, 2.0)
    charge.expose(None, 10.0)
    charge.expose(scene, 0.5)
    assert np.allclose(charge.electrons(), 2.5 * scene)


def test_flush_leaves_nothing(detector, scene):
    charge = Charge(detector, seed=1)
    charge.expose(scene, 2.0)
    charge.dark(100.0, COLD)
    charge.flush()
    assert not charge.electrons().any()


@pytest.mark.usefixtures("_either_way")
def test_row_shift_carries_both_halves_outwards(detector, scene):
    charge = Charge(detector, seed=1)
    charge.expose(scene, 1.0)
    charge.shift_rows(7)
    assert np.allclose(charge.electrons(), shifted(scene, 7))


@pytest.mark.usefixtures("_either_way")
def test_row_shift_keeps_all_charge_that_is_not_at_the_edge(detector):
    rate = np.zeros((detector.height, detector.width), dtype=np.float32)
    rate[30, 10], rate[150, 20] = 100.0, 200.0
    charge = Charge(detector, seed=1)
    charge.expose(rate, 1.0)
    charge.shift_rows(20)
    electrons = charge.electrons()
    assert electrons.sum() == pytest.approx(300.0)
    assert electrons[10, 10] == 100.0
    assert electrons[170, 20] == 200.0


def test_charge_clocked_over_the_edge_is_lost(detector, scene):
    charge = Charge(detector, seed=1)
    charge.expose(scene, 1.0)
    charge.dark(1000.0, COLD)
    charge.shift_rows(detector.rows)
    assert not charge.electrons().any()


@pytest.mark.usefixtures("_either_way")
def test_slices_of_a_stuttered_frame_stand_row_shift_rows_apart_in_both_halves(detector):
    rate = np.zeros((detector.height, detector.width), dtype=np.float32)
    rate[80, 10] = rate[120, 20] = 5.0
    rate.setflags(write=False)
    charge = Charge(detector, seed=1)
    for _ in range(3):
        charge.expose(rate, 2.0)
        charge.shift_rows(25)
    charge.expose(rate, 2.0)
    electrons = charge.electrons()
    assert list(np.flatnonzero(electrons[:, 10])) == [5, 30, 55, 80]
    assert list(np.flatnonzero(electrons[:, 20])) == [120, 145, 170, 195]
    assert np.all(electrons[electrons > 0] == 10.0)


@pytest.mark.usefixtures("_either_way")
def test_slices_of_changing_scenes_equal_clocking_step_by_step(detector, scene):
    other = np.asarray(scene[::-1]).copy()  # writable: a caller may change it afterwards
    charge = Charge(detector, seed=1)
    expected = np.zeros_like(scene)
    for number, rate in enumerate((scene, scene, other, scene)):
        charge.expose(rate, 1.0 + number)
        charge.shift_rows(10 + number)
        expected = shifted(expected + rate * (1.0 + number), 10 + number)
    other[:] = 1e6
    assert np.allclose(charge.electrons(), expected, rtol=1e-5)


def test_exposures_after_a_look_do_not_change_what_was_seen(detector, scene):
    charge = Charge(detector, seed=1)
    charge.expose(scene, 1.0)
    charge.shift_rows(3)
    seen = charge.expected()
    assert seen.light is not None
    before = seen.light.copy()
    charge.expose(scene, 1.0)
    charge.shift_rows(3)
    charge.electrons()
    assert np.array_equal(seen.light, before)


def test_dark_current_doubles_with_temperature(detector):
    cold = dark_rate(detector, detector.dark_reference)
    assert cold == detector.dark_current
    assert dark_rate(detector, detector.dark_reference + detector.dark_doubling) == pytest.approx(2 * cold)
    charge = Charge(detector, seed=1)
    charge.dark(100.0, detector.dark_reference + 2 * detector.dark_doubling)
    assert np.allclose(charge.electrons(), 400.0 * cold)


def test_rows_that_enter_during_a_shift_hold_no_dark_charge(detector):
    charge = Charge(detector, seed=1)
    charge.dark(100.0, COLD)
    charge.shift_rows(10)
    electrons = charge.electrons()
    middle = slice(detector.rows - 10, detector.rows + 10)
    assert not electrons[middle].any()
    assert np.allclose(electrons[: detector.rows - 10], 2.0)


@pytest.mark.parametrize("seconds", [-1.0, np.nan, np.inf])
def test_impossible_durations_are_refused(detector, scene, seconds):
    with pytest.raises(ValueError, match="duration"):
        Charge(detector, seed=1).expose(scene, seconds)


def test_scene_of_another_detector_is_refused(detector):
    with pytest.raises(ValueError, match="shape"):
        Charge(detector, seed=1).expose(np.zeros((3, 3), dtype=np.float32), 1.0)
