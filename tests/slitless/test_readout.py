from __future__ import annotations

import numpy as np
import pytest

from slitless.compiled import HAVE_NUMBA
from slitless.detector import readout as readout_module
from slitless.detector.charge import Charge
from slitless.detector.geometry import Window, amplifier_view, assemble, readout_layout
from slitless.detector.readout import read_out
from slitless.detector.signal_chain import CROSSTALK

needs_numba = pytest.mark.skipif(not HAVE_NUMBA, reason="needs numba")
both_ways = pytest.mark.parametrize(
    "compiled", [pytest.param(True, id="compiled", marks=needs_numba), pytest.param(False, id="numpy")]
)


def expose(instrument, electrons):
    """Charge of so many expected electrons: a number for a flat field, or a map."""
    detector = instrument.detector
    charge = Charge(detector, seed=1)
    charge.expose(np.zeros((detector.height, detector.width), dtype=np.float32) + np.float32(electrons), 1.0)
    return charge


def whole(instrument):
    window = Window.full(instrument.detector)
    return window, readout_layout(instrument.detector, window)


def data(readout, raw):
    return raw[readout.data_slice].astype(np.float64)


@both_ways
def test_bias_has_the_level_and_noise_of_every_amplifier(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small(columns=100, rows=300)
    window, layout = whole(instrument)
    first, second = (read_out(instrument, Charge(instrument.detector, 1), window, seed) for seed in (1, 2))
    for readout, a, b in zip(layout, first, second, strict=True):
        amplifier = readout.amplifier
        noise = np.std(data(readout, a) - data(readout, b)) / np.sqrt(2) * amplifier.gain
        assert noise == pytest.approx(amplifier.read_noise, rel=0.03), f"{amplifier.name}, e-"
        assert data(readout, a).mean() == pytest.approx(amplifier.bias, abs=0.2), f"{amplifier.name}, ADU"


def test_full_frame_has_the_layout_of_the_raw_file(latiss):
    window, layout = whole(latiss)
    raw = read_out(latiss, Charge(latiss.detector, 1), window, seed=3)
    assert [pixels.shape for pixels in raw] == [(2048, 576)] * 16
    assert {pixels.dtype.str for pixels in raw} == {">i4"}
    for readout, pixels in zip(layout, raw, strict=True):
        assert pixels.std() * readout.amplifier.gain == pytest.approx(readout.amplifier.read_noise, rel=0.01)


@both_ways
def test_overscan_of_a_bright_flat_holds_the_bias_alone(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small(rows=500)
    window, layout = whole(instrument)
    for readout, raw in zip(layout, read_out(instrument, expose(instrument, 5e4), window, 4), strict=True):
        sections = (raw[readout.overscan_slice], raw[readout.data_rows :], raw[:, : readout.prescan])
        for section in sections:
            error = 5 * readout.amplifier.read_noise / readout.amplifier.gain / np.sqrt(section.size)
            assert section.mean() == pytest.approx(readout.amplifier.bias, abs=error)


@both_ways
def test_photon_transfer_finds_the_gain_of_every_amplifier(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small(columns=150, rows=250)
    window, layout = whole(instrument)
    levels = (5e3, 2e4, 6e4)
    pairs = [[read_out(instrument, expose(instrument, level), window, seed) for seed in (1, 2)] for level in levels]
    for number, readout in enumerate(layout):
        amplifier = readout.amplifier
        gains = []
        for first, second in pairs:
            a, b = data(readout, first[number]), data(readout, second[number])
            signal = (a + b).mean() / 2 - amplifier.bias
            variance = np.var(a - b) / 2 - (amplifier.read_noise / amplifier.gain) ** 2
            gains.append(signal / variance)
        assert np.mean(gains) == pytest.approx(amplifier.gain, rel=0.02), amplifier.name


@both_ways
@pytest.mark.parametrize("electrons", [0.05, 0.5, 2.0, 8.0, 15.99, 16.0, 120.0, 10000.0, 1e5])
def test_shot_noise_is_poisson_at_every_level(small, monkeypatch, compiled, electrons):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    quiet = {"read_noise": 0.001, "gain": 0.01, "bias": 1000.0, "full_well": 1e9}
    instrument = small(columns=400, rows=500, amplifier=quiet, adc_bits=24, saturation=1e9)
    alone = Window(1, 400, 1, 500)  # one amplifier, without neighbours that leak into it
    (readout,) = readout_layout(instrument.detector, alone)
    (raw,) = read_out(instrument, expose(instrument, electrons), alone, seed=5)
    pixels = (data(readout, raw) - 1000.0) * 0.01
    assert pixels.mean() == pytest.approx(electrons, abs=4 * np.sqrt(electrons / pixels.size))
    variance_error = np.sqrt((2 + 1 / electrons) / pixels.size)
    assert pixels.var() == pytest.approx(electrons, rel=4 * variance_error)
    skewness = np.mean((pixels - pixels.mean()) ** 3) / pixels.std() ** 3
    assert skewness == pytest.approx(electrons**-0.5, abs=0.05 * electrons**-0.5 + 0.03)


@both_ways
def test_full_well_clips_charge_and_not_its_noise(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small(saturation=1e6)
    window, layout = whole(instrument)
    for readout, raw in zip(layout, read_out(instrument, expose(instrument, 1e6), window, 6), strict=True):
        amplifier = readout.amplifier
        pixels = data(readout, raw)
        full = amplifier.full_well * (1 + 2 * CROSSTALK) / amplifier.gain + amplifier.bias
        assert pixels.mean() == pytest.approx(full, abs=0.002 * full)
        assert pixels.std() * amplifier.gain == pytest.approx(amplifier.read_noise, rel=0.1)


@both_ways
def test_amplifier_saturates_above_its_bias(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small(saturation=20000.0)
    window, layout = whole(instrument)
    for readout, raw in zip(layout, read_out(instrument, expose(instrument, 1e5), window, 6), strict=True):
        assert np.all(raw[readout.data_slice] == round(readout.amplifier.bias + 20000))


def test_converter_ends_at_its_highest_number(small):
    instrument = small(adc_bits=16)
    window, layout = whole(instrument)
    for readout, raw in zip(layout, read_out(instrument, expose(instrument, 1e5), window, 6), strict=True):
        assert np.all(raw[readout.data_slice] == 65535)


@both_ways
def test_every_pixel_comes_from_its_place_on_the_detector(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small(amplifier={"read_noise": 0.001, "gain": 1.0, "bias": 1000.0})
    detector = instrument.detector
    scene = np.random.default_rng(2).uniform(1e4, 9e4, (detector.height, detector.width)).astype(np.float32)
    window, layout = whole(instrument)
    image = assemble(layout, read_out(instrument, expose(instrument, scene), window, 7), bias=[1000.0] * 16)
    assert np.max(np.abs(image - scene) / np.sqrt(scene)) < 6.5


@both_ways
def test_binned_charge_is_summed_on_the_chip(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small(columns=90, rows=201)
    detector = instrument.detector
    window = Window(1, detector.width, 1, detector.height, 4, 3)
    layout = readout_layout(detector, window)
    scene = np.random.default_rng(2).uniform(0, 200, (detector.height, detector.width)).astype(np.float32)
    raw = read_out(instrument, expose(instrument, scene), window, 7)
    residuals = []
    for readout, pixels in zip(layout, raw, strict=True):
        shape = (readout.data_rows, 3, readout.data_columns, 4)
        expected = amplifier_view(scene, readout).reshape(shape).sum(axis=(1, 3))
        electrons = (data(readout, pixels) - readout.amplifier.bias) * readout.amplifier.gain
        # read noise once a bin, not once a pixel; the converter's step adds gain^2 / 12
        variance = expected + readout.amplifier.read_noise**2 + readout.amplifier.gain**2 / 12
        residuals.append(((electrons - expected) / np.sqrt(variance)).ravel())
    everything = np.concatenate(residuals)
    assert everything.mean() == pytest.approx(0.0, abs=0.03)
    assert everything.std() == pytest.approx(1.0, rel=0.02)


@both_ways
def test_window_reads_only_its_amplifiers(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small()
    window = Window(60, 70, 11, 20)  # across the border of two amplifiers of 64 columns
    scene = np.zeros((200, 512), dtype=np.float32)
    scene[10:20, 59:70] = 5000.0
    layout = readout_layout(instrument.detector, window)
    raw = read_out(instrument, expose(instrument, scene), window, 7)
    assert [readout.amplifier.name for readout in layout] == ["Segment10", "Segment11"]
    for readout, pixels in zip(layout, raw, strict=True):
        electrons = (data(readout, pixels) - readout.amplifier.bias) * readout.amplifier.gain
        assert electrons.mean() == pytest.approx(5000.0, abs=5 * np.sqrt(5000 / electrons.size))


@both_ways
def test_bright_star_leaves_a_ghost_in_the_neighbour_amplifiers(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small(amplifier={"read_noise": 0.001, "gain": 0.1, "bias": 1000.0}, adc_bits=24, saturation=1e7)
    scene = np.zeros((200, 512), dtype=np.float32)
    scene[50, 64 * 3 + 20] = 1e5
    window, layout = whole(instrument)
    image = assemble(layout, read_out(instrument, expose(instrument, scene), window, 8), bias=[1000.0] * 16) * 0.1
    assert list(np.argwhere(np.abs(image) > 1.0)[:, 1]) == [64 * 2 + 20, 64 * 3 + 20, 64 * 4 + 20]
    assert image[50, 64 * 2 + 20] == pytest.approx(1e5 * CROSSTALK, rel=0.02)


@both_ways
def test_same_seed_gives_the_same_frame_and_another_seed_another(small, monkeypatch, compiled):
    monkeypatch.setattr(readout_module, "HAVE_NUMBA", compiled)
    instrument = small()
    window, _ = whole(instrument)
    charge = expose(instrument, 50.0)
    first, again, other = (read_out(instrument, charge, window, seed) for seed in (9, 9, 10))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_frames_of_neighbouring_seeds_and_amplifiers_are_unrelated(small):
    instrument = small(columns=200, rows=200)
    window, layout = whole(instrument)
    frames = [read_out(instrument, Charge(instrument.detector, 1), window, seed) for seed in (1, 2)]
    noise = np.array([data(r, raw).ravel() for frame in frames for r, raw in zip(layout, frame, strict=True)])
    correlation = np.corrcoef(noise) - np.eye(len(noise))
    assert np.max(np.abs(correlation)) < 5 / np.sqrt(noise.shape[1])
