"""Every frame of a folder against itself and, in a data folder, against the documents and the ledger."""

from __future__ import annotations

from pathlib import Path

from slitless.definition import Instrument
from slitless.errors import SlitlessError

__all__ = ["fits_files", "verify_folder"]


def verify_folder(folder: Path, instrument: Instrument) -> tuple[int, dict[str, list[str]]]:
    """Check all frames below a folder; in a data folder, also that files, documents and ledger agree.

    Returns
    -------
    tuple of int and dict
        How many FITS files there are, and file, exposure or run -> what is wrong; good ones are left out.

    Raises
    ------
    SlitlessError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise SlitlessError(f"{folder}: no such folder")
    problems: dict[str, list[str]] = {}
    files = fits_files(folder)
    if (folder / "journal").is_dir() or (folder / "register").is_dir():
        from capture.check import check_data

        for problem in check_data(folder.resolve(), instrument=instrument).problems:
            problems.setdefault(problem.subject, []).append(f"{problem.kind}: {problem.message}")
    else:
        from slitless.fits.verify import verify_file

        found = {str(path.relative_to(folder)): verify_file(path, instrument) for path in files}
        problems = {name: faults for name, faults in found.items() if faults}
    return len(files), problems


def fits_files(folder: Path) -> list[Path]:
    """Return the FITS files below a folder in order of name; hidden ones are unfinished and left out."""
    return sorted(path for path in folder.rglob("*.fits") if not path.name.startswith("."))
