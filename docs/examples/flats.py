"""Three flats, then two snaps of a star through a grating; run it while `slitless iocs` runs."""

from bluesky import RunEngine

from capture.journal import Journal
from devices import connect
from plans import setup_instrument, take_flats, take_object, use

use(connect())  # finds the IOCs by EPICS_CA_ADDR_LIST
RE = RunEngine()
RE.subscribe(Journal("data"))  # every document on disk before the plan goes on

RE(setup_instrument(filter="SDSSr_65mm", grating="empty_1", linear_stage=67))
RE(take_flats(2.0, 3, filter="SDSSr_65mm", reason="nightly flats"))
RE(take_object(1.0, n_snaps=2, filter="empty_1", grating="holo4_003", program="demo"))
