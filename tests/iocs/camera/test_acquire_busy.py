"""When a put to `Acquire` completes: after the file is durable, and after the plugins it is to wait for."""

import asyncio

import pytest

PORT = "STATS1"


@pytest.fixture
async def slow_statistics(bench):
    """Lets `Stats1:` work on a frame until the event is set."""
    plugin = bench.camera.chain.plugins[PORT]
    process, go_on = plugin.process, asyncio.Event()

    async def slow(array):
        await go_on.wait()
        return await process(array)

    plugin.process = slow
    yield go_on
    go_on.set()


async def begin(bench, **settings):
    """Take a bias; return the task of its put when the file is there and statistics are being computed."""
    for name, value in settings.items():
        await bench.put(f"CAM:{name.replace('_', ':')}", value)
    await bench.set(ImageType="BIAS", AcquireTime=0, ImageMode="Single")
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:FITS1:WriteFile_RBV", "Writing")
    await bench.until("CAM:FITS1:WriteFile_RBV", "Done")
    return acquiring


async def test_acquire_waits_for_a_plugin_that_blocks(bench, slow_statistics):
    acquiring = await begin(bench, Stats1_BlockingCallbacks="Yes")
    assert not acquiring.done()
    assert await bench.cam("Acquire_RBV") == await bench.cam("AcquireBusy") == "Acquiring"
    slow_statistics.set()
    await acquiring
    assert await bench.cam("Acquire_RBV") == await bench.cam("AcquireBusy") == "Done"


async def test_acquire_waits_for_no_plugin_that_does_not_block(bench, slow_statistics):
    await begin(bench, Stats1_BlockingCallbacks="No", cam1_WaitForPlugins="No")
    await bench.until("CAM:cam1:AcquireBusy", "Done")
    assert len(bench.files) == 1
    assert bench.camera.chain.queued == await bench.cam("NumQueuedArrays") == 1
    slow_statistics.set()
    await bench.until("CAM:cam1:NumQueuedArrays", 0)


async def test_with_wait_for_plugins_only_acquire_busy_and_the_put_wait(bench, slow_statistics):
    acquiring = await begin(bench, Stats1_BlockingCallbacks="No", cam1_WaitForPlugins="Yes")
    await bench.until("CAM:cam1:Acquire_RBV", "Done")
    assert len(bench.files) == 1
    assert await bench.cam("AcquireBusy") == await bench.cam("AcquireBusyCB") == "Acquiring"
    assert not acquiring.done()
    slow_statistics.set()
    await acquiring
    assert await bench.cam("AcquireBusy") == "Done"
    assert await bench.cam("NumQueuedArrays") == 0


async def test_an_acquisition_that_fails_leaves_nothing_busy(bench):
    await bench.set(ImageType="BIAS", AcquireTime=0, SimFault="NoPixels")
    await bench.fails()
    assert await bench.cam("Acquire") == await bench.cam("AcquireBusy") == "Done"


async def test_frames_are_written_when_nothing_is_sent_to_plugins(bench):
    await bench.set(ArrayCallbacks=0)
    await bench.expect_good_bias()
    assert await bench.get("CAM:Stats1:ArrayCounter_RBV") == 0
