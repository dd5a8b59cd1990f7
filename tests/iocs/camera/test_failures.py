"""What goes wrong while an exposure runs: the shutter closes, the reason is kept, the next exposure works."""

import asyncio

from iocs.camera import exposure as exposure_module
from iocs.camera import plugins, shutter_control
from iocs.wire.peers import PeerError
from slitless.fits.writer import FrameNotWritten, write_frame
from slitless.identifiers import ExposureName
from slitless.ledger import Ledger


async def expect_failed(bench, *words, shutter="Closed"):
    """Acquire, expecting failure with all words in its reason, everywhere it is told."""
    reason = await bench.fails()
    assert all(word in reason for word in words), reason
    assert await bench.cam("FrameState_RBV") == "Failed"
    assert await bench.cam("DetectorState_RBV") == "Error"
    shown = await bench.cam("FrameReason_RBV")
    assert all(word in shown for word in words)
    assert await bench.cam("Acquire") == "Done"
    assert bench.files == []
    (_, _), (event, told) = bench.ledger
    assert event == "failed"
    assert all(word in told for word in words)
    if shutter:
        assert await bench.get("SHUTTER:State_RBV") == shutter
        assert await bench.cam("OpticsLocked_RBV") == "No"


async def test_a_readout_that_never_ends_fails_in_bounded_time(bench, monkeypatch):
    monkeypatch.setattr(exposure_module, "READOUT_PATIENCE", 0.5)
    await bench.set(ImageType="OBJECT", AcquireTime=1.0)
    await bench.put("CAM:cam1:SimFault", "ReadoutTimeout")
    await expect_failed(bench, "readout did not end")
    await bench.put("CAM:cam1:SimFault", "None")
    await bench.expect_good_bias()


async def test_a_readout_without_pixels_writes_no_file(bench):
    await bench.set(ImageType="BIAS")
    await bench.put("CAM:cam1:SimFault", "NoPixels")
    await expect_failed(bench, "0 of")
    await bench.put("CAM:cam1:SimFault", "None")
    await bench.expect_good_bias()


async def test_a_camera_that_stops_answering_fails_the_exposure(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=10.0)
    states = bench.record("CAM:IOC:SummaryState")
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await bench.put("CAM:cam1:SimFault", "LinkLost")
    await asyncio.wait([acquiring])
    assert isinstance(acquiring.exception(), PeerError)
    assert "link" in await bench.cam("FrameReason_RBV")
    assert await bench.get("SHUTTER:State_RBV") == "Closed"
    await bench.until("CAM:IOC:SummaryState", "Fault")
    assert await bench.get("CAM:IOC:ErrorCode") == 5
    assert states
    await bench.put("CAM:cam1:SimFault", "None")
    for step in ("Standby", "Start", "Enable"):
        await bench.put("CAM:IOC:StateCommand", step)
    await bench.expect_good_bias()


async def test_a_shutter_that_does_not_open_fails_the_exposure(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=1.0)
    await bench.put("SHUTTER:SimFault", "StuckClosed")
    reason = await bench.fails()
    assert "SHUTTER" in reason or "shutter" in reason
    assert await bench.cam("FrameState_RBV") == "Failed"
    assert [event for event, _ in bench.ledger] == ["reserved", "failed"]
    await bench.put("SHUTTER:SimFault", "None")
    for step in ("Standby", "Start", "Enable"):
        await bench.put("SHUTTER:IOC:StateCommand", step)
    await bench.camera_sees("SHUTTER:State_RBV", "Closed")
    await bench.expect_good_bias()


async def test_a_shutter_stuck_open_keeps_the_optics_locked_until_it_closes(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=30.0)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("SHUTTER:State_RBV", "Open")
    await bench.put("SHUTTER:SimFault", "StuckOpen")
    await asyncio.wait([acquiring])
    assert await bench.cam("FrameState_RBV") == "Failed"
    assert await bench.cam("OpticsLocked_RBV") == "Yes"
    reason = await bench.fails()
    assert "SHUTTER:State_RBV" in reason
    await bench.put("SHUTTER:SimFault", "None")
    for step in ("Standby", "Start", "Enable"):
        await bench.put("SHUTTER:IOC:StateCommand", step)
    await bench.until("CAM:cam1:OpticsLocked_RBV", "No")
    await bench.camera_sees("SHUTTER:IOC:SummaryState", "Enabled")
    await bench.camera_sees("SHUTTER:State_RBV", "Closed")
    await bench.expect_good_bias()


async def test_a_shutter_ioc_that_dies_fails_the_exposure(bench, monkeypatch):
    monkeypatch.setattr(shutter_control, "ANSWER_TIME", 0.5)
    await bench.set(ImageType="OBJECT", AcquireTime=20.0)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await bench.lose("SHUTTER")
    await asyncio.wait([acquiring])
    assert isinstance(acquiring.exception(), PeerError)
    assert await bench.cam("FrameState_RBV") == "Failed"
    assert "SHUTTER" in await bench.cam("FrameReason_RBV")
    assert await bench.cam("OpticsLocked_RBV") == "Yes"  # nobody knows whether it closed


async def test_a_wheel_ioc_that_dies_costs_a_header_entry_but_no_frame(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=5.0)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await bench.lose("TEL")
    await bench.camera_loses("TEL:Airmass_RBV")
    await acquiring
    assert await bench.cam("FrameState_RBV") == "Written"
    assert "AMEND" in await bench.cam("HeaderProblems_RBV")


async def test_a_disk_that_fills_up_while_writing_fails_the_exposure_and_keeps_the_pixels(bench, monkeypatch):
    def no_space(path, *arguments):
        raise FrameNotWritten(f"{path}: No space left on device")

    await bench.set(ImageType="BIAS")
    monkeypatch.setattr(plugins, "write_frame", no_space)
    await expect_failed(bench, "No space left")
    assert await bench.get("CAM:FITS1:WriteStatus") == "Write error"
    assert "No space left" in await bench.get("CAM:FITS1:WriteMessage")
    monkeypatch.undo()
    await bench.put("CAM:FITS1:WriteFile", 1)
    assert len(bench.files) == 1
    assert [event for event, _ in bench.ledger] == ["reserved", "failed", "written"]
    await bench.expect_good_bias()


async def test_a_file_that_does_not_read_back_whole_fails_the_exposure_and_is_set_aside(bench, monkeypatch):
    def spoilt(path, *arguments):
        written = write_frame(path, *arguments)
        content = bytearray(path.read_bytes())
        content[-3000] ^= 1
        path.write_bytes(content)
        return written

    await bench.set(ImageType="BIAS")
    monkeypatch.setattr(plugins, "write_frame", spoilt)
    await expect_failed(bench, "does not read back as written")
    assert not bench.files
    assert len(list(bench.data_root.rglob("*.fits.unverified"))) == 1
    monkeypatch.undo()
    await bench.expect_good_bias()


async def test_an_unforeseen_error_fails_the_exposure_only(bench, monkeypatch, caplog):
    def broken(*arguments):
        raise ZeroDivisionError("a bug")

    await bench.set(ImageType="OBJECT", AcquireTime=0.5)
    monkeypatch.setattr(bench.camera.camera, "readout_time", broken)
    await expect_failed(bench, "a bug")
    monkeypatch.undo()
    await bench.expect_good_bias()


async def test_exposures_that_a_killed_ioc_left_open_are_closed_when_it_starts(tmp_path, start_bench):
    root = tmp_path / "data"
    ledger = Ledger(root / "register")
    lost, kept = (ExposureName("AT", "O", 20240624, seq) for seq in (1, 2))
    ledger.reserved(lost, 1.7e9)
    ledger.reserved(kept, 1.7e9)
    (root / "20240624").mkdir()
    (root / "20240624" / "AT_O_20240624_000002_R00_S00.fits").write_bytes(b"whole")
    bench = await start_bench(root)
    assert ledger.unfinished() == []
    assert ledger.last_event(20240624)[lost.obs_id].event == "failed"
    assert ledger.last_event(20240624)[kept.obs_id].event == "written"
    await bench.expect_good_bias()


async def test_a_frame_in_a_folder_of_its_own_is_found_after_a_kill(tmp_path, start_bench):
    root = tmp_path / "data"
    ledger = Ledger(root / "register")
    kept, lost, other = (ExposureName("AT", "O", 20240624, seq) for seq in (1, 2, 3))
    ledger.reserved(kept, 1.7e9, destination="focus/run_000001.fits")
    ledger.reserved(lost, 1.7e9, destination="focus/run_000002.fits")
    ledger.reserved(other, 1.7e9, destination="focus/run_000002.fits")
    ledger.written(other, 1.7e9, "focus/run_000002.fits")
    (root / "focus").mkdir()
    for number in (1, 2):
        (root / "focus" / f"run_00000{number}.fits").write_bytes(b"whole")
    await start_bench(root)
    ends = ledger.last_event(20240624)
    assert (ends[kept.obs_id].event, ends[kept.obs_id].facts["file"]) == ("written", "focus/run_000001.fits")
    assert ends[lost.obs_id].event == "failed"


async def test_an_ioc_killed_between_file_and_ledger_records_the_frame_at_its_next_start(
    tmp_path, start_bench, monkeypatch
):
    root = tmp_path / "data"
    bench = await start_bench(root)
    (root / "focus").mkdir()
    await bench.put("CAM:FITS1:FilePath", "focus")
    await bench.set(ImageType="BIAS", GroupId="sweep 1", Program="FOCUS", ObjectName="HD 1")
    monkeypatch.setattr(Ledger, "written", lambda *arguments, **facts: None)
    await bench.acquire()
    monkeypatch.undo()
    (reserved,) = Ledger(root / "register").open_reservations()
    assert root / reserved.facts["destination"] == bench.files[0]
    told = {name: reserved.facts[name] for name in ("group_id", "program", "object_name")}
    assert told == {"group_id": "sweep 1", "program": "FOCUS", "object_name": "HD 1"}
    await bench.lose("CAM")
    await start_bench(root)
    (end,) = [entry for entry in Ledger(root / "register").entries(bench_day(reserved)) if entry.event == "written"]
    assert (end.obs_id, end.facts["file"]) == (reserved.obs_id, reserved.facts["destination"])


def bench_day(entry):
    return ExposureName.parse(entry.obs_id).day_obs


async def test_ids_go_on_after_a_restart(tmp_path, start_bench):
    bench = await start_bench(tmp_path / "data")
    await bench.expect_good_bias()
    await bench.lose("CAM")
    bench = await start_bench(tmp_path / "data")
    await bench.expect_good_bias()
    assert await bench.cam("SeqNum_RBV") == 2


async def test_an_ioc_that_is_stopped_closes_the_shutter_first(bench):
    await bench.set(ImageType="OBJECT", AcquireTime=20.0)
    acquiring = asyncio.create_task(bench.acquire())
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await bench.lose("CAM")
    await asyncio.wait([acquiring])
    assert await bench.get("SHUTTER:State_RBV") == "Closed"
    assert [event for event, _ in bench.ledger] == ["reserved", "aborted"]
