"""Names of exposures: day_obs, sequence number, obs_id, exposure id, group id.

Rules as on the Rubin Auxiliary Telescope: `AT_O_YYYYMMDD_NNNNNN`; the day is that of UTC-12 h when
the command began (SITCOMTN-032); sequence numbers restart each day_obs and are never used twice.
"""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from slitless.definition import Identifiers
from slitless.durable import sync_folder
from slitless.errors import SlitlessError
from slitless.instrument_time import isot, utc_datetime

__all__ = [
    "LAST_SEQ_NUM",
    "ExposureName",
    "GroupIds",
    "IdentifiersExhausted",
    "SequenceRegister",
    "day_obs_at",
]

LAST_SEQ_NUM = 99_999  # five digits of the exposure id; obs_lsst raises beyond it
DAY_ROLLS_OVER = timedelta(hours=12)  # day_obs is the date of UTC-12 h
OBS_ID = re.compile(r"([A-Z]+)_([A-Z])_(\d{8})_(\d{6})", re.ASCII)


class IdentifiersExhausted(SlitlessError):
    """No sequence number is left for this day_obs, or the register cannot be kept."""


def day_obs_at(tai_seconds: float) -> int:
    """Return day_obs (YYYYMMDD) at TAI unix seconds: the UTC date twelve hours earlier."""
    return int((utc_datetime(tai_seconds) - DAY_ROLLS_OVER).strftime("%Y%m%d"))


@dataclass(frozen=True)
class ExposureName:
    """The names of one exposure."""

    camera_code: str
    controller: str
    day_obs: int
    seq_num: int

    @classmethod
    def parse(cls, obs_id: str) -> Self:
        """Read an obs_id such as ``AT_O_20240624_000106``.

        Raises
        ------
        ValueError
            If the text is not of that form.
        """
        match = OBS_ID.fullmatch(obs_id)
        if not match:
            raise ValueError(f"obs_id: {obs_id!r} is not of the form AT_O_YYYYMMDD_NNNNNN")
        code, controller, day, seq = match.groups()
        return cls(code, controller, int(day), int(seq))

    @property
    def obs_id(self) -> str:
        """Text name, e.g. ``AT_O_20240624_000106``."""
        return f"{self.camera_code}_{self.controller}_{self.day_obs:08d}_{self.seq_num:06d}"

    @property
    def exposure_id(self) -> int:
        """Integer name: day_obs and a five-digit sequence number, e.g. 2024062400106."""
        return self.day_obs * 100_000 + self.seq_num

    def file_name(self, identifiers: Identifiers) -> str:
        """File name, e.g. ``AT_O_20240624_000106_R00_S00.fits``."""
        return f"{self.obs_id}_{identifiers.raft}_{identifiers.sensor}.fits"


class SequenceRegister:
    """Gives out sequence numbers that are spent for good, whatever is killed afterwards.

    Parameters
    ----------
    folder : Path
        Where the register is kept: one small file a day_obs, holding the last number given out.

    Notes
    -----
    A number is on disk (file and folder fsynced) before it is returned. An advisory lock keeps
    two processes with the same folder from giving out one number twice.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._spent: dict[int, int] = {}
        """The last number that was given out from here, by day."""

    def last(self, day_obs: int) -> int:
        """Return the last number spent on a day, 0 if none.

        Raises
        ------
        IdentifiersExhausted
            If the register holds no number, or one below what it gave out: it is damaged or lost, and
            going on could use an id twice.
        """
        number, spent = self._read(day_obs), self._spent.get(day_obs, 0)
        if number < spent:
            raise IdentifiersExhausted(
                f"exposure register {self._path(day_obs)}: it is at {number}, but {spent} was given out; "
                "the data disk was changed or is not mounted"
            )
        return number

    def _read(self, day_obs: int) -> int:
        try:
            text = self._path(day_obs).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return 0
        if not re.fullmatch(r"\d+\n", text):
            raise IdentifiersExhausted(
                f"exposure register {self._path(day_obs)}: {text!r} is no number; repair it by hand"
            )
        return int(text)

    def spend(self, day_obs: int) -> int:
        """Return the next sequence number of a day, durably spent.

        Raises
        ------
        IdentifiersExhausted
            If 99999 was spent already, or the register is damaged.
        OSError
            If the register cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            seq_num = self.last(day_obs) + 1
            if seq_num > LAST_SEQ_NUM:
                raise IdentifiersExhausted(
                    f"exposure id: sequence number {seq_num} of {day_obs} is above {LAST_SEQ_NUM}"
                )
            self._write(day_obs, seq_num)
            self._spent[day_obs] = seq_num
            return seq_num

    def _path(self, day_obs: int) -> Path:
        return self.folder / f"{day_obs}.last"

    def _write(self, day_obs: int, seq_num: int) -> None:
        partial = self.folder / f"{day_obs}.partial"
        with open(partial, "w", encoding="ascii") as file:
            file.write(f"{seq_num}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self._path(day_obs))
        sync_folder(self.folder)


class GroupIds:
    """Makes group ids: TAI ISO times with milliseconds, no two alike."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, tai_seconds: float) -> str:
        """Return a group id for this moment, moved on by milliseconds if it was given before."""
        self._last = max(round(tai_seconds * 1000), self._last + 1)
        return isot(self._last / 1000, 3)
