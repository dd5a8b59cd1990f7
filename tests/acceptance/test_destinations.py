"""Where frames go: an existing file, a folder that is missing, full, read-only or forbidden; found before exposing."""

import os
import resource
import stat
import subprocess
from contextlib import contextmanager

import pytest

from capture.journal import JournalError
from plans import take_bias, take_object
from slitless.errors import SlitlessError
from slitless.identifiers import ExposureName


@pytest.fixture
def set_folder(observatory):
    """Let frames go to a folder below the data root; the day's own again after the test."""

    def put(path):
        observatory.put("CAM:FITS1:FilePath", [*path.encode(), 0])

    yield put
    put("")


@pytest.fixture
def expect_refused(observatory):
    """Show that an exposure is refused before anything is spent, and for which reason."""

    def check(*words):
        before, files = observatory.last_id, observatory.files
        opened = observatory.read("SHUTTER:OpenCount_RBV")
        with pytest.raises(SlitlessError) as refusal:
            observatory.take(take_object(0.5))
        message = str(refusal.value)
        assert all(str(word) in message for word in words), message
        assert observatory.exit_status == "fail"
        assert observatory.docs("stop")[0]["reason"] == message
        assert (observatory.last_id, observatory.files) == (before, files)
        assert observatory.read("SHUTTER:OpenCount_RBV") == opened

    return check


@contextmanager
def mounted(folder, options):
    """Mount a file system in memory on a folder; needs root."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"file systems cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def read_only(folder, is_root):
    """Make a folder that nobody can write to, root included."""
    if is_root:
        with mounted(folder, "size=64m,ro"):
            yield folder
        return
    folder.mkdir(exist_ok=True)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        yield folder
    finally:
        folder.chmod(stat.S_IRWXU)


def test_an_existing_file_is_refused_and_never_overwritten(observatory, expect_refused):
    number = observatory.expect_good_bias()
    names = ExposureName.parse(observatory.files[number].name[:20])
    following = ExposureName(names.camera_code, names.controller, names.day_obs, names.seq_num + 1)
    path = observatory.files[number].with_name(following.file_name(observatory.instrument.identifiers))
    path.write_bytes(b"precious")
    expect_refused(path, "exists already and is never overwritten")
    assert path.read_bytes() == b"precious"
    path.unlink()
    assert observatory.expect_good_bias() == following.exposure_id


def test_a_missing_folder_is_refused(observatory, set_folder, expect_refused):
    (observatory.root / "elsewhere").mkdir()
    set_folder("elsewhere")
    (observatory.root / "elsewhere").rmdir()
    expect_refused(observatory.root / "elsewhere", "does not exist")
    set_folder("")
    observatory.expect_good_bias()


def test_a_data_root_that_went_away_is_refused_and_no_id_is_used_again_when_it_is_back(observatory):
    before = observatory.expect_good_bias()
    away = observatory.root.with_name("away")
    observatory.root.rename(away)
    try:
        with pytest.raises(SlitlessError) as refusal:
            observatory.take(take_bias(1))
        assert str(observatory.root) in str(refusal.value)
        assert not observatory.root.exists()
    finally:
        if observatory.root.exists():  # somebody made it anew
            observatory.root.rename(observatory.root.with_name("made-anew"))
        away.rename(observatory.root)
    assert observatory.expect_good_bias() == before + 1


def test_an_empty_folder_in_place_of_the_data_root_does_not_start_the_numbers_again(observatory):
    """A disk that is not mounted shows an empty folder: a register that lost its numbers must not be believed."""
    before = observatory.expect_good_bias()
    away = observatory.root.with_name("away")
    observatory.root.rename(away)
    observatory.root.mkdir()
    try:
        with pytest.raises(SlitlessError):
            observatory.take(take_bias(1))
        assert observatory.files == {}
    finally:
        observatory.root.rename(observatory.root.with_name("not-mounted"))
        away.rename(observatory.root)
    assert observatory.expect_good_bias() == before + 1


def test_a_full_folder_is_refused_with_what_it_needs_and_has(observatory, set_folder, expect_refused):
    with mounted(observatory.root / "full", "size=64k"):
        set_folder("full")
        expect_refused(observatory.root / "full", "needs", "free")
        set_folder("")
    observatory.expect_good_bias()


def test_a_disk_that_fills_up_while_a_frame_is_written_fails_the_exposure_and_leaves_no_part_of_it(observatory):
    before, files = observatory.last_id, observatory.files
    camera = observatory.processes["detector"].pid
    soft, hard = resource.prlimit(camera, resource.RLIMIT_FSIZE)
    resource.prlimit(camera, resource.RLIMIT_FSIZE, (500_000, hard))  # bytes a file; a frame needs more
    try:
        with pytest.raises(SlitlessError, match=r"_R00_S00.fits: File too large"):
            observatory.take(take_object(0.5))
    finally:
        resource.prlimit(camera, resource.RLIMIT_FSIZE, (soft, hard))
    assert observatory.exit_status == "fail"
    assert observatory.last_id == before + 1
    assert observatory.fates() == ["failed"]
    assert observatory.files == files
    assert [path for path in observatory.root.rglob("*.partial") if path.parent.name.isdigit()] == []
    assert observatory.expect_good_bias() == before + 2


def test_a_read_only_folder_is_refused(observatory, set_folder, expect_refused, is_root):
    with read_only(observatory.root / "read-only", is_root):
        set_folder("read-only")
        expect_refused(observatory.root / "read-only", "not writable")
        set_folder("")
    observatory.expect_good_bias()


def test_a_journal_that_cannot_be_written_ends_the_run_before_anything_is_exposed(observatory, is_root):
    before = observatory.expect_good_bias()
    journal = observatory.root / "journal"
    kept = journal.rename(observatory.root / "kept")
    try:
        with read_only(journal, is_root), pytest.raises((JournalError, OSError)) as refusal:
            observatory.take(take_object(0.5))
        assert str(journal) in str(refusal.value)
    finally:
        journal.rmdir()
        kept.rename(journal)
    assert observatory.last_id == before
    assert observatory.read("CAM:cam1:SequenceOwner_RBV") == ""
    assert observatory.expect_good_bias() == before + 1


@pytest.mark.parametrize("path", ["/tmp", "..", "../..", "20240101/../../..", "/", "~"])
def test_a_folder_outside_the_data_root_is_refused_on_the_wire(observatory, set_folder, path):
    before = observatory.read("CAM:FITS1:FilePath_RBV")
    if path == "~":  # no shell expands it: a folder of that name below the root
        set_folder(path)
        assert observatory.read("CAM:FITS1:FilePath_RBV").startswith(str(observatory.root))
        return
    with pytest.raises(SlitlessError, match="was refused"):
        set_folder(path)
    assert observatory.read("CAM:FITS1:FilePath_RBV") == before
    assert f"outside the data root {observatory.root}" in observatory.read("CAM:cam1:CommandError_RBV")


def test_a_link_that_leads_out_of_the_data_root_is_refused(observatory, set_folder, tmp_path):
    os.symlink(tmp_path, observatory.root / "link")
    with pytest.raises(SlitlessError, match="was refused"):
        set_folder("link")
    assert list(tmp_path.iterdir()) == []


def test_frames_go_to_another_folder_below_the_root_when_told(observatory, set_folder):
    (observatory.root / "engineering").mkdir()
    set_folder("engineering")
    (number,) = observatory.take(take_bias(1))
    (event,) = observatory.events()
    assert observatory.files[number].parent == observatory.root / "engineering"
    assert event["data"]["detector_file"] == f"engineering/{observatory.files[number].name}"


def test_journal_ledger_and_files_agree_in_the_end(observatory):
    assert observatory.problems() == []
