"""The camera has all records of areaDetector's ADBase, and they do what ADCore documents."""

import asyncio
import itertools
import time

import pytest
from astropy.io import fits

from iocs.detector import DetectorIoc
from iocs.ioc import IocSetup
from slitless.definition import load_instrument
from slitless.instrument_time import InstrumentClock

# Records of ADBase.template and of NDArrayBase.template, which it includes, of ADCore R3-14.
AD_BASE = """
AcquirePeriod AcquirePeriod_RBV AcquireTime AcquireTime_RBV AsynIO BinX BinX_RBV BinY BinY_RBV DetectorState_RBV
FrameType FrameType_RBV Gain Gain_RBV ImageMode ImageMode_RBV MaxSizeX_RBV MaxSizeY_RBV MinX MinX_RBV MinY MinY_RBV
NumExposures NumExposuresCounter_RBV NumExposures_RBV NumImages NumImagesCounter_RBV NumImages_RBV ReadStatus ReverseX
ReverseX_RBV ReverseY ReverseY_RBV ShutterCloseDelay ShutterCloseDelay_RBV ShutterCloseEPICS ShutterControl
ShutterControlEPICS ShutterControl_RBV ShutterFanout ShutterMode ShutterMode_RBV ShutterOpenDelay ShutterOpenDelay_RBV
ShutterOpenEPICS ShutterStatusEPICS_RBV ShutterStatus_RBV SizeX SizeX_RBV SizeY SizeY_RBV StatusMessage_RBV
StringFromServer_RBV StringToServer_RBV Temperature TemperatureActual Temperature_RBV TimeRemaining_RBV TriggerMode
TriggerMode_RBV
""".split()
ND_ARRAY_BASE = (
    """
ADCoreVersion_RBV Acquire AcquireBusy AcquireBusyCB Acquire_RBV ArrayCallbacks ArrayCallbacks_RBV ArrayCounter
ArrayCounter_RBV ArrayRate_RBV ArraySizeX_RBV ArraySizeY_RBV ArraySizeZ_RBV ArraySize_RBV BayerPattern_RBV
ClearAcquireBusy Codec_RBV ColorMode ColorMode_RBV CompressedSize_RBV DataType DataType_RBV Dimensions Dimensions_RBV
DriverVersion_RBV EmptyFreeList EpicsTSNsec_RBV EpicsTSSec_RBV FirmwareVersion_RBV Manufacturer_RBV Model_RBV
NDAttributesFile NDAttributesMacros NDAttributesStatus NDimensions NDimensions_RBV NumPreAllocBuffers
NumPreAllocBuffers_RBV NumQueuedArrays PoolAllocBuffers PoolFreeBuffers PoolMaxMem PoolPollStats PoolUsedBuffers
PoolUsedMem PortName_RBV PreAllocBuffers SDKVersion_RBV SerialNumber_RBV SetAcquireBusy TimeStamp_RBV UniqueId_RBV
WaitForPlugins
""".split()
    + [f"{name}{suffix}" for i in range(10) for name in (f"ArraySize{i}", f"Dim{i}SA") for suffix in ("", "_RBV")]
)


def test_every_record_of_adbase_is_served():
    setup = IocSetup(load_instrument(), "", "", InstrumentClock(time.time))
    records = DetectorIoc(setup).records
    assert [name for name in AD_BASE + ND_ARRAY_BASE if f"cam1:{name}" not in records] == []
    assert (len(AD_BASE), len(ND_ARRAY_BASE)) == (60, 93)


async def take(bench, mode, **settings):
    """Start an acquisition; return the task of its put."""
    await bench.set(ImageType="BIAS", AcquireTime=0, ImageMode=mode, **settings)
    return asyncio.create_task(bench.acquire())


async def test_continuous_goes_on_until_acquire_is_put_to_0(bench):
    counter = bench.record("CAM:cam1:NumImagesCounter_RBV")
    acquiring = await take(bench, "Continuous")
    await bench.until("CAM:cam1:NumImagesCounter_RBV", lambda done: done >= 2)
    assert not acquiring.done()
    await bench.put("CAM:cam1:Acquire", 0)
    await acquiring
    assert await bench.cam("Acquire_RBV") == "Done"
    assert await bench.cam("Acquire") == "Done"
    assert len(bench.files) == max(counter)


async def test_acquire_stays_1_until_the_frame_that_was_ended_early_is_on_disk(bench):
    await bench.set(ImageType="DARK", AcquireTime=600, ImageMode="Single")
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:DetectorState_RBV", "Acquire")
    files = []
    watched = bench.camera.watch("CAM:cam1:Acquire_RBV")
    watched.on_change(lambda peer: files.append((peer.value, len(bench.files))) if peer.known else None)
    await bench.put("CAM:cam1:Acquire", 0)
    await acquiring
    await watched.until(lambda value: value == "Done", 10)
    assert files[-1] == ("Done", 1)


async def test_multiple_takes_as_many_as_asked_from_start_to_start_of_the_period(bench):
    starts = bench.record("CAM:cam1:ExposureStart_RBV")
    for taken in (3, 6, 9):
        starts.clear()
        acquiring = await take(bench, "Multiple", NumImages=3, AcquirePeriod=24)  # 1.2 s of wall time
        states = bench.record("CAM:cam1:DetectorState_RBV")
        await acquiring
        assert len(bench.files) == taken
        assert await bench.cam("NumImagesCounter_RBV") == 3
        begun = [start for start in starts if start]
        periods = [late - early for early, late in itertools.pairwise(begun)]
        if max(periods) < 29:  # s; else the host had no time for a period, so they are taken again
            break
    assert periods == pytest.approx([24, 24], abs=5)
    assert states.count("Waiting") >= 2
    assert states[-1] == "Idle"


async def test_no_images_are_refused_when_they_are_asked_for(bench):
    await bench.set(ImageMode="Multiple", NumImages=0)
    assert "NumImages" in await bench.fails()


async def test_exposures_add_up_on_the_ccd_and_are_read_once(bench):
    await bench.put("TEL:Lamp", "On")
    await bench.until("TEL:Lamp", "On")
    await bench.set(ImageType="FLAT", AcquireTime=1.0, NumExposures=1)
    await bench.acquire()
    single = await bench.get("CAM:Stats1:MeanValue_RBV")
    counts = bench.record("CAM:cam1:NumExposuresCounter_RBV")
    await bench.set(NumExposures=3)
    await bench.acquire()
    assert await bench.get("CAM:Stats1:MeanValue_RBV") == pytest.approx(3 * single, rel=0.02)
    assert await bench.get("SHUTTER:OpenCount_RBV") == 4
    assert counts[-3:] == [1, 2, 3]
    header = fits.getheader(bench.files[-1])
    assert (header["COADDS"], header["EXPTIME"]) == (3, 3.0)  # s
    assert header["SHUTTIME"] == pytest.approx(3.0, abs=1e-6)  # s
    assert len(bench.files) == 2


async def test_exposures_of_a_dark_follow_each_other_without_a_gap(bench):
    await bench.set(ImageType="DARK", AcquireTime=0.5, NumExposures=4)
    await bench.acquire()
    assert await bench.cam("DarkTime_RBV") == pytest.approx(2.0, abs=1e-6)  # s
    assert fits.getheader(bench.files[-1])["EXPTIME"] == 2.0  # s


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"ImageType": "BIAS", "AcquireTime": 0}, "one exposure"),
        ({"ImageType": "STUTTERED", "AcquireTime": 1, "StutterShifts": 2, "StutterRows": 10}, "one exposure"),
        ({"ImageType": "FLAT", "AcquireTime": 3000}, "must not be above 3600 s"),
    ],
)
async def test_exposures_that_cannot_be_added_up_are_refused(bench, settings, reason):
    await bench.set(NumExposures=2, **settings)
    assert reason in await bench.fails()
    assert bench.files == []


async def test_with_an_external_trigger_each_frame_waits_for_one(bench):
    assert "no frame waits" in await bench.refused("CAM:cam1:Trigger", 1)
    acquiring = await take(bench, "Multiple", NumImages=2, TriggerMode="External")
    for done in (0, 1):
        await bench.until("CAM:cam1:StatusMessage_RBV", "waiting for a trigger")
        await bench.until("CAM:cam1:DetectorState_RBV", "Waiting")
        assert len(bench.files) == done
        await bench.put("CAM:cam1:Trigger", 1)
        await bench.until("CAM:cam1:NumImagesCounter_RBV", done + 1)
    await acquiring
    assert len(bench.files) == 2


async def test_a_frame_that_waits_for_its_trigger_can_be_given_up_and_spends_no_number(bench):
    for name in ("Acquire", "Abort"):
        acquiring = await take(bench, "Single", TriggerMode="External")
        await bench.until("CAM:cam1:DetectorState_RBV", "Waiting")
        await bench.put(f"CAM:cam1:{name}", int(name == "Abort"))
        await asyncio.gather(acquiring, return_exceptions=True)
        assert await bench.cam("Acquire_RBV") == "Done"
    assert bench.ledger == []
    await bench.set(TriggerMode="Internal")
    await bench.expect_good_bias()


async def test_what_would_refuse_the_exposure_refuses_to_wait_for_its_trigger(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=1, TriggerMode="External")
    await bench.lose("FILTER")
    await bench.camera_loses("FILTER:InPosition")
    assert "FILTER:" in await bench.fails()


async def test_the_array_counter_counts_on_from_what_it_was_set_to(bench):
    await bench.set(ArrayCounter=100)
    await bench.expect_good_bias()
    assert await bench.cam("ArrayCounter_RBV") == 101
    assert await bench.cam("UniqueId_RBV") == 101
    assert await bench.cam("ArraySize_RBV") == 4 * 8 * 24 * 2 * 200  # bytes


async def test_the_states_of_a_frame_are_those_of_adbase_in_order(bench):
    states = bench.record("CAM:cam1:DetectorState_RBV")
    await bench.set(ImageType="DARK", AcquireTime=1)
    await bench.acquire()
    await bench.until("CAM:cam1:DetectorState_RBV", "Idle")
    assert [s for s in states if s != "Idle"] == ["Initializing", "Acquire", "Readout", "Saving"]


async def test_settings_that_the_detector_does_not_have_are_refused_with_a_reason(bench):
    for name, value in {
        "ReverseX": 1, "ReverseY": 1, "Gain": 2.0, "DataType": 3, "ColorMode": "RGB1", "ShutterMode": "None",
        "ShutterControl": "Open", "ShutterOpenDelay": 1.0, "ShutterCloseDelay": 1.0, "NDimensions": 3,
        "Dimensions": [10, 10], "NDAttributesFile": "attributes.xml", "NDAttributesMacros": "A=1",
        "NumPreAllocBuffers": 10,
    }.items():  # fmt: skip
        assert await bench.refused(f"CAM:cam1:{name}", value)
    assert await bench.cam("ShutterOpenDelay_RBV") == pytest.approx(0.115)  # s, as the shutter's definition says


async def test_status_is_read_when_asked(bench):
    for name in ("ReadStatus", "PoolPollStats", "EmptyFreeList", "PreAllocBuffers"):
        await bench.put(f"CAM:cam1:{name}", 1)
        assert await bench.cam(name) == "Done"
