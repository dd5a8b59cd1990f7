"""Every frame of a folder against itself and, in a data folder, against the documents and the ledger."""

from __future__ import annotations

from pathlib import Path

from capture.check import check_data, frame_files
from slitless.definition import Instrument
from slitless.errors import SlitlessError
from slitless.fits.verify import verify_file

__all__ = ["verify_folder"]


def verify_folder(folder: Path, instrument: Instrument) -> tuple[int, dict[str, list[str]]]:
    """Check all frames below a folder; in a data folder, also that files, documents and ledger agree.

    Returns
    -------
    tuple of int and dict
        How many FITS files there are, and file, exposure or run -> what is wrong; good ones are left out.

    Raises
    ------
    SlitlessError
        If there is no such folder, or no FITS file in it.
    """
    if not folder.is_dir():
        raise SlitlessError(f"{folder}: no such folder")
    problems: dict[str, list[str]] = {}
    if (folder / "journal").is_dir() or (folder / "register").is_dir():
        report = check_data(folder.resolve(), instrument=instrument)
        count = report.files
        for problem in report.problems:
            problems.setdefault(problem.subject, []).append(f"{problem.kind}: {problem.message}")
    else:
        files = frame_files(folder)
        count = len(files)
        found = {str(path.relative_to(folder)): verify_file(path, instrument) for path in files}
        problems = {name: faults for name, faults in found.items() if faults}
    if not count and not problems:
        raise SlitlessError(f"{folder}: holds no FITS file")
    return count, problems
