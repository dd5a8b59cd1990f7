"""What plugins make of real exposures."""

import asyncio
import threading

import numpy as np
import pytest

from iocs.area_detector import stats
from slitless.fits.frame_file import read_frame


async def test_statistics_and_picture_are_those_of_the_frame_when_acquire_completes(bench):
    await bench.put("TEL:Lamp", "On")
    await bench.until("TEL:Lamp", "On")
    await bench.set(ImageType="FLAT", AcquireTime=1.0)
    await bench.acquire()
    image = read_frame(bench.files[-1]).image(bias_subtracted=True)
    assert await bench.get("CAM:Stats1:MeanValue_RBV") == pytest.approx(image.mean(), abs=0.6)  # ADU
    assert await bench.get("CAM:Stats1:MaxValue_RBV") == pytest.approx(image.max(), abs=0.6)
    rows, columns = image.shape[0] // 8, image.shape[1] // 8
    blocks = image[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).mean(axis=(1, 3))
    picture = np.reshape(await bench.get("CAM:image1:ArrayData"), (rows, columns))
    assert np.max(np.abs(picture - blocks)) < 1.1
    for plugin in ("image1", "Stats1", "ROI1"):
        assert await bench.get(f"CAM:{plugin}:UniqueId_RBV") == await bench.cam("ArrayCounter_RBV") == 1
        assert await bench.get(f"CAM:{plugin}:TimeStamp_RBV") == await bench.cam("ExposureEnd_RBV")


async def test_a_plugin_that_fails_harms_no_exposure(bench, monkeypatch):
    async def fail(array):
        raise RuntimeError("out of luck")

    for plugin in bench.camera.chain.plugins.values():
        monkeypatch.setattr(plugin, "process", fail)
    await bench.expect_good_bias()
    assert "out of luck" in await bench.get("CAM:Stats1:Error_RBV")
    assert np.isnan(await bench.get("CAM:Stats1:MeanValue_RBV"))


async def test_a_refused_port_says_why(bench):
    await bench.refused("CAM:Stats1:NDArrayPort", "STATS1")
    error = await bench.until("CAM:cam1:CommandError_RBV", lambda text: "STATS1" in text)
    assert "it is one of CCD1, IMAGE1, ROI1, FITS1" in error


async def test_the_ioc_answers_while_plugins_compute(bench, monkeypatch):
    computing, go_on = threading.Event(), threading.Event()
    compute = stats.compute

    def long_work(array, settings):
        computing.set()
        assert go_on.wait(10)
        return compute(array, settings)

    monkeypatch.setattr(stats, "compute", long_work)
    await bench.set(ImageType="BIAS")
    acquiring = asyncio.create_task(bench.acquire())
    assert await asyncio.to_thread(computing.wait, 10)
    await bench.put("CAM:image1:ArrayCounter", 5)
    assert not acquiring.done()
    go_on.set()
    await acquiring
    assert abs(await bench.get("CAM:Stats1:MeanValue_RBV")) < 1.0  # ADU
