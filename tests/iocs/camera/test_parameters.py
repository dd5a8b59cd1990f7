"""Parameters by name, and keywords of the observer's own from a header file."""

import json

import pytest
from astropy.io import fits

from iocs.camera.parameter_table import NO_MEANING, PARAMETERS
from slitless.fits.verify import verify_file

AZCAM_NAMES = """
autotitle imagetype exposureflag exposuresequencedelay exposuresequencetotal exposuresequencenumber
exposuresequenceflush exposureupdatingheader isexposuresequence displayimage sendimage savefile flusharray tdidelay
tdimode pardelay exposureguidemode exposureguidestatus lastfilename imagefiletype imageheaderfile imagetest
imagesequencenumber imageautoincrementsequencenumber imageincludesequencenumber imageautoname imageoverwrite imageroot
imagefolder imagesizex imagesizey numpiximage colbin rowbin firstcol lastcol firstrow lastrow instrumentenabled
instrumentfocus telescopeenabled telescopefocus controltemperature camtemp dewtemp utilityboardinstalled
pciboardinstalled timingboardinstalled videogain videospeed usereadlock pcifile timingfile utilityfile timingboard
videoboards clockboards systemname abortflag verbosity hostname version wd logdata imagefilename imagetitle
exposuretime exposurecompleted exposuretimeremaining pixelsremaining temperatures logcommands
""".split()


async def get_par(client, name):
    await client.put("CAM:cam1:ParName", name)
    text = await client.until("CAM:cam1:ParValue_RBV", lambda text: f'"{name.lower()}"' in text)
    return json.loads(text)["value"]


async def set_par(client, name, value):
    await client.put("CAM:cam1:ParName", name)
    await client.put("CAM:cam1:ParValue", value)


def test_every_parameter_of_azcam_has_a_record_or_a_reason():
    assert sorted(AZCAM_NAMES) == sorted([*PARAMETERS, *NO_MEANING])


async def test_a_parameter_is_got_and_set_by_its_name_in_any_case(bench):
    for name, record in PARAMETERS.items():
        assert record.record in {short.removeprefix(bench.camera.setup.prefix) for short in bench.camera.records}, name
    await set_par(bench, "ColBin", "2")
    assert await bench.cam("BinX_RBV") == 2
    assert await get_par(bench, "COLBIN") == 2
    await set_par(bench, "imagetype", "flat")
    assert await bench.cam("ImageType") == "FLAT"
    await set_par(bench, "ExposureSequenceFlush", "2")
    assert await bench.cam("SequenceFlush") == "Never"
    assert await get_par(bench, "exposureflag") == 0
    assert await get_par(bench, "temperatures") == pytest.approx([-94.15, -130.0])
    await set_par(bench, "imagetitle", "12")
    assert await bench.cam("ImageTitle") == "12"


BAD_VALUES = [
    ("colbin", "abc", "no number"),
    ("colbin", "0", "outside"),
    ("colbin", "true", "no number"),
    ("imagetype", "bogus", "bogus"),
    ("imagetype", "3", "not one of"),
    ("exposuretime", "-1", "outside"),
    ("lastfilename", "x", "read-only"),
    ("lastcol", "0", "columns"),
    ("firstcol", "1.5", "whole number"),
]
"""Name, value, and what the reason says."""


async def test_a_value_that_cannot_be_is_refused_and_the_old_one_kept(bench):
    for name, value, why in BAD_VALUES:
        before = await get_par(bench, name)
        await bench.put("CAM:cam1:ParName", name)
        assert why in await bench.refused("CAM:cam1:ParValue", value), name
        assert await get_par(bench, name) == before


async def test_an_unknown_name_is_refused(bench, other_client):
    assert "nosuch" in await bench.refused("CAM:cam1:ParName", "nosuch")
    assert "no drift scan" in await bench.refused("CAM:cam1:ParName", "tdimode")
    await bench.put("CAM:cam1:ParName", "colbin")
    assert "ParName first" in await other_client.refused("CAM:cam1:ParValue", "2")


async def test_a_parameter_obeys_the_owner_of_a_sequence_only(bench, other_client):
    await bench.put("CAM:cam1:SequenceClaim", "a11ce000 Alice")
    await other_client.put("CAM:cam1:ParName", "colbin")
    assert "Alice" in await other_client.refused("CAM:cam1:ParValue", "2")
    assert await bench.cam("BinX") == 1
    await set_par(bench, "colbin", "2")


async def load(bench, text):
    (bench.data_root / "own.txt").write_text(text)
    await bench.put("CAM:cam1:HeaderFile", "own.txt")


async def test_keywords_of_a_header_file_are_in_the_next_frames_until_cleared(bench):
    await load(bench, "# ours\n\nPROPOSAL P124 / id\nAPERTURE 1.5\nREF 'http://x.org/a' / link\nGRADE T\n")
    shown = json.loads(await bench.cam("HeaderCards_RBV"))
    assert shown == [["PROPOSAL", "P124", "id"], ["APERTURE", 1.5, ""], ["REF", "http://x.org/a", "link"],
                     ["GRADE", True, ""]]  # fmt: skip
    await bench.set(ImageType="BIAS")
    await bench.acquire()
    header = fits.getheader(bench.files[-1])
    assert (header["PROPOSAL"], header.comments["PROPOSAL"]) == ("P124", "id")
    assert (header["APERTURE"], header["GRADE"]) == (1.5, True)
    assert verify_file(bench.files[-1], bench.instrument) == []
    await bench.put("CAM:cam1:HeaderClear", 1)
    await bench.acquire()
    assert "PROPOSAL" not in fits.getheader(bench.files[-1])
    assert await bench.cam("HeaderFile_RBV") == ""


async def test_a_header_file_with_one_bad_line_is_not_loaded_at_all(bench, tmp_path):
    await load(bench, "PROPOSAL P124\n")
    (bench.data_root / "bad.txt").write_text("GRADE 1\nEXPTIME 7\n")
    assert "line 2: EXPTIME" in await bench.refused("CAM:cam1:HeaderFile", "bad.txt")
    assert json.loads(await bench.cam("HeaderCards_RBV")) == [["PROPOSAL", "P124", ""]]
    (tmp_path / "outside.txt").write_text("SECRET 1\n")
    assert "outside the data root" in await bench.refused("CAM:cam1:HeaderFile", str(tmp_path / "outside.txt"))
    assert "No such file" in await bench.refused("CAM:cam1:HeaderFile", "missing.txt")
    assert await bench.cam("HeaderFile") == "own.txt"
