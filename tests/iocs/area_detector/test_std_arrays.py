"""Pictures for clients."""

from __future__ import annotations

import numpy as np
import pytest

NELM = 509 * 500


@pytest.mark.parametrize(("shape", "factor"), [((4000, 4072), 8), ((500, 509), 1), ((600, 600), 2), ((40, 20), 1)])
async def test_an_array_is_averaged_as_little_as_makes_it_fit(bench, shape, factor):
    pixels = np.random.default_rng(1).integers(-5, 1000, shape).astype(np.int32)
    await bench.publish(pixels)
    rows, columns = shape[0] // factor, shape[1] // factor
    assert bench["image1:PreviewFactor_RBV"] == factor
    assert (bench["image1:ArraySize0_RBV"], bench["image1:ArraySize1_RBV"]) == (columns, rows)
    shown = bench["image1:ArrayData"]
    assert len(shown) == rows * columns <= NELM
    blocks = pixels[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    assert np.max(np.abs(shown.reshape(rows, columns) - blocks.mean(axis=(1, 3)))) <= 0.5


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
async def test_other_pixel_types_are_shown_too(bench, dtype):
    pixels = np.arange(12).reshape(3, 4).astype(dtype)
    await bench.publish(pixels)
    assert bench["image1:ArrayData"].tolist() == list(range(12))
    assert bench["image1:DataType_RBV"].lower() == dtype
