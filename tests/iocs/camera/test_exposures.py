"""Exposures from Acquire to the file, on a whole instrument with a small detector."""

import asyncio
import json

import pytest
from astropy.io import fits

from slitless.fits.frame_file import read_frame
from slitless.fits.verify import verify_file


async def header_of(bench):
    return fits.getheader(bench.files[-1])


async def test_bias_keeps_the_shutter_closed(bench):
    states = bench.record("SHUTTER:State_RBV")
    await bench.until("SHUTTER:State_RBV", "Closed")
    await bench.set(ImageType="BIAS", AcquireTime=0.0)
    await bench.acquire()
    assert states == ["Closed"]
    assert await bench.cam("ShutterTime_RBV") == 0
    assert await bench.cam("DarkTime_RBV") == 0
    header = await header_of(bench)
    assert (header["IMGTYPE"], header["EXPTIME"], header["SHUTTIME"]) == ("BIAS", 0.0, 0.0)


async def test_a_frame_passes_through_its_states_in_order(bench):
    states = bench.record("CAM:cam1:FrameState_RBV")
    detector = bench.record("CAM:cam1:DetectorState_RBV")
    await bench.until("CAM:cam1:DetectorState_RBV", "Idle")
    await bench.until("CAM:cam1:FrameState_RBV", "None")
    await bench.set(ImageType="OBJECT", AcquireTime=1.0)
    await bench.acquire()
    assert states == ["None", "Reserved", "Flushing", "Integrating", "Reading", "Writing", "Written"]
    assert detector == ["Idle", "Initializing", "Acquire", "Readout", "Saving", "Idle"]


async def test_a_dark_lasts_exactly_as_asked_by_the_cameras_own_arithmetic(bench):
    await bench.set(ImageType="DARK", AcquireTime=1.5)
    await bench.acquire()
    assert await bench.cam("DarkTime_RBV") == pytest.approx(1.5, abs=1e-6)
    assert await bench.cam("ShutterTime_RBV") == 0
    lasted = await bench.cam("ExposureEnd_RBV") - await bench.cam("ExposureStart_RBV")
    assert lasted == pytest.approx(1.5, abs=1e-6)


async def test_a_light_frame_has_the_shutters_own_times(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=2.0)
    await bench.acquire()
    assert await bench.cam("ShutterTime_RBV") == pytest.approx(2.0, abs=1e-6)  # s, as the shutter measured it
    assert await bench.cam("ExposureStart_RBV") == await bench.get("SHUTTER:OpenedAt_RBV")
    assert await bench.cam("ExposureEnd_RBV") == await bench.get("SHUTTER:ClosedAt_RBV")
    assert await bench.cam("DarkTime_RBV") > 2.0
    assert await bench.get("SHUTTER:OpenCount_RBV") == 1


async def test_light_falls_on_the_detector_while_the_shutter_is_open(bench):
    await bench.put("TEL:Lamp", "On")
    await bench.until("TEL:Lamp", "On")
    means = []
    for seconds in (1.0, 2.0):
        await bench.set(ImageType="FLAT", AcquireTime=seconds)
        await bench.acquire()
        means.append(await bench.get("CAM:Stats1:MeanValue_RBV"))
    assert means[1] == pytest.approx(2 * means[0], rel=0.02)
    await bench.set(ImageType="DARK", AcquireTime=2.0)
    await bench.acquire()
    assert abs(await bench.get("CAM:Stats1:MeanValue_RBV")) < 1.0  # ADU


async def test_the_file_is_whole_and_says_what_was_asked(bench):
    await bench.put("FILTER:Select", "SDSSr_65mm")
    await bench.put("TEL:Target", "HD 1, 'the first'")
    await bench.set(
        ImageType="OBJECT", AcquireTime=0.5, GroupId="2024-06-25T01:26:31.895#1", TestType="LOBJ", Reason="a: b, c",
        Program="CALIB", Note="naïve\n\"note\"", SnapIndex=2, SnapCount=3,
    )  # fmt: skip
    await bench.acquire()
    path = bench.files[-1]
    assert verify_file(path, bench.instrument) == []
    assert await bench.cam("HeaderProblems_RBV") == ""
    header = read_frame(path).header
    assert header["OBSID"] == await bench.cam("ExposureId_RBV")
    assert (header["FILTER"], header["LINSPOS"]) == ("SDSSr_65mm", await bench.get("STAGE:m1.RBV"))
    assert (header["GROUPID"], header["TESTTYPE"]) == ("2024-06-25T01:26:31.895#1", "LOBJ")
    assert (header["REASON"], header["PROGRAM"]) == ("a: b, c", "CALIB")
    assert (header["CURINDEX"], header["MAXINDEX"]) == (2, 3)
    assert header["OBJECT"] == "HD 1, 'the first'"
    assert header["SIMULATE ATCAMERA"] is True


async def test_results_are_there_before_the_result_of_the_command(bench):
    """Whoever sees the sentinel can read everything it speaks for, without waiting."""
    seen = {}

    def note(peer):
        if peer.known and "0000beef:1" in peer.value:
            watched = ("ExposureId_RBV", "FrameState_RBV", "ShutterTime_RBV")
            seen.update({name: bench.camera[f"cam1:{name}"].value for name in watched})
            seen["file"] = bench.camera["FITS1:FullFileName_RBV"].value
            seen["noise"] = bench.camera["Stats1:Noise_RBV"].value

    bench.peers.watch(f"{bench.system}CAM:cam1:CommandResult_RBV").on_change(note)
    await bench.until("CAM:cam1:CommandResult_RBV", lambda text: True)
    await bench.set(ImageType="OBJECT", AcquireTime=0.5)
    await bench.put("CAM:cam1:CommandId", "0000beef:1")
    await bench.acquire()
    assert seen["FrameState_RBV"] == "Written"
    assert seen["ShutterTime_RBV"] == pytest.approx(0.5, abs=1e-6)
    assert seen["file"] == str(bench.files[-1])
    assert seen["ExposureId_RBV"] in seen["file"]
    assert seen["noise"] > 5.0  # ADU


async def test_acquire_returns_when_the_frame_is_durable_and_acquire_is_0_again(bench):
    values = bench.record("CAM:cam1:Acquire")
    await bench.until("CAM:cam1:Acquire", "Done")
    await bench.set(ImageType="BIAS")
    await bench.acquire()
    assert bench.files
    assert values == ["Done", "Acquire", "Done"]
    assert [event for event, _ in bench.ledger] == ["reserved", "written"]


async def test_exposure_ids_are_consecutive_and_never_used_twice(bench):
    numbers = []
    await bench.set(ImageType="BIAS")
    for _ in range(3):
        await bench.acquire()
        numbers.append(int(await bench.cam("ExposureNumber_RBV")))
    day = await bench.cam("DayObs_RBV")
    assert numbers == [day * 100_000 + seq for seq in (1, 2, 3)]
    assert len(bench.files) == 3


async def test_a_multiple_takes_all_its_frames_as_snaps_of_one_group(bench):
    await bench.set(ImageType="BIAS", ImageMode="Multiple", NumImages=3)
    await bench.acquire()
    headers = [fits.getheader(path) for path in bench.files]
    assert [header["CURINDEX"] for header in headers] == [1, 2, 3]
    assert {header["MAXINDEX"] for header in headers} == {3}
    assert len({header["GROUPID"] for header in headers}) == 1
    assert await bench.cam("NumImagesCounter_RBV") == 3


async def test_continuous_goes_on_until_acquire_is_put_to_0(bench):
    await bench.set(ImageType="BIAS", ImageMode="Continuous")
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:NumImagesCounter_RBV", lambda number: number >= 2)
    await bench.put("CAM:cam1:Acquire", 0)
    await acquiring
    assert await bench.cam("FrameState_RBV") == "Written"
    assert len(bench.files) == await bench.cam("NumImagesCounter_RBV")


async def test_a_window_is_read_and_statistics_and_preview_follow_it(bench):
    await bench.set(ImageType="BIAS", MinX=24, SizeX=48, MinY=100, SizeY=200, BinY=2)
    await bench.acquire()
    assert (await bench.cam("ArraySizeX_RBV"), await bench.cam("ArraySizeY_RBV")) == (48, 100)
    assert (await bench.get("CAM:image1:ArraySize0_RBV"), await bench.get("CAM:image1:ArraySize1_RBV")) == (24, 50)
    header = read_frame(bench.files[-1]).header
    assert (header["BINX"], header["BINY"]) == (1, 2)


async def test_progress_is_shown_while_pixels_come(bench):
    remaining = bench.record("CAM:cam1:NumPixelsRemaining_RBV")
    await bench.until("CAM:cam1:NumPixelsRemaining_RBV", 0)
    await bench.set(ImageType="BIAS")
    await bench.acquire()
    detector = bench.instrument.detector
    assert remaining[1] == 16 * detector.raw_rows * detector.raw_columns
    assert remaining[1:] == sorted(remaining[1:], reverse=True)
    assert remaining[-1] == 0


async def test_optics_are_locked_for_light_frames_only_and_free_before_the_readout(bench):
    events = []
    for name in ("OpticsLocked_RBV", "FrameState_RBV"):
        bench.peers.watch(f"{bench.system}CAM:cam1:{name}").on_change(lambda peer: events.append(peer.value))
        await bench.cam(name)
    await bench.set(ImageType="BIAS")
    await bench.acquire()
    assert "Yes" not in events
    await bench.set(ImageType="OBJECT", AcquireTime=0.5)
    await bench.acquire()
    order = [event for event in events[events.index("Yes") :] if event in ("Yes", "No", "Reserved", "Reading")]
    assert order == ["Yes", "Reserved", "No", "Reading"]


async def test_settings_are_latched_while_an_exposure_runs(bench):
    await bench.set(ImageType="DARK", AcquireTime=20.0)
    acquiring = asyncio.create_task(bench.acquire())
    obs_id = await bench.until("CAM:cam1:ExposureId_RBV", lambda name: name != "")
    assert obs_id in await bench.refused("CAM:cam1:AcquireTime", 3.0)
    await bench.refused("CAM:cam1:Note", "too late")
    await bench.refused("CAM:FITS1:FileName", "other")
    await bench.put("CAM:cam1:StopExposure", 1)
    await acquiring
    assert await bench.cam("AcquireTime_RBV") == 20.0


async def test_the_temperature_goes_to_its_set_point(bench):
    await bench.put("CAM:cam1:Temperature", -100.0)
    assert await bench.cam("Temperature_RBV") == -100.0
    await bench.until("CAM:cam1:TemperatureActual", lambda value: value < -95.0)
    await bench.refused("CAM:cam1:Temperature", 50.0)
    assert await bench.cam("Temperature_RBV") == -100.0


async def test_no_wheel_moves_during_a_light_exposure(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=20.0)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    assert "OpticsLocked" in await bench.refused("FILTER:Select", "BG40_65mm_1")
    await bench.put("CAM:cam1:StopExposure", 1)
    await acquiring
    await bench.put("FILTER:Select", "BG40_65mm_1")


async def test_the_command_protocol_names_the_command(bench):
    await bench.set(ImageType="BIAS")
    await bench.put("CAM:cam1:CommandId", "0000cafe:9")
    await bench.acquire()
    assert await bench.cam("CommandAck_RBV") == "0000cafe:9"
    assert json.loads(await bench.cam("CommandResult_RBV")) == {"id": "0000cafe:9", "status": "Done", "error": ""}


async def test_what_is_known_of_an_exposure_is_stamped_with_its_own_time(bench):
    await bench.set(ImageType="DARK", AcquireTime=1.0)
    await bench.acquire()
    stamps = {name: bench.camera[f"cam1:{name}"].stamp.timestamp for name in ("ExposureStart_RBV", "ExposureEnd_RBV")}
    for name, stamp in stamps.items():
        assert stamp == pytest.approx(bench.camera.clock.wall_at(await bench.cam(name)), abs=1e-6), name
    for name in ("cam1:ExposureTime_RBV", "Stats1:MeanValue_RBV", "image1:ArrayData"):
        assert bench.camera[name].stamp.timestamp == pytest.approx(stamps["ExposureEnd_RBV"], abs=1e-6), name
