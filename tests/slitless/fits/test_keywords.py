"""The keyword table is complete and can be written."""

import re
from dataclasses import fields

import pytest

from slitless.definition import Instrument
from slitless.exposure import ImageType
from slitless.fits.cards import card_image
from slitless.fits.keyword_page import keyword_table_markdown
from slitless.fits.keywords import KEYWORDS, Keyword, Need, watched_pvs
from slitless.fits.record import FrameRecord
from slitless.fits.values import look_up

# What obs_lsst's LATISS translator and astro_metadata_translator's FITS defaults read.
READ_BY_TRANSLATOR = """
OBSID DAYOBS SEQNUM CAMCODE CONTRLLR IMGTYPE INSTRUME TELESCOP LSST_NUM DATE-OBS MJD-OBS DATE-BEG DATE-END TIMESYS
EXPTIME DARKTIME SHUTTIME OBJECT ROTPA ROTCOORD RASTART DECSTART RA DEC RADESYS ELSTART AZSTART ELEND AZEND AMSTART
FILTER GRATING FILTBAND GROUPID PROGRAM REASON TESTTYPE AIRTEMP PRESSURE HUMIDITY OBS-LONG OBS-LAT OBS-ELEV
OBSGEO-X OBSGEO-Y OBSGEO-Z FOCUSZ CURINDEX MAXINDEX FILENAME DATE
""".split()


def test_no_keyword_stands_twice():
    names = [keyword.name for keyword in KEYWORDS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", READ_BY_TRANSLATOR)
def test_the_table_has_what_the_metadata_translator_reads(name):
    assert name in {keyword.name for keyword in KEYWORDS}


@pytest.mark.parametrize("keyword", KEYWORDS, ids=lambda keyword: keyword.name)
def test_a_keyword_is_one_that_fits_can_hold(keyword: Keyword):
    standard = re.fullmatch(r"[A-Z0-9_-]{1,8}", keyword.name)
    assert standard or re.fullmatch(r"(STUTTER|SIMULATE|FOCUS) [A-Z]+", keyword.name)
    value = {"float": -1.2345678901234567e-100, "int": 99_999, "bool": True}.get(
        keyword.kind, "2024-06-25T01:27:55.160"
    )
    comment = f"[{keyword.unit}] {keyword.comment}" if keyword.unit else keyword.comment
    image = card_image(keyword.name, value, comment)
    assert comment in image, "the comment does not fit"


@pytest.mark.parametrize("keyword", KEYWORDS, ids=lambda keyword: keyword.name)
def test_a_source_names_something_that_is_there(keyword: Keyword, instrument: Instrument, record: FrameRecord, pvs):
    if keyword.source == "file:problem_count":
        return
    value, fault = look_up(keyword, instrument, record, pvs)
    assert not fault
    assert value is not None or keyword.name.startswith("FOCUS ")


@pytest.mark.parametrize("keyword", [k for k in KEYWORDS if k.pvs], ids=lambda keyword: keyword.name)
def test_a_pv_belongs_to_the_start_or_the_end(keyword: Keyword):
    assert keyword.phase in ("start", "end")


def test_watched_pvs_are_all_that_the_table_names_each_once(pvs):
    assert len(watched_pvs()) == len(set(watched_pvs()))
    assert set(watched_pvs()) == set(pvs)


def test_needs_hold_for_the_frames_they_name():
    assert Need.ALWAYS.holds_for(ImageType.BIAS)
    assert not Need.LIGHT.holds_for(ImageType.DARK)
    assert Need.LIGHT.holds_for(ImageType.FLAT)
    assert not Need.SKY.holds_for(ImageType.FLAT)
    assert Need.SKY.holds_for(ImageType.ACQ)
    assert not Need.NEVER.holds_for(ImageType.OBJECT)
    assert not Need.NEVER


def test_the_page_has_a_row_for_each_keyword():
    page = keyword_table_markdown()
    assert sum(line.startswith("| `") for line in page.splitlines()) == len(KEYWORDS)
    assert "| `LINSPOS` | float | mm | `STAGE:m1.RBV` | start |" in page


def test_every_fact_of_a_record_reaches_the_header():
    used = {part for k in KEYWORDS for part in re.findall(r"frame:(\w+)", k.source)}
    aliases = {"test_type": "test_type_or_default"}
    kept_back = {"flushed_at", "own_cards"}  # told by DARKTIME; keywords themselves
    missing = {f.name for f in fields(FrameRecord) if aliases.get(f.name, f.name) not in used} - kept_back
    assert not missing
