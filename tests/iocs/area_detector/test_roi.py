"""Regions, cut as ADCore cuts them."""

from __future__ import annotations

import numpy as np
import pytest

from iocs.area_detector import roi

FRAME = np.arange(200, dtype=np.int32).reshape(10, 20)


@pytest.fixture
async def cut(bench):
    """Cut a frame with given settings; return what is sent on."""
    await bench.put(ROI1__EnableX="Enable", ROI1__EnableY="Enable", image1__NDArrayPort="ROI1")

    async def cut(pixels=FRAME, **settings):
        await bench.put(**{f"ROI1__{name}": value for name, value in settings.items()})
        await bench.publish(pixels)
        assert bench["ROI1:Error_RBV"] == ""
        return bench.plugin("image1:").previous

    return cut


async def test_a_region_is_cut_out(bench, cut):
    array = await cut(MinX=3, SizeX=5, MinY=2, SizeY=4)
    assert np.array_equal(array.pixels, FRAME[2:6, 3:8])
    assert (array.offset, array.binning, array.unique_id, array.port) == ((3, 2), (1, 1), 1, "ROI1")
    sizes = [bench[f"ROI1:{name}_RBV"] for name in ("ArraySizeX", "ArraySizeY", "MaxSizeX", "MaxSizeY", "ArraySize0")]
    assert sizes == [5, 4, 20, 10, 20]
    assert (bench["ROI1:MaxX"], bench["ROI1:MaxY"]) == (20, 10)


@pytest.mark.parametrize(
    ("settings", "shown", "part"),
    [
        ({"MinX": 15, "SizeX": 100}, (15, 5, 1), FRAME[:, 15:]),
        ({"MinX": 100, "SizeX": 7}, (19, 1, 1), FRAME[:, 19:]),
        ({"MinX": -5, "SizeX": 3}, (0, 3, 1), FRAME[:, :3]),
        ({"MinX": 4, "SizeX": 0, "BinX": 0}, (4, 1, 1), FRAME[:, 4:5]),
        ({"MinX": 18, "SizeX": 2, "BinX": 5}, (18, 2, 2), FRAME[:, 18:].sum(axis=1, keepdims=True)),
        ({"MinX": 6, "SizeX": 3, "AutoSizeX": "Yes"}, (6, 14, 1), FRAME[:, 6:]),
    ],
)
async def test_what_does_not_fit_is_clipped_and_the_readbacks_say_to_what(bench, cut, settings, shown, part):
    array = await cut(**settings)
    assert np.array_equal(array.pixels, part)
    assert tuple(bench[f"ROI1:{name}X_RBV"] for name in ("Min", "Size", "Bin")) == shown
    assert bench["ROI1:MinX"] == settings["MinX"]


async def test_a_clipped_region_is_what_was_asked_as_soon_as_it_fits(bench, cut):
    await cut(MinX=15, SizeX=100)
    array = await cut(np.zeros((10, 300), dtype=np.int32))
    assert (bench["ROI1:MinX_RBV"], bench["ROI1:SizeX_RBV"], array.sizes) == (15, 100, (100, 10))


async def test_bins_are_sums_and_incomplete_ones_are_dropped(cut):
    array = await cut(MinX=1, SizeX=7, BinX=3, MinY=0, SizeY=5, BinY=2)
    assert np.array_equal(array.pixels, FRAME[:4, 1:7].reshape(2, 2, 2, 3).sum(axis=(1, 3)))
    assert (array.offset, array.binning) == ((1, 0), (3, 2))


async def test_mirroring_turns_the_region(cut):
    array = await cut(MinX=3, SizeX=5, ReverseX="Yes", ReverseY="Yes")
    assert np.array_equal(array.pixels, FRAME[::-1, 3:8][:, ::-1])


async def test_a_disabled_axis_is_whole_and_unbinned(cut):
    array = await cut(EnableX="Disable", MinX=3, SizeX=5, BinX=2, MinY=9, SizeY=1)
    assert np.array_equal(array.pixels, FRAME[9:])


async def test_sums_are_divided_before_they_lose_their_fractions(cut):
    ones = np.ones((9, 9), dtype=np.uint8)
    array = await cut(ones, SizeX=9, SizeY=9, BinX=3, BinY=3, EnableScale="Enable", Scale=9.0)
    assert array.pixels.tolist() == [[1, 1, 1]] * 3
    assert array.pixels.dtype == np.uint8
    array = await cut(FRAME, BinX=1, BinY=1, Scale=8.0, DataTypeOut="Float32")
    assert array.pixels.dtype == np.float32
    assert np.array_equal(array.pixels, (FRAME[:9, :9] / 8).astype(np.float32))


async def test_pixels_are_converted_as_a_c_cast_does(cut):
    array = await cut(np.array([[255, 256, 300, -1]], dtype=np.int32), DataTypeOut="UInt8")
    assert array.pixels.tolist() == [[255, 0, 44, 255]]
    assert array.data_type == "UInt8"


async def test_a_region_nobody_looks_at_costs_nothing(bench, monkeypatch):
    monkeypatch.setattr(roi, "region", None)
    await bench.publish(FRAME)
    assert (bench["ROI1:ArrayCounter_RBV"], bench["ROI1:Error_RBV"], bench["ROI1:ArraySizeX_RBV"]) == (1, "", 20)


async def test_dimensions_of_one_pixel_can_be_dropped(bench, cut):
    array = await cut(MinY=3, SizeY=1, CollapseDims="Yes")
    assert np.array_equal(array.pixels, FRAME[3])
    assert (bench["image1:NDimensions_RBV"], bench["ROI1:ArraySizeX_RBV"], bench["ROI1:ArraySizeY_RBV"]) == (1, 20, 0)
    assert np.array_equal(bench["image1:ArrayData"], FRAME[3])
