"""Every image type: how many frames, under which ids, with which shutter, optics and waits."""

import re

import pytest

from plans import (
    ObserverWarning,
    setup_instrument,
    take_acq,
    take_bias,
    take_cwfs,
    take_darks,
    take_engtest,
    take_flats,
    take_focus,
    take_imgtype,
    take_object,
    take_stuttered,
)
from slitless.errors import SlitlessError

TAI_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}")


def test_ten_biases_have_consecutive_ids_and_keep_the_shutter_closed(observatory):
    with observatory.watching() as seen:
        ids = observatory.take(take_bias(10))
    assert ids == list(range(ids[0], ids[0] + 10))
    assert seen == []
    for number in ids:
        header = observatory.header(number)
        assert (header["IMGTYPE"], header["TESTTYPE"]) == ("BIAS", "BIAS")
        assert (header["EXPTIME"], header["SHUTTIME"]) == (0.0, 0.0)


def test_the_purpose_of_biases_is_in_their_headers(observatory):
    ids = observatory.take(take_bias(2, test_type="LBIAS", reason="DAYLIGHT CALIB", program="CALIB"))
    for number in ids:
        header = observatory.header(number)
        assert (header["TESTTYPE"], header["REASON"], header["PROGRAM"]) == ("LBIAS", "DAYLIGHT CALIB", "CALIB")


def test_a_bias_with_an_exposure_time_is_a_bias_of_0_s_with_a_warning(observatory):
    with pytest.warns(ObserverWarning, match="5 s is ignored"):
        (number,) = observatory.take(take_imgtype("BIAS", exptime=5, n=1))
    assert observatory.header(number)["EXPTIME"] == 0.0


def test_darks_keep_the_shutter_closed_and_say_so(observatory):
    with observatory.watching() as seen:
        ids = observatory.take(take_darks(1.0, 4))
    assert len(ids) == 4
    assert seen == []
    for number in ids:
        header = observatory.header(number)
        assert (header["EXPTIME"], header["SHUTTIME"]) == (1.0, 0.0)
        assert header["DARKTIME"] >= 1.0


def test_a_dark_of_0_s_is_taken(observatory):
    (number,) = observatory.take(take_darks(0.0, 1))
    assert observatory.header(number)["IMGTYPE"] == "DARK"


def test_flats_wait_for_all_three_axes_before_the_shutter_opens(observatory):
    with observatory.watching() as seen:
        ids = observatory.take(take_flats(1, 4, filter=1, grating=1, linear_stage=50))
    first_light = seen.index(("shutter_state", "Opening"))
    for arrived in (("filter_in_position", 1), ("grating_in_position", 1), ("stage_motor_is_moving", 0)):
        assert seen.index(arrived) < first_light
    assert not [name for name, _ in seen[first_light:] if not name.startswith("shutter")]
    assert seen.count(("shutter_state", "Opening")) == 4
    for number in ids:
        header = observatory.header(number)
        assert (header["FILTER"], header["FILTSLOT"]) == ("BG40_65mm_1", observatory.read("FILTER:Slot_RBV"))
        assert (header["GRATING"], header["GRATSLOT"]) == ("blue300lpmm_qn1", observatory.read("GRATING:Slot_RBV"))
        assert header["LINSPOS"] == pytest.approx(50.0, abs=0.01)  # mm
        assert header["SHUTTIME"] == pytest.approx(1.0, abs=0.01)  # s


def test_none_moves_nothing(observatory):
    with observatory.watching() as seen:
        observatory.take(take_flats(0.1, 1, filter=None, grating=None, linear_stage=None))
        observatory.take(setup_instrument(filter=None))
    assert {name for name, _ in seen} == {"shutter_state"}


def test_a_name_and_its_slot_mean_the_same(observatory):
    (by_name,) = observatory.take(take_object(0.1, filter="SDSSr_65mm"))
    observatory.take(setup_instrument(filter=0))
    (by_slot,) = observatory.take(take_object(0.1, filter=2))
    headers = [observatory.header(number) for number in (by_name, by_slot)]
    for key, value in (("FILTER", "SDSSr_65mm"), ("FILTBAND", "r"), ("FILTSLOT", 2)):
        assert [header[key] for header in headers] == [value, value]


def test_slot_0_can_be_chosen_by_its_number(observatory):
    observatory.take(setup_instrument(filter=0, grating=0))
    assert (observatory.read("FILTER:Name_RBV"), observatory.read("GRATING:Name_RBV")) == ("empty_1", "empty_1")


@pytest.mark.parametrize("position", [1.0, 67.0])
def test_the_stage_goes_to_its_limits_and_the_header_says_what_it_reads(observatory, position):
    (number,) = observatory.take(take_object(0.1, linear_stage=position))
    readback = observatory.read("STAGE:m1.RBV")
    assert readback == pytest.approx(position, abs=0.01)  # mm
    assert observatory.header(number)["LINSPOS"] == readback


@pytest.mark.parametrize(
    ("plan", "image_type"),
    [(take_engtest, "ENGTEST"), (take_cwfs, "CWFS"), (take_focus, "FOCUS"), (take_acq, "ACQ"), (take_object, "OBJECT")],
)
def test_each_type_of_light_frame_opens_the_shutter_and_says_its_name(observatory, plan, image_type):
    (number,) = observatory.take(plan(0.2))
    header = observatory.header(number)
    assert (header["IMGTYPE"], header["TESTTYPE"], header["EXPTIME"]) == (image_type, image_type, 0.2)
    assert header["SHUTTIME"] == pytest.approx(0.2, abs=0.01)  # s


def test_an_acquisition_frame_needs_no_argument_and_lasts_1_s(observatory):
    (number,) = observatory.take(take_acq())
    assert (observatory.header(number)["IMGTYPE"], observatory.header(number)["EXPTIME"]) == ("ACQ", 1.0)


def test_the_shortest_exposure_the_shutter_can_do_is_taken(observatory):
    (number,) = observatory.take(take_object(0.1))
    assert observatory.header(number)["SHUTTIME"] == pytest.approx(0.1, abs=0.005)


def test_two_exposures_of_two_snaps_are_four_frames_of_one_group(observatory):
    ids = observatory.take(take_object(1, n=2, n_snaps=2))
    headers = [observatory.header(number) for number in ids]
    assert ids == list(range(ids[0], ids[0] + 4))
    assert [header["CURINDEX"] for header in headers] == [1, 2, 1, 2]
    assert {header["MAXINDEX"] for header in headers} == {2}
    assert len({header["GROUPID"] for header in headers}) == 1


def test_three_snaps_give_one_warning_and_three_frames(observatory):
    with pytest.warns(ObserverWarning) as caught:
        ids = observatory.take(take_object(0.1, n_snaps=3))
    assert len(caught) == 1
    assert len(ids) == 3


def test_a_group_id_is_made_from_the_time_and_belongs_to_one_call(observatory):
    groups = []
    for _ in range(2):
        ids = observatory.take(take_bias(2))
        (group,) = {observatory.header(number)["GROUPID"] for number in ids}
        assert TAI_ISO.fullmatch(group)
        assert group == observatory.docs("start")[0]["group_id"]
        assert group < observatory.header(ids[0])["DATE-OBS"]  # both TAI
        groups.append(group)
    assert groups[0] < groups[1]


def test_a_given_group_id_is_kept_as_it_is(observatory):
    (number,) = observatory.take(take_bias(1, group_id="2024-06-25T01:26:31.895#1"))
    assert observatory.header(number)["GROUPID"] == "2024-06-25T01:26:31.895#1"


def test_the_telescope_is_waited_for_once_after_the_set_up_and_before_the_first_checkpoint(observatory):
    order = []

    def ready():
        order.append(f"ready with {observatory.read('FILTER:Name_RBV')}")

    checkpoint = order.append
    observatory.take(take_object(0.1, 4, filter="SDSSr_65mm", tcs_ready=ready, checkpoint=checkpoint))
    frames = [f"Expose {number}/4 OBJECT" for number in (1, 2, 3, 4)]
    assert order == ["ready with SDSSr_65mm", *frames]


@pytest.mark.parametrize("image_type", ["OBJECT", "ENGTEST", "ACQ", "CWFS"])
def test_types_that_look_at_the_sky_wait_for_the_telescope(observatory, image_type):
    calls = []
    observatory.take(take_imgtype(image_type, 0.1, 1, tcs_ready=lambda: calls.append(image_type)))
    assert calls == [image_type]


def test_flats_focus_biases_and_darks_and_stuttered_do_not_wait_for_the_telescope(observatory):
    calls = []
    for image_type in ("FLAT", "FOCUS", "BIAS", "DARK"):
        observatory.take(take_imgtype(image_type, 0.1 * (image_type != "BIAS"), 1, tcs_ready=lambda: calls.append(1)))
    observatory.take(take_stuttered(0.1, 2, 10, tcs_ready=lambda: calls.append(1)))
    assert calls == []


def test_the_shutter_opens_only_when_a_slow_telescope_is_ready(observatory):
    observatory.put("TEL:Ready", 0)
    opened = observatory.read("SHUTTER:OpenCount_RBV")

    def get_ready():
        assert observatory.read("SHUTTER:OpenCount_RBV") == opened
        observatory.put("TEL:Ready", 1)

    waiting = lambda: observatory.RE.state == "running" and "start" in [name for name, _ in observatory.documents]  # noqa: E731
    with observatory.meanwhile(waiting, get_ready) as got_ready:
        ids = observatory.take(take_object(0.1, 2))
    assert got_ready.error is None
    assert len(ids) == 2


def test_a_telescope_that_never_gets_ready_ends_the_run_without_a_frame(observatory):
    observatory.put("TEL:Ready", 0)
    before = observatory.last_id
    try:
        with pytest.raises(SlitlessError, match=r"not ready to take data within 30 s .*TEL:Ready_RBV"):
            observatory.take(take_object(0.1))
    finally:
        observatory.put("TEL:Ready", 1)
    assert observatory.last_id == before
    assert observatory.exit_status == "fail"
    assert "not ready" in observatory.docs("stop")[0]["reason"]
    observatory.expect_good_bias()


def test_what_the_telescope_hook_raises_comes_unchanged_and_nothing_is_exposed(observatory):
    class DomeShut(Exception):
        pass

    def ready():
        raise DomeShut("the dome is shut")

    before = observatory.last_id
    with pytest.raises(DomeShut, match="the dome is shut"):
        observatory.take(take_object(0.1, tcs_ready=ready))
    assert observatory.last_id == before
    assert observatory.exit_status == "fail"
    observatory.expect_good_bias()


def test_a_checkpoint_that_raises_leaves_its_frame_untaken(observatory):
    class EnoughFrames(Exception):
        pass

    def checkpoint(text):
        if text.startswith("Expose 2/"):
            raise EnoughFrames(text)

    before = observatory.last_id
    with pytest.raises(EnoughFrames, match="Expose 2/3 BIAS"):
        observatory.take(take_bias(3, checkpoint=checkpoint))
    assert observatory.last_id == before + 1
    assert len(observatory.events()) == 1
    assert observatory.exit_status == "fail"
    observatory.expect_good_bias()


def test_journal_ledger_and_files_agree_in_the_end(observatory):
    assert observatory.problems() == []
