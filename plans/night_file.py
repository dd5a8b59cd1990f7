"""A night's plan as a YAML file, checked as a whole before anything happens.

::

    title: Standards
    defaults: {program: SPECTRO}
    steps:
      - take_bias: {nbias: 10}
      - point: {right_ascension: 201.3, declination: -43.0, target: NGC 5128}
      - repeat: 3
        steps:
          - take_object: {exptime: 30, filter: SDSSr_65mm, grating: holo4_003}
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from bluesky.utils import MsgGenerator
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from devices import Spectrograph
from plans import flat_fields, take
from plans.focus import focus_frame, focus_sweep
from plans.focus_offset import offset_focus
from plans.lamp import switch_lamp
from plans.pointing import point
from plans.setup import setup_instrument
from slitless.errors import SlitlessError

__all__ = ["PLANS", "NightFile", "NightFileError", "Step", "load_night"]

PLANS: Mapping[str, Callable[..., MsgGenerator[Any]]] = {
    **{name: getattr(room, name) for room in (take, flat_fields) for name in room.__all__},
    "setup_instrument": setup_instrument,
    "focus_sweep": focus_sweep,
    "focus_frame": focus_frame,
    "offset_focus": offset_focus,
    "point": point,
    "switch_lamp": switch_lamp,
}
"""What a night may consist of."""

NOT_FOR_FILES = ("checkpoint", "tcs_ready", "spectrograph", "measure")
"""Arguments that are objects of a program."""


class NightFileError(SlitlessError):
    """A night cannot be observed as written; the message lists every fault with its place."""


class Step(BaseModel):
    """One call of a plan."""

    model_config = ConfigDict(frozen=True)

    place: str
    plan: str
    arguments: dict[str, Any]

    def start(self, spectrograph: Spectrograph, **objects: Any) -> MsgGenerator[Any]:
        """Return the plan, ready to run."""
        accepted = inspect.signature(PLANS[self.plan]).parameters
        handed = {name: value for name, value in objects.items() if name in accepted and value is not None}
        return PLANS[self.plan](**self.arguments, **handed, spectrograph=spectrograph)

    def check(self, spectrograph: Spectrograph) -> None:
        """Refuse a step whose plan would refuse its arguments.

        Raises
        ------
        InvalidRequest
            As the plan itself raises it.
        NightFileError
            If the plan fails at these arguments in a way nobody foresaw.
        """
        plan = self.start(spectrograph)
        try:
            next(plan)  # a plan validates everything before its first message
        except StopIteration:
            pass
        except SlitlessError:
            raise
        except Exception as error:  # a fault of the plan; the observer is to learn of it now, not in the night
            raise NightFileError(f"{type(error).__name__}: {error}") from error
        finally:
            plan.close()

    def __str__(self) -> str:
        listed = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.plan}({listed})"


class NightFile(BaseModel):
    """A night's plan as written."""

    model_config = ConfigDict(extra="forbid")

    title: str = ""
    defaults: dict[str, Any] = {}
    """Arguments for every step whose plan takes them and that does not give them itself."""
    steps: Annotated[list[Any], Field(min_length=1)]

    def unrolled(self, faults: list[str]) -> list[Step]:
        """Return the steps in the order they will run, repeats written out.

        What cannot be understood is left out, and said in `faults`.
        """
        steps = list(_unroll(self.steps, self.defaults, "steps", faults))
        unused = [n for n in self.defaults if not any(n in _arguments_of(step.plan) for step in steps)]
        faults += [f"defaults: no step takes {name!r}{_meant(name, _all_arguments())}" for name in unused if steps]
        return steps


def load_night(source: Path | str, spectrograph: Spectrograph) -> list[Step]:
    """Read a night's plan and check all of it.

    Parameters
    ----------
    source : Path or str
        The file.
    spectrograph : Spectrograph
        Whose instrument definition says what is valid.

    Raises
    ------
    NightFileError
        If the file cannot be read, or listing every fault of every step.
    """
    night = _read(source)
    faults: list[str] = []
    try:
        steps = night.unrolled(faults)
    except RecursionError:
        raise NightFileError(f"{source}: steps: a repeat contains itself") from None
    for place, step in {step.place: step for step in steps}.items():
        try:
            step.check(spectrograph)
        except SlitlessError as error:
            faults.append(f"{place}: {error}")
    if faults:
        raise NightFileError(f"{source}: {'; '.join(faults)}")
    return steps


def _read(source: Path | str) -> NightFile:
    try:
        return NightFile.model_validate(yaml.safe_load(Path(source).read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, f['loc'])) or 'file'}: {f['msg']}" for f in error.errors())
        raise NightFileError(f"{source}: {faults}") from error
    except OSError as error:
        raise NightFileError(f"{source}: {error.strerror or error}") from error
    except RecursionError:
        raise NightFileError(f"{source}: nested too deep") from None
    except (ValueError, yaml.YAMLError) as error:  # not UTF-8, no YAML, or a date that is none
        raise NightFileError(f"{source}: {error}") from error


def _unroll(items: Any, defaults: Mapping[str, Any], place: str, faults: list[str]) -> Iterator[Step]:
    for number, item in enumerate(items, start=1):
        here = f"{place}[{number}]"
        if not isinstance(item, dict):
            faults.append(f"{here}: {item!r} is not a plan with arguments, such as take_bias: {{nbias: 10}}")
        elif "repeat" in item:
            yield from _repeated(item, defaults, here, faults)
        elif len(item) != 1:
            faults.append(f"{here}: one plan a step; it has {', '.join(map(repr, item)) or 'none'}")
        else:
            ((plan, arguments),) = item.items()
            step = _step(str(plan), arguments, defaults, here, faults)
            if step is not None:
                yield step


def _repeated(item: dict[str, Any], defaults: Mapping[str, Any], place: str, faults: list[str]) -> Iterator[Step]:
    times, steps = item.get("repeat"), item.get("steps")
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= 999:
        faults.append(f"{place}: repeat: {times!r} is not a whole number in [1, 999]")
    elif set(item) != {"repeat", "steps"} or not isinstance(steps, list) or not steps:
        faults.append(f"{place}: repeat goes with a list of steps and nothing else")
    else:
        inner = list(_unroll(steps, defaults, f"{place}.steps", faults))
        for _ in range(times):
            yield from inner


def _step(plan: str, given: Any, defaults: Mapping[str, Any], place: str, faults: list[str]) -> Step | None:
    if plan not in PLANS:
        faults.append(f"{place}: no plan {plan!r}{_meant(plan, PLANS)}; there are {', '.join(PLANS)}")
        return None
    if given is not None and not isinstance(given, dict):
        faults.append(f"{place}.{plan}: {given!r} are no arguments by name")
        return None
    accepted = _arguments_of(plan)
    arguments = {name: value for name, value in defaults.items() if name in accepted} | (given or {})
    known = True
    for name in given or {}:
        if name not in accepted:
            faults.append(
                f"{place}.{plan}: no argument {name!r}{_meant(name, accepted)}; it takes {', '.join(accepted)}"
            )
            known = False
    missing = [n for n, p in accepted.items() if p.default is inspect.Parameter.empty and n not in arguments]
    if missing:
        faults.append(f"{place}.{plan}: {', '.join(missing)} must be given")
    return Step(place=f"{place}.{plan}", plan=plan, arguments=arguments) if known and not missing else None


def _arguments_of(plan: str) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(PLANS[plan]).parameters
    named = {n: p for n, p in parameters.items() if p.kind is not inspect.Parameter.VAR_KEYWORD}
    return {name: parameter for name, parameter in named.items() if name not in NOT_FOR_FILES}


def _all_arguments() -> set[str]:
    return {name for plan in PLANS for name in _arguments_of(plan)}


def _meant(name: object, valid: Any) -> str:
    begun = [known for known in valid if str(name) and known.startswith(str(name))]
    close = begun or difflib.get_close_matches(str(name), list(valid), n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""
