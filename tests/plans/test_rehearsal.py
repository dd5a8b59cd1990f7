"""Plans without an instrument: what they refuse, in which order they act, and that simulators take them."""

import math
from typing import Any

import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky.simulators import RunEngineSimulator, check_limits, summarize_plan

import plans
from plans import in_use
from slitless.errors import InvalidRequest, SlitlessError

TAKES = {
    "bias": (plans.take_bias, (2,)),
    "darks": (plans.take_darks, (1.0, 2)),
    "flats": (plans.take_flats, (1.0, 2)),
    "object": (plans.take_object, (1.0, 2)),
    "engtest": (plans.take_engtest, (1.0, 2)),
    "acq": (plans.take_acq, ()),
    "cwfs": (plans.take_cwfs, (1.0, 2)),
    "focus": (plans.take_focus, (1.0, 2)),
    "stuttered": (plans.take_stuttered, (0.5, 4, 100)),
    "imgtype": (plans.take_imgtype, ("OBJECT", 1.0, 2)),
}
WITH_OPTICS = [name for name in TAKES if name not in ("bias", "darks")]


@pytest.fixture(autouse=True)
def in_rehearsal(fake):
    plans.use(fake)
    yield
    in_use._spectrograph = in_use._tcs_ready = None


def messages(plan):
    return RunEngineSimulator().simulate_plan(plan)


def commands(plan):
    return [message.command for message in messages(plan)]


def index(of, command, name=None):
    return next(i for i, m in enumerate(of) if m.command == command and (name is None or m.obj.name == name))


def recorded(plan, said):
    """Pass messages on and keep them, also those before an error."""
    for message in plan:
        said.append(message)
        yield message


def refusal(plan) -> str:
    """The error of a plan that must be refused before its first message."""
    with pytest.raises(InvalidRequest) as error:
        next(plan)
    return str(error.value)


def test_without_a_spectrograph_a_plan_says_what_to_do():
    in_use._spectrograph = None
    with pytest.raises(SlitlessError, match=r"plans\.use"):
        next(plans.take_bias(1))


@pytest.mark.parametrize("name", WITH_OPTICS)
@pytest.mark.parametrize("wrong", ["Filter", "Grating", "LinearStage", "frilter", "gating", "linearstate"])
def test_a_misspelt_argument_is_refused_with_the_valid_ones(name, wrong):
    plan, arguments = TAKES[name]
    assert "filter, grating, linear_stage" in refusal(plan(*arguments, **{wrong: 1}))


@pytest.mark.parametrize("name", ["bias", "darks"])
def test_bias_and_dark_take_no_optics(name):
    plan, arguments = TAKES[name]
    assert "filter" in refusal(plan(*arguments, filter=1))


def test_bias_by_type_takes_no_optics_either():
    assert "filter" in refusal(plans.take_imgtype("BIAS", 0, 1, filter=1))


@pytest.mark.parametrize(
    ("optics", "valid"),
    [
        ({"filter": "SDSSx"}, "empty_1, BG40_65mm_1, SDSSr_65mm, OG550_65mm_1"),
        ({"filter": 4}, r"slot in [0, 3]"),
        ({"grating": -1}, "holo4_003"),
        ({"filter": 1.5}, "empty_1"),
        ({"linear_stage": 0.99}, "[1, 67] mm"),
        ({"linear_stage": 67.01}, "[1, 67] mm"),
        ({"linear_stage": math.nan}, "[1, 67] mm"),
    ],
)
def test_optics_the_instrument_does_not_have_are_refused(optics, valid):
    assert valid in refusal(plans.take_flats(1.0, 1, **optics))


@pytest.mark.parametrize("exptime", [0.05, 0, -1, math.nan, math.inf, "long", None])
def test_exposure_times_the_shutter_cannot_do_are_refused(exptime):
    assert "exposure time" in refusal(plans.take_object(exptime))


@pytest.mark.parametrize("n", [0, -1, 1.5, True, 10_000])
def test_numbers_of_frames_that_are_none_are_refused(n):
    assert refusal(plans.take_bias(n)).startswith("nbias: ")
    assert refusal(plans.take_darks(1.0, n)).startswith("ndarks: ")
    assert refusal(plans.take_flats(1.0, n)).startswith("nflats: ")
    assert refusal(plans.take_cwfs(1.0, n)).startswith("n: ")
    assert "n_snaps" in refusal(plans.take_object(1.0, 1, n))


@pytest.mark.parametrize(("n_shift", "row_shift"), [(0, 100), (21, 100), (4, 0)])
def test_stutters_that_do_not_fit_are_refused(n_shift, row_shift):
    refusal(plans.take_stuttered(0.5, n_shift, row_shift))


def test_twenty_slices_of_a_hundred_rows_fit():
    assert "trigger" in commands(plans.take_stuttered(0.5, 20, 100))


def test_an_unknown_image_type_is_refused_with_the_valid_ones():
    assert "BIAS, DARK, FLAT, OBJECT, ENGTEST, ACQ, CWFS, FOCUS, STUTTERED" in refusal(plans.take_imgtype("SPOT", 1, 1))


@pytest.mark.parametrize("argument", ["group_id", "test_type", "reason", "program", "sensors", "note"])
def test_texts_that_do_not_fit_the_records_are_refused(argument):
    wrong: Any
    for wrong in ("é" * 600, 5):
        given: dict[str, Any] = {argument: wrong}
        assert argument in refusal(plans.take_bias(1, **given))


@pytest.mark.parametrize("name", TAKES)
def test_every_plan_claims_takes_one_run_and_unstages(name):
    plan, arguments = TAKES[name]
    said = commands(plan(*arguments))
    assert said[0] == "stage"
    assert said[-1] in ("unstage", "null")
    assert (said.count("open_run"), said.count("close_run")) == (1, 1)


def test_the_order_is_claim_setup_telescope_checkpoint_exposure():
    called = []
    plan = plans.take_object(1.0, 2, filter=1, checkpoint=lambda text: called.append(text))
    said = messages(plan)
    order = [
        index(said, "stage", "detector"),
        index(said, "set", "filter"),
        index(said, "trigger", "telescope_readiness"),
        index(said, "trigger", "detector"),
        index(said, "unstage", "detector"),
    ]
    assert order == sorted(order)
    assert called == ["Expose 1/2 OBJECT", "Expose 2/2 OBJECT"]
    assert sum(m.command == "trigger" and m.obj.name == "telescope_readiness" for m in said) == 1


@pytest.mark.parametrize("name", TAKES)
def test_only_sky_frames_wait_for_the_telescope_and_once(name):
    called = []
    plan, arguments = TAKES[name]
    plans.use(in_use.spectrograph_in_use(), tcs_ready=lambda: called.append(1))
    messages(plan(*arguments))
    assert len(called) == (name in ("object", "engtest", "acq", "cwfs", "imgtype"))


def test_what_the_telescope_hook_raises_comes_unchanged():
    def broken():
        raise KeyError("mount")

    with pytest.raises(KeyError, match="mount"):
        messages(plans.take_object(1.0, tcs_ready=broken))


def test_a_checkpoint_that_raises_exposes_nothing():
    said = []

    def veto(text):
        raise RuntimeError("clouds")

    with pytest.raises(RuntimeError, match="clouds"):
        list(recorded(plans.take_flats(1.0, 2, checkpoint=veto), said))
    assert not any(m.command == "trigger" for m in said)
    closing = next(m for m in said if m.command == "close_run")
    assert (closing.kwargs["exit_status"], closing.kwargs["reason"]) == ("fail", "clouds")
    assert any(m.command == "unstage" for m in said)


def test_a_checkpoint_may_be_a_plan_or_a_stub():
    def checkpoint(text):
        yield from bps.sleep(0)

    assert commands(plans.take_bias(3, checkpoint=checkpoint)).count("sleep") == 3
    assert commands(plans.take_bias(3, checkpoint=lambda text: bps.sleep(0))).count("sleep") == 3


def test_what_is_none_does_not_move():
    said = commands(plans.take_flats(1.0, 1, filter=None, grating=None, linear_stage=None))
    assert "set" not in said


def test_slot_zero_and_its_name_are_the_same():
    for filter_ in (0, "empty_1"):
        (move,) = [m for m in messages(plans.setup_instrument(filter=filter_)) if m.command == "set"]
        assert (move.obj.name, move.args) == ("filter", ("empty_1",))


def test_snaps_are_numbered_within_their_exposure():
    requests = [m.args[0] for m in messages(plans.take_object(1.0, n=2, n_snaps=2)) if m.command == "prepare"]
    assert [(r.snap_index, r.snap_count) for r in requests] == [(1, 2), (2, 2), (1, 2), (2, 2)]
    assert len({r.group_id for r in requests}) == 1


def test_a_given_group_id_is_kept_and_made_ones_differ():
    def group_ids(plan):
        return {m.args[0].group_id for m in messages(plan) if m.command == "prepare"}

    assert group_ids(plans.take_bias(2, group_id="2024-06-25T01:26:31.895#1")) == {"2024-06-25T01:26:31.895#1"}
    (first,), (second,) = group_ids(plans.take_bias(2)), group_ids(plans.take_bias(2))
    assert first != second
    assert len(first) == len("2024-06-25T01:26:31.895")


def test_more_than_two_snaps_give_one_warning():
    with pytest.warns(plans.ObserverWarning, match="n_snaps: 3") as warned:
        messages(plans.take_object(1.0, 1, n_snaps=3))
    assert len(warned) == 1


def test_a_bias_by_type_has_no_time_whatever_is_asked():
    with pytest.warns(plans.ObserverWarning, match="5 s is ignored"):
        said = messages(plans.take_imgtype("BIAS", 5, 1))
    assert [m.args[0].exposure_time for m in said if m.command == "prepare"] == [0.0]


def test_simulators_take_the_plans(capsys):
    summarize_plan(plans.take_flats(1.0, 2, filter="SDSSr_65mm", linear_stage=50))
    said = capsys.readouterr().out
    assert "filter -> SDSSr_65mm" in said
    assert "stage -> 50.0" in said
    engine = RunEngine({})
    check_limits(plans.take_flats(1.0, 2, filter="SDSSr_65mm", linear_stage=50))
    check_limits(plans.focus_sweep(1.0, center=0.0))
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join(10)
    engine.loop.close()


def test_a_focus_sweep_beyond_the_travel_is_refused():
    assert "[-5, 5] mm" in refusal(plans.focus_sweep(1.0, step=1.0, n_steps=9, center=2.0))
    assert "n_steps" in refusal(plans.focus_sweep(1.0, n_steps=4))


def test_a_focus_frame_that_does_not_fit_is_refused():
    assert "below 2000 rows" in refusal(plans.focus_frame(1.0, steps=20, row_shift=100))


@pytest.mark.parametrize("center", ["0", "x", [0.0], True, math.nan, 5.01])
def test_a_center_of_the_focus_that_is_no_position_is_refused(center):
    assert "center" in refusal(plans.focus_sweep(1.0, center=center))
    assert "center" in refusal(plans.focus_frame(1.0, center=center))


@pytest.mark.parametrize("wrong", [3, "x", [1], False])
def test_hooks_that_cannot_be_called_are_refused_before_the_claim(wrong):
    hook: Any = wrong
    assert "checkpoint" in refusal(plans.take_bias(1, checkpoint=hook))
    assert "tcs_ready" in refusal(plans.take_object(1.0, tcs_ready=hook))
    assert "checkpoint" in refusal(plans.focus_frame(1.0, checkpoint=hook))
    assert "checkpoint" in refusal(plans.observe("night.yaml", checkpoint=hook))
    assert "tcs_ready" in refusal(plans.observe("night.yaml", tcs_ready=hook))
    with pytest.raises(InvalidRequest, match="tcs_ready"):
        plans.use(in_use.spectrograph_in_use(), tcs_ready=hook)


@pytest.mark.parametrize("wrong", [3, None, [1]])
def test_a_measure_that_cannot_be_called_is_refused_before_the_claim(wrong):
    measure: Any = wrong
    assert "measure" in refusal(plans.focus_sweep(1.0, measure=measure))


@pytest.mark.parametrize("target", ["\0", "NGC\0 5128", "é" * 512, "x" * 1024, "\ud800", 5, b"M 31"])
def test_a_target_that_does_not_fit_the_record_is_refused_before_the_slew(target):
    assert "target" in refusal(plans.point(10.0, -30.0, target))


def test_a_target_as_long_as_the_record_is_taken():
    assert commands(plans.point(10.0, -30.0, "x" * 1023)) == ["prepare", "wait", "set", "wait"]
