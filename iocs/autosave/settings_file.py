"""The file in which an IOC keeps its settings: replaced whole, with the one before beside it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slitless.durable import sync_folder

__all__ = ["Settings", "SettingsFile", "UnusableFile"]

Settings = dict[str, dict[str, Any]]
"""Record, relative to the prefix, to field to value; a state by its name."""

FORMAT = "slitless settings 1"
LARGEST = 10_000_000  # bytes; a thousand settings are a hundred kilobytes


class UnusableFile(Exception):
    """A file that is not a whole settings file of this IOC."""


class SettingsFile:
    """Settings of one IOC on disk.

    Parameters
    ----------
    folder : Path
        Where it stands; made when first written.
    prefix : str
        Of the IOC, e.g. ``LATISS:CAM:``; gives the file its name and is kept in it.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        self.prefix = prefix
        self.path = folder / f"{prefix.rstrip(':').replace(':', '_')}.json"
        self.previous = self.path.with_suffix(".previous.json")

    def load(self) -> tuple[Settings, list[str]]:
        """Return the settings, and what was wrong with files that could not be used.

        A file that cannot be used is set aside as ``<name>.corrupt-<time>``, and the one before is tried; without
        any there are no settings.
        """
        problems: list[str] = []
        for path in (self.path, self.previous):
            try:
                return self._read(path), problems
            except FileNotFoundError:
                continue
            except (OSError, UnusableFile) as error:
                problems.append(f"{path.name}: {error}; {_set_aside(path)}")
        return {}, problems

    def _read(self, path: Path) -> Settings:
        if path.stat().st_size > LARGEST:
            raise UnusableFile(f"more than {LARGEST} bytes")
        try:
            found = json.loads(path.read_bytes())
        except ValueError as error:  # neither JSON nor UTF-8
            raise UnusableFile(f"not whole: {error}") from None
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise UnusableFile("not a settings file of this version")
        if found.get("prefix") != self.prefix:
            raise UnusableFile(f"settings of {found.get('prefix')!r}, not of {self.prefix!r}")
        settings = found.get("settings")
        if not isinstance(settings, dict) or not all(isinstance(fields, dict) for fields in settings.values()):
            raise UnusableFile("no settings in it")
        return settings

    def save(self, settings: Settings) -> None:
        """Replace the file; whatever happens meanwhile, the old one or the new one is there and whole.

        Raises
        ------
        OSError
            If it cannot be written; the old file is still there.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "format": FORMAT,
            "prefix": self.prefix,
            "saved": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings": settings,
        }
        beside = self.path.with_suffix(".new")
        with open(beside, "wb") as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass"))
            file.flush()
            os.fsync(file.fileno())
        if self.path.exists():
            _keep(self.path, self.previous)
        os.replace(beside, self.path)
        sync_folder(self.path.parent)


def _keep(path: Path, previous: Path) -> None:
    """Let `previous` be a second name of the present file, without a moment in which either is missing."""
    link = previous.with_suffix(".link")
    link.unlink(missing_ok=True)
    os.link(path, link)
    os.replace(link, previous)


def _set_aside(path: Path) -> str:
    aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    try:
        os.replace(path, aside)
    except OSError as error:
        return f"cannot be set aside: {error.strerror}"
    return f"set aside as {aside.name}"
