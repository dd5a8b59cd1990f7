"""What the documentation shows exists, runs, and is what the code says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from capture.night_log import search
from devices.fake import fake_spectrograph
from plans.night_file import load_night

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE = ROOT / "docs" / "examples" / "flats.py"
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_exists(page):
    missing = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/script.md"])
def test_pages_show_the_example_as_it_is(page):
    code = EXAMPLE.read_text().split('"""\n', 1)[1].strip()
    assert code in (ROOT / page).read_text()


def test_reference_pages_are_those_of_the_code():
    check = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert check.returncode == 0, check.stderr


def test_the_substitutions_are_those_of_the_instrument_definition():
    check = subprocess.run([sys.executable, "-m", "iocs.contract", "--check"], capture_output=True, text=True, cwd=ROOT)
    assert check.returncode == 0, check.stderr


def test_the_night_of_the_tutorial_is_valid(tmp_path):
    text = (ROOT / "docs" / "tutorials" / "first-night.md").read_text()
    night = tmp_path / "night.yaml"
    night.write_text(text.split("```yaml\n", 1)[1].split("```", 1)[0])
    load_night(night, fake_spectrograph())


def test_the_example_takes_its_five_frames(start_ioc, tmp_path):
    (tmp_path / "data").mkdir()
    ioc = start_ioc("iocs.all", "--enable", "--speed", "50", "--data-root", str(tmp_path / "data"), system="LATISS:")
    environment = os.environ | {"EPICS_CA_ADDR_LIST": f"127.0.0.1:{ioc.port}", "EPICS_CA_AUTO_ADDR_LIST": "NO"}
    run = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=100
    )
    assert run.returncode == 0, run.stderr
    rows = search(tmp_path / "data", source="journal")
    assert [row.image_type for row in rows] == ["FLAT"] * 3 + ["OBJECT"] * 2
    assert {row.status for row in rows} == {"written"}
