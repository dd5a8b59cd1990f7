"""The LATISS class has every method of ts_observatory_control's, with its parameters and defaults."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from scripting import LATISS, State

LISTED = [line for line in (Path(__file__).parent / "latiss_api.txt").read_text().splitlines() if line[:1] != "#"]
NAMES = {"State": State}


def _signature(text: str) -> list[tuple[str, object]]:
    """Name and default of each parameter in text such as ``n=1, group_id=None, **kwargs``."""
    found: list[tuple[str, object]] = []
    for part in filter(None, text.split(", ")):
        name, _, default = part.partition("=")
        found.append((name, eval(default, NAMES) if default else inspect.Parameter.empty))  # our own file
    return found


@pytest.mark.parametrize("line", LISTED, ids=lambda line: re.sub(r"\(.*", "", line).split()[-1])
def test_a_method_has_parameters_and_defaults_of_the_original(line):
    *kinds, rest = line.split(" ", line.count("async ") + line.count("static "))
    name, _, parameters = rest.rstrip(")").partition("(")
    method = inspect.getattr_static(LATISS, name)
    assert isinstance(method, staticmethod) == ("static" in kinds)
    function = getattr(LATISS, name)
    assert inspect.iscoroutinefunction(function) == ("async" in kinds)
    prefix = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
    ours = [
        (prefix.get(parameter.kind, "") + parameter.name, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
    ]
    assert ours == _signature(parameters)


def test_the_later_methods_are_there_too():
    flats = inspect.signature(LATISS.take_engtest).parameters
    for name in ("take_indome", "take_cbp", "take_sflat", "take_dflat"):
        assert inspect.signature(getattr(LATISS, name)).parameters == flats
    assert LATISS.get_image_types() == [
        *("BIAS", "DARK", "FLAT", "OBJECT", "ENGTEST", "ACQ", "CWFS", "FOCUS", "STUTTERED"),
        *("INDOME", "CBP", "SFLAT", "DFLAT"),
    ]
    for name in ("disable_checks_for_components", "get_effective_wavelength", "reset_guider_roi"):
        assert callable(getattr(LATISS, name))


def test_arguments_of_the_constructor_are_those_of_the_original():
    arguments = list(inspect.signature(LATISS).parameters)
    assert arguments == ["domain", "log", "intended_usage", "tcs_ready_to_take_data"]
