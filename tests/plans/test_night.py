import textwrap

import pytest
import yaml

import plans
from plans.night_file import PLANS, _arguments_of, load_night
from slitless.errors import InvalidRequest


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "night.yaml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


def test_a_night_is_unrolled_with_defaults(write, fake):
    path = write(
        """
        title: Test
        defaults: {program: SPECTRO, filter: SDSSr_65mm}
        steps:
          - take_bias: {nbias: 2}
          - repeat: 2
            steps:
              - take_object: {exptime: 1, filter: empty_1}
              - take_flats: {exptime: 1, nflats: 1}
        """
    )
    steps = load_night(path, fake)
    assert [step.plan for step in steps] == ["take_bias", *["take_object", "take_flats"] * 2]
    assert steps[0].arguments == {"nbias": 2, "program": "SPECTRO"}
    assert steps[1].arguments["filter"] == "empty_1"
    assert steps[2].arguments["filter"] == "SDSSr_65mm"


@pytest.mark.parametrize(
    ("steps", "faults"),
    [
        ("- take_flat: {exptime: 1, nflats: 1}", ["no plan 'take_flat'", "did you mean take_flats"]),
        (
            "- take_flats: {exptime: 1, nflat: 1}",
            ["no argument 'nflat'", "did you mean nflats", "nflats must be given"],
        ),
        ("- take_flats: {exptime: 0.01, nflats: 1}", ["steps[1].take_flats", "[0.1, 3600] s"]),
        ("- take_flats: {exptime: 1, nflats: 1, filter: SDSSx}", ["empty_1, BG40_65mm_1"]),
        ("- take_bias: 5", ["no arguments by name"]),
        ("- point: {right_ascension: 400, declination: 0}", ["[0, 360] deg"]),
        ("- repeat: 0\n  steps: [take_bias: {nbias: 1}]", ["repeat: 0"]),
        ("- take_bias: {nbias: 1}\n  take_acq: {}", ["one plan a step"]),
        ("[]", ["steps"]),
        ("- take_bias: {nbias: x", ["night.yaml"]),
    ],
)
def test_what_is_wrong_is_said_with_its_place(write, fake, steps, faults):
    path = write("steps:\n" + textwrap.indent(steps, "  "))
    with pytest.raises(plans.NightFileError) as error:
        load_night(path, fake)
    for fault in faults:
        assert fault in str(error.value)


def test_every_fault_of_a_night_is_listed_before_anything_happens(write, fake):
    path = write(
        """
        steps:
          - take_bias: {nbias: 1}
          - take_darks: {exptime: -1, ndarks: 1}
          - take_flats: {exptime: 1, nflats: 1, grating: 9}
        """
    )
    with pytest.raises(plans.NightFileError, match=r"(?s)steps\[2\]\.take_darks.*steps\[3\]\.take_flats"):
        next(plans.observe(str(path), spectrograph=fake))


def test_a_file_that_is_not_there_is_named(fake):
    with pytest.raises(plans.NightFileError, match=r"nowhere\.yaml"):
        next(plans.observe("nowhere.yaml", spectrograph=fake))


def test_a_night_is_observed_step_by_step(run_engine, write, spectrograph, documents):
    path = write(
        """
        steps:
          - take_bias: {nbias: 1}
          - setup_instrument: {filter: 1}
          - take_flats: {exptime: 0.5, nflats: 1, reason: twilight}
        """
    )
    outcomes = run_engine(plans.observe(str(path))).plan_result
    assert [len(o.result) for o in outcomes if o.result] == [1, 1]
    assert [start["plan_name"] for start in documents.of("start")] == ["take_bias", "take_flats"]
    assert {stop["exit_status"] for stop in documents.of("stop")} == {"success"}


def test_faults_of_writing_and_of_values_are_listed_together(write, fake):
    path = write(
        """
        steps:
          - take_bais: {nbias: 1}
          - take_darks: {exptime: -1, ndarks: 1}
          - repeat: 2
            steps:
              - take_flats: {exptime: 1, nflats: x}
          - 5
        """
    )
    with pytest.raises(plans.NightFileError) as error:
        load_night(path, fake)
    for fault in ("'take_bais'", "steps[2].take_darks", "steps[3].steps[1].take_flats: nflats: 'x'", "steps[4]: 5"):
        assert str(error.value).count(fault) == 1


def test_a_night_says_what_the_system_said_without_its_error_number(tmp_path, fake):
    for path in (tmp_path / "nowhere.yaml", tmp_path):
        with pytest.raises(plans.NightFileError) as error:
            load_night(path, fake)
        assert str(error.value).startswith(f"{path}: ")
        assert "Errno" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "[" * 5000,
        "steps: {1: 2}",
        "steps: [take_bias: {nbias: 2024-13-45}]",
        "steps: &again [{repeat: 2, steps: *again}]",
        "defaults: {1: 2}\nsteps: [take_acq: {1: 2}]",
    ],
)
def test_a_file_that_is_no_night_is_refused_whatever_it_is(write, fake, text):
    with pytest.raises(plans.NightFileError, match=r"night\.yaml"):
        load_night(write(text), fake)


VALID = {
    "exptime": 1.0,
    "nbias": 1,
    "ndarks": 1,
    "nflats": 1,
    "n": 1,
    "n_shift": 2,
    "row_shift": 50,
    "imgtype": "OBJECT",
    "offset": 0.1,
    "right_ascension": 10.0,
    "declination": -30.0,
    "lit": True,
}
ARGUMENTS = [(plan, argument) for plan in PLANS for argument in _arguments_of(plan)]


ODD_VALUES = ("x", "0", [], [1], {"a": 1}, None, 10_000, 10**400, float("nan"), "\ud800")


@pytest.mark.parametrize(("plan", "argument"), ARGUMENTS)
def test_a_value_of_any_type_is_taken_or_refused_before_anything_happens(fake, plan, argument):
    required = {n: VALID[n] for n, p in _arguments_of(plan).items() if p.default is p.empty}
    for value in ODD_VALUES:
        try:
            next(PLANS[plan](**{**required, argument: value}, spectrograph=fake))
        except (InvalidRequest, StopIteration):
            pass


@pytest.mark.parametrize(("plan", "argument"), ARGUMENTS)
def test_a_list_in_a_night_is_a_fault_with_its_place(write, fake, plan, argument):
    required = {n: VALID[n] for n, p in _arguments_of(plan).items() if p.default is p.empty}
    path = write(yaml.safe_dump({"steps": [{plan: {**required, argument: value}} for value in ([], [1], {"a": 1})]}))
    with pytest.raises(plans.NightFileError) as error:
        load_night(path, fake)
    for number in (1, 2, 3):
        assert f"steps[{number}].{plan}: " in str(error.value)


def test_a_plan_that_breaks_at_its_arguments_is_a_fault_with_its_place(write, fake, monkeypatch):
    def broken(nbias, *, spectrograph):
        raise ZeroDivisionError("a bug")
        yield

    monkeypatch.setitem(PLANS, "take_bias", broken)
    with pytest.raises(plans.NightFileError, match=r"steps\[1\]\.take_bias: ZeroDivisionError: a bug"):
        load_night(write("steps: [take_bias: {nbias: 1}]"), fake)
