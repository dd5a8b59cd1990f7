import textwrap

import pytest

import plans
from plans.night_file import load_night


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
