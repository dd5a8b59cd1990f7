"""Where frames are written: below the data root, under names nothing else has."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from iocs.wire.client import Refused
from slitless.definition import Identifiers
from slitless.fits.writer import check_destination
from slitless.identifiers import ExposureName

__all__ = ["DEFAULT_TEMPLATE", "Destinations"]

DEFAULT_TEMPLATE = "%s%s_%6.6d.fits"


class Destinations:
    """Works out where a frame goes from the settings of the FITS plugin.

    Parameters
    ----------
    root : Path
        Data root; no file is written outside it.
    identifiers : Identifiers
        What default names are built from.
    setting : callable
        Returns the value of a record of the plugin by its name, e.g. ``FilePath``.
    """

    def __init__(self, root: Path, identifiers: Identifiers, setting: Callable[[str], Any]) -> None:
        self.root = root
        self._identifiers = identifiers
        self._setting = setting

    def folder(self, day_obs: int, path: str | None = None) -> Path:
        """Return the folder of frames of a day: `path` as the FilePath setting says it, the day's own if empty.

        Raises
        ------
        Refused
            If it lies outside the data root.
        """
        asked = str(self._setting("FilePath") if path is None else path).strip()
        folder = self.root / asked if asked else self.root / f"{day_obs:08d}"
        return self._inside(folder)

    def path(self, name: ExposureName) -> Path:
        """Return the file of an exposure.

        Raises
        ------
        Refused
            If the settings give no name, or one outside the data root.
        """
        if self._setting("FileName"):
            return self.root / f"{name.day_obs:08d}" / name.file_name(self._identifiers)
        return self.folder(name.day_obs) / name.file_name(self._identifiers)

    def named(self, day_obs: int) -> Path | None:
        """Return the further name that a client wants for the next file; None if it wants none.

        Raises
        ------
        Refused
            If the settings give no name, or one outside the data root.
        """
        given = str(self._setting("FileName"))
        if not given:
            return None
        template = str(self._setting("FileTemplate")) or DEFAULT_TEMPLATE
        folder = f"{self.folder(day_obs)}/"
        return self._inside(Path(filled(template, folder, given, int(self._setting("FileNumber")))))

    def check(self, name: ExposureName, bytes_needed: int) -> Path:
        """Return the file of an exposure if it can be written there; makes the folder of the day.

        Raises
        ------
        Refused
            If the settings give no valid name.
        FrameNotWritten
            If the file exists, or its folder is missing, not writable or too full.
        """
        path = self.path(name)
        if path.parent == self.root / f"{name.day_obs:08d}" and self.root.is_dir():
            try:
                path.parent.mkdir(exist_ok=True)
            except OSError as error:
                raise Refused(f"{path.parent}: {error.strerror}") from error
        check_destination(path, bytes_needed)
        if self._gives_names() and (further := self.named(name.day_obs)) is not None:
            check_destination(further, 0)
        return path

    def _gives_names(self) -> bool:
        """Whether the plugin gives the next frame its name at once."""
        if self._setting("EnableCallbacks") != "Enable":
            return False
        mode, capturing = self._setting("FileWriteMode"), self._setting("Capture") == "Capture"
        return self._setting("AutoSave") == "Yes" if mode == "Single" else mode == "Stream" and capturing

    def relative(self, path: Path) -> str:
        """Return a path as documents name it: relative to the data root."""
        return os.path.relpath(path, self.root)

    def free_gigabytes(self) -> float:
        """Return the free space below the data root, GB; 0 if it is not there."""
        try:
            room = os.statvfs(self.root)
        except OSError:
            return 0.0
        return room.f_bavail * room.f_frsize / 1e9

    def inside(self, path: str) -> Path:
        """Return a path that a client named, relative to the data root or below it.

        Raises
        ------
        Refused
            If it lies outside the data root.
        """
        return self._inside(self.root / path)

    def _inside(self, path: Path) -> Path:
        """Return `path` if links and ``..`` do not lead out of the data root."""
        normal = Path(os.path.normpath(path))
        for candidate in (normal, Path(os.path.realpath(path))):
            if not candidate.is_relative_to(self.root if candidate is normal else os.path.realpath(self.root)):
                raise Refused(f"{path} is outside the data root {self.root}")
        return normal


def filled(template: str, folder: str, name: str, number: int) -> str:
    """Return a C format filled with path, name and number, as areaDetector does it; trailing ones may be unused.

    Raises
    ------
    Refused
        If the template asks for anything else.
    """
    for values in ((folder, name, number), (folder, name)):
        try:
            return template % values
        except (TypeError, ValueError):
            continue
    raise Refused(f"FileTemplate: {template!r} is no format of path, name and number such as {DEFAULT_TEMPLATE!r}")


def make_folder(folder: Path, depth: int) -> None:
    """Make a folder as areaDetector's CreateDirectory says.

    Parameters
    ----------
    folder : Path
        The folder; nothing happens if it is there.
    depth : int
        0 makes none; -n makes the last n parts of the path at most; n keeps its hands off the first n parts.

    Raises
    ------
    Refused
        If it may be made and cannot.
    """
    missing = 0
    while not Path(*folder.parts[: len(folder.parts) - missing]).exists():
        missing += 1
    allowed = -depth if depth < 0 else len(folder.parts) - depth if depth else 0
    if not 0 < missing <= allowed:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}") from error
