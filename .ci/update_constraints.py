"""Write constraints.txt anew: install everything in a fresh venv of each Python, freeze, merge.

    python .ci/update_constraints.py python3.11 python3.12 python3.13

Versions that differ between Pythons get an environment marker. Only names and versions are written:
where the packages came from stays out of the file.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^[A-Za-z0-9._-]+==[A-Za-z0-9._+!]+$")
HEADER = """\
# Exact versions of everything `pip install .[dev]` brings, tried on Python {first} to {last}.
# Use: pip install -c constraints.txt .   Written by .ci/update_constraints.py; do not edit by hand.
"""


def freeze(python: str, folder: Path) -> tuple[str, dict[str, str]]:
    """Return the version (``3.12``) of a Python and what a full installation with it pins, by name."""
    venv = folder / Path(python).name
    subprocess.run([python, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "--quiet", f"{ROOT}[dev]"], check=True)
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    # `--all` because setuptools is somebody's run-time need, which freeze hides on old Pythons
    lines = subprocess.run(
        [venv / "bin/pip", "freeze", "--all"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    pins = dict(line.split("==") for line in lines if PIN.match(line))
    pins.pop("pip", None)
    return version, pins


def merge(pins: dict[str, dict[str, str]]) -> list[str]:
    """Return constraint lines; a pin that not all Pythons share says for which it holds."""
    versions = sorted(pins, key=lambda text: tuple(map(int, text.split("."))))
    lines = []
    for name in sorted({name for chosen in pins.values() for name in chosen}, key=str.lower):
        by_pin: dict[str, list[str]] = {}
        for version in versions:
            if name in pins[version]:
                by_pin.setdefault(pins[version][name], []).append(version)
        for pin, holders in by_pin.items():
            lines.append(f"{name}=={pin}{marker(holders, versions)}")
    return lines


def marker(holders: list[str], versions: list[str]) -> str:
    """Return the environment marker for some Pythons of a sorted list; the newest also speaks for later ones."""
    if holders == versions:
        return ""
    if holders[-1] == versions[-1] and holders == versions[-len(holders) :]:
        return f' ; python_version >= "{holders[0]}"'
    if holders == versions[: len(holders)]:
        return f' ; python_version < "{versions[len(holders)]}"'
    return " ; " + " or ".join(f'python_version == "{holder}"' for holder in holders)


def main() -> None:
    """Freeze each Python named on the command line and write the file."""
    pythons = sys.argv[1:] or [sys.executable]
    with tempfile.TemporaryDirectory() as folder:
        pins = dict(freeze(python, Path(folder)) for python in pythons)
    numbers = sorted(pins, key=lambda text: tuple(map(int, text.split("."))))
    text = HEADER.format(first=numbers[0], last=numbers[-1]) + "\n".join(merge(pins)) + "\n"
    (ROOT / "constraints.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
