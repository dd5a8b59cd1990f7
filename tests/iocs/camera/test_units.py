"""The parts of the detector IOC that need no server."""

import re
from importlib.resources import files

import pytest

from iocs.camera.files import DEFAULT_TEMPLATE, Destinations
from iocs.camera.focus_frame import FocusFrame
from iocs.camera.request import latch
from iocs.camera.sequence import ClaimDesk, ExposureNames
from iocs.camera.stutter import stutter_schedule, stutter_seconds
from iocs.wire.client import Client, Refused
from slitless.definition import load_instrument
from slitless.detector.geometry import Window
from slitless.errors import InvalidRequest
from slitless.exposure import ImageType, Stutter
from slitless.fits.writer import FrameNotWritten
from slitless.identifiers import ExposureName, SequenceRegister
from slitless.ledger import Ledger

LATISS = load_instrument()
NAME = ExposureName("AT", "O", 20240624, 106)
ALICE, BOB = Client(("127.0.0.1", 1)), Client(("127.0.0.1", 2))
NOON = 1_719_230_437.0  # TAI unix s of 2024-06-24T12:00:00 UTC
SETTINGS = {
    "ImageType": "OBJECT", "AcquireTime": 2.0, "ImageMode": "Single", "NumImages": 1, "AcquirePeriod": 0.0,
    "NumExposures": 1, "TriggerMode": "Internal",
    "FlushCycles": 1, "MinX": 0, "MinY": 0, "SizeX": 4072, "SizeY": 4000, "BinX": 1, "BinY": 1,
    "SerialUnderscan": 3, "SerialOverscan": 64, "ParallelOverscan": 48,
    "SnapIndex": 1, "SnapCount": 1, "StutterShifts": 0, "StutterRows": 0,
    "FocusFrame": "No", "FocusSteps": 7, "FocusStep": 0.05, "FocusShift": 50,
    **dict.fromkeys(("GroupId", "TestType", "Reason", "Program", "Note", "ObjectName", "ImageTitle", "Observer"), ""),
}  # fmt: skip


def latched(**changes):
    return latch({**SETTINGS, **changes}.__getitem__, LATISS)


def test_area_detector_counts_pixels_from_0_and_the_detector_from_1():
    request = latched(MinX=0, SizeX=4072, MinY=10, SizeY=20, BinY=2)
    assert request.window == Window(1, 4072, 11, 30, 1, 2)


def test_a_bias_takes_no_time_whatever_was_set():
    assert latched(ImageType="BIAS", AcquireTime=5.0).exposure_time == 0


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"AcquireTime": 0.05}, "exposure time"),
        ({"ImageType": "DARK", "AcquireTime": 3601.0}, "exposure time"),
        ({"MinX": 4000, "SizeX": 100}, "window"),
        ({"BinX": 17}, "column binning"),
        ({"ImageType": "STUTTERED", "StutterShifts": 21, "StutterRows": 100}, "stutter"),
        ({"ImageType": "STUTTERED", "StutterShifts": 0, "StutterRows": 100}, "n_shift"),
        ({"ImageType": "STUTTERED", "StutterShifts": 4, "StutterRows": 10, "AcquireTime": 1000.0}, "stutter"),
        ({"FocusFrame": "Yes"}, "FocusFrame"),
        ({"ImageType": "FOCUS", "FocusFrame": "Yes", "FocusSteps": 20, "FocusShift": 100}, "FocusShift"),
        ({"ImageType": "FOCUS", "FocusFrame": "Yes", "FocusStep": 0.0}, "FocusStep"),
        ({"SnapIndex": 3, "SnapCount": 2}, "SnapIndex"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes, named):
    with pytest.raises(InvalidRequest) as refusal:
        latched(**changes)
    assert refusal.value.argument == named


def test_twenty_slices_of_a_hundred_rows_are_accepted():
    assert latched(ImageType="STUTTERED", StutterShifts=20, StutterRows=100).stutter == Stutter(20, 100)


def test_frames_of_a_multiple_are_each_others_snaps():
    request = latched(ImageMode="Multiple", NumImages=3)
    assert [(request.frame(i).snap_index, request.frame(i).snap_count) for i in range(3)] == [(1, 3), (2, 3), (3, 3)]


def test_a_full_frame_needs_75_megabytes():
    assert latched().bytes_needed(LATISS) == 16 * 576 * 2048 * 4


def test_slices_of_a_stutter_are_equally_long_and_shifts_take_their_time():
    shifts = stutter_schedule(Stutter(3, 100), 2.0, 0.001)
    assert [(shift.after, shift.rows) for shift in shifts] == [(2.0, 100), (pytest.approx(4.1), 100)]
    assert stutter_seconds(Stutter(3, 100), 2.0, 0.001) == pytest.approx(6.2)


def test_the_last_gap_of_a_focus_frame_is_doubled():
    frame = FocusFrame(4, 0.1, 10)
    assert frame.shifts() == [0, 10, 10, 20]
    assert frame.rows == sum(frame.shifts())
    assert frame.positions(0.2, LATISS) == pytest.approx([0.2, 0.3, 0.4, 0.5])


def test_a_focus_frame_stays_within_the_limits_of_the_focus():
    with pytest.raises(InvalidRequest, match="focus"):
        FocusFrame(4, 0.1, 10).positions(4.9, LATISS)


# Files.


@pytest.fixture
def settings():
    single = {"EnableCallbacks": "Enable", "FileWriteMode": "Single", "Capture": "Done", "AutoSave": "Yes"}
    return {"FilePath": "", "FileName": "", "FileTemplate": DEFAULT_TEMPLATE, "FileNumber": 7, **single}


@pytest.fixture
def destinations(tmp_path, settings):
    return Destinations(tmp_path, LATISS.identifiers, settings.__getitem__)


def test_a_frame_gets_its_own_name_in_the_folder_of_its_day(destinations, tmp_path):
    path = destinations.check(NAME, 1000)
    assert path == tmp_path / "20240624" / "AT_O_20240624_000106_R00_S00.fits"
    assert path.parent.is_dir()
    assert destinations.relative(path) == "20240624/AT_O_20240624_000106_R00_S00.fits"


def test_a_file_name_of_the_clients_own_fills_the_template(destinations, settings, tmp_path):
    settings |= {"FilePath": "tests", "FileName": "flat"}
    assert destinations.named(NAME.day_obs) == tmp_path / "tests" / "flat_000007.fits"
    assert destinations.path(NAME) == tmp_path / "20240624" / "AT_O_20240624_000106_R00_S00.fits"


@pytest.mark.parametrize("path", ["../elsewhere", "/tmp", "a/../../b"])
def test_a_path_outside_the_data_root_is_refused(destinations, settings, path):
    settings |= {"FilePath": path}
    with pytest.raises(Refused, match="outside the data root"):
        destinations.path(NAME)


def test_a_link_that_leads_out_of_the_data_root_is_refused(destinations, settings, tmp_path_factory):
    (destinations.root / "way_out").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    settings |= {"FilePath": "way_out"}
    with pytest.raises(Refused, match="outside the data root"):
        destinations.path(NAME)


@pytest.mark.parametrize("template", ["%s%s%d%d.fits", "%s%z.fits", "%d.fits", "/etc/%s%s%d"])
def test_a_template_that_is_no_format_of_path_name_and_number_is_refused(destinations, settings, template):
    settings |= {"FileName": "flat", "FileTemplate": template}
    with pytest.raises(Refused):
        destinations.named(NAME.day_obs)


def test_an_existing_file_and_a_missing_folder_are_found(destinations, settings):
    destinations.check(NAME, 1000).write_bytes(b"")
    with pytest.raises(FrameNotWritten, match="exists"):
        destinations.check(NAME, 1000)
    settings |= {"FilePath": "nowhere"}
    with pytest.raises(FrameNotWritten, match="does not exist"):
        destinations.check(NAME, 1000)


# Names and claims.


def test_a_name_is_spent_and_in_the_ledger_before_it_is_returned(tmp_path):
    ledger = Ledger(tmp_path)
    names = ExposureNames(LATISS.identifiers, SequenceRegister(tmp_path), ledger)
    assert names.next(20240624).seq_num == 1
    assert names.spend(20240624, NOON, image_type="BIAS").seq_num == 1
    assert names.next(20240624).seq_num == 2
    assert [entry.event for entry in ledger.entries(20240624)] == ["reserved"]


def test_a_claim_keeps_others_out_until_it_is_released():
    desk = ClaimDesk(lambda: NOON)
    desk.claim("aaaaaaaa alice at the telescope", ALICE)
    with pytest.raises(Refused, match="alice at the telescope"):
        desk.claim("bbbbbbbb bob", BOB)
    with pytest.raises(Refused, match="alice"):
        desk.check_turn(BOB, "bbbbbbbb:1")
    with pytest.raises(Refused, match="alice"):
        desk.release("bbbbbbbb")
    desk.check_turn(ALICE, "")
    desk.check_turn(BOB, "aaaaaaaa:7")
    desk.claim("aaaaaaaa alice again", ALICE)
    desk.release("aaaaaaaa")
    desk.check_turn(BOB, "")


def test_a_claim_falls_with_its_circuit_but_not_during_an_exposure():
    desk = ClaimDesk(lambda: NOON)
    desk.claim("aaaaaaaa alice", ALICE)
    assert not desk.client_gone(BOB, exposing=False)
    assert not desk.client_gone(ALICE, exposing=True)
    assert desk.owner == "aaaaaaaa alice"
    assert desk.drop_orphan()
    assert desk.owner == ""
    desk.claim("aaaaaaaa alice", ALICE)
    assert desk.client_gone(ALICE, exposing=False)
    assert desk.owner == ""


def test_a_claim_keeps_its_day_past_noon():
    now = NOON - 10.0
    desk = ClaimDesk(lambda: now)
    desk.claim("aaaaaaaa alice", ALICE)
    now = NOON + 10.0
    assert desk.day_obs() == 20240623
    desk.claim("aaaaaaaa alice", ALICE)
    assert desk.day_obs() == 20240623
    desk.release("aaaaaaaa")
    assert desk.day_obs() == 20240624


def test_the_image_types_are_the_states_of_the_record():
    text = (files("db") / "ccd.template").read_text()
    states = re.search(r'ImageType"\)(.*?)^}', text, re.DOTALL | re.MULTILINE)
    assert states is not None
    assert re.findall(r'field\(..ST, "(.*?)"\)', states.group(1)) == [image_type.value for image_type in ImageType]
