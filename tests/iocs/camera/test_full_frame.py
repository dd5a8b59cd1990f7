"""Full frames of the real instrument, each IOC a process of its own."""

import asyncio
import os

import numpy as np
import pytest

from slitless.definition import load_instrument
from slitless.fits.frame_file import read_frame
from slitless.fits.verify import verify_file
from slitless.ledger import Ledger

MODULES = ("iocs.shutter", "iocs.filter_wheel", "iocs.grating_wheel", "iocs.linear_stage", "iocs.telescope")
DEVICES = ("SHUTTER", "FILTER", "GRATING", "STAGE", "TEL", "CAM")


@pytest.fixture
async def night(start_ioc, system_prefix, tmp_path, client_of):
    """Six processes, all enabled, a client, and the camera's way to be started again."""
    root = tmp_path / "data"
    root.mkdir()
    camera_arguments = ("iocs.detector", "--enable", "--speed", "20", "--data-root", str(root))
    for module in MODULES:
        start_ioc(module, "--enable", "--speed", "20")
    camera = start_ioc(*camera_arguments)
    client = await client_of(system_prefix)
    for device in DEVICES:
        await client.until(f"{device}:IOC:SummaryState", "Enabled", within=60.0)
    return client, root, camera, lambda: start_ioc(*camera_arguments, port=camera.port)


async def expose(client, **settings):
    """Take a frame, waiting for the camera to have found the others."""
    for name, value in settings.items():
        await client.put(f"CAM:cam1:{name}", value)
    await client.put("CAM:cam1:Acquire", 1, within=60.0)


async def test_a_spectrum_is_taken_through_real_processes(night):
    client, root, _, _ = night
    await client.put("FILTER:Select", "SDSSr_65mm")
    await client.put("GRATING:Select", "blue300lpmm_qn1")
    await expose(client, ImageType="OBJECT", AcquireTime=3.0, Note="a full frame")
    (path,) = root.glob("*/*.fits")
    assert verify_file(path, load_instrument()) == []
    assert await client.get("CAM:cam1:HeaderProblems_RBV") == ""
    frame = read_frame(path)
    assert (frame.header["FILTER"], frame.header["GRATING"]) == ("SDSSr_65mm", "blue300lpmm_qn1")
    assert frame.header["SHUTTIME"] == pytest.approx(3.0, abs=1e-6)
    image = frame.image(bias_subtracted=True)
    assert image.shape == (4000, 4072)
    assert image.max() > 10 * np.std(image[:200, :200])  # there are sources


async def test_a_camera_that_is_killed_leaves_a_closed_shutter_and_an_honest_ledger(night):
    client, root, camera, start_again = night
    await client.put("CAM:cam1:ImageType", "OBJECT")
    await client.put("CAM:cam1:AcquireTime", 600.0)
    acquiring = asyncio.create_task(client.put("CAM:cam1:Acquire", 1, within=60.0))
    await client.until("SHUTTER:State_RBV", "Open")
    name = await client.get("CAM:cam1:ExposureId_RBV")
    camera.kill()
    await asyncio.wait([acquiring])
    await client.until("SHUTTER:State_RBV", "Closed")
    start_again()
    await client.until("CAM:IOC:SummaryState", "Enabled", within=60.0)
    ledger = Ledger(root / "register")
    (day,) = ledger.days()
    assert ledger.last_event(day)[name].event == "failed"
    await client.until("SHUTTER:IOC:SummaryState", "Enabled")
    await expose(client, ImageType="BIAS")
    assert await client.get("CAM:cam1:SeqNum_RBV") == 2
    assert len(os.listdir(root / str(day))) == 1
