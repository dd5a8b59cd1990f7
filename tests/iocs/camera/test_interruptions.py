"""Pause, resume, stop and abort, in every state of an exposure."""

import asyncio

import pytest
from astropy.io import fits

from iocs.wire.peers import PeerError


async def start(bench, image_type="OBJECT", exposure_time=40.0, until="Integrating"):
    """Begin a frame and return its task once it is in a state."""
    await bench.set(ImageType=image_type, AcquireTime=exposure_time)
    await bench.until("CAM:cam1:FrameState_RBV", lambda state: True)
    task = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:FrameState_RBV", until)
    return task


async def test_pause_closes_the_shutter_and_resume_gives_the_rest(bench):
    acquiring = await start(bench)
    await bench.until("CAM:cam1:TimeRemaining_RBV", lambda rest: 0 < rest < 38.0)
    await bench.put("CAM:cam1:Pause", 1)
    await bench.until("CAM:cam1:Held_RBV", "Yes")
    assert await bench.get("SHUTTER:State_RBV") == "Closed"
    assert await bench.cam("DetectorState_RBV") == "Waiting"
    await bench.camera.sleep(10.0)
    assert await bench.get("SHUTTER:OpenCount_RBV") == 1
    await bench.put("CAM:cam1:Resume", 1)
    await acquiring
    assert await bench.get("SHUTTER:OpenCount_RBV") == 2
    assert await bench.cam("ShutterTime_RBV") == pytest.approx(40.0, abs=1e-3)  # s
    assert await bench.cam("DarkTime_RBV") > 50.0  # s; the dark current gathers while held
    assert fits.getheader(bench.files[-1])["EXPTIME"] == 40.0


async def test_optics_stay_locked_while_held(bench):
    acquiring = await start(bench)
    await bench.put("CAM:cam1:Pause", 1)
    await bench.until("CAM:cam1:Held_RBV", "Yes")
    assert await bench.cam("OpticsLocked_RBV") == "Yes"
    await bench.put("CAM:cam1:Abort", 1)
    await asyncio.wait([acquiring])
    assert isinstance(acquiring.exception(), PeerError)


async def test_a_dark_can_be_held_too(bench):
    acquiring = await start(bench, "DARK", 20.0)
    await bench.put("CAM:cam1:Pause", 1)
    await bench.until("CAM:cam1:Held_RBV", "Yes")
    await bench.camera.sleep(5.0)
    await bench.put("CAM:cam1:Resume", 1)
    await acquiring
    assert fits.getheader(bench.files[-1])["EXPTIME"] == 20.0
    assert await bench.cam("DarkTime_RBV") > 24.5


async def test_a_pause_during_the_flush_holds_before_the_shutter_opens(bench):
    await bench.set(FlushCycles=20)
    acquiring = await start(bench, until="Flushing")
    await bench.put("CAM:cam1:Pause", 1)
    await bench.until("CAM:cam1:Held_RBV", "Yes")
    assert await bench.get("SHUTTER:OpenCount_RBV") == 0
    await bench.put("CAM:cam1:Resume", 1)
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await bench.put("CAM:cam1:StopExposure", 1)
    await acquiring


async def test_stop_reads_out_early_with_the_true_exposure_time(bench):
    acquiring = await start(bench, exposure_time=100.0)
    await bench.until("CAM:cam1:TimeRemaining_RBV", lambda rest: 0 < rest < 97.0)
    await bench.put("CAM:cam1:StopExposure", 1)
    await acquiring
    header = fits.getheader(bench.files[-1])
    assert 3.0 <= header["EXPTIME"] < 60.0
    assert header["EXPTIME"] == header["SHUTTIME"] == pytest.approx(await bench.cam("ShutterTime_RBV"), abs=1e-6)
    assert await bench.get("SHUTTER:State_RBV") == "Closed"


async def test_acquire_0_stops_a_dark_early(bench):
    acquiring = await start(bench, "DARK", 100.0)
    await bench.put("CAM:cam1:Acquire", 0)
    await acquiring
    header = fits.getheader(bench.files[-1])
    assert header["EXPTIME"] < 60.0
    assert header["DARKTIME"] == pytest.approx(header["EXPTIME"], abs=1e-6)


async def test_a_held_exposure_can_be_stopped(bench):
    acquiring = await start(bench)
    await bench.put("CAM:cam1:Pause", 1)
    await bench.until("CAM:cam1:Held_RBV", "Yes")
    await bench.put("CAM:cam1:StopExposure", 1)
    await acquiring
    assert await bench.cam("FrameState_RBV") == "Written"


async def expect_aborted(bench, acquiring):
    began = bench.host_time()
    await bench.put("CAM:cam1:Abort", 1)
    assert bench.host_time() - began < 1.0  # s
    await asyncio.wait([acquiring])
    assert isinstance(acquiring.exception(), PeerError)
    assert await bench.cam("FrameState_RBV") == "Aborted"
    assert await bench.cam("DetectorState_RBV") == "Aborted"
    assert "aborted" in await bench.cam("FrameReason_RBV")
    assert await bench.get("SHUTTER:State_RBV") == "Closed"
    assert await bench.cam("OpticsLocked_RBV") == "No"
    assert await bench.cam("Acquire") == "Done"
    assert bench.files == []
    assert [event for event, _ in bench.ledger] == ["reserved", "aborted"]


@pytest.mark.parametrize("state", ["Reserved", "Flushing", "Integrating", "Reading", "Writing"])
async def test_abort_discards_the_frame_in_every_state(bench, state):
    await bench.set(FlushCycles=5)
    reached, told = asyncio.Event(), asyncio.Event()
    show, abort = bench.camera.equipment.display.show, bench.camera.acquisition.abort

    async def show_and_wait(frame_state, message):
        await show(frame_state, message)
        if frame_state.value == state and not reached.is_set():
            reached.set()
            await told.wait()

    async def tell_and_abort(reason):
        asyncio.get_running_loop().call_soon(told.set)
        await abort(reason)

    bench.camera.equipment.display.show = show_and_wait
    bench.camera.acquisition.abort = tell_and_abort
    await bench.set(ImageType="OBJECT", AcquireTime=2.0)
    acquiring = asyncio.create_task(bench.acquire())
    await reached.wait()
    await expect_aborted(bench, acquiring)
    bench.camera.equipment.display.show = show
    await bench.expect_good_bias()
    assert await bench.cam("SeqNum_RBV") == 2  # the id of the aborted frame is spent


async def test_abort_closes_a_shutter_whose_order_to_open_is_still_on_its_way(bench):
    driver, ordered, may_open = bench.iocs["SHUTTER"].driver, asyncio.Event(), asyncio.Event()
    expose = driver.expose

    async def expose_slowly(seconds):
        ordered.set()
        await may_open.wait()
        await expose(seconds)

    driver.expose = expose_slowly
    await bench.set(ImageType="OBJECT", AcquireTime=3000.0)
    acquiring = asyncio.create_task(bench.acquire())
    await ordered.wait()
    assert await bench.get("SHUTTER:State_RBV") == "Closed"
    aborting = asyncio.create_task(bench.put("CAM:cam1:Abort", 1))
    await bench.until("SHUTTER:CommandId", lambda text: text.endswith(":2"))
    may_open.set()
    await aborting
    await asyncio.wait([acquiring])
    assert await bench.cam("FrameState_RBV") == "Aborted"
    assert await bench.get("SHUTTER:OpenCount_RBV") == 1
    assert await bench.get("SHUTTER:State_RBV") == "Closed"
    driver.expose = expose
    await bench.expect_good_bias()


async def test_abort_discards_a_held_frame(bench):
    acquiring = await start(bench)
    await bench.put("CAM:cam1:Pause", 1)
    await bench.until("CAM:cam1:Held_RBV", "Yes")
    await expect_aborted(bench, acquiring)
    await bench.expect_good_bias()


async def test_abort_near_the_end_of_the_integration_is_honoured(bench):
    acquiring = await start(bench, exposure_time=12.0)
    await bench.until("CAM:cam1:TimeRemaining_RBV", lambda rest: 0 < rest < 6.0)
    await expect_aborted(bench, acquiring)


async def test_abort_drops_the_rest_of_a_multiple(bench):
    await bench.set(ImageType="DARK", AcquireTime=20.0, ImageMode="Multiple", NumImages=5)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await expect_aborted(bench, acquiring)


async def test_nothing_happens_to_an_idle_camera_that_is_aborted_or_resumed(bench):
    await bench.put("CAM:cam1:Abort", 1)
    await bench.put("CAM:cam1:Resume", 1)
    await bench.put("CAM:cam1:Acquire", 0)
    await bench.refused("CAM:cam1:Pause", 1)
    assert "no exposure" in await bench.cam("CommandError_RBV")
    await bench.expect_good_bias()


async def test_an_exposure_outlives_the_client_that_started_it(bench, other_client):
    await bench.set(ImageType="DARK", AcquireTime=5.0)
    acquiring = asyncio.create_task(other_client.put("CAM:cam1:Acquire", 1))
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await other_client.peers.stop()
    await asyncio.wait([acquiring])
    await bench.until("CAM:cam1:FrameState_RBV", "Written")
    assert len(bench.files) == 1
