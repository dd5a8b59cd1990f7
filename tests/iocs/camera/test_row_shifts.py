"""Stuttered frames, focus frames and frames by hand: charge that moves while the shutter is open or between."""

import asyncio

import numpy as np
import pytest
from astropy.io import fits

from iocs.wire.peers import PeerError
from slitless.fits.frame_file import read_frame


def row_profile(path):
    """Mean of each detector row, ADU above the overscan, of one half: readout edge first."""
    frame = read_frame(path)
    image = frame.image(bias_subtracted=True).astype(float)
    return image[: image.shape[0] // 2].mean(axis=1)


async def lamp_on(bench):
    await bench.put("TEL:Lamp", "On")
    await bench.camera_sees("TEL:Lamp", "On")


async def test_a_stuttered_frame_is_one_file_of_shifted_slices_under_one_opening(bench):
    await lamp_on(bench)
    await bench.set(ImageType="STUTTERED", AcquireTime=1.0, StutterShifts=4, StutterRows=30)
    await bench.acquire()
    assert await bench.get("SHUTTER:OpenCount_RBV") == 1
    header = fits.getheader(bench.files[-1])
    assert (header["STUTTER ROWS"], header["STUTTER NSHIFTS"], header["STUTTER DELAY"]) == (30, 4, 1.0)
    assert header["EXPTIME"] == 1.0
    shifting = 3 * 30 * bench.instrument.detector.row_shift_time
    assert header["SHUTTIME"] == pytest.approx(4.0 + shifting, abs=1e-6)
    # A flat field: rows away from the middle see four slices, the rows that entered in the middle fewer.
    profile = row_profile(bench.files[-1])
    steps = [np.median(profile[rows]) for rows in (slice(0, 105), slice(112, 138), slice(142, 168), slice(172, 198))]
    assert np.array(steps) / steps[0] == pytest.approx([1.0, 0.75, 0.5, 0.25], abs=0.04)


async def test_a_stuttered_frame_can_be_paused_between_two_slices(bench):
    await bench.set(ImageType="STUTTERED", AcquireTime=20.0, StutterShifts=3, StutterRows=20)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:TimeRemaining_RBV", lambda rest: 0 < rest < 37.0)
    await bench.put("CAM:cam1:Pause", 1)
    await bench.until("CAM:cam1:Held_RBV", "Yes")
    await bench.put("CAM:cam1:Resume", 1)
    await acquiring
    shifting = 2 * 20 * bench.instrument.detector.row_shift_time
    assert await bench.cam("ShutterTime_RBV") == pytest.approx(60.0 + shifting, abs=2e-3)


async def test_a_stuttered_frame_aborted_half_way_leaves_nothing_behind(bench):
    await bench.set(ImageType="STUTTERED", AcquireTime=12.0, StutterShifts=4, StutterRows=20)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:TimeRemaining_RBV", lambda rest: 0 < rest < 34.0)
    await bench.put("CAM:cam1:Abort", 1)
    await asyncio.wait([acquiring])
    assert await bench.get("SHUTTER:State_RBV") == "Closed"
    await bench.expect_good_bias()


async def test_a_focus_frame_steps_the_focus_between_openings_and_puts_it_back(bench):
    await lamp_on(bench)
    start = await bench.get("TEL:focus.RBV")
    await bench.set(
        ImageType="FOCUS", AcquireTime=1.0, FocusFrame=1, FocusSteps=4, FocusStep=0.1, FocusShift=20, SnapCount=1
    )
    positions = []
    bench.peers.watch(f"{bench.system}SHUTTER:State_RBV").on_change(
        lambda peer: positions.append(bench.iocs["TEL"]["focus.RBV"].value) if peer.value == "Open" else None
    )
    await bench.get("SHUTTER:State_RBV")
    await bench.acquire()
    assert await bench.get("SHUTTER:OpenCount_RBV") == 4
    assert positions == pytest.approx([start + step * 0.1 for step in range(4)], abs=0.005)
    assert await bench.get("TEL:focus.RBV") == pytest.approx(start, abs=0.005)
    header = fits.getheader(bench.files[-1])
    assert header["FOCUS START"] == pytest.approx(start, abs=0.005)
    assert (header["FOCUS STEP"], header["FOCUS SHIFT"], header["FOCUS STEPS"]) == (0.1, 20, 4)
    assert header["EXPTIME"] == 1.0
    assert header["SHUTTIME"] == pytest.approx(4.0, abs=1e-6)
    # 4 images of a flat field; those before the last were shifted by 80, 60 and 40 rows in all.
    profile = row_profile(bench.files[-1])
    steps = [np.median(profile[rows]) for rows in (slice(0, 118), slice(122, 138), slice(142, 158), slice(162, 198))]
    assert np.array(steps) / steps[0] == pytest.approx([1.0, 0.75, 0.5, 0.25], abs=0.04)


async def test_a_focus_frame_beyond_the_limits_of_the_focus_is_refused(bench):
    await bench.set(ImageType="FOCUS", AcquireTime=1.0, FocusFrame=1, FocusSteps=4, FocusStep=4.0, FocusShift=20)
    assert "focus" in await bench.fails()
    assert bench.ledger == []


async def test_an_aborted_focus_frame_puts_the_focus_back(bench):
    start = await bench.get("TEL:focus.RBV")
    await bench.set(ImageType="FOCUS", AcquireTime=4.0, FocusFrame=1, FocusSteps=4, FocusStep=0.5, FocusShift=20)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("TEL:focus.RBV", lambda position: position > start + 0.4)
    await bench.put("CAM:cam1:Abort", 1)
    await asyncio.wait([acquiring])
    assert isinstance(acquiring.exception(), PeerError)
    await bench.until("TEL:focus.RBV", lambda position: abs(position - start) < 0.005)


async def take_by_hand(bench):
    """Take two slices by hand, 2 s each if the host has time; return header and profile of the frame."""
    await bench.put("CAM:cam1:StartImage", 1)
    assert await bench.get("SHUTTER:State_RBV") == "Open"
    assert "busy" in await bench.refused("CAM:cam1:Acquire", 1)
    await bench.camera.sleep(2.0)
    await bench.put("CAM:cam1:DiscardRows", 40)
    await bench.camera.sleep(2.0)
    await bench.put("CAM:cam1:EndImage", 1)
    assert await bench.get("SHUTTER:State_RBV") == "Closed"
    return fits.getheader(bench.files[-1]), row_profile(bench.files[-1])


async def test_a_frame_by_hand_is_started_shifted_and_ended(bench):
    await lamp_on(bench)
    await bench.set(ImageType="STUTTERED", AcquireTime=1.0, StutterShifts=2, StutterRows=40)
    header, profile = await take_by_hand(bench)
    while header["SHUTTIME"] > 8.0:  # s; on a busy host the lamp may saturate it
        header, profile = await take_by_hand(bench)
    assert len(bench.files) == header["SEQNUM"]
    assert (header["STUTTER ROWS"], header["STUTTER NSHIFTS"]) == (40, 2)
    assert header["EXPTIME"] == header["SHUTTIME"] > 4.0
    assert np.median(profile[165:195]) < 0.8 * np.median(profile[:150])
    await bench.expect_good_bias()


async def test_shifting_or_ending_without_a_start_is_refused(bench):
    assert "no image was started" in await bench.refused("CAM:cam1:DiscardRows", 10)
    assert "no image was started" in await bench.refused("CAM:cam1:EndImage", 1)


async def test_a_frame_by_hand_can_be_aborted(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=1.0)
    await bench.put("CAM:cam1:StartImage", 1)
    await bench.put("CAM:cam1:Abort", 1)
    assert await bench.get("SHUTTER:State_RBV") == "Closed"
    assert await bench.cam("FrameState_RBV") == "Aborted"
    await bench.expect_good_bias()


async def test_a_dark_by_hand_keeps_the_shutter_closed(bench):
    await bench.set(ImageType="DARK", AcquireTime=1.0)
    await bench.put("CAM:cam1:StartImage", 1)
    await bench.put("CAM:cam1:EndImage", 1)
    assert await bench.get("SHUTTER:OpenCount_RBV") == 0
    assert await bench.cam("FrameState_RBV") == "Written"


async def test_flush_clears_the_charge_on_command(bench):
    await bench.set(FlushCycles=3)
    await bench.put("CAM:cam1:Flush", 1)
    assert await bench.cam("Flush") == "Done"
