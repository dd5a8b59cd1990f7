"""The PV contract of a whole instrument: every IOC, its templates, and the substitutions that load them.

`python -m iocs.contract` writes `db/<instrument>.substitutions` from the instrument definition, and the motors, which
a genuine IOC loads only with the EPICS motor module, to `db/<instrument>_motors.substitutions`; with `--check` it
says whether these files are stale, and with `--list` it prints the PVs.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from iocs.ioc import Ioc
from iocs.pv_list import FORMATS, list_pvs, listing
from iocs.records.template import TemplateUse, load
from slitless.definition import Instrument, load_instrument
from slitless.errors import InvalidRequest, SlitlessError

__all__ = ["IOC_MODULES", "has_motor", "ioc_class", "ioc_classes", "main", "substitutions", "template_uses"]

IOC_MODULES = {
    "detector": "iocs.detector",
    "shutter": "iocs.shutter",
    "filter_wheel": "iocs.filter_wheel",
    "grating_wheel": "iocs.grating_wheel",
    "linear_stage": "iocs.linear_stage",
    "telescope": "iocs.telescope",
}
"""The IOCs of an instrument and the modules that are run for them, in the order in which they start."""

HEADING = "# Made from the instrument definition by `python -m iocs.contract`; do not edit.\n"


def ioc_class(module: str) -> type[Ioc]:
    """Return the IOC class that a module defines.

    Raises
    ------
    LookupError
        If it defines none, or several.
    """
    found = [
        cls
        for _, cls in inspect.getmembers(import_module(module), inspect.isclass)
        if issubclass(cls, Ioc) and cls.__module__ == module and "device" in vars(cls)
    ]
    if len(found) != 1:
        raise LookupError(f"{module} defines {len(found)} IOC classes; it must define one")
    return found[0]


def ioc_classes() -> list[type[Ioc]]:
    """Return the classes of all IOCs; imported here and not before, since one process usually runs one."""
    return [ioc_class(module) for module in IOC_MODULES.values()]


def template_uses(instrument: Instrument, prefix: str | None = None) -> list[TemplateUse]:
    """Return every template of the instrument with its macros.

    Parameters
    ----------
    instrument : Instrument
        The instrument definition.
    prefix : str, optional
        Prefix of all PVs; the one of the definition if not given.
    """
    uses: list[TemplateUse] = []
    for cls in ioc_classes():
        own = f"{prefix or instrument.prefix}{cls.device}:"
        uses += [_without_version(use) for use in cls.all_templates(instrument, own)]
    return uses


def _without_version(use: TemplateUse) -> TemplateUse:
    """Leave out the software's version, with which no contract changes."""
    return TemplateUse(use.template, {name: value for name, value in use.macros.items() if name != "VERSION"})


def has_motor(use: TemplateUse) -> bool:
    """Whether a template declares motor records."""
    return any(definition.type == "motor" for definition in load([use], _folder()).values())


def substitutions(uses: Iterable[TemplateUse]) -> str:
    """Return the text of a substitutions file that loads templates."""
    blocks = [HEADING]
    for (template, names), same in groupby(uses, key=lambda use: (use.template, tuple(sorted(use.macros)))):
        rows = [[use.macros[name] for name in names] for use in same]
        lines = [f"    {{ {', '.join(map(_quoted, row))} }}" for row in rows]
        blocks.append("\n".join([f'file "{template}" {{', f"    pattern {{ {', '.join(names)} }}", *lines, "}", ""]))
    return "\n".join(blocks)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _folder() -> Path:
    return Path(str(files("db")))


def _generated(instrument: Instrument) -> dict[Path, str]:
    uses = template_uses(instrument)
    motors = [use for use in uses if has_motor(use)]
    name = instrument.name.lower()
    return {
        _folder() / f"{name}.substitutions": substitutions(use for use in uses if use not in motors),
        _folder() / f"{name}_motors.substitutions": substitutions(motors),
    }


def _list(options: argparse.Namespace) -> str:
    """Return the PVs that the arguments ask for, in the form they ask for."""
    instrument = load_instrument(options.instrument)
    prefix = options.prefix or instrument.prefix
    devices = [cls.device for cls in ioc_classes()]
    if options.device not in (None, *devices):
        raise InvalidRequest("device", options.device, f"it must be one of {', '.join(devices)}")
    pvs = list_pvs(load(template_uses(instrument, prefix), _folder()).values())
    return listing(
        [pv for pv in pvs if pv.name.startswith(f"{prefix}{options.device}:" if options.device else prefix)],
        options.list,
    )


def main(argv: list[str] | None = None) -> int:
    """Write the substitutions of an instrument, or check that they are up to date."""
    parser = argparse.ArgumentParser(description="Writes the substitutions that load an instrument's templates.")
    parser.add_argument(
        "--instrument", default="latiss", help="name or path of the instrument definition (%(default)s)"
    )
    parser.add_argument("--prefix", help="prefix of all PVs, with its colon (the one of the definition)")
    parser.add_argument("--list", choices=FORMATS, help="list the PVs instead")
    parser.add_argument("--device", help="only those of one device, e.g. FILTER")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if a file is stale")
    options = parser.parse_args(argv)
    if options.list:
        try:
            sys.stdout.write(_list(options))
        except (SlitlessError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        return 0
    stale = [
        path
        for path, text in _generated(load_instrument(options.instrument)).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if options.check:
        sys.stderr.writelines(f"{path} is stale; run python -m iocs.contract\n" for path in stale)
        return 1 if stale else 0
    for path, text in _generated(load_instrument(options.instrument)).items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
