"""A client that claims the instrument has it to itself."""

import asyncio
import time

import pytest
from astropy.io import fits

ALICE, BOB = "a11ce000", "b0b00000"


async def claim(client, client_id, purpose="takes a sequence"):
    await client.put("CAM:cam1:SequenceClaim", f"{client_id} {purpose}")
    await client.until("CAM:cam1:SequenceOwner_RBV", f"{client_id} {purpose}")


async def acquire_as(client, client_id):
    await client.put("CAM:cam1:CommandId", f"{client_id}:{time.monotonic_ns()}")
    await client.put("CAM:cam1:Acquire", 1)


async def test_a_claim_keeps_other_clients_from_exposing(bench, other_client):
    await bench.set(ImageType="BIAS")
    await claim(bench, ALICE, "Alice, spectra of HD 1")
    assert "Alice, spectra of HD 1" in await other_client.refused("CAM:cam1:Acquire", 1)
    assert "Alice" in await other_client.refused("CAM:cam1:StartImage", 1)
    await other_client.refused("CAM:cam1:SequenceClaim", f"{BOB} Bob")
    assert "Alice" in await other_client.get("CAM:cam1:CommandError_RBV")
    await other_client.refused("CAM:cam1:SequenceRelease", BOB)
    assert bench.files == []
    await acquire_as(bench, ALICE)
    await bench.put("CAM:cam1:SequenceRelease", ALICE)
    assert await bench.cam("SequenceOwner_RBV") == ""
    await acquire_as(other_client, BOB)
    assert len(bench.files) == 2


async def test_the_owner_may_expose_over_any_circuit(bench, other_client):
    await bench.set(ImageType="BIAS")
    await claim(bench, ALICE)
    await acquire_as(other_client, ALICE)
    await bench.acquire()
    assert len(bench.files) == 2


async def test_the_owner_may_claim_again(bench):
    await claim(bench, ALICE, "one thing")
    await claim(bench, ALICE, "another thing")


async def test_a_claim_dies_with_its_client(bench, other_client):
    await claim(other_client, BOB)
    await bench.until("CAM:cam1:SequenceOwner_RBV", lambda owner: owner != "")
    await other_client.peers.stop()
    await bench.until("CAM:cam1:SequenceOwner_RBV", "")
    await bench.expect_good_bias()


async def test_a_claim_outlives_its_client_as_long_as_its_exposure(bench, other_client):
    await bench.set(ImageType="DARK", AcquireTime=20.0)
    await claim(other_client, BOB)
    acquiring = asyncio.create_task(acquire_as(other_client, BOB))
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await other_client.peers.stop()
    await asyncio.wait([acquiring])
    assert BOB in await bench.cam("SequenceOwner_RBV")
    await bench.put("CAM:cam1:StopExposure", 1)
    await bench.until("CAM:cam1:SequenceOwner_RBV", "")
    assert await bench.cam("FrameState_RBV") == "Written"


async def test_mechanisms_obey_the_owner_only(bench, other_client):
    await claim(bench, ALICE)
    await bench.iocs["FILTER"].watch("CAM:cam1:SequenceOwner_RBV").until(lambda owner: owner != "", 5.0)
    assert ALICE in await other_client.refused("FILTER:Select", "BG40_65mm_1")
    await bench.put("FILTER:CommandId", f"{ALICE}:1")
    await bench.put("FILTER:Select", "BG40_65mm_1")


@pytest.mark.parametrize("name", ["AcquireTime", "BinX", "Temperature", "FrameType", "ObjectName"])
async def test_settings_obey_the_owner_only(bench, other_client, name):
    value = {"FrameType": "Background", "ObjectName": "HD 2"}.get(name, 2)
    before = await bench.cam(name)
    await claim(bench, ALICE, "Alice, spectra of HD 1")
    assert "Alice, spectra of HD 1" in await other_client.refused(f"CAM:cam1:{name}", value)
    assert await bench.cam(name) == before
    await bench.put(f"CAM:cam1:{name}", value)
    await bench.put("CAM:cam1:SequenceRelease", ALICE)
    await other_client.put(f"CAM:cam1:{name}", value)


async def test_file_settings_obey_the_owner_only(bench, other_client):
    await claim(bench, ALICE)
    await other_client.refused("CAM:FITS1:FileName", "mine")
    assert ALICE in await other_client.get("CAM:cam1:CommandError_RBV")
    await bench.put("CAM:FITS1:FileName", "hers")


async def test_the_owner_may_set_over_a_circuit_that_took_a_frame_of_hers(bench, other_client):
    await bench.set(ImageType="BIAS")
    await claim(bench, ALICE)
    await other_client.refused("CAM:cam1:BinX", 2)
    await acquire_as(other_client, ALICE)
    await other_client.put("CAM:cam1:BinX", 2)


async def test_a_frame_by_hand_obeys_the_owner_only(bench, other_client):
    await bench.set(ImageType="DARK", AcquireTime=1.0)
    await claim(bench, ALICE)
    await bench.put("CAM:cam1:StartImage", 1)
    assert ALICE in await other_client.refused("CAM:cam1:DiscardRows", 5)
    assert ALICE in await other_client.refused("CAM:cam1:EndImage", 1)
    await bench.put("CAM:cam1:DiscardRows", 5)
    await bench.put("CAM:cam1:EndImage", 1)
    assert len(bench.files) == 1


async def test_anybody_may_abort_a_claimed_exposure(bench, other_client):
    await bench.set(ImageType="DARK", AcquireTime=50.0)
    await claim(bench, ALICE)
    acquiring = asyncio.create_task(acquire_as(bench, ALICE))
    await bench.until("CAM:cam1:FrameState_RBV", "Integrating")
    await other_client.put("CAM:cam1:Abort", 1)
    await asyncio.wait([acquiring])
    assert await bench.cam("FrameState_RBV") == "Aborted"


async def test_an_empty_claim_is_refused(bench):
    await bench.refused("CAM:cam1:SequenceClaim", " ")
    assert await bench.cam("SequenceOwner_RBV") == ""


async def test_the_frame_says_who_held_the_sequence(bench):
    await bench.set(ImageType="BIAS")
    await claim(bench, ALICE, "Alice")
    await bench.acquire()
    assert fits.getheader(bench.files[-1])["SEQOWNER"] == f"{ALICE} Alice"
