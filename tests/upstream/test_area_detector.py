"""ophyd's own tests of its area detector classes pass against our camera, on both control layers."""

import fcntl
import tempfile
from pathlib import Path

import pytest

BENCH = Path(__file__).parent / "area_detector_bench.py"
MODULE = "ophyd.tests.test_areadetector"


@pytest.fixture
def area_detector(start_ioc, wait_until_enabled, small_instrument_file, tmp_path):
    """The bench at the prefix that upstream's tests look for; only one at a time, for they share a folder."""
    root = tmp_path / "data"
    root.mkdir()
    with open(Path(tempfile.gettempdir()) / "slitless-ophyd-ad-test.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ioc = start_ioc(
            str(BENCH), "--prefix", "ADSIM:", "--instrument", str(small_instrument_file),
            "--data-root", str(root), "--enable", "--no-interlock", "--speed", "20",
        )  # fmt: skip
        wait_until_enabled("ADSIM:")
        yield ioc


@pytest.mark.timeout(300)
@pytest.mark.parametrize("layer", ["caproto", "pyepics"])
def test_upstream_area_detector_tests_pass(layer, area_detector, run_upstream):
    outcomes = run_upstream(MODULE, layer, [area_detector.port], "-m", "adsim")
    outcomes.check("test_areadetector")
