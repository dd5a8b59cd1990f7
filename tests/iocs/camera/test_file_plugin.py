"""FITS1 gives frames further names, as areaDetector's NDFile does, and never touches the frame's own file."""

import asyncio

import pytest
from astropy.io import fits

from slitless.fits.verify import verify_file


@pytest.fixture
async def named(bench):
    """A bench whose frames get the further names ``night/field_<number>.fits``."""
    await bench.put("CAM:FITS1:CreateDirectory", -1)
    await bench.put("CAM:FITS1:FilePath", f"{bench.data_root}/night")
    await bench.put("CAM:FITS1:FileName", "field")
    await bench.set(ImageType="BIAS", AcquireTime=0)
    return bench


def further(bench):
    return sorted((bench.data_root / "night").glob("*.fits"))


def own(bench):
    return sorted(bench.data_root.glob("[0-9]*/*.fits"))


async def capture(bench, mode, number):
    """Begin a capture; return the task of its put."""
    await bench.put("CAM:FITS1:FileWriteMode", mode)
    await bench.put("CAM:FITS1:NumCapture", number)
    capturing = asyncio.create_task(bench.put("CAM:FITS1:Capture", 1))
    await bench.until("CAM:FITS1:Capture_RBV", "Capturing")
    return capturing


async def test_a_further_name_is_the_verified_file_itself(named):
    await named.acquire()
    (name,), (file,) = further(named), own(named)
    assert name.name == "field_000000.fits"
    assert name.samefile(file)
    assert file.name.startswith("AT_O_")
    assert verify_file(name, named.instrument) == []
    assert await named.get("CAM:FITS1:FullFileName_RBV") == str(name)
    assert await named.cam("FrameFile_RBV") == str(file)
    assert await named.get("CAM:FITS1:FileNumber_RBV") == 1
    assert [event for event, _ in named.ledger][-1] == "written"


async def test_without_a_name_the_frames_own_file_is_the_one_told_about(bench):
    await bench.expect_good_bias()
    assert await bench.get("CAM:FITS1:FullFileName_RBV") == str(own(bench)[0])
    assert await bench.get("CAM:FITS1:FileNumber_RBV") == 0


async def test_single_without_auto_save_writes_when_told(named):
    await named.put("CAM:FITS1:AutoSave", "No")
    await named.acquire()
    assert (len(own(named)), further(named)) == (1, [])
    await named.put("CAM:FITS1:WriteFile", 1)
    assert len(further(named)) == 1


async def test_stream_gives_names_until_enough_are_captured(named):
    capturing = await capture(named, "Stream", 2)
    await named.set(ImageMode="Multiple", NumImages=3)
    await named.acquire()
    await capturing
    assert (len(own(named)), len(further(named))) == (3, 2)
    assert await named.get("CAM:FITS1:NumCaptured_RBV") == 2
    assert await named.get("CAM:FITS1:Capture") == await named.get("CAM:FITS1:Capture_RBV") == "Done"


async def test_capture_collects_and_writes_when_full(named):
    capturing = await capture(named, "Capture", 2)
    await named.acquire()
    assert further(named) == []
    assert await named.get("CAM:FITS1:NumCaptured_RBV") == 1
    await named.acquire()
    await capturing
    assert [path.name for path in further(named)] == ["field_000000.fits", "field_000001.fits"]


async def test_a_capture_can_be_stopped_and_written_or_forgotten(named):
    for name, files in (("FreeCapture", 0), ("WriteFile", 1)):
        capturing = await capture(named, "Capture", 0)
        await named.acquire()
        await named.put("CAM:FITS1:Capture", 0)
        await capturing
        await named.put(f"CAM:FITS1:{name}", 1)
        assert len(further(named)) == files
        assert await named.get("CAM:FITS1:NumCaptured_RBV") == 0
    assert len(own(named)) == 2


async def test_a_taken_name_is_found_before_anything_is_exposed(named):
    taken = named.data_root / "night" / "field_000000.fits"
    taken.write_bytes(b"mine")
    assert "exists already and is never overwritten" in await named.fails()
    assert (own(named), named.ledger, taken.read_bytes()) == ([], [], b"mine")
    await named.put("CAM:FITS1:FileNumber", 7)
    await named.acquire()
    assert [path.name for path in further(named)] == ["field_000000.fits", "field_000007.fits"]


async def test_a_missing_folder_is_told_and_found_before_anything_is_exposed(named):
    await named.put("CAM:FITS1:CreateDirectory", 0)
    await named.put("CAM:FITS1:FilePath", f"{named.data_root}/not/there")
    assert await named.get("CAM:FITS1:FilePathExists_RBV") == "No"
    assert "does not exist" in await named.fails()
    await named.put("CAM:FITS1:CreateDirectory", -1)
    await named.put("CAM:FITS1:FilePath", f"{named.data_root}/not/there")
    assert await named.get("CAM:FITS1:FilePathExists_RBV") == "No"  # two folders are missing
    await named.put("CAM:FITS1:CreateDirectory", -2)
    await named.put("CAM:FITS1:FilePath", f"{named.data_root}/not/there/")
    assert await named.get("CAM:FITS1:FilePath_RBV") == f"{named.data_root}/not/there/"
    assert await named.get("CAM:FITS1:FilePathExists_RBV") == "Yes"
    await named.acquire()
    assert own(named)


async def test_a_name_that_the_disk_refuses_harms_no_frame(named):
    capturing = await capture(named, "Capture", 1)
    (named.data_root / "night" / "field_000000.fits").write_bytes(b"mine")
    await named.acquire()
    await capturing
    assert await named.get("CAM:FITS1:WriteStatus") == "Write error"
    assert "exists already" in await named.get("CAM:FITS1:WriteMessage")
    assert await named.cam("FrameState_RBV") == "Written"
    assert len(own(named)) == 1


async def test_an_array_of_another_plugin_becomes_a_file_of_its_own(named):
    await named.put("CAM:FITS1:NDArrayPort", "ROI1")
    await named.put("CAM:ROI1:EnableCallbacks", "Enable")
    for name, value in {"SizeX": 10, "SizeY": 20, "MinX": 5, "MinY": 5}.items():
        await named.put(f"CAM:ROI1:{name}", value)
    for name in ("EnableX", "EnableY"):
        await named.put(f"CAM:ROI1:{name}", "Enable")
    await named.acquire()
    (file,) = own(named)
    (region,) = further(named)
    header = fits.getheader(region)
    assert (header["NAXIS1"], header["NAXIS2"]) == (10, 20)
    assert header["OBS ID"] in file.name
    assert not region.samefile(file)
