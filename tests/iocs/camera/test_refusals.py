"""What an exposure refuses before an id is spent, the shutter opens or anything moves."""

import asyncio
import os
import shutil

import pytest

from slitless.identifiers import SequenceRegister, day_obs_at


async def expect_refused(bench, *words):
    """Acquire, expecting a refusal whose reason holds all words; nothing may have happened."""
    reason = await bench.fails()
    assert all(word in reason for word in words), reason
    assert await bench.get("SHUTTER:OpenCount_RBV") == 0
    assert await bench.cam("ExposureId_RBV") == ""
    assert bench.ledger == []
    assert bench.files == []
    assert await bench.cam("OpticsLocked_RBV") == "No"
    assert await bench.cam("Acquire") == "Done"


async def set_object(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=1.0)


async def test_a_second_acquire_is_refused_naming_the_running_exposure(bench, other_client):
    await bench.set(ImageType="DARK", AcquireTime=20.0)
    acquiring = asyncio.create_task(bench.acquire())
    obs_id = await bench.until("CAM:cam1:ExposureId_RBV", lambda name: name != "")
    assert obs_id in await other_client.refused("CAM:cam1:Acquire", 1)
    assert obs_id in await other_client.refused("CAM:cam1:StartImage", 1)
    assert await bench.cam("CommandStatus_RBV") == "Busy"
    await bench.put("CAM:cam1:StopExposure", 1)
    await acquiring
    assert len(bench.files) == 1


async def test_an_exposure_time_the_shutter_cannot_do_is_refused(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=0.05)
    await expect_refused(bench, "exposure time", "0.05", "[0.1, 3600] s")


async def test_a_window_outside_the_detector_is_refused(bench):
    await bench.set(ImageType="BIAS", MinX=100, SizeX=192)
    await expect_refused(bench, "window", "[1, 192] pixel")


async def test_a_stutter_that_does_not_fit_is_refused(bench):
    await bench.set(ImageType="STUTTERED", AcquireTime=1.0, StutterShifts=5, StutterRows=50)
    await expect_refused(bench, "stutter", "below 200 rows")


async def test_an_existing_file_is_refused_and_kept(bench):
    day = day_obs_at(bench.camera.clock.now())
    folder = bench.data_root / str(day)
    folder.mkdir()
    (folder / f"AT_O_{day}_000001_R00_S00.fits").write_bytes(b"precious")
    await bench.set(ImageType="BIAS")
    reason = await bench.fails()
    assert "exists already" in reason
    assert bench.files[0].read_bytes() == b"precious"
    assert bench.ledger == []
    bench.files[0].unlink()
    await bench.expect_good_bias()


async def test_a_missing_data_folder_is_refused(bench):
    await set_object(bench)
    shutil.rmtree(bench.data_root)
    await expect_refused(bench, "does not exist")
    bench.data_root.mkdir()
    await bench.expect_good_bias()


async def test_a_full_disk_is_refused(bench, monkeypatch):
    class FullDisk:
        f_bavail, f_frsize = 1, 4096

    await set_object(bench)
    monkeypatch.setattr(os, "statvfs", lambda path: FullDisk)
    await expect_refused(bench, "free")
    monkeypatch.undo()
    await bench.expect_good_bias()


async def test_a_folder_outside_the_data_root_is_refused(bench):
    await bench.refused("CAM:FITS1:FilePath", "/tmp")
    assert "outside the data root" in await bench.cam("CommandError_RBV")
    assert (await bench.get("CAM:FITS1:FilePath_RBV")).startswith(str(bench.data_root))
    await bench.refused("CAM:FITS1:FileName", "../x")


async def test_a_file_of_the_clients_own_name_is_written_below_the_root(bench):
    (bench.data_root / "tests").mkdir()
    await bench.put("CAM:FITS1:FilePath", "tests")
    assert await bench.get("CAM:FITS1:FilePath_RBV") == f"{bench.data_root}/tests/"
    assert await bench.get("CAM:FITS1:FilePathExists_RBV") == "Yes"
    await bench.put("CAM:FITS1:FileName", "flat")
    await bench.set(ImageType="BIAS")
    await bench.acquire()
    await bench.acquire()
    names = [path.name for path in sorted((bench.data_root / "tests").glob("*.fits"))]
    assert names == ["flat_000000.fits", "flat_000001.fits"]


async def test_a_mechanism_that_is_not_there_refuses_light_by_name(bench):
    await set_object(bench)
    await bench.lose("FILTER")
    await bench.camera_loses("FILTER:Moving")
    await expect_refused(bench, f"{bench.system}FILTER:Moving", "not connected")
    await bench.expect_good_bias()


async def test_a_wheel_that_moves_refuses_light(bench):
    await set_object(bench)
    moving = asyncio.create_task(bench.put("FILTER:Select", "OG550_65mm_1"))
    await bench.camera_sees("FILTER:Moving", lambda value: value == "Yes")
    await expect_refused(bench, "filter wheel moves")
    await moving
    await bench.acquire()


async def test_a_stage_that_lost_its_zero_refuses_light(bench):
    await set_object(bench)
    await bench.put("STAGE:SimFault", "LostZero")
    await bench.camera_sees("STAGE:m1.RBV", lambda value: value < -300)
    await expect_refused(bench, "STAGE")


async def test_a_shutter_that_is_not_there_refuses_even_a_bias(bench):
    await bench.set(ImageType="BIAS")
    await bench.lose("SHUTTER")
    await bench.camera_loses("SHUTTER:State_RBV")
    reason = await bench.fails()
    assert "SHUTTER:State_RBV" in reason
    assert bench.ledger == []


async def test_a_shutter_that_is_not_enabled_refuses_light(bench):
    await set_object(bench)
    await bench.put("SHUTTER:IOC:StateCommand", "Disable")
    await bench.camera_sees("SHUTTER:IOC:SummaryState", lambda value: value == "Disabled")
    await expect_refused(bench, "SHUTTER:IOC:SummaryState", "Disabled")


async def test_the_register_running_out_is_refused_loudly(bench):
    register = SequenceRegister(bench.data_root / "register")
    day = day_obs_at(bench.camera.clock.now())
    register.spend(day)
    (bench.data_root / "register" / f"{day}.last").write_text("99999\n")
    await bench.set(ImageType="BIAS")
    assert "99999" in await bench.fails()


async def test_commands_are_refused_unless_the_camera_is_enabled(bench):
    await bench.set(ImageType="BIAS")
    await bench.put("CAM:IOC:StateCommand", "Disable")
    assert "Enabled" in await bench.fails()
    await bench.put("CAM:IOC:StateCommand", "Enable")
    await bench.expect_good_bias()


async def test_a_running_exposure_keeps_the_camera_from_being_disabled(bench):
    await bench.set(ImageType="DARK", AcquireTime=20.0)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await bench.refused("CAM:IOC:StateCommand", "Disable")
    await bench.put("CAM:cam1:StopExposure", 1)
    await acquiring


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cam1:DataType", "UInt8"),
        ("cam1:ReverseX", "Yes"),
        ("cam1:ImageType", 13),
        ("cam1:AcquireTime", -1.0),
        ("cam1:AcquireTime", float("nan")),
        ("cam1:ShutterControl", "Open"),
        ("FITS1:DeleteDriverFile", "Yes"),
        ("FITS1:TempSuffix", ".tmp"),
        ("FITS1:Capture", 1),
        ("FITS1:ReadFile", 1),
        ("FITS1:WriteFile", 1),
    ],
)
async def test_a_setting_that_cannot_be_is_refused_and_the_old_one_kept(bench, name, value):
    before = await bench.get(f"CAM:{name}")
    await bench.refused(f"CAM:{name}", value)
    assert bench.camera[name].value == before
    assert bench.camera[name].severity == 0
