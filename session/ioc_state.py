"""Which IOCs run over a data folder: the file `<root>/iocs.json`.

Other commands, and clients of other programs, find the IOCs through its address list.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from slitless.errors import InvalidRequest, SlitlessError

__all__ = ["IocPlace", "IocState", "require_speed", "state_lock"]


@dataclass(frozen=True)
class IocPlace:
    """Where one IOC answers."""

    port: int
    """TCP and UDP, on loopback."""
    prefix: str
    pid: int | None = None
    """None while it does not run; its port stays its own."""

    @property
    def is_alive(self) -> bool:
        """Whether its process still runs."""
        if self.pid is None:
            return False
        try:
            command = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return False
        return b"iocs." in command  # a pid is given to another program one day


@dataclass(frozen=True)
class IocState:
    """All IOCs of one data folder, and the time they share."""

    prefix: str
    """Of the system, with its colon."""
    speed: float
    """Instrument seconds per wall second."""
    epoch: float
    """UTC unix seconds at which instrument time was true."""
    iocs: dict[str, IocPlace] = field(default_factory=dict)
    definition: str = "latiss"
    """Of the instrument they serve: a name that ships with Slitless, or the absolute path of a TOML file."""
    seed: int = 0
    """Of the simulated instrument."""

    def __post_init__(self) -> None:
        require_speed(self.speed)

    @property
    def address_list(self) -> str:
        """What clients put into EPICS_CA_ADDR_LIST."""
        ports = dict.fromkeys(place.port for place in self.iocs.values())
        return " ".join(f"127.0.0.1:{port}" for port in ports)

    @property
    def alive(self) -> list[str]:
        """Names of the IOCs that run."""
        return [name for name, place in self.iocs.items() if place.is_alive]

    def without(self, pids: Collection[int]) -> Self:
        """Return the same with the IOCs of these processes, and no others, noted as not running."""
        gone = {name: replace(place, pid=None) for name, place in self.iocs.items() if place.pid in pids}
        return replace(self, iocs=self.iocs | gone)

    def with_pids(self, pids: dict[str, int | None]) -> Self:
        """Return the same with other process ids for some IOCs."""
        changed = {name: replace(place, pid=pids.get(name, place.pid)) for name, place in self.iocs.items()}
        return replace(self, iocs=changed)

    @classmethod
    def read(cls, root: Path) -> Self | None:
        """Return what the file says, None if there is none.

        Raises
        ------
        SlitlessError
            If the file cannot be understood.
        """
        path = _path(root)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            places = {name: IocPlace(**place) for name, place in content["iocs"].items()}
            shared = {name: content[name] for name in ("prefix", "speed", "epoch", "definition", "seed")}
            return cls(iocs=places, **shared)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise SlitlessError(f"{path}: {error}; delete it and start the IOCs again") from error

    @classmethod
    def running(cls, root: Path) -> Self:
        """Return the state of a folder over which IOCs run.

        Raises
        ------
        SlitlessError
            If none does; the message says how to start them.
        """
        state = cls.read(root)
        if state is None or not state.alive:
            raise SlitlessError(f"no IOC runs over {root}; start them with: slitless iocs --data {root}")
        return state

    def write(self, root: Path) -> None:
        """Replace the file, or remove it once nothing runs any more."""
        path = _path(root)
        if not any(place.pid for place in self.iocs.values()):
            path.unlink(missing_ok=True)
            return
        content = {"address_list": self.address_list, **asdict(self)}
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, path)


def require_speed(speed: float) -> None:
    """Refuse a speed of time (instrument seconds per second) at which time does not go on.

    Raises
    ------
    InvalidRequest
        If it is not positive, not finite, or no number.
    """
    if not 0 < speed < math.inf:
        raise InvalidRequest("speed", speed, "it must be greater than 0, and finite")


@contextmanager
def state_lock(root: Path) -> Iterator[None]:
    """Keep other processes from changing the file meanwhile."""
    root.mkdir(parents=True, exist_ok=True)
    with open(root / ".iocs.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _path(root: Path) -> Path:
    return root / "iocs.json"
