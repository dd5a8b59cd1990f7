"""Sequences and test exposures that the camera takes by itself, titles, and the state in AzCam's terms."""

import asyncio
import json

import pytest
from astropy.io import fits

from iocs.camera.status import exposure_status
from iocs.wire.peers import PeerError


async def take_sequence(bench, number, **settings):
    await bench.set(SequenceNumber=number, **settings)
    await bench.put("CAM:cam1:SequenceStart", 1)


def headers(bench):
    return [fits.getheader(path) for path in bench.files]


@pytest.mark.parametrize(("mode", "flushes"), [("Each", [1, 1, 1]), ("First", [1, 0, 0]), ("Never", [0, 0, 0])])
async def test_the_flush_mode_says_which_frames_are_flushed(bench, monkeypatch, mode, flushes):
    seen, flush = [], bench.camera.camera.flush

    async def counted(cycles):
        seen.append(cycles)
        return await flush(cycles)

    monkeypatch.setattr(bench.camera.camera, "flush", counted)
    await take_sequence(bench, 3, ImageType="BIAS", SequenceFlush=mode)
    assert seen == flushes
    assert await bench.cam("FlushCycles") == 1


async def test_a_frame_that_is_not_flushed_holds_the_dark_current_since_the_readout_before(bench):
    await take_sequence(bench, 2, ImageType="DARK", AcquireTime=1.0, SequenceFlush="First", SequenceDelay=5.0)
    flushed, unflushed = (header["DARKTIME"] for header in headers(bench))
    assert flushed == pytest.approx(1.0, abs=1e-6)  # s
    assert unflushed > 6.0


async def test_counters_run_from_1_and_are_0_of_0_when_no_sequence_runs(bench):
    counts = bench.record("CAM:cam1:SequenceCount_RBV")
    totals = bench.record("CAM:cam1:SequenceTotal_RBV")
    await bench.until("CAM:cam1:SequenceCount_RBV", 0)
    await bench.until("CAM:cam1:SequenceTotal_RBV", 0)
    await take_sequence(bench, 3, ImageType="BIAS")
    await bench.until("CAM:cam1:SequenceCount_RBV", 0)
    assert counts == [0, 1, 2, 3, 0]
    assert totals == [0, 3, 0]
    assert [(h["CURINDEX"], h["MAXINDEX"]) for h in headers(bench)] == [(1, 1)] * 3
    assert len({h["GROUPID"] for h in headers(bench)}) == 1


async def test_abort_gives_up_the_running_frame_of_a_sequence_and_the_rest(bench):
    await bench.set(ImageType="DARK", AcquireTime=40.0, SequenceNumber=3)
    taking = asyncio.create_task(bench.put("CAM:cam1:SequenceStart", 1))
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await bench.put("CAM:cam1:Abort", 1)
    await asyncio.wait([taking])
    assert isinstance(taking.exception(), PeerError)
    assert await bench.cam("FrameState_RBV") == "Aborted"
    assert bench.files == []
    assert (await bench.cam("SequenceCount_RBV"), await bench.cam("SequenceTotal_RBV")) == (0, 0)


async def test_a_title_holds_for_one_acquire(bench):
    await bench.set(ImageType="BIAS", ObjectName="standing", ImageTitle="first light")
    await bench.acquire()
    assert await bench.cam("ImageTitle_RBV") == "first light"
    assert await bench.cam("ImageTitle") == ""
    await bench.acquire()
    assert await bench.cam("ImageTitle_RBV") == "standing"
    assert [header["OBJECT"] for header in headers(bench)] == ["first light", "standing"]


async def test_a_test_exposure_has_an_id_says_so_and_leaves_every_setting(bench):
    settings = {"ImageType": "FLAT", "AcquireTime": 3.0, "ImageTitle": "for later", "TestType": "mine"}
    await bench.set(**settings)
    await bench.set(TestTime=0.5, TestShutter="Open")
    await bench.put("CAM:cam1:TestExposure", 1)
    (header,) = headers(bench)
    assert (header["TESTTYPE"], header["IMGTYPE"], header["EXPTIME"]) == ("TEST", "OBJECT", 0.5)
    assert header["OBJECT"] == "test image"
    assert header["OBSID"] == await bench.cam("ExposureId_RBV")
    assert await bench.cam("ImageTest_RBV") == "Yes"
    assert {name: await bench.cam(name) for name in settings} == settings
    await bench.set(TestTime=0.0, TestShutter="Closed")
    await bench.put("CAM:cam1:TestExposure", 1)
    assert headers(bench)[1]["IMGTYPE"] == "DARK"
    await bench.acquire()
    assert headers(bench)[2]["OBJECT"] == "for later"
    assert await bench.cam("ImageTest_RBV") == "No"


async def test_the_exposure_flag_passes_through_azcams_states(bench):
    flags = bench.record("CAM:cam1:ExposureFlag_RBV")
    await bench.until("CAM:cam1:ExposureFlag_RBV", "NONE")
    await bench.set(ImageType="DARK", AcquireTime=8.0)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:ExposureFlag_RBV", "EXPOSING")
    await bench.put("CAM:cam1:Pause", 1)
    await bench.until("CAM:cam1:ExposureFlag_RBV", "PAUSED")
    await bench.put("CAM:cam1:Resume", 1)
    await acquiring
    await bench.until("CAM:cam1:ExposureFlag_RBV", "NONE")
    assert flags == ["NONE", "SETUP", "EXPOSING", "PAUSE", "PAUSED", "RESUME", "EXPOSING", "READOUT", "WRITING", "NONE"]
    states = bench.camera["cam1:ExposureFlag_RBV"].kind.states
    numbered = {0: "NONE", 1: "EXPOSING", 2: "ABORT", 6: "PAUSED", 7: "READOUT", 8: "SETUP", 9: "WRITING", 11: "ERROR"}
    assert {number: states[number] for number in numbered} == numbered


AZCAM_KEYS = set(
    "message exposurelabel exposurecolor exposurestate progressbar camtemp dewtemp filename seqcount seqtotal "
    "timestamp imagetitle imagetype imagetest exposuretime colbin rowbin systemname mode".split()
)


async def status_when(bench, predicate):
    return json.loads(await bench.until("CAM:cam1:Status_RBV", lambda text: text and predicate(json.loads(text))))


async def test_the_status_is_true_in_every_state(bench):
    seen = bench.record("CAM:cam1:Status_RBV")
    idle = await status_when(bench, lambda status: status["exposurestate"] == "")
    assert AZCAM_KEYS <= idle.keys()
    assert (idle["seqcount"], idle["seqtotal"], idle["progressbar"]) == (0, 0, 0)
    await bench.set(ImageType="DARK", AcquireTime=10.0, SequenceNumber=2, FlushCycles=20)
    taking = asyncio.create_task(bench.put("CAM:cam1:SequenceStart", 1))
    exposing = await status_when(bench, lambda status: status["exposurestate"] == "EXPOSING")
    assert exposing["message"] == "EXPOSING - 1 of 2"
    assert exposing["exposurelabel"].endswith("sec remaining")
    assert 0 < exposing["progressbar"] <= 100
    await bench.put("CAM:cam1:Pause", 1)
    held = await status_when(bench, lambda status: status["held"])
    assert held["exposurestate"] == "PAUSED"
    await bench.put("CAM:cam1:Resume", 1)
    await taking
    done = await status_when(bench, lambda status: status["framestate"] == "Written" and not status["busy"])
    assert done["filename"] == str(bench.files[-1])
    states = [json.loads(text)["exposurestate"] for text in seen if text]
    assert {"SETUP", "EXPOSING", "PAUSED"} <= set(states)


def test_the_status_shows_writing_and_readout_that_azcam_hides():
    values = {
        "ExposureFlag_RBV": "READOUT", "StatusMessage_RBV": "reading out", "NumPixelsRemaining_RBV": 25,
        "TimeRemaining_RBV": 0.0, "AcquireTime": 1.0, "SequenceCount_RBV": 0, "SequenceTotal_RBV": 0,
        "TemperatureActual": None, "DewarTemperature_RBV": -130.04, "ImageTest_RBV": "No",
    }  # fmt: skip
    facts = {"system": "LATISS", "mode": "simulated", "total_pixels": 100}
    status = exposure_status(lambda name: values.get(name, ""), facts)
    assert (status["exposurelabel"], status["exposurecolor"], status["progressbar"]) == ("25% readout", "red", 25)
    assert (status["camtemp"], status["dewtemp"]) == ("-999.9", "-130.0")
    values["ExposureFlag_RBV"] = "WRITING"
    assert exposure_status(lambda name: values.get(name, ""), facts)["exposurestate"] == "WRITING"


async def test_a_reset_makes_the_failed_camera_idle_again(bench):
    await bench.set(ImageType="BIAS", SimFault="NoPixels")
    await bench.fails()
    assert await bench.cam("ExposureFlag_RBV") == "ERROR"
    await bench.set(SimFault="None")
    await bench.put("CAM:cam1:CameraReset", 1)
    assert await bench.cam("ExposureFlag_RBV") == "NONE"
    assert await bench.cam("DetectorState_RBV") == "Idle"
