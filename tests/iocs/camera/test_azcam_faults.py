"""Faults seen in AzCam 26.0.5 that this camera does not have; each by its number in `docs/reference/azcam.md`."""

import asyncio
import json
import socket
import time
from contextlib import closing
from itertools import pairwise

import caproto as ca
import pytest
from astropy.io import fits

from iocs.wire.peers import PeerError
from slitless.fits.frame_file import read_frame
from slitless.identifiers import day_obs_at

CIRCUIT_TIMEOUT = 10.0  # s


async def acquiring_until(bench, state, **settings):
    """Begin a frame, and return its task when it is in a state."""
    await bench.set(**settings)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:FrameState_RBV", state)
    return acquiring


async def test_b1_an_aborted_exposure_is_told_from_one_that_succeeded(bench):
    await bench.set(ImageType="BIAS")
    await bench.acquire()
    good = await bench.cam("FrameState_RBV"), await bench.cam("ExposureFlag_RBV"), await bench.cam("FrameReason_RBV")
    acquiring = await acquiring_until(bench, "Integrating", ImageType="DARK", AcquireTime=40.0)
    await bench.put("CAM:cam1:Abort", 1)
    await asyncio.wait([acquiring])
    assert isinstance(acquiring.exception(), PeerError)
    assert good == ("Written", "NONE", "")
    assert (await bench.cam("FrameState_RBV"), await bench.cam("ExposureFlag_RBV")) == ("Aborted", "ABORT")
    assert "aborted" in await bench.cam("FrameReason_RBV")
    result = await bench.until("CAM:cam1:CommandResult_RBV", lambda text: '"Error"' in text)
    assert "aborted" in json.loads(result)["error"]
    assert [event for event, _ in bench.ledger] == ["reserved", "written", "reserved", "aborted"]


async def test_b2_a_readout_without_pixels_is_an_error_and_makes_no_file(bench):
    await bench.set(ImageType="BIAS", SimFault="NoPixels")
    assert "0 of" in await bench.fails()
    assert bench.files == []
    assert await bench.cam("FrameState_RBV") == "Failed"
    await bench.set(SimFault="None")
    await bench.expect_good_bias()


async def test_b3_a_second_exposure_is_refused_at_once(bench, other_client):
    acquiring = await acquiring_until(bench, "Integrating", ImageType="DARK", AcquireTime=100.0)
    for command in ("Acquire", "SequenceStart", "TestExposure", "StartImage"):
        began = bench.host_time()
        assert "busy" in await other_client.refused(f"CAM:cam1:{command}", 1)
        assert bench.host_time() - began < 1.0  # s
    await bench.put("CAM:cam1:StopExposure", 1)
    await acquiring
    assert len(bench.files) == 1


async def test_b4_an_abort_in_the_last_moments_of_the_integration_is_honoured(start_bench, tmp_path):
    bench = await start_bench(tmp_path / "slow", speed=1.0)
    while True:  # a busy host may look when it is over
        before = bench.files
        acquiring = await acquiring_until(bench, "Integrating", ImageType="DARK", AcquireTime=1.0)
        rest = await bench.until("CAM:cam1:TimeRemaining_RBV", lambda rest: rest < 0.4)
        await bench.put("CAM:cam1:Abort", 1)
        await asyncio.wait([acquiring])
        if rest > 0:
            break
    assert isinstance(acquiring.exception(), PeerError)
    assert await bench.cam("FrameState_RBV") == "Aborted"
    assert bench.files == before


@pytest.mark.parametrize("fault", ["existing file", "missing folder"])
async def test_b5_a_file_that_cannot_be_is_found_before_the_shutter_opens(bench, fault):
    if fault == "existing file":
        day = day_obs_at(bench.camera.clock.now())
        (bench.data_root / str(day)).mkdir()
        (bench.data_root / str(day) / f"AT_O_{day}_000001_R00_S00.fits").write_bytes(b"precious")
    else:
        await bench.put("CAM:FITS1:FilePath", "not/there")
    await bench.set(ImageType="OBJECT", AcquireTime=1.0)
    assert {"existing file": "exists", "missing folder": "does not exist"}[fault] in await bench.fails()
    assert await bench.get("SHUTTER:OpenCount_RBV") == 0
    assert await bench.cam("ExposureId_RBV") == ""
    assert bench.ledger == []


async def test_b6_the_delay_of_a_sequence_passes_between_its_frames(bench):
    await bench.set(ImageType="BIAS", SequenceNumber=3, SequenceDelay=3.0)
    await bench.put("CAM:cam1:SequenceStart", 1)
    times = [(header["MJD-BEG"], header["MJD-TRG"]) for header in map(fits.getheader, bench.files)]
    for (_, read_out), (begun, _) in pairwise(times):
        assert (begun - read_out) * 86_400 >= 3.0  # s of the instrument
    assert len(times) == 3


async def test_b7_an_aborted_focus_frame_ends_with_the_focus_back_and_no_file(bench):
    start = await bench.get("TEL:focus.RBV")
    acquiring = await acquiring_until(
        bench, "Integrating",
        ImageType="FOCUS", AcquireTime=4.0, FocusFrame=1, FocusSteps=4, FocusStep=0.1, FocusShift=20,
    )  # fmt: skip
    await bench.until("TEL:focus.RBV", lambda position: abs(position - start) > 0.05)
    await bench.put("CAM:cam1:Abort", 1)
    await asyncio.wait([acquiring])
    assert await bench.cam("FrameState_RBV") == "Aborted"
    openings = await bench.get("SHUTTER:OpenCount_RBV")
    await bench.until("TEL:focus.RBV", lambda position: abs(position - start) < 0.006)
    assert await bench.get("SHUTTER:OpenCount_RBV") == openings < 4
    assert bench.files == []


async def test_b8_each_of_many_requests_in_one_packet_gets_its_reply(bench):
    name = f"{bench.system}CAM:cam1:NumImages"
    done = await asyncio.to_thread(put_in_one_packet, bench.ports["CAM"], name, range(1, 41))
    assert done == [True] * 40
    assert await bench.until("CAM:cam1:NumImages", 40) == 40


def put_in_one_packet(port, name, values):
    """Put values to a PV in a single packet; return whether each put was answered as done, in order."""
    with closing(socket.create_connection(("127.0.0.1", port), CIRCUIT_TIMEOUT)) as wire:
        circuit = ca.VirtualCircuit(ca.CLIENT, ("127.0.0.1", port), 0)
        heard = []

        def send(*commands):
            wire.sendall(b"".join(bytes(part) for part in circuit.send(*commands)))

        def expect(kind):
            while True:
                while heard:
                    if isinstance(command := heard.pop(0), kind):
                        return command
                commands, _ = circuit.recv(wire.recv(1 << 16))
                for command in commands:
                    circuit.process_command(command)
                    heard.append(command)

        send(ca.VersionRequest(version=13, priority=0), ca.HostNameRequest("h"), ca.ClientNameRequest("u"))
        channel = ca.ClientChannel(name, circuit)
        send(channel.create())
        expect(ca.CreateChanResponse)
        puts = [channel.write([value], notify=True) for value in values]
        send(*puts)
        replies = [expect(ca.WriteNotifyResponse) for _ in puts]
        pairs = zip(puts, replies, strict=True)
        return [reply.ioid == put.ioid and reply.status.name == "ECA_NORMAL" for put, reply in pairs]


HARD_TEXTS = ["f=2.5 a=b", "# no comment", "it's 'quoted' \"twice\"", "naïve Ω 星", "a / b: 3 &", "\\n tab\t"]


async def test_b9_any_text_comes_back_from_pv_and_header_as_it_was_given(bench):
    for text in HARD_TEXTS:
        await bench.set(ImageType="BIAS", Note=text, ImageTitle=text)
        assert await bench.cam("Note") == text
        await bench.acquire()
        frame = read_frame(bench.files[-1])
        assert (frame.text("OBSANNOT"), frame.text("OBJECT")) == (text, text)
        assert await bench.cam("ImageTitle_RBV") == text
        await bench.until("CAM:cam1:Status_RBV", lambda status, text=text: json.loads(status)["imagetitle"] == text)


BAD_REGIONS = [
    [50, 11, 1, 32, 1, 1],
    [1, 100_000, 1, 32, 1, 1],
    [0, 64, 1, 32, 1, 1],
    [1, 64, 1, 32, 0, 1],
    [1, 64, 1, 32, 1, 17],
    [1.5, 64, 1, 32],
    [1, 192, 1, 400, 1, 1, 0],
]


async def test_b10_a_region_that_cannot_be_is_refused_and_the_old_one_kept(bench):
    await bench.set(ROI=[11, 50, 6, 25, 2, 2])
    for region in BAD_REGIONS:
        await bench.refused("CAM:cam1:ROI", region)
        assert list(await bench.cam("ROI_RBV")) == [11, 50, 6, 25, 2, 2]
        assert (await bench.cam("MinX"), await bench.cam("BinX")) == (10, 2)


@pytest.fixture
def detector(start_ioc, tmp_path):
    """Start the detector's IOC as a process."""
    return lambda **where: start_ioc("iocs.detector", "--data-root", str(tmp_path), **where)


def alive(ioc):
    return ioc.process.poll() is None and put_in_one_packet(ioc.port, f"{ioc.prefix}cam1:NumImages", [1]) == [True]


def test_b13_no_client_can_end_the_process(detector):
    ioc = detector()
    with closing(socket.create_connection(("127.0.0.1", ioc.port))) as wire:
        wire.sendall(b"exit\r\nexitfoo\r\ncloseconnection\r\n\r\n")
    exit_control = 6  # of StateCommand: from Standby to Offline, where the process stays
    assert put_in_one_packet(ioc.port, f"{ioc.prefix}IOC:StateCommand", [exit_control]) == [True]
    for name in ("Abort", "CameraReset", "SequenceRelease"):
        put_in_one_packet(ioc.port, f"{ioc.prefix}cam1:{name}", [1])
    assert alive(ioc)


def test_b14_an_ioc_starts_again_on_the_same_port_at_once(detector):
    ioc = detector()
    with closing(socket.create_connection(("127.0.0.1", ioc.port))):  # the server closes first: the hard case
        assert ioc.stop() == 0
        again = detector(port=ioc.port)
    assert alive(again)


async def test_b15_a_pause_shows_everywhere_and_costs_no_time_of_the_processor(bench):
    acquiring = await acquiring_until(bench, "Integrating", ImageType="DARK", AcquireTime=100.0)
    await bench.put("CAM:cam1:Pause", 1)
    await bench.until("CAM:cam1:Held_RBV", "Yes")
    status = await bench.until("CAM:cam1:Status_RBV", lambda text: json.loads(text)["held"])
    assert json.loads(status)["exposurestate"] == "PAUSED"
    assert await bench.cam("ExposureFlag_RBV") == "PAUSED"
    assert await bench.cam("DetectorState_RBV") == "Waiting"
    used, began = time.process_time(), time.monotonic()
    await bench.camera.sleep(20.0)  # 1 wall s, of six IOCs and a client in this process
    assert (time.process_time() - used) / (time.monotonic() - began) < 0.5  # AzCam's server: 0.97
    await bench.put("CAM:cam1:Abort", 1)
    await asyncio.wait([acquiring])
