"""A script takes frames with the LATISS class."""

from __future__ import annotations

import asyncio
import re

import pytest
from astropy.io import fits

from scripting import LATISS, CameraExposure, Domain, State


def headers(rig, documents):
    return [fits.getheader(path) for path in sorted(rig.root.glob("2*/AT_O_*.fits"))][-len(documents.events()) :]


async def test_the_example_of_the_documentation_takes_two_frames(rig, latiss, documents):
    ids = await latiss.take_object(exptime=0.5, n=2, filter="SDSSr_65mm", grating="holo4_003", linear_stage=67)
    assert ids[1] == ids[0] + 1
    assert [(h["FILTER"], h["GRATING"], h["LINSPOS"], h["IMGTYPE"]) for h in headers(rig, documents)] == [
        ("SDSSr_65mm", "holo4_003", 67.0, "OBJECT")
    ] * 2
    assert documents.stop["exit_status"] == "success"
    assert await latiss.get_setup() == ("SDSSr_65mm", "holo4_003", 67.0)


async def test_concurrent_calls_each_get_the_filter_they_asked_for(rig, latiss, documents):
    names = ("empty_1", "SDSSr_65mm", "BG40_65mm_1")
    available, _, _ = await latiss.get_available_instrument_setup()
    names = [name for name in names if name in available]
    taken = await asyncio.gather(*(latiss.take_engtest(0.1, n=2, filter=name) for name in names))
    asked = {f"{exposure_id}": name for ids, name in zip(taken, names, strict=True) for exposure_id in ids}
    found = {f"{h['DAYOBS']}{int(h['SEQNUM']):05d}": h["FILTER"] for h in headers(rig, documents)}
    assert found == asked


@pytest.mark.parametrize("kind", ["INDOME", "CBP", "SFLAT", "DFLAT"])
async def test_later_image_types_are_flat_fields_in_all_but_name(rig, latiss, documents, kind):
    (exposure_id,) = await getattr(latiss, f"take_{kind.lower()}")(0.1, reason="R", program="P", note="N")
    (header,) = headers(rig, documents)
    assert (header["IMGTYPE"], header["TESTTYPE"], header["REASON"], header["PROGRAM"]) == (kind, kind, "R", "P")
    assert f"{header['DAYOBS']}{int(header['SEQNUM']):05d}" == str(exposure_id)


@pytest.mark.parametrize("misspelt", ["Filter", "Grating", "LinearStage", "frilter", "gating", "linearstate"])
async def test_a_misspelt_argument_is_refused_before_anything(latiss, documents, misspelt):
    with pytest.raises(RuntimeError, match=misspelt):
        await latiss.take_flats(1, 1, **{misspelt: 1})
    assert documents == []


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda latiss: latiss.take_imgtype("SPOT", 1, 1), "BIAS"),
        (lambda latiss: latiss.take_object(0.05), "0.05"),
        (lambda latiss: latiss.take_object(1, n=0), "n"),
        (lambda latiss: latiss.take_flats(float("nan"), 1), "nan"),
        (lambda latiss: latiss.take_flats(1, 1, filter="SDSSx"), "SDSSr_65mm"),
        (lambda latiss: latiss.setup_atspec(filter=1.5), "1.5"),
        (lambda latiss: latiss.setup_instrument(linear_stage=67.01), "67"),
        (lambda latiss: latiss.take_stuttered(0.1, 21, 100), "2000"),
    ],
)
async def test_what_cannot_be_is_a_runtime_error_and_takes_nothing(latiss, documents, call, complaint):
    with pytest.raises(RuntimeError, match=complaint):
        await call(latiss)
    assert documents == []


async def test_hooks_run_in_the_loop_of_the_script_the_telescope_before_the_checkpoints(domain, documents):
    loop, heard = asyncio.get_running_loop(), []

    async def ready():
        await asyncio.sleep(0)
        heard.append(("ready", asyncio.get_running_loop() is loop))

    async def checkpoint(message):
        heard.append((message, asyncio.get_running_loop() is loop))

    async with LATISS(domain, tcs_ready_to_take_data=ready) as latiss:
        await latiss.take_acq(0.1, n=2, checkpoint=checkpoint)
        await latiss.take_flats(0.1, 1, checkpoint=checkpoint)
    assert heard == [("ready", True), ("Expose 1/2 ACQ", True), ("Expose 2/2 ACQ", True), ("Expose 1/1 FLAT", True)]


async def test_an_error_of_the_telescope_comes_unchanged_and_nothing_is_exposed(domain, documents):
    class TelescopeError(Exception):
        pass

    async def ready():
        raise TelescopeError("the dome is closed")

    async with LATISS(domain, tcs_ready_to_take_data=ready) as latiss:
        with pytest.raises(TelescopeError, match="the dome is closed"):
            await latiss.take_object(1)
    assert documents.stop["exit_status"] == "fail"
    assert documents.events() == []


@pytest.mark.parametrize("moment", ["setup", "Flushing", "Integrating", "Reading"])
async def test_a_cancelled_call_leaves_a_closed_shutter_a_run_that_says_so_and_a_free_instrument(
    spectrograph, latiss, documents, when, moment
):
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(latiss.take_object(20.0, filter="SDSSr_65mm" if moment != "setup" else "empty_1"))
    if moment == "setup":
        await asyncio.sleep(0)
        while not documents:
            await asyncio.sleep(0.01)
        task.cancel()
    else:
        when(moment, lambda: loop.call_soon_threadsafe(task.cancel))
        if moment == "Reading":
            when("Integrating", lambda: spectrograph.detector.cam.stop_exposure.put(1))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert spectrograph.shutter.state.get() == "Closed"
    assert spectrograph.detector.cam.sequence_owner.get() == ""
    assert documents.stop["exit_status"] == "abort"
    documents.clear()
    assert len(await latiss.take_bias(1)) == 1


async def test_expose_takes_what_a_camera_exposure_describes(rig, latiss, documents):
    exposure = CameraExposure(0.1, True, "ENGTEST", "G:1#2", 1, 2, test_type="T", reason="R", program="P", note="N")
    ids = await latiss.expose(exposure)
    assert len(ids) == 2
    assert [(h["GROUPID"], h["TESTTYPE"], h["CURINDEX"], h["MAXINDEX"]) for h in headers(rig, documents)] == [
        ("G:1#2", "T", 1, 2),
        ("G:1#2", "T", 2, 2),
    ]
    with pytest.raises(RuntimeError, match="ENGTEST opens the shutter"):
        await latiss.expose(CameraExposure(0.1, False, "ENGTEST", "G", 1))


async def test_the_next_exposure_id_is_that_of_the_next_frame_read_out(latiss):
    waiting = asyncio.ensure_future(latiss.next_exposure_id())
    (taken,) = await latiss.take_bias(1)
    assert await waiting == taken


async def test_group_ids_are_times_and_no_two_alike():
    ids = [LATISS.next_group_id() for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", one) for one in ids)
    assert LATISS.next_supplemented_group_id(ids[0], 2) == f"{ids[0]}#2"


async def test_effective_wavelengths_are_those_of_the_filters(latiss):
    assert latiss.get_effective_wavelength("SDSSr_65mm") == pytest.approx(0.623)  # um
    with pytest.raises(RuntimeError, match="i_39"):
        latiss.get_effective_wavelength("i_39")


async def test_two_groups_share_a_domain_and_neither_closes_it(domain):
    async with LATISS(domain), LATISS(domain) as second:
        pass
    assert second.domain.spectrograph is domain.spectrograph
    assert second.rem.atcamera is None


async def test_before_the_start_the_domain_says_what_to_do():
    with pytest.raises(RuntimeError, match="start_task"):
        _ = Domain().spectrograph
    assert State(2) is State.ENABLED
